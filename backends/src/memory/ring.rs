//! A ring of bytes from one producer to one consumer, polled, without locks, over memory that is given.
//!
//! The same code runs over memory of one process ([`on_heap`]) and over memory that processes share
//! (a [`SharedRing`](super::mapping::SharedRing)): all that the two sides share is a [`Header`], valid
//! when all zero, and the bytes after it. It never waits ([`waiting`](super::waiting) does), keeps no
//! boundaries between writes, and does not notice when a peer is killed: closed is what was closed.
//!
//! **What a call costs.** Making a ring allocates or maps its memory; after that no call allocates, locks,
//! enters the kernel, or waits for the other side: a read or write is a few steps and at most two copies,
//! whatever the other side does.
//!
//! **What a peer can do.** A peer in another process may be broken or hostile, and may change header and
//! bytes as it likes. Each side therefore never reads back what it wrote itself: it counts its own
//! position, takes the capacity from its own view of the memory, and takes from the peer only a distance,
//! which is cut down to the capacity. So no access is ever out of bounds, whatever the header says;
//! such a peer can make bytes arrive wrong, late, or never.

#![expect(unsafe_code, reason = "copies to and from the shared bytes; vouches for who is in them")]

use std::cell::Cell;
use std::marker::PhantomData;

use super::line::Line;
use super::sync::{Arc, AtomicU32, AtomicU64, Bytes, Ordering, UnsafeCell, copy_in, copy_out};

/// What both sides of a ring share besides the bytes: three lines, of fixed layout, valid when all zero.
///
/// | offset | | changed by |
/// | --- | --- | --- |
/// | 0 | how many bytes were written, ever (u64, wraps) | producer |
/// | 128 | how many bytes were read, ever (u64, wraps) | consumer |
/// | 256, 260 | producer, consumer: 0 not claimed, 1 open, 2 closed (u32) | that side |
/// | 264, 268 | producer, consumer: 1 if it waits (u32, a futex word) | set there, cleared by its peer |
///
/// Positions count and are no indices, so any capacity will do, and a full ring differs from an empty
/// one. The last line is hardly ever written while both are busy, so both can keep a copy of it.
#[derive(Debug)]
#[repr(C)]
pub struct Header {
    pub(super) written: Line<AtomicU64>,
    pub(super) read: Line<AtomicU64>,
    pub(super) sides: Line<Sides>,
}

/// The third line of a [`Header`].
#[derive(Debug)]
#[repr(C)]
pub(super) struct Sides {
    pub(super) producer: AtomicU32,
    pub(super) consumer: AtomicU32,
    pub(super) producer_waits: AtomicU32,
    pub(super) consumer_waits: AtomicU32,
}

const UNCLAIMED: u32 = 0;
const OPEN: u32 = 1;
const CLOSED: u32 = 2;

impl Header {
    /// The header of a fresh ring, all zero.
    pub fn new() -> Header {
        Header {
            written: Line::new(AtomicU64::new(0)),
            read: Line::new(AtomicU64::new(0)),
            sides: Line::new(Sides {
                producer: AtomicU32::new(UNCLAIMED),
                consumer: AtomicU32::new(UNCLAIMED),
                producer_waits: AtomicU32::new(0),
                consumer_waits: AtomicU32::new(0),
            }),
        }
    }
}

impl Default for Header {
    fn default() -> Header {
        Header::new()
    }
}

/// Memory that holds one ring. A clone of it is the same memory.
///
/// # Safety
///
/// `header` and `bytes` give the same two places each time, on every clone, and these stay valid as long
/// as a clone is left; `bytes` is not empty; the header was all zero before the first claim; and nothing
/// but rings over this memory uses either. (What other processes do is up to them: see the head of
/// this file.)
pub unsafe trait Memory {
    /// Where the header is.
    fn header(&self) -> &Header;

    /// Where the bytes are. Their number is the capacity.
    fn bytes(&self) -> &[UnsafeCell<u8>];
}

/// Memory of this process for one ring.
#[derive(Debug)]
pub struct Heap {
    header: Header,
    bytes: Bytes,
}

// SAFETY: the bytes are entered only by the one producer and the one consumer of the ring, who keep out
// of each other's part by the positions in the header.
unsafe impl Sync for Heap {}
// SAFETY: it is plain memory.
unsafe impl Send for Heap {}

