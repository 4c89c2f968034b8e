;; Passes a string to the host and back in the encoding latin1+utf16: exports echo-string, and calls the host's.
(component
  (import "test:types/host" (instance $host
    (export "echo-string" (func (param "x" string) (result string)))))
  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    ;; Never frees. When a block grows, its bytes move along.
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
      (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (block $enough
        (loop $more
          (br_if $enough (i32.le_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))))
          (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
          (br $more)))
      (memory.copy (local.get $at) (local.get $old)
        (select (local.get $size) (local.get $old_size)
          (i32.lt_u (local.get $size) (local.get $old_size))))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (core func $echo (canon lower (func $host "echo-string") string-encoding=latin1+utf16
    (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core module $main
    (import "host" "echo-string" (func $echo (param i32 i32 i32)))
    (func (export "echo-string") (param $at i32) (param $length i32) (result i32)
      (call $echo (local.get $at) (local.get $length) (i32.const 8))
      (i32.const 8)))
  (core instance $main (instantiate $main
    (with "host" (instance (export "echo-string" (func $echo))))))
  (func $echo_string (param "x" string) (result string)
    (canon lift (core func $main "echo-string") string-encoding=latin1+utf16
      (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (instance $echo (export "echo-string" (func $echo_string)))
  (export "test:types/echo" (instance $echo)))
