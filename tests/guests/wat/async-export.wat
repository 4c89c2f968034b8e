;; Exports an async function of WASI 0.3's kind. A host that does not run those must say that, and not that the file is
;; broken.
(component
  (core module $main
    (import "" "task.return" (func $return (param i32)))
    (func (export "run") (result i32) (call $return (i32.const 0)) (i32.const 0))
    (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
  (core func $return (canon task.return (result (result))))
  (core instance $main (instantiate $main
    (with "" (instance (export "task.return" (func $return))))))
  (func $run async (result (result))
    (canon lift (core func $main "run") async (callback (core func $main "callback"))))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.3.0" (instance $cli)))