// SAFETY: an `Arc` keeps its value in one place until the last clone is dropped; the fields are private
// and used here alone; `on_heap` makes them, never empty.
unsafe impl Memory for Arc<Heap> {
    #[inline]
    fn header(&self) -> &Header {
        &self.header
    }

    #[inline]
    fn bytes(&self) -> &[UnsafeCell<u8>] {
        self.bytes.cells()
    }
}

/// A ring for two threads.
///
/// # Panics
///
/// If the capacity is 0.
///
/// ```
/// use pipewright_backends::memory::ring::{Closed, on_heap};
///
/// let (mut producer, mut consumer) = on_heap(4);
/// assert_eq!(producer.write(b"abcdef"), Ok(4));
/// assert_eq!(producer.write(b"ef"), Ok(0)); // full
/// let mut bytes = [0; 3];
/// assert_eq!(consumer.read(&mut bytes), Ok(3));
/// assert_eq!(&bytes, b"abc");
/// drop(producer);
/// assert_eq!(consumer.read(&mut bytes), Ok(1)); // what was written stays readable
/// assert_eq!(consumer.read(&mut bytes), Err(Closed)); // then the end is seen
/// ```
pub fn on_heap(capacity_bytes: usize) -> (Producer<Arc<Heap>>, Consumer<Arc<Heap>>) {
    assert!(capacity_bytes > 0, "a ring of no bytes can hold none");
    let memory = Arc::new(Heap { header: Header::new(), bytes: Bytes::zeroed(capacity_bytes) });
    let producer = Producer::claim(Arc::clone(&memory)).expect("a fresh ring");
    (producer, Consumer::claim(memory).expect("a fresh ring"))
}

/// The other side has closed, and there is nothing left that this side could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// The end that writes. There is one: it can be sent to another thread, but neither shared nor cloned.
/// Dropping it closes it.
///
/// ```compile_fail,E0277
/// use pipewright_backends::memory::ring::on_heap;
///
/// let (producer, _consumer) = on_heap(4);
/// std::thread::scope(|scope| {
///     scope.spawn(|| producer.len()); // it is not `Sync`
/// });
/// ```
#[derive(Debug)]
#[repr(align(128))] // Its positions change with each call: on lines that nobody else uses, see `Line`.
pub struct Producer<M: Memory> {
    memory: M,
    /// How many bytes this side has written; what it stores in the header and never reads there.
    written: u64,
    /// The same, modulo the capacity.
    offset: usize,
    /// How many bytes the other side had read when last looked. Older is on the safe side.
    read_seen: u64,
    one_thread: PhantomData<Cell<()>>,
}

impl<M: Memory> Producer<M> {
    /// Becomes the producer of the ring in this memory. `None` if there is or was one, in whatever process.
    ///
    /// A process forked afterwards has a copy of the memory of its parent, not a claim: only one of
    /// the two may use it. Claim after the fork.
    pub fn claim(memory: M) -> Option<Producer<M>> {
        claim(&memory.header().sides.producer).then(|| Producer {
            memory,
            written: 0,
            offset: 0,
            read_seen: 0,
            one_thread: PhantomData,
        })
    }

