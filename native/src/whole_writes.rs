//! Writes of a preview1 program, passed on whole.
//!
//! The adapter hands on a file's write in pieces of 4,096 bytes, the least that every host must take at once, and each
//! piece becomes a call of the system: a copy with a buffer of 64 KiB takes three to four times as long. This host takes
//! a write of any length, and what is wrapped here runs here alone, so the bound goes.

use std::borrow::Cow;

/// `min(length, 4096)` as the adapter's compiler wrote it: local.get 1, i32.const 4096, the same two, i32.lt_u, select.
const BOUNDED: [u8; 12] = [0x20, 0x01, 0x41, 0x80, 0x20, 0x20, 0x01, 0x41, 0x80, 0x20, 0x49, 0x1b];
/// `length`, and as many nops as the rest was long: nothing else in the module moves.
const WHOLE: [u8; 12] = [0x20, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01];

/// The adapter as it is, where the bound is not found in just one place: its writes are then slow, and as right.
pub fn write_whole(adapter: &[u8]) -> Cow<'_, [u8]> {
    let mut places = adapter.windows(BOUNDED.len()).enumerate().filter(|(_, code)| *code == BOUNDED);
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        return Cow::Borrowed(adapter);
    };
    let mut changed = adapter.to_vec();
    changed[at..at + WHOLE.len()].copy_from_slice(&WHOLE);
    Cow::Owned(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as ADAPTER;

    #[test]
    fn the_adapter_of_this_version_has_the_bound() {
        let changed = write_whole(ADAPTER);
        assert!(matches!(changed, Cow::Owned(_)));
        assert_eq!(changed.len(), ADAPTER.len());
        wasmparser::Validator::new().validate_all(&changed).expect("still a valid module");
    }

    #[test]
    fn another_module_stays_as_it_is() {
        assert!(matches!(write_whole(b"\0asm\x01\0\0\0"), Cow::Borrowed(_)));
        let twice = [BOUNDED, BOUNDED].concat();
        assert!(matches!(write_whole(&twice), Cow::Borrowed(_)));
    }
}
