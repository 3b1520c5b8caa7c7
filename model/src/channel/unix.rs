//! Unix sockets: what each holds, and what sending costs its sender.
//!
//! Only the container is here, and what goes with it when it dies. When a call may transfer, wait or fail
//! is stated in [`crate::rules`].
//!
//! On Linux (`net/unix/af_unix.c`) what was sent and not yet read is charged to its sender, by the memory
//! that it takes, which is more than its bytes: a message of one byte costs 768.

use smallvec::SmallVec;

use crate::call::Actor;
use crate::data::{Segment, Segments, joined, push_segment};
use crate::index::{DescriptionIndex, ObjectIndex};
use crate::kind::SocketType;
use crate::platform::{Account, Platform};

/// How far a socket has got in life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Life {
    /// Neither connected nor listening.
    Unconnected,
    /// Listening: so many connections may wait to be accepted, besides one.
    Listening(u16),
    /// Connected, now or once; of a datagram socket [`Peer`] tells all.
    Connected,
}

/// The peer of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Peer {
    /// Nobody.
    None,
    /// A socket.
    Socket(ObjectIndex),
    /// A socket that is closed.
    Gone,
}

/// Piece of a stream, or message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Piece {
    /// The bytes that are still to be read.
    pub data: Segment,
    /// What it costs its sender until all is read.
    pub cost: u32,
    /// The socket that sent it, if that lives.
    pub sender: Option<ObjectIndex>,
    /// The open file description that travels with it.
    pub passed: Option<DescriptionIndex>,
}

/// A socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Unix {
    /// Its type.
    pub kind: SocketType,
    /// How far it has got.
    pub life: Life,
    /// Its peer.
    pub peer: Peer,
    /// Whether it has a name.
    pub named: bool,
    /// Nothing more is received (`SHUT_RD`, or the peer's `SHUT_WR` or close).
    pub receive_closed: bool,
    /// Nothing more is sent (`SHUT_WR`, or the peer's `SHUT_RD` or close).
    pub send_closed: bool,
    /// The error that is pending: `ECONNRESET`.
    pub reset: bool,
    /// Whether a message of no bytes that it has not read counts as data.
    pub empty_counts: bool,
    /// How much it may have under way, in bytes of cost.
    pub send_buffer: u32,
    /// `SO_RCVBUF`, bytes: without effect on Unix sockets.
    pub receive_buffer: u32,
    /// How long a receive waits, in microseconds: 0 for ever; negative not at all.
    pub timeout_us: i64,
    /// What waits to be read, oldest first.
    pub queue: SmallVec<[Piece; 2]>,
    /// Of a socket that listens: connections that wait to be accepted, oldest first.
    pub pending: SmallVec<[ObjectIndex; 2]>,
}

/// What is there for one read of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readable {
    /// Bytes.
    pub count: u32,
    /// The description that comes with them: then nothing behind it is given.
    pub passed: Option<DescriptionIndex>,
}

impl Unix {
    /// A socket as `socket(2)` makes it.
    pub fn new(platform: &Platform, kind: SocketType) -> Unix {
        Unix {
            kind,
            life: Life::Unconnected,
            peer: Peer::None,
            named: false,
            receive_closed: false,
            send_closed: false,
            reset: false,
            empty_counts: platform.empty_messages_count,
            send_buffer: platform.send_buffer_bytes,
            receive_buffer: platform.receive_buffer_bytes,
            timeout_us: 0,
            queue: SmallVec::new(),
            pending: SmallVec::new(),
        }
    }

    /// One that is connected.
    pub fn connected(platform: &Platform, kind: SocketType, peer: ObjectIndex) -> Unix {
        let peer = Peer::Socket(peer);
        Unix { life: Life::Connected, peer, ..Unix::new(platform, kind) }
    }

    /// Whether it is a stream.
    pub fn is_stream(&self) -> bool {
        self.kind == SocketType::Stream
    }

    /// Whether it is a datagram socket.
    pub fn is_datagram(&self) -> bool {
        self.kind == SocketType::Datagram
    }

    /// Whether it listens.
    pub fn listens(&self) -> bool {
        matches!(self.life, Life::Listening(_))
    }

    /// Bytes to be read.
    pub fn len(&self) -> u32 {
        self.queue.iter().map(|piece| piece.data.len).sum()
    }

    /// Whether there is no byte to be read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether something was sent to it that it has not read: of messages, one of no bytes that is the
    /// oldest counts on some kernels only.
    pub fn has_unread(&self) -> bool {
        match self.queue.first() {
            Some(first) if first.data.len == 0 && !self.empty_counts => self.queue.len() > 1,
            first => first.is_some(),
        }
    }