    /// Writes as many bytes as fit; tells how many. 0 if the ring is full (or `bytes` empty).
    ///
    /// # Errors
    ///
    /// If the consumer has closed.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Closed> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.is_closed() {
            return Err(Closed);
        }
        // All at once, where it is known already that there is room. It says nothing that `write_parts`
        // doesn't; it is apart so that a length known to the compiler is one in the copy.
        let room = self.free_seen() >= bytes.len();
        if let (true, Some(cells)) = (room, piece(self.memory.bytes(), self.offset, bytes.len())) {
            // SAFETY: as in `write_parts`: free, in one piece.
            unsafe { copy_in(cells, bytes) };
            self.count(bytes.len());
            return Ok(bytes.len());
        }
        Ok(self.write_parts(bytes))
    }

    /// Looks at how far the consumer is if it must, and writes in two pieces if it must.
    #[inline(never)]
    fn write_parts(&mut self, bytes: &[u8]) -> usize {
        let mut free = self.free_seen();
        if free < bytes.len() {
            // Acquire: the reader is done with what it has counted, so these bytes may be overwritten.
            self.read_seen = self.memory.header().read.load(Ordering::Acquire);
            free = self.free_seen();
        }
        let count = free.min(bytes.len());
        let until_end = count.min(self.capacity() - self.offset);
        let (until_end, from_start) = bytes[..count].split_at(until_end);
        let cells = self.memory.bytes();
        // SAFETY: these cells are free: the consumer has read past them and keeps out of them until it
        // sees the count stored below; there is one producer, and it is borrowed mutably.
        unsafe {
            copy_in(&cells[self.offset..][..until_end.len()], until_end);
            copy_in(&cells[..from_start.len()], from_start);
        }
        self.count(count);
        count
    }

    /// How many bytes are free for all that this side knows; there may be more.
    #[inline]
    fn free_seen(&self) -> usize {
        let capacity = self.capacity();
        capacity - held(self.written, self.read_seen, capacity)
    }

    /// Says that so many more bytes were written.
    #[inline]
    fn count(&mut self, count: usize) {
        self.offset = advanced(self.offset, count, self.capacity());
        self.written = self.written.wrapping_add(count as u64);
        // Release: who sees the count sees the bytes.
        self.memory.header().written.store(self.written, Ordering::Release);
    }

    /// How many bytes are in the ring. It may be fewer already.
    pub fn len(&self) -> usize {
        // Relaxed: no byte is touched on the strength of this.
        let read = self.memory.header().read.load(Ordering::Relaxed);
        held(self.written, read, self.capacity())
    }

    /// Whether the consumer has read everything.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the ring holds at most.
    pub fn capacity(&self) -> usize {
        self.memory.bytes().len()
    }

    /// Whether the consumer has closed. Who learns of it sees all that the other did before.
    pub fn is_closed(&self) -> bool {
        // Acquire: for what was done beside the ring. No byte hangs on it: the producer touches none more.
        self.memory.header().sides.consumer.load(Ordering::Acquire) == CLOSED
    }

    /// Closes it, as dropping does.
    pub fn close(self) {}

    pub(super) fn mark_closed(&self) {
        // Release: who sees this sees all that was written.
        self.memory.header().sides.producer.store(CLOSED, Ordering::Release);
    }

    pub(super) fn memory(&self) -> &M {
        &self.memory
    }
}

impl<M: Memory> Drop for Producer<M> {
    fn drop(&mut self) {
        self.mark_closed();
    }
}

/// The end that reads. There is one: it can be sent to another thread, but neither shared nor cloned.
/// Dropping it closes it.
///
/// ```compile_fail,E0599
/// use pipewright_backends::memory::ring::on_heap;
///
/// let (_producer, consumer) = on_heap(4);
/// let second = consumer.clone(); // there is one consumer
/// ```
#[derive(Debug)]
#[repr(align(128))] // Its positions change with each call: on lines that nobody else uses, see `Line`.
pub struct Consumer<M: Memory> {
    memory: M,
    /// How many bytes this side has read; what it stores in the header and never reads there.
    read: u64,
    /// The same, modulo the capacity.
    offset: usize,
    /// How many bytes the other side had written when last looked. Older is on the safe side.
    written_seen: u64,
    one_thread: PhantomData<Cell<()>>,
}

impl<M: Memory> Consumer<M> {
    /// Becomes the consumer of the ring in this memory. `None` if there is or was one, in whatever process;
    /// after a fork, as for the [producer](Producer::claim).
    pub fn claim(memory: M) -> Option<Consumer<M>> {
        claim(&memory.header().sides.consumer).then(|| Consumer {
            memory,
            read: 0,
            offset: 0,
            written_seen: 0,
            one_thread: PhantomData,
        })
    }

