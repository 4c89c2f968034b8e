;; Exports neither an HTTP handler nor wasi:cli/run: there is nothing to run or serve.
(component
  (core module $main (func (export "twice") (param i32) (result i32)
    (i32.mul (local.get 0) (i32.const 2))))
  (core instance $main (instantiate $main))
  (func $twice (param "x" u32) (result u32) (canon lift (core func $main "twice")))
  (instance $math (export "twice" (func $twice)))
  (export "test:none/math@1.0.0" (instance $math)))