    /// What is there for a read of up to `len` bytes of a stream.
    pub fn readable(&self, len: u32) -> Readable {
        let mut count = 0;
        for (index, piece) in self.queue.iter().enumerate() {
            if index > 0 && count == len {
                break;
            }
            count += piece.data.len.min(len - count);
            if piece.passed.is_some() {
                return Readable { count, passed: piece.passed };
            }
        }
        Readable { count, passed: None }
    }

    /// Names of the bytes that a read of up to `len` bytes of a stream gives, and with `take` takes.
    pub fn give(&mut self, len: u32, take: bool) -> (Segments, Option<DescriptionIndex>) {
        let Readable { count, passed } = self.readable(len);
        let mut names = Segments::new();
        let (mut left, mut emptied, mut met) = (count, 0, passed.is_none());
        for piece in &mut self.queue {
            let taken = piece.data.len.min(left);
            push_segment(&mut names, piece.data.part(0, taken));
            left -= taken;
            met |= piece.passed.is_some();
            if take {
                piece.data = piece.data.part(taken, piece.data.len);
                piece.passed = None;
                emptied += usize::from(piece.data.len == 0);
            }
            if left == 0 && met {
                break;
            }
        }
        self.queue.drain(..emptied);
        (names, passed)
    }

    /// Appends what was sent. Where costs are not counted, a stream joins what goes on.
    pub fn push(&mut self, account: Account, piece: Piece) {
        let joins = self.is_stream() && account == Account::Envelope && piece.passed.is_none();
        if let Some(last) = self.queue.last_mut().filter(|last| joins && last.passed.is_none())
            && last.sender == piece.sender
            && last.data.actor == piece.data.actor
            && last.data.to() == piece.data.from
        {
            last.data.len = joined(last.data.len, piece.data.len);
            return;
        }
        self.queue.push(piece);
    }
}

/// Bytes `from` on that an actor sends; none have no name.
pub fn named(actor: Actor, from: i64, len: u32) -> Segment {
    if len == 0 { Segment::zero(0) } else { Segment { actor, from, len } }
}

/// Largest part of a message or piece that is kept in one block, with what goes before it, in bytes.
const HEAD_BYTES: u32 = 320;

/// The smallest block, in bytes.
const BLOCK_MIN_BYTES: u32 = 512;

/// What the kernel's record of a block takes, in bytes.
const RECORD_BYTES: u32 = 256;

/// Bytes of a stream that go in one block: a page without its head.
const STREAM_BLOCK_BYTES: u32 = 3776;

/// Bytes of a message that go in one block.
const MESSAGE_BLOCK_BYTES: u32 = 16_064;

/// Bytes behind the block of a piece or message that go in pages.
const PAGED_BYTES_MAX: u32 = 32_768;

/// The same of a message: seventeen pages.
const MESSAGE_PAGED_BYTES_MAX: u32 = 69_632;

const PAGE_BYTES: u32 = 4096;

fn block_cost(bytes: u32) -> u32 {
    RECORD_BYTES + (bytes + HEAD_BYTES).next_power_of_two().max(BLOCK_MIN_BYTES)
}

/// What a piece of a stream, or a message, costs.
pub fn cost(account: Account, kind: SocketType, len: u32) -> u32 {
    let pages = |bytes: u32| bytes.next_multiple_of(PAGE_BYTES);
    match (account, kind) {
        (Account::Envelope | Account::Small, _) => 1,
        (Account::Memory, SocketType::Stream) => {
            let paged = len.min(pages(len.saturating_sub(STREAM_BLOCK_BYTES)));
            block_cost(len - paged) + pages(paged)
        }
        (Account::Memory, _) => {
            let behind = len.saturating_sub(MESSAGE_BLOCK_BYTES).min(MESSAGE_PAGED_BYTES_MAX);
            let paged = pages(behind);
            block_cost(len.saturating_sub(paged)) + paged
        }
    }
}

/// The most bytes of a stream that go in one piece.
pub fn piece_max(account: Account, send_buffer: u32) -> u32 {
    match account {
        Account::Memory => {
            (send_buffer / 2).saturating_sub(64).clamp(1, STREAM_BLOCK_BYTES + PAGED_BYTES_MAX)
        }
        Account::Small => 2,
        Account::Envelope => u32::MAX,
    }
}

/// The most bytes of one message.
pub fn message_max(account: Account, send_buffer: u32) -> u32 {
    match account {
        Account::Memory => send_buffer.saturating_sub(32),
        Account::Small => send_buffer,
        Account::Envelope => u32::MAX,
    }
}
