;; Each of these has an outcome that does not hold, but the first.

(component
  (core module $m
    (func (export "one") (result i32) (i32.const 1))
    (func (export "crash") unreachable))
  (core instance $i (instantiate $m))
  (func (export "one") (result u32) (canon lift (core func $i "one")))
  (func (export "crash") (canon lift (core func $i "crash"))))
(assert_return (invoke "one") (u32.const 2))
(assert_return (invoke "one"))
(assert_return (invoke "one") (s32.const 1))
(assert_return (invoke "two") (u32.const 1))
(assert_trap (invoke "one") "unreachable")
(assert_trap (invoke "crash") "integer divide by zero")
(assert_invalid (component) "anything")
(assert_invalid (component (export "f" (func 0))) "unknown table 0")
(assert_malformed (component quote "(component)") "expected `)`")
(assert_unlinkable (component) "nobody")
(component (import "nobody" (func)))
(assert_return (invoke "one") (u32.const 1))
