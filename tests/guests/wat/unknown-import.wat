;; Imports an interface that no host knows. Linking must fail and name the import.
(component
  (import "unknown:thing/iface@1.2.3" (instance $iface
    (export "poke" (func (param "how" u32) (result u32)))))
  (core func $poke (canon lower (func $iface "poke")))
  (core module $main
    (import "unknown:thing/iface@1.2.3" "poke" (func $poke (param i32) (result i32)))
    (func (export "run") (result i32) (call $poke (i32.const 1))))
  (core instance $main (instantiate $main
    (with "unknown:thing/iface@1.2.3" (instance (export "poke" (func $poke))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $cli)))
