;; Imports from a later patch of wasi:clocks a function that the host's version lacks. Linking must fail and name it.
(component
  (import "wasi:clocks/monotonic-clock@0.2.99" (instance $clock
    (export "now" (func (result u64)))
    (export "tomorrow" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core func $tomorrow (canon lower (func $clock "tomorrow")))
  (core module $main
    (import "clock" "now" (func $now (result i64)))
    (import "clock" "tomorrow" (func $tomorrow (result i64)))
    (func (export "run") (result i32)
      (i64.gt_u (call $now) (call $tomorrow))))
  (core instance $main (instantiate $main
    (with "clock" (instance
      (export "now" (func $now))
      (export "tomorrow" (func $tomorrow))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
