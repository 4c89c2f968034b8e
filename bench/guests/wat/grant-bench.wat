;; Opens a bucket and calls it again and again. The functions have the names of wasi:keyvalue's, by which grants know
;; them, and the least of types: what is measured is the way to them.
(component
  (import "wasi:keyvalue/store@0.2.0-draft" (instance $store
    (export "bucket" (type $bucket (sub resource)))
    (export "open" (func (param "identifier" string) (result (own $bucket))))
    (export "[method]bucket.exists" (func (param "self" (borrow $bucket)) (result u32)))))
  (alias export $store "bucket" (type $bucket))
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 16) "sessions"))
  (core instance $memory (instantiate $memory))
  (core func $open (canon lower (func $store "open") (memory (core memory $memory "memory"))))
  (core func $exists (canon lower (func $store "[method]bucket.exists")))
  (core func $drop (canon resource.drop $bucket))
  (core module $m
    (import "store" "open" (func $open (param i32 i32) (result i32)))
    (import "store" "exists" (func $exists (param i32) (result i32)))
    (import "store" "drop" (func $drop (param i32)))
    (func (export "calls") (param $times i32) (result i32)
      (local $bucket i32)
      (local $sum i32)
      (local.set $bucket (call $open (i32.const 16) (i32.const 8)))
      (loop $again
        (local.set $sum (i32.add (local.get $sum) (call $exists (local.get $bucket))))
        (local.set $times (i32.sub (local.get $times) (i32.const 1)))
        (br_if $again (local.get $times)))
      (call $drop (local.get $bucket))
      (local.get $sum)))
  (core instance $i (instantiate $m
    (with "store" (instance
      (export "open" (func $open))
      (export "exists" (func $exists))
      (export "drop" (func $drop))))))
  (func (export "calls") (param "times" u32) (result u32) (canon lift (core func $i "calls"))))
