//! Channels as states: one discipline a file.
//!
//! What a description refers to is an [`Object`]. A channel is one object or several: a pair of pipes
//! is two streams, two connected sockets are two sockets. A new discipline is a file, a variant of
//! [`Object`] and a line in each of its functions.

pub mod stream;
pub mod tcp;

pub use stream::Stream;
pub use tcp::Tcp;

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
    /// An end of a TCP connection, with what is on its way to it.
    Tcp(Tcp),
}

impl Object {
    /// The objects of a channel at the start of a run, in the order of its sides.
    pub fn of_channel(platform: &Platform, setup: &Setup) -> impl Iterator<Item = Object> {
        (0..setup.kind.sides).map(|side| match setup.kind.discipline {
            Discipline::Stream => Object::Stream(Stream::new(platform, setup)),
            Discipline::Tcp => Object::Tcp(Tcp::connected(1 - side)),
        })
    }

    /// The names of all bytes that it holds.
    pub fn segments_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        match self {
            Object::Free => [].iter_mut(),
            Object::Stream(stream) => stream.segments.iter_mut(),
            Object::Tcp(tcp) => tcp.segments.iter_mut(),
        }
    }

    /// Bytes that wait to be read.
    pub fn len(&self) -> u32 {
        match self {
            Object::Free => 0,
            Object::Stream(stream) => stream.len(),
            Object::Tcp(tcp) => tcp.len(),
        }
    }

    /// Whether no byte waits to be read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
