//! Bytes from one stream to another, without waiting: the caller waits for several at once.

use std::cell::Cell;

use crate::wasi::io::poll::Pollable;
use crate::wasi::io::streams::{InputStream, OutputStream, StreamError};

/// The most that is read at once; the streams may ask for less.
const CHUNK: u64 = 64 * 1024;

pub struct Pump {
    pub input: InputStream,
    pub output: OutputStream,
    /// Something was written that may still lie in the host's buffer.
    pub unflushed: Cell<bool>,
}

pub enum Step {
    /// Something was moved: there may be more.
    Moved,
    /// Nothing can be moved before this is ready.
    Wait(Pollable),
    /// The input has ended, and all of it was written.
    Done,
}

impl Pump {
    pub fn step(&self) -> Result<Step, StreamError> {
        let permitted = self.output.check_write()?;
        if permitted == 0 {
            return Ok(Step::Wait(self.output.subscribe()));
        }
        match self.input.read(permitted.min(CHUNK)) {
            Ok(bytes) if bytes.is_empty() => {
                if self.unflushed.take() {
                    self.output.flush()?;
                }
                Ok(Step::Wait(self.input.subscribe()))
            }
            Ok(bytes) => {
                self.output.write(&bytes)?;
                self.unflushed.set(true);
                Ok(Step::Moved)
            }
            Err(StreamError::Closed) => Ok(Step::Done),
            Err(error) => Err(error),
        }
    }
}
