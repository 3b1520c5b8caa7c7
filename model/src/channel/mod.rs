//! Channels as states: one discipline a file.
//!
//! What a description refers to is an [`Object`]. A channel is one object or several: a pair of pipes
//! is two streams, two connected sockets are two sockets. A new discipline is a file, a variant of
//! [`Object`] and a line in each of its functions.

pub(crate) mod life;
pub mod stream;
pub mod unix;

pub use stream::Stream;
pub use unix::Unix;

use crate::data::Segment;
use crate::kind::Discipline;
use crate::platform::Platform;
use crate::run::Setup;

/// What an open file description refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// Nothing: the entry is free.
    Free,
    /// Bytes in order, each read once.
    Stream(Stream),
    /// A Unix socket.
    Unix(Box<Unix>),
}

impl Object {
    /// The objects of a channel at the start of a run, in the order of its sides.
    pub fn of_channel(platform: &Platform, setup: &Setup) -> impl Iterator<Item = Object> {
        (0..setup.kind.sides).map(move |side| match setup.kind.discipline {
            Discipline::Stream => Object::Stream(Stream::new(platform, setup)),
            Discipline::Unix(kind, _) => {
                Object::Unix(Box::new(Unix::connected(platform, kind, 1 - side)))
            }
        })
    }

    /// The names of all bytes that it holds.
    pub fn segments_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        let (stream, unix) = match self {
            Object::Free => (None, None),
            Object::Stream(stream) => (Some(stream), None),
            Object::Unix(socket) => (None, Some(socket)),
        };
        let pieces = unix.into_iter().flat_map(|socket| &mut socket.queue);
        let segments = stream.into_iter().flat_map(|stream| &mut stream.segments);
        segments.chain(pieces.map(|piece| &mut piece.data))
    }

    /// Bytes that wait to be read.
    pub fn len(&self) -> u32 {
        match self {
            Object::Free => 0,
            Object::Stream(stream) => stream.len(),
            Object::Unix(socket) => socket.len(),
        }
    }

    /// Bytes that wait to be read, with 1 for each message of none.
    pub fn fill(&self) -> u32 {
        match self {
            Object::Unix(socket) => socket.queue.iter().map(|piece| piece.data.len.max(1)).sum(),
            other => other.len(),
        }
    }

    /// Whether no byte waits to be read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
