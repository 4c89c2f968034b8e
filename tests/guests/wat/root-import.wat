;; Imports a function at the root instead of an interface.
(component
  (import "poke" (func $poke (param "how" u32)))
  (core func $lowered (canon lower (func $poke)))
  (core module $main
    (import "" "poke" (func $poke (param i32)))
    (func (export "run") (result i32) (call $poke (i32.const 1)) (i32.const 0)))
  (core instance $main (instantiate $main
    (with "" (instance (export "poke" (func $lowered))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
