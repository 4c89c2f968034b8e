;; A preview1 program that takes all memory there is for its own, and expects what it adds to follow what it has.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\03\00\00\00ok\n")
  (func $print
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))
      (then (call $proc_exit (i32.const 2)))))
  (func $expect (param $is i32) (param $wanted i32)
    (if (i32.ne (local.get $is) (local.get $wanted)) (then (call $proc_exit (i32.const 3)))))
  (func $fill (param $from i32)
    (memory.fill (local.get $from) (i32.const 0xab)
      (i32.sub (i32.shl (memory.size) (i32.const 16)) (local.get $from))))
  (func (export "_start")
    ;; Before the adapter has anything: no buffers, to what is no descriptor and to one that is.
    (call $expect (call $fd_write (i32.const 99) (i32.const 0) (i32.const 0) (i32.const 32)) (i32.const 8))
    (call $expect (call $fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 32)) (i32.const 0))
    (call $print)
    (call $expect (memory.size) (i32.const 1))
    (call $fill (i32.const 64))
    (call $print)
    (call $expect (memory.grow (i32.const 10)) (i32.const 1))
    (call $expect (memory.size) (i32.const 11))
    (call $fill (i32.const 64))
    (call $print)
    ;; What is added is empty.
    (call $expect (memory.grow (i32.const 1)) (i32.const 11))
    (call $expect (i32.load (i32.const 0xb0000)) (i32.const 0))
    (call $expect (memory.grow (i32.const 0)) (i32.const 12))
    (call $expect (memory.grow (i32.const 65536)) (i32.const -1))
    (call $expect (memory.grow (i32.const -1)) (i32.const -1))
    ;; Up to the limit.
    (block $full (loop $more
      (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
      (br $more)))
    (call $fill (i32.const 64))
    (call $print)
    (call $proc_exit (i32.shr_u (memory.size) (i32.const 3)))))
