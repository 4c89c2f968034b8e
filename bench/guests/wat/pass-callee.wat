;; What pass-bench.wat has as its callee, in a file of its own.
(component
  (core module $m
    (memory (export "memory") 1)
    ;; The same block again and again: the crossing is measured, not an allocator.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
    (func (export "measure") (param i32 i32) (result i32) (local.get 1)))
  (core instance $i (instantiate $m))
  (func $next (param "x" u32) (result u32) (canon lift (core func $i "next")))
  (func $measure (param "text" string) (result u32)
    (canon lift (core func $i "measure") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (instance $callee (export "next" (func $next)) (export "measure" (func $measure)))
  (export "bench:pass/callee" (instance $callee)))
