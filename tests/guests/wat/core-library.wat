;; A reactor: it waits to be called, and no command calls it.
(module
  (memory (export "memory") 1)
  (func (export "_initialize"))
  (func (export "answer") (result i32) (i32.const 42)))
