;; An inner component that imports from the host what the outer one hands it, as composed components do. Fails if the
;; clock runs backwards.
(component
  (type $clock' (instance (export "now" (func (result u64)))))
  (import "wasi:clocks/monotonic-clock@0.2.12" (instance $clock (type $clock')))
  (component $inner
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
      (export "now" (func (result u64)))))
    (core func $now (canon lower (func $clock "now")))
    (core module $main
      (import "clock" "now" (func $now (result i64)))
      (func (export "run") (result i32)
        (i64.gt_u (call $now) (call $now))))
    (core instance $main (instantiate $main
      (with "clock" (instance (export "now" (func $now))))))
    (func $run (result (result)) (canon lift (core func $main "run")))
    (instance $cli (export "run" (func $run)))
    (export "wasi:cli/run@0.2.12" (instance $cli)))
  (instance $inner (instantiate $inner
    (with "wasi:clocks/monotonic-clock@0.2.0" (instance $clock))))
  (export "wasi:cli/run@0.2.12" (instance $inner "wasi:cli/run@0.2.12")))
