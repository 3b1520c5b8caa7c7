//! Sends and receives over Unix sockets, whatever their type: what the rules of [`super::unix`] and
//! [`super::message`] ask of such a call, and what they do with it.
//!
//! It has no rules of its own.

use super::wake::wake_for_state;
use crate::act::Act;
use crate::call::{Answer, End, Marks, Op, SendFlags};
use crate::channel::Unix;
use crate::channel::unix::{Life, Peer, cost, message_max, piece_max};
use crate::index::{DescriptionIndex, ObjectIndex};
use crate::platform::{Account, Platform};
use crate::rule::Scene;
use crate::world::Room;

/// A read, receive or receive of a descriptor that asks for something.
pub(super) struct Taking<'a> {
    pub(super) socket: &'a Unix,
    pub(super) len: u32,
    pub(super) flags: SendFlags,
    pub(super) peek: bool,
    /// It waits for all that it asks for.
    pub(super) all: bool,
    /// Whether what comes with a message is told; where a descriptor is put.
    marks: bool,
    pub(super) room: Option<End>,
}

impl Taking<'_> {
    pub(super) fn must_not_wait(&self, at: &Scene<'_>) -> bool {
        let now = at.nonblock()
            || self.flags.contains(SendFlags::DONTWAIT)
            || at.timeout_us(self.socket.timeout_us) < 0;
        !at.call.waited && now
    }

    /// The answer of a call that was given so many bytes, perhaps with a descriptor.
    pub(super) fn answer(&self, count: u32, marks: Marks, end: bool) -> Answer {
        let marks = match (end, self.room) {
            (false, _) => marks,
            (true, Some(_)) => marks.union(Marks::END),
            (true, None) => marks.union(Marks::END_LOST),
        };
        if self.marks && !marks.is_empty() {
            Answer::Marked(count, marks)
        } else {
            Answer::Count(count)
        }
    }
}

/// The call as one that takes what was sent; `None` for a read of no bytes, and for other calls.
pub(super) fn taking<'a>(at: &Scene<'a>) -> Option<Taking<'a>> {
    let socket = at.socket()?;
    let (len, flags, marks, room) = match at.op() {
        Op::Read { len } if len > 0 => (len, SendFlags::NONE, false, None),
        Op::Receive { len, flags } => (len, flags, true, None),
        Op::ReceiveEnd { len, new } => (len, SendFlags::NONE, true, Some(new)),
        _ => return None,
    };
    let peek = flags.contains(SendFlags::PEEK);
    let all = flags.contains(SendFlags::WAITALL) && !peek;
    Some(Taking { socket, len, flags, peek, all, marks, room })
}

/// A write, send or send of a descriptor.
pub(super) struct Giving<'a> {
    pub(super) socket: &'a Unix,
    pub(super) index: ObjectIndex,
    pub(super) len: u32,
    pub(super) flags: SendFlags,
    pub(super) addressed: bool,
    passed: Option<End>,
}

impl Giving<'_> {
    pub(super) fn must_not_wait(&self, at: &Scene<'_>) -> bool {
        !at.call.waited && (at.nonblock() || self.flags.contains(SendFlags::DONTWAIT))
    }

    pub(super) fn left(&self, at: &Scene<'_>) -> u32 {
        self.len - at.call.done
    }

    /// Bytes of the next piece, or of the message.
    pub(super) fn piece(&self, at: &Scene<'_>) -> u32 {
        match at.call.room {
            Some(room) => self.left(at).min(room.bytes),
            None => next_piece(at.platform, self.socket, self.left(at)),
        }
    }

    /// Whether a stream socket is connected.
    pub(super) fn may_go(&self) -> bool {
        self.socket.life == Life::Connected
    }

    /// Whether a descriptor is to go with it that is not open.
    pub(super) fn lost(&self, at: &Scene<'_>) -> bool {
        self.passed.is_some_and(|end| at.world.end(at.actor, end).is_none())
    }
}

/// How many of the bytes that are left go next.
fn next_piece(platform: &Platform, socket: &Unix, left: u32) -> u32 {
    let max = if socket.is_stream() { piece_max } else { message_max };
    left.min(max(platform.socket_account, socket.send_buffer))
}

/// The call as one that sends.
pub(super) fn giving<'a>(at: &Scene<'a>) -> Option<Giving<'a>> {
    let socket = at.socket()?;
    let index = at.object_index()?;
    let (len, flags, passed) = match at.op() {
        Op::Write { len } => (len, SendFlags::NONE, None),
        Op::Send { len, flags } => (len, flags, None),
        Op::SendEnd { len, passed } => (len, SendFlags::NONE, Some(passed)),
        _ => return None,
    };
    let addressed = flags.contains(SendFlags::ADDRESSED);
    Some(Giving { socket, index, len, flags, addressed, passed })
}