    /// Reads as many bytes as there are; tells how many. 0 if the ring is empty (or `bytes` is).
    ///
    /// # Errors
    ///
    /// If the producer has closed and all that it wrote has been read.
    #[inline]
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Closed> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let mut there = self.there_seen();
        if there < bytes.len() {
            // First whether it is closed, then what was written: the other way round, a last write
            // between the two looks would be lost.
            let closed = self.is_closed();
            // Acquire: shows the bytes that were counted.
            self.written_seen = self.memory.header().written.load(Ordering::Acquire);
            there = self.there_seen();
            if there == 0 {
                return if closed { Err(Closed) } else { Ok(0) };
            }
        }
        // As in `write`: apart, so that a length known to the compiler is one in the copy.
        let all = there >= bytes.len();
        if let (true, Some(cells)) = (all, piece(self.memory.bytes(), self.offset, bytes.len())) {
            // SAFETY: as in `read_parts`: full, in one piece.
            unsafe { copy_out(cells, bytes) };
            self.count(bytes.len());
            return Ok(bytes.len());
        }
        Ok(self.read_parts(bytes, there))
    }

    /// Reads what is there in two pieces if it must.
    #[inline(never)]
    fn read_parts(&mut self, bytes: &mut [u8], there: usize) -> usize {
        let count = there.min(bytes.len());
        let until_end = count.min(self.capacity() - self.offset);
        let (until_end, from_start) = bytes[..count].split_at_mut(until_end);
        let cells = self.memory.bytes();
        // SAFETY: these cells are full: the producer has counted them and keeps out of them until it
        // sees the count stored below; there is one consumer, and it is borrowed mutably.
        unsafe {
            copy_out(&cells[self.offset..][..until_end.len()], until_end);
            copy_out(&cells[..from_start.len()], from_start);
        }
        self.count(count);
        count
    }

    /// How many bytes are there for all that this side knows; there may be more.
    #[inline]
    fn there_seen(&self) -> usize {
        held(self.written_seen, self.read, self.capacity())
    }

    /// Says that so many more bytes were read.
    #[inline]
    fn count(&mut self, count: usize) {
        self.offset = advanced(self.offset, count, self.capacity());
        self.read = self.read.wrapping_add(count as u64);
        // Release: the copies are done before the producer may overwrite these bytes.
        self.memory.header().read.store(self.read, Ordering::Release);
    }

    /// How many bytes are in the ring. It may be more already.
    pub fn len(&self) -> usize {
        // Relaxed: no byte is touched on the strength of this.
        let written = self.memory.header().written.load(Ordering::Relaxed);
        held(written, self.read, self.capacity())
    }

    /// Whether there is nothing to read now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the ring holds at most.
    pub fn capacity(&self) -> usize {
        self.memory.bytes().len()
    }

    /// Whether the producer has closed. There may be bytes left to read. Who learns of it sees all that the
    /// other did before.
    pub fn is_closed(&self) -> bool {
        // Acquire: the number of bytes written, if it is loaded next, is the last one.
        self.memory.header().sides.producer.load(Ordering::Acquire) == CLOSED
    }

    /// Closes it, as dropping does.
    pub fn close(self) {}

    pub(super) fn mark_closed(&self) {
        // Release: all reads are done before the producer learns that there will be none.
        self.memory.header().sides.consumer.store(CLOSED, Ordering::Release);
    }

    pub(super) fn memory(&self) -> &M {
        &self.memory
    }
}

impl<M: Memory> Drop for Consumer<M> {
    fn drop(&mut self) {
        self.mark_closed();
    }
}

/// Closes both sides of a ring from outside, as if both had been dropped. Who wakes afterwards passes a
/// fence first, as after any change.
pub(super) fn close_both(header: &Header) {
    header.sides.producer.store(CLOSED, Ordering::Release);
    header.sides.consumer.store(CLOSED, Ordering::Release);
}

fn claim(side: &AtomicU32) -> bool {
    // Whoever claims comes with nothing and finds zeros: there is nothing to acquire or release.
    side.compare_exchange(UNCLAIMED, OPEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

/// So many cells in one piece from here, if there are.
#[inline]
fn piece(cells: &[UnsafeCell<u8>], offset: usize, len: usize) -> Option<&[UnsafeCell<u8>]> {
    cells.get(offset..)?.get(..len)
}

/// How many bytes are between the positions; never more than the capacity, whatever a peer says.
#[inline]
fn held(written: u64, read: u64, capacity: usize) -> usize {
    written.wrapping_sub(read).min(capacity as u64) as usize
}

/// An offset moved on by at most the capacity: less work than a remainder, and never beyond it.
#[inline]
fn advanced(offset: usize, count: usize, capacity: usize) -> usize {
    // No overflow: both are at most the capacity, and no allocation is larger than `isize::MAX`.
    let sum = offset + count;
    if sum < capacity { sum } else { sum - capacity }
}
