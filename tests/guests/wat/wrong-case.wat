;; Imports wasi:logging/logging with the right shape and a wrong label: its level has `notice` in the place of `info`.
;; Labels are part of a type, so linking must fail.
(component
  (import "wasi:logging/logging@0.1.0-draft" (instance $logging
    (type $level' (enum "trace" "debug" "notice" "warn" "error" "critical"))
    (export "level" (type $level (eq $level')))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))
  (core module $libc (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))
  (core func $log (canon lower (func $logging "log") (memory (core memory $libc "memory"))))
  (core module $main
    (import "logging" "log" (func $log (param i32 i32 i32 i32 i32)))
    (func (export "run") (result i32)
      (call $log (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
      (i32.const 0)))
  (core instance $main (instantiate $main
    (with "logging" (instance (export "log" (func $log))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