/// Whether a descriptor would be kept open by what is under way to itself alone. One whose sending fails is not under
/// way.
pub(super) fn is_circular(at: &Scene<'_>) -> bool {
    let Op::SendEnd { passed, .. } = at.op() else { return false };
    match (at.world.end(at.actor, passed), at.socket().map(|socket| socket.peer)) {
        (Some(passed), Some(Peer::Socket(to))) => {
            at.world.would_be_circular(to, passed) && !is_refused(at, to)
        }
        _ => false,
    }
}

/// Whether nothing of what the call sends comes under way to the peer, for one of these reasons: it may be closed for
/// that on either side, too long, or without room and not willing to wait.
fn is_refused(at: &Scene<'_>, to: ObjectIndex) -> bool {
    let Some(giving) = giving(at).filter(|_| at.call.done == 0) else { return false };
    let deaf = at.world.socket(to).is_some_and(|peer| peer.receive_closed);
    let max = message_max(at.platform.socket_account, giving.socket.send_buffer);
    let long = !giving.socket.is_stream() && giving.len > max;
    let full = !has_room(at, &giving) && at.nonblock();
    giving.socket.send_closed || deaf || long || full
}

/// Whether a call that sends has the room that it needs: nothing on its own side prevents it any more.
pub(super) fn has_taken_room(at: &Scene<'_>) -> bool {
    at.call.room.is_some_and(|room| room.cost > 0)
}

/// Whether a sender may have another piece under way; where that is not known, whether it perhaps may.
pub(super) fn has_room(at: &Scene<'_>, giving: &Giving<'_>) -> bool {
    match at.platform.socket_account {
        _ if has_taken_room(at) => true,
        Account::Envelope => true,
        _ => at.world.under_way(giving.index) < giving.socket.send_buffer,
    }
}

/// Whether there may be no room for another piece.
pub(super) fn lacks_room(at: &Scene<'_>, giving: &Giving<'_>) -> bool {
    let under_way = at.world.under_way(giving.index);
    match at.platform.socket_account {
        _ if has_taken_room(at) => false,
        Account::Envelope => under_way > 0,
        _ => under_way >= giving.socket.send_buffer,
    }
}

// Effects

/// A description has come out of a queue: the caller has it, or nobody.
pub(super) fn received(act: &mut Act<'_>, passed: Option<DescriptionIndex>) {
    let Some(passed) = passed else { return };
    if let Op::ReceiveEnd { new, .. } = act.call().op {
        act.world.set_end(act.actor, new, Some(passed));
    }
    act.world.dropped([passed]);
}

pub(super) fn clear_reset(act: &mut Act<'_>) {
    if let Some(socket) = act.socket() {
        socket.reset = false;
    }
}

/// A call begins to wait. What a send waits to send next is decided before, whatever becomes of its buffer.
pub(super) fn begin_to_wait(act: &mut Act<'_>) {
    let next = next_of(act);
    let call = act.call();
    call.entered = true;
    call.waited = true;
    if call.op.offers().is_some() {
        call.room = call.room.or(next.map(|bytes| Room { bytes, cost: 0 }));
    }
}

/// How many bytes a send sends next.
fn next_of(act: &mut Act<'_>) -> Option<u32> {
    let platform = act.platform;
    let call = act.call();
    let (left, room) = (call.op.offers()?.checked_sub(call.done)?, call.room);
    match room {
        Some(room) => Some(room.bytes.min(left)),
        None => Some(next_piece(platform, act.socket()?, left)),
    }
}

pub(super) fn take_room(act: &mut Act<'_>) {
    let platform = act.platform;
    let Some(bytes) = next_of(act) else { return };
    let Some(kind) = act.socket().map(|socket| socket.kind) else { return };
    let cost = cost(platform.socket_account, kind, bytes);
    act.call().room = Some(Room { bytes, cost });
}

pub(super) fn shutdown(act: &mut Act<'_>) {
    let call = act.call();
    let (Op::Shutdown { how }, Some(description)) = (call.op, call.description) else { return };
    let object = act.world.descriptions[usize::from(description)].object;
    act.world.catch_midway(object);
    // It wakes all who sleep on either socket.
    act.world.scatter_receivers();
    act.world.wake_polls(object);
    if let Some(Peer::Socket(peer)) = act.world.socket(object).map(|socket| socket.peer) {
        act.world.catch_midway(peer);
        act.world.wake_polls(peer);
    }
    let Some(socket) = act.socket() else { return };
    socket.receive_closed |= how.reads();
    socket.send_closed |= how.writes();
    let peer = Some(socket.peer).filter(|_| !socket.is_datagram());
    wake_for_state(act.world, object);
    let Some(Peer::Socket(index)) = peer else { return };
    if let Some(peer) = act.world.socket_mut(index) {
        peer.send_closed |= how.reads();
        peer.receive_closed |= how.writes();
    }
    wake_for_state(act.world, index);
}
