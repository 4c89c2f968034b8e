;; A core module, not a component, and not one for preview1 either: nothing says how to make a component of it.
(module
  (import "env" "print" (func $print (param i32)))
  (memory (export "memory") 1)
  (func (export "_initialize") (call $print (i32.const 1)))
  (func (export "answer") (result i32) (i32.const 42)))
