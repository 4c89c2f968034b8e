;; Asks for 4 GiB of memory from the start. A host with a limit must refuse it and say so.
(component
  (core module $main
    (memory 65536)
    (func (export "run") (result i32) (i32.const 0)))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
