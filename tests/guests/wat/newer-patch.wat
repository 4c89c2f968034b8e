;; Imports wasi:http/types at a later patch than the host's, and only what the host has: 0.2.x is one line, so it runs.
(component
  (import "wasi:http/types@0.2.99" (instance $types
    (export "fields" (type $fields (sub resource)))
    (export "[constructor]fields" (func (result (own $fields))))))
  (alias export $types "fields" (type $fields))
  (core func $new (canon lower (func $types "[constructor]fields")))
  (core func $drop (canon resource.drop $fields))
  (core module $main
    (import "types" "new" (func $new (result i32)))
    (import "types" "drop" (func $drop (param i32)))
    (func (export "run") (result i32)
      (call $drop (call $new))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "types" (instance
      (export "new" (func $new))
      (export "drop" (func $drop))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
