;; Imports wasi:keyvalue/atomics with a function of another type: increment takes no bucket here. Linking must fail and
;; say what differs.
(component
  (import "wasi:keyvalue/atomics@0.2.0-draft" (instance $atomics
    (export "increment" (func (param "key" string) (param "delta" u64) (result u64)))))
  (core module $libc (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))
  (core func $increment
    (canon lower (func $atomics "increment") (memory (core memory $libc "memory"))))
  (core module $main
    (import "kv" "increment" (func $increment (param i32 i32 i64) (result i64)))
    (func (export "run") (result i32)
      (drop (call $increment (i32.const 0) (i32.const 0) (i64.const 1)))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "kv" (instance (export "increment" (func $increment))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
