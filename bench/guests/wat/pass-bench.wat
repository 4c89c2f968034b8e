;; One component calls another in the same file: what bench/abi_bench.cc measures as guest to guest.
(component
  (component $callee
    (core module $m
      (memory (export "memory") 1)
      ;; The same block again and again: the crossing is measured, not an allocator.
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
      (func (export "measure") (param i32 i32) (result i32) (local.get 1)))
    (core instance $i (instantiate $m))
    (func (export "next") (param "x" u32) (result u32) (canon lift (core func $i "next")))
    (func (export "measure") (param "text" string) (result u32)
      (canon lift (core func $i "measure") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))

  (component $caller
    (import "next" (func $next (param "x" u32) (result u32)))
    (import "measure" (func $measure (param "text" string) (result u32)))
    (core module $memory
      (memory (export "memory") 1)
      (data (i32.const 16) "thirty-two letters, and not more"))
    (core instance $memory (instantiate $memory))
    (core func $next (canon lower (func $next)))
    (core func $measure (canon lower (func $measure) (memory (core memory $memory "memory"))))
    (core module $m
      (import "callee" "next" (func $next (param i32) (result i32)))
      (import "callee" "measure" (func $measure (param i32 i32) (result i32)))
      (func (export "numbers") (param $times i32) (result i32)
        (local $x i32)
        (loop $again
          (local.set $x (call $next (local.get $x)))
          (local.set $times (i32.sub (local.get $times) (i32.const 1)))
          (br_if $again (local.get $times)))
        (local.get $x))
      (func (export "strings") (param $times i32) (result i32)
        (local $sum i32)
        (loop $again
          (local.set $sum (i32.add (local.get $sum) (call $measure (i32.const 16) (i32.const 32))))
          (local.set $times (i32.sub (local.get $times) (i32.const 1)))
          (br_if $again (local.get $times)))
        (local.get $sum)))
    (core instance $i (instantiate $m
      (with "callee" (instance
        (export "next" (func $next))
        (export "measure" (func $measure))))))
    (func (export "numbers") (param "times" u32) (result u32) (canon lift (core func $i "numbers")))
    (func (export "strings") (param "times" u32) (result u32) (canon lift (core func $i "strings"))))

  (instance $callee (instantiate $callee))
  (instance $caller (instantiate $caller
    (with "next" (func $callee "next"))
    (with "measure" (func $callee "measure"))))
  (export "numbers" (func $caller "numbers"))
  (export "strings" (func $caller "strings")))
