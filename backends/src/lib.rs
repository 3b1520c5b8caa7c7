//! Real channels of this machine, translated to the words of the specification.
//!
//! ```
//! use std::path::Path;
//!
//! use pipewright_backends::{Channel, Pipe};
//! use pipewright_model::call::Answer;
//! use pipewright_model::run::{Event, Run};
//!
//! let run: Run = "channel pipe
//!     writer: write 2 -> 2
//!     reader: read 5  -> 2".parse()?;
//! let Event::Call(call) = run.events[0] else { unreachable!() };
//! let mut pipe = Pipe::PLAIN.create(Path::new("unused"), &run.seats)?;
//! let seen = pipe.ports[0].call(call.end, call.op, &mut [7, 7]);
//! assert_eq!(seen.answer, Answer::Count(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`channels`]: every channel there is, and [`named`]: one of them;
//! - [`Channel`], [`Port`], [`Instance`], [`Seen`], [`Arrangement`]: what a channel implements;
//! - [`FdPort`]: the port of whatever is made of file descriptors;
//! - [`Pipe`], [`Fifo`], [`File`], [`Variable`], [`SharedMemory`], [`Unix`], [`Tcp`], [`MessageQueue`],
//!   [`Eventfd`]: the channels;
//! - [`memory`]: the data structures of channels that live in memory;
//! - [`troupe`]: processes and threads over several channels;
//! - [`sys`]: shared memory, futexes, processes and signals, for those who drive actors.
//!
//! Nothing here knows which reply is right.

pub mod channel;
pub mod eventfd;
pub mod fifo;
pub mod file;
pub mod memory;
pub mod pipe;
pub mod port;
pub mod queue;
pub mod shared_memory;
pub mod sys;
pub mod tcp;
pub mod troupe;
pub mod unix;
pub mod variable;

pub use channel::{Arrangement, Channel, Instance, Port, Queues, Seen, Sleep};
pub use eventfd::Eventfd;
pub use fifo::Fifo;
pub use file::File;
pub use pipe::Pipe;
pub use port::FdPort;
pub use queue::MessageQueue;
pub use shared_memory::SharedMemory;
pub use tcp::Tcp;
pub use unix::Unix;
pub use variable::Variable;

/// Every channel, in the order of reports. A new one is one file and one line here.
pub fn channels() -> &'static [&'static dyn Channel] {
    &[
        &Pipe::PLAIN,
        &Pipe::NONBLOCKING,
        &Pipe::SMALL,
        &Pipe::PACKET,
        &Pipe::PAIR,
        &Fifo::PLAIN,
        &Fifo::NONBLOCKING,
        &Fifo::SMALL,
        &MessageQueue,
        &Eventfd::PLAIN,
        &Eventfd::NONBLOCKING,
        &Eventfd::SEMAPHORE,
        &File::PLAIN,
        &File::ON_DISK,
        &File::APPEND,
        &File::INHERITED,
        &File::LOCKED,
        &File::FLOCKED,
        &Variable::POLLED,
        &Variable::GUARDED,
        &Variable::POLLED_PAIR,
        &Variable::GUARDED_PAIR,
        &SharedMemory::POLLED,
        &SharedMemory::WAITING,
        &Unix::STREAM,
        &Unix::STREAM_NONBLOCKING,
        &Unix::STREAM_ABSTRACT,
        &Unix::SEQPACKET,
        &Unix::DATAGRAM,
        &Tcp::LOOPBACK,
        &Tcp::NONBLOCKING,
        &Tcp::VETH,
    ]
}

/// The channel called `name`.
pub fn named(name: &str) -> Option<&'static dyn Channel> {
    channels().iter().copied().find(|channel| channel.name() == name)
}
