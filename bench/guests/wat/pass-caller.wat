;; What pass-bench.wat has as its caller, in a file of its own.
(component
  (import "bench:pass/callee" (instance $callee
    (export "next" (func (param "x" u32) (result u32)))
    (export "measure" (func (param "text" string) (result u32)))))
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 16) "thirty-two letters, and not more"))
  (core instance $memory (instantiate $memory))
  (core func $next (canon lower (func $callee "next")))
  (core func $measure (canon lower (func $callee "measure") (memory (core memory $memory "memory"))))
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
