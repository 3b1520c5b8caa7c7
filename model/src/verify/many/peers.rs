//! The streams to other processes, watched: one that ends before the search has is told by name.
//!
//! Below this, timely's own threads read and write. They answer the end of a stream with a panic, so they never get
//! to see one: whoever reads sleeps from then on until the search has been given up, and what is written goes nowhere.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use timely::communication::allocator::zero_copy::stream::Stream;

/// Another process that takes part.
#[derive(Debug)]
pub struct Peer<S> {
    /// Its name in errors, such as its address.
    pub name: String,
    /// A stream to it, over which nothing else is said.
    pub stream: S,
}

/// Why a search ended before it was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("process {process} ({name}) has gone before the search was done: {why}")]
pub struct Lost {
    /// The number of the process that has gone.
    pub process: usize,
    /// Its name.
    pub name: String,
    /// How that was noticed.
    pub why: String,
}

/// What the threads of a search know of its end.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// A process is gone or has failed: the others wait no more.
    stop: AtomicBool,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    first: Option<Lost>,
    /// The search has been given up: threads that sleep may end.
    over: bool,
    /// Directions of streams that have come to their end.
    ended: usize,
}

impl Watch {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all is to stop.
    pub(super) fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Stops all.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.changed.notify_all();
    }

    /// The first process that is gone.
    pub(super) fn first_lost(&self) -> Option<Lost> {
        self.inner().first.clone()
    }

    fn lose(&self, lost: Lost) {
        self.inner().first.get_or_insert(lost);
        self.stop();
    }

    /// Lets the threads go that sleep since somebody has gone.
    pub(super) fn give_up(&self) {
        self.inner().over = true;
        self.changed.notify_all();
    }

    fn end_one(&self) {
        self.inner().ended += 1;
        self.changed.notify_all();
    }

    /// Waits until so many directions of streams have ended, or somebody has gone.
    pub(super) fn wait_for_ends(&self, ends: usize) {
        let mut inner = self.inner();
        while inner.ended < ends && !self.stops() {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wait_until_given_up(&self) {
        let mut inner = self.inner();
        while !inner.over {
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A stream to another process, as timely is given it.
pub(super) struct Watched<S> {
    process: usize,
    name: String,
    stream: S,
    watch: Arc<Watch>,
    framing: Framing,
}

impl<S> fmt::Debug for Watched<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("process", &self.process).finish_non_exhaustive()
    }
}

impl<S> Watched<S> {
    pub(super) fn new(process: usize, peer: Peer<S>, watch: &Arc<Watch>) -> Watched<S> {
        Watched {
            process,
            name: peer.name,
            stream: peer.stream,
            watch: watch.clone(),
            framing: Framing::default(),
        }
    }

    fn lose(&self, why: impl fmt::Display) {
        let (process, name) = (self.process, self.name.clone());
        self.watch.lose(Lost { process, name, why: why.to_string() });
    }

    /// Ends the thread, without a word, once nobody needs it any more.
    fn end_thread(&self) -> ! {
        self.watch.wait_until_given_up();
        std::panic::resume_unwind(Box::new("the search was given up"))
    }
}

impl<S: Read> Read for Watched<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match read {
            Ok(0) if self.framing.is_at_end() => {
                self.watch.end_one();
                Ok(0)
            }
            Ok(0) => {
                self.lose("its connection was closed");
                self.end_thread()
            }
            Ok(len) => {
                self.framing.see(&buffer[..len]);
                Ok(len)
            }
            Err(error) => {
                self.lose(error);
                self.end_thread()
            }
        }
    }
}

impl<S: Write> Write for Watched<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.watch.stops()
            && let Err(error) = self.stream.write_all(bytes)
        {
            self.lose(error);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Stream> Stream for Watched<S> {
    fn try_clone(&self) -> io::Result<Watched<S>> {
        let (name, watch) = (self.name.clone(), self.watch.clone());
        let stream = self.stream.try_clone()?;
        Ok(Watched { process: self.process, name, stream, watch, framing: Framing::default() })
    }

    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.stream.set_nonblocking(nonblocking)
    }

    /// The end of what is sent. Where all stops, the peer must not take it for the end of a search that was done.
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if !self.watch.stops() {
            // A peer that has what it needs and is gone already is no loss.
            let _ = self.stream.shutdown(how);
            self.watch.end_one();
        }
        Ok(())
    }
}

/// Bytes of the header of a message.
const HEADER: usize = 48;

/// Where in a header the length of the message stands, in bytes and big-endian.
const LENGTH: std::ops::Range<usize> = 32..40;

/// How messages follow each other: a header, which tells the length of what follows. One of no length is the
/// last (`timely_communication::networking::MessageHeader`).
#[derive(Debug, Default)]
struct Framing {
    header: Vec<u8>,
    /// Bytes of the message that are yet to come.
    rest: u64,
    at_end: bool,
}

impl Framing {
    fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skip = self.rest.min(bytes.len() as u64);
            self.rest -= skip;
            bytes = &bytes[skip as usize..];
            let take = (HEADER - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if self.header.len() == HEADER {
                let length = self.header[LENGTH].iter().fold(0, |n, b| n << 8 | u64::from(*b));
                (self.rest, self.at_end) = (length, length == 0);
                self.header.clear();
            }
        }
    }

    fn is_at_end(&self) -> bool {
        self.at_end && self.header.is_empty()
    }
}
