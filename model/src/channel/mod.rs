//! Channels as states: one discipline a file.
//!
//! What a description refers to is an [`Object`]. A channel is one object or several: a pair of pipes
//! is two streams, two connected sockets are two sockets. A new discipline is a file, a variant of
//! [`Object`] and a line in each of its functions.

pub mod cell;
pub mod counter;
pub mod epoll;
pub mod file;
pub mod queue;
pub mod ring;
pub mod stream;
pub mod tcp;
pub mod unix;

pub use cell::Cell;
pub use counter::Counter;
pub use epoll::Epoll;
pub use file::File;
pub use queue::Queue;
pub use ring::Ring;
pub use stream::Stream;
pub use tcp::Tcp;
pub use unix::Unix;

use crate::data::Segment;
use crate::index::ObjectIndex;
use crate::kind::Discipline;
use crate::platform::Platform;
use crate::run::Setup;

/// What an open file description refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Object {
    /// Nothing: the entry is free.
    Free,
    /// Bytes in order, each read once.
    Stream(Stream),
    /// Whole messages in order, each received once.
    Queue(Queue),
    /// Bytes at offsets.
    File(File),
    /// A variable.
    Cell(Cell),
    /// A counter.
    Counter(Counter),
    /// An epoll, which watches others.
    Epoll(Box<Epoll>),
    /// A ring in memory.
    Ring(Ring),
    /// A Unix socket.
    Unix(Box<Unix>),
    /// An end of a TCP connection, with what is on its way to it.
    Tcp(Tcp),
}

impl Object {
    /// The objects of a channel at the start of a run, in the order of its sides.
    pub fn of_channel(platform: &Platform, setup: &Setup) -> impl Iterator<Item = Object> {
        (0..setup.kind.sides).map(move |side| match setup.kind.discipline {
            Discipline::Stream => Object::Stream(Stream::new(platform, setup)),
            Discipline::Queue => Object::Queue(Queue::new(setup)),
            Discipline::File => Object::File(File::default()),
            Discipline::Cell => Object::Cell(Cell::new(setup)),
            Discipline::Counter(takes) => Object::Counter(Counter::new(takes)),
            Discipline::Ring => Object::Ring(Ring::new(setup)),
            Discipline::Unix(kind, _) => {
                Object::Unix(Box::new(Unix::connected(platform, kind, ObjectIndex::from(1 - side))))
            }
            Discipline::Tcp => Object::Tcp(Tcp::connected(ObjectIndex::from(1 - side))),
        })
    }

    /// The names of all bytes that it holds.
    pub fn segments_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        let mut cuts = None;
        let (segments, pieces) = match self {
            Object::Free | Object::Counter(_) | Object::Epoll(_) => (None, None),
            Object::Stream(stream) => (Some(stream.segments.iter_mut()), None),
            Object::Queue(queue) => (Some(queue.messages.iter_mut()), None),
            Object::File(file) => {
                cuts = Some(file.batches.iter_mut().flat_map(|batch| &mut batch.cut));
                (Some(file.segments.iter_mut()), None)
            }
            Object::Cell(cell) => (Some(cell.values.iter_mut()), None),
            Object::Ring(ring) => (Some(ring.segments.iter_mut()), None),
            Object::Tcp(tcp) => (Some(tcp.segments.iter_mut()), None),
            Object::Unix(socket) => (None, Some(socket.queue.iter_mut())),
        };
        let pieces = pieces.into_iter().flatten().map(|piece| &mut piece.data);
        segments.into_iter().flatten().chain(pieces).chain(cuts.into_iter().flatten())
    }

    /// Bytes that wait to be read, or that it holds; of a variable, those of older values that somebody may
    /// still be given; none of a counter.
    pub fn len(&self) -> u32 {
        match self {
            Object::Free | Object::Counter(_) | Object::Epoll(_) => 0,
            Object::Stream(stream) => stream.len(),
            Object::Queue(queue) => queue.messages.iter().map(|message| message.len).sum(),
            Object::File(file) => file.len(),
            Object::Cell(cell) => cell.old_bytes(),
            Object::Ring(ring) => ring.len(),
            Object::Unix(socket) => socket.len(),
            Object::Tcp(tcp) => tcp.len(),
        }
    }

    /// Bytes that wait to be read, with 1 for each message of none; of a counter what it has come to, as far as that can
    /// be told by less than [`u32::MAX`].
    pub fn fill(&self) -> u32 {
        match self {
            Object::Unix(socket) => socket.queue.iter().map(|piece| piece.data.len.max(1)).sum(),
            Object::Counter(counter) => counter.value.min(u64::from(u32::MAX) - 1) as u32,
            other => other.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
