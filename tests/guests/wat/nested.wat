;; Two components inside one: $caller imports what $math exports, and each has its own core instance. A call from one to
;; the other is lowered and lifted within the component; a string crosses from one memory to the other.
(component
  (component $math
    (core module $main
      (memory (export "memory") 1)
      (global $top (mut i32) (i32.const 1024))
      (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
        (result i32)
        (local $at i32)
        (local.set $at (i32.and
          (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
        (global.set $top (i32.add (local.get $at) (local.get $size)))
        (local.get $at))
      ;; Adds the bytes of a string.
      (func (export "sum") (param $at i32) (param $length i32) (result i32)
        (local $sum i32)
        (block $done
          (loop $next
            (br_if $done (i32.eqz (local.get $length)))
            (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $length (i32.sub (local.get $length) (i32.const 1)))
            (br $next)))
        (local.get $sum)))
    (core instance $main (instantiate $main))
    (func (export "sum") (param "text" string) (result u32)
      (canon lift (core func $main "sum") (memory (core memory $main "memory")) (realloc (core func $main "realloc")))))

  (component $caller
    (import "sum" (func $sum (param "text" string) (result u32)))
    (core module $libc
      (memory (export "memory") 1)
      (data (i32.const 8) "abc"))
    (core instance $libc (instantiate $libc))
    (core func $lowered (canon lower (func $sum) (memory (core memory $libc "memory"))))
    (core module $main
      (import "math" "sum" (func $sum (param i32 i32) (result i32)))
      (func (export "run") (result i32)
        (i32.ne (call $sum (i32.const 8) (i32.const 3)) (i32.const 294))))
    (core instance $main (instantiate $main
      (with "math" (instance (export "sum" (func $lowered))))))
    (func (export "run") (result (result)) (canon lift (core func $main "run"))))

  (instance $math (instantiate $math))
  (instance $caller (instantiate $caller (with "sum" (func $math "sum"))))
  (instance $cli (export "run" (func $caller "run")))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
