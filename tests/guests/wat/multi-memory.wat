;; A core module with two memories; each must be its own. Succeeds if they are.
(component
  (core module $main
    (memory $first 1)
    (memory $second 1)
    (func (export "run") (result i32)
      (i32.store $first (i32.const 16) (i32.const 1))
      (i32.store $second (i32.const 16) (i32.const 2))
      (i32.ne (i32.load $first (i32.const 16)) (i32.const 1))))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
