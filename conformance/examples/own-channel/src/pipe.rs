//! A bounded pipe of bytes between threads. It knows nothing of who judges it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How many bytes it holds.
const CAPACITY_BYTES: usize = 10_000;

/// Writes of up to so many bytes are not mixed with those of others.
const ATOMIC_BYTES: usize = 4096;

/// Nobody can read what is written any more.
#[derive(Debug)]
pub struct Broken;

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    readers: usize,
    writers: usize,
    aborted: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle for reading. The end is gone when its last handle is dropped.
pub struct Reader(Arc<Shared>);

/// A handle for writing.
pub struct Writer(Arc<Shared>);

/// Ends all waiting on a pipe, for good.
pub struct Abort(Arc<Shared>);

/// Makes a pipe.
pub fn pipe() -> (Reader, Writer) {
    let shared = Arc::new(Shared::default());
    shared.lock().readers = 1;
    shared.lock().writers = 1;
    (Reader(shared.clone()), Writer(shared))
}

impl Reader {
    /// Takes what is there, at least one byte unless the pipe is at its end.
    pub fn read(&self, into: &mut [u8]) -> usize {
        let mut state = self.0.lock();
        while state.bytes.is_empty() && state.writers > 0 && !into.is_empty() && !state.aborted {
            state = self.0.wait(state);
        }
        let count = into.len().min(state.bytes.len());
        for (place, byte) in into.iter_mut().zip(state.bytes.drain(..count)) {
            *place = byte;
        }
        self.0.changed.notify_all();
        count
    }

    /// What ends waiting.
    pub fn abort(&self) -> Abort {
        Abort(self.0.clone())
    }
}

impl Writer {
    /// Puts all bytes in, waiting for room.
    pub fn write(&self, mut bytes: &[u8]) -> Result<(), Broken> {
        let whole = if bytes.len() <= ATOMIC_BYTES { bytes.len() } else { 1 };
        let mut state = self.0.lock();
        while !bytes.is_empty() {
            let room = CAPACITY_BYTES - state.bytes.len();
            if state.readers == 0 || state.aborted {
                return Err(Broken);
            } else if room < whole {
                state = self.0.wait(state);
            } else {
                let (now, later) = bytes.split_at(room.min(bytes.len()));
                state.bytes.extend(now);
                bytes = later;
                self.0.changed.notify_all();
            }
        }
        Ok(())
    }

    /// What ends waiting.
    pub fn abort(&self) -> Abort {
        Abort(self.0.clone())
    }
}

impl Abort {
    /// Ends all waiting on the pipe.
    pub fn now(&self) {
        self.0.lock().aborted = true;
        self.0.changed.notify_all();
    }
}

impl Clone for Reader {
    fn clone(&self) -> Reader {
        self.0.lock().readers += 1;
        Reader(self.0.clone())
    }
}

impl Clone for Writer {
    fn clone(&self) -> Writer {
        self.0.lock().writers += 1;
        Writer(self.0.clone())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.lock().readers -= 1;
        self.0.changed.notify_all();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.lock().writers -= 1;
        self.0.changed.notify_all();
    }
}
