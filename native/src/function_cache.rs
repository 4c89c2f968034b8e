//! Compiled functions kept in a file, each by what it was made of: a component that changed a little compiles only that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hasher};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use wasmtime::{CacheStore, Config};
use wasmtime_c_api::wasm_config_t;

const _: () = assert!(size_of::<wasm_config_t>() == size_of::<Config>());

/// An entry of the file: lengths of key and value, a checksum of the lengths and of both, then these.
const HEAD: usize = 4 + 4 + 8;
/// What is kept, in memory and in the file; what would go beyond it makes both begin anew.
const MOST_BYTES: usize = 256 << 20;

#[derive(Debug)]
struct FunctionCache {
    kept: RwLock<HashMap<Box<[u8]>, Box<[u8]>>>,
    written: Mutex<Written>,
    most_bytes: usize,
}

#[derive(Debug)]
struct Written {
    file: File,
    /// Of all entries that are kept, also of those that the file could not take.
    bytes: usize,
    /// No more is written after an entry that may be torn: what followed it would never be read.
    whole: bool,
}

fn checksum(key: &[u8], value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_usize(key.len());
    hasher.write(key);
    hasher.write_usize(value.len());
    hasher.write(value);
    hasher.finish()
}

/// The entry at the beginning of `bytes` and how long it is; none where it is cut off or damaged.
fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let head = bytes.get(..HEAD)?;
    let key_length = u32::from_le_bytes(head[..4].try_into().ok()?) as usize;
    let value_length = u32::from_le_bytes(head[4..8].try_into().ok()?) as usize;
    let end = HEAD.checked_add(key_length)?.checked_add(value_length)?;
    let rest = bytes.get(HEAD..end)?;
    let (key, value) = rest.split_at(key_length);
    (checksum(key, value) == u64::from_le_bytes(head[8..].try_into().ok()?)).then_some((key, value, end))
}

impl FunctionCache {
    /// Reads what is there; from the first damaged entry on the file is cut off.
    fn open(path: &Path, most_bytes: usize) -> std::io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut kept = HashMap::new();
        let mut good = 0;
        if file.metadata()?.len() <= most_bytes as u64 {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            while let Some((key, value, length)) = entry(&bytes[good..]) {
                kept.insert(key.into(), value.into());
                good += length;
            }
        }
        file.set_len(good as u64)?;
        let written = Written { file, bytes: good, whole: true };
        Ok(Self { kept: RwLock::new(kept), written: Mutex::new(written), most_bytes })
    }
}

impl CacheStore for FunctionCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.kept.read().ok()?.get(key).map(|value| Cow::Owned(value.to_vec()))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let length = HEAD + key.len() + value.len();
        let (Ok(key_length), Ok(value_length)) = (u32::try_from(key.len()), u32::try_from(value.len())) else {
            return false;
        };
        if length > self.most_bytes {
            return false;
        }
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(key_length.to_le_bytes());
        bytes.extend(value_length.to_le_bytes());
        bytes.extend(checksum(key, &value).to_le_bytes());
        bytes.extend(key);
        bytes.extend(&value);

        // One after the other from here on: memory and file begin anew together.
        let Ok(mut written) = self.written.lock() else { return false };
        let Ok(mut kept) = self.kept.write() else { return false };
        if kept.contains_key(key) {
            return true; // two threads compiled the same
        }
        if written.bytes + length > self.most_bytes {
            kept.clear();
            written.bytes = 0;
            written.whole = written.file.set_len(0).is_ok();
        }
        kept.insert(key.into(), value.into());
        drop(kept);
        written.bytes += length;
        // What cannot be written is there as long as the engine is.
        written.whole = written.whole && written.file.write_all(&bytes).is_ok();
        written.whole
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn unbolt_config_keep_functions(
    config: &mut wasm_config_t,
    path: *const u8,
    length: usize,
) -> bool {
    let config: &mut Config = unsafe { &mut *std::ptr::from_mut(config).cast() };
    let path = std::str::from_utf8(unsafe { std::slice::from_raw_parts(path, length) });
    let cache = path.ok().and_then(|path| FunctionCache::open(Path::new(path), MOST_BYTES).ok());
    cache.is_some_and(|cache| config.enable_incremental_compilation(Arc::new(cache)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("unbolt-functions-{}-{name}", std::process::id()));
            let _ = std::fs::remove_file(&path);
            Self(path)
        }
        fn open(&self, most_bytes: usize) -> FunctionCache {
            FunctionCache::open(&self.0, most_bytes).expect("a file")
        }
        fn length(&self) -> usize {
            std::fs::metadata(&self.0).expect("a file").len() as usize
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn what_is_kept_outlives_the_engine_and_is_written_once() {
        let file = Scratch::new("outlives");
        let cache = file.open(1000);
        assert!(cache.insert(b"key", vec![7; 50]));
        assert!(cache.insert(b"key", vec![7; 50]));
        assert_eq!(file.length(), HEAD + 3 + 50);
        drop(cache);
        assert_eq!(file.open(1000).get(b"key").as_deref(), Some(&[7; 50][..]));
    }

    #[test]
    fn memory_and_file_stay_below_the_bound() {
        let file = Scratch::new("bound");
        let cache = file.open(1000);
        for i in 0..500u32 {
            assert!(cache.insert(&i.to_le_bytes(), vec![i as u8; 60]));
            assert!(file.length() <= 1000);
            let kept = cache.kept.read().unwrap();
            assert!(kept.iter().map(|(key, value)| HEAD + key.len() + value.len()).sum::<usize>() <= 1000);
            drop(kept);
            assert_eq!(cache.get(&i.to_le_bytes()).as_deref(), Some(&[i as u8; 60][..]));
        }
        let count = cache.kept.read().unwrap().len();
        assert!(!cache.insert(b"too large", vec![0; 1000]));
        assert_eq!(cache.kept.read().unwrap().len(), count);
        drop(cache);
        assert_eq!(file.open(1000).kept.read().unwrap().len(), count);
        assert_eq!(file.open(100).kept.read().unwrap().len(), 0);
        assert_eq!(file.length(), 0);
    }

    #[test]
    fn no_flipped_bit_is_read_as_a_function() {
        let file = Scratch::new("flipped");
        let cache = file.open(1000);
        assert!(cache.insert(b"one", vec![1; 20]));
        assert!(cache.insert(b"two", vec![2; 20]));
        drop(cache);
        let good = std::fs::read(&file.0).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&file.0, &bytes).unwrap();
            let cache = file.open(1000);
            let first = bit / 8 >= good.len() / 2;
            assert_eq!(cache.get(b"one").as_deref(), first.then_some(&[1; 20][..]), "{bit}");
            assert_eq!(cache.kept.read().unwrap().len(), usize::from(first), "{bit}");
            assert_eq!(file.length(), if first { good.len() / 2 } else { 0 }, "{bit}");
        }
    }
}
