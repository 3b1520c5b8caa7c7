//! Calls stopped in their copy: what one that has come to a byte has done, and what it holds meanwhile.
//!
//! What has not been copied has not been given, whatever the system; nothing else follows from the standard. Linux copies
//! at a known place of a call, and mostly under a lock: what it has done before, who waits for the lock, and that a read
//! which has come to a byte gives it, stands here, once, for the oracle and for the search behind litmus tests.
//!
//! It is less than the kernel's source tells: of a file, of a message that is received and of TCP a stopped call may be followed
//! as if it had not come as far as it has.

use crate::call::{ACTORS_MAX, Actor, Call, Mode, Op, Reply};
use crate::channel::Object;
use crate::kind::Discipline;
use crate::oracle::Oracle;
use crate::platform::{Family, Platform, Storage};
use crate::rule::{Answers, What};
use crate::rules::outside;
use crate::step::{RuleSet, moves};
use crate::world::{Pending, Progress, World};

/// The calls that stop, by actor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stopped([Option<Stop>; ACTORS_MAX]);

/// A call that has come to a byte of its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Stop {
    /// The byte, counted from 0.
    at: u32,
    /// It goes on.
    goes_on: bool,
}

/// What a call that copies has done when it comes to its copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copies {
    /// It moves what it copies.
    Moves,
    /// It has taken the room for what it copies.
    WithRoom,
    /// It has taken a message out of the channel, and is answered.
    Taken,
    /// Nothing that anybody sees, if it does anything at all.
    First,
    /// Whatever it likes.
    Anything,
}

impl Stopped {
    /// The actor's call stops at a byte.
    pub fn insert(&mut self, actor: Actor, at: u32) {
        self.0[usize::from(actor.0)] = Some(Stop { at, goes_on: false });
    }

    /// It goes on, with the lock that it holds until it has moved that byte.
    pub fn goes_on(&mut self, actor: Actor) {
        if let Some(stop) = &mut self.0[usize::from(actor.0)] {
            stop.goes_on = true;
        }
    }

    /// Whether the actor's call is stopped, and does not go on.
    pub fn is_held(&self, actor: Actor) -> bool {
        self.at(actor).is_some()
    }

    /// It has returned.
    pub fn remove(&mut self, actor: Actor) {
        self.0[usize::from(actor.0)] = None;
    }

    /// The byte at which the actor's call is stopped.
    pub fn at(&self, actor: Actor) -> Option<u32> {
        self.0[usize::from(actor.0)].filter(|stop| !stop.goes_on).map(|stop| stop.at)
    }

    /// Whether the actor's call may be as it is in this world, if it is stopped.
    pub fn allows(&self, platform: &Platform, world: &World, actor: Actor) -> bool {
        self.at(actor).is_none_or(|at| !is_beyond(platform, world, actor, at))
    }

    /// Whether the actor's call waits for a lock that another one holds in its copy.
    pub fn locks_out(&self, platform: &Platform, world: &World, actor: Actor) -> bool {
        let copying = |(other, stop): (usize, &Option<Stop>)| {
            let other = Actor(other as u8);
            let stop = stop.filter(|_| other != actor)?;
            let has_passed = |call: &Pending| {
                call.progress != Progress::Open || is_beyond(platform, world, other, stop.at)
            };
            world.pending(other).filter(|call| !stop.goes_on || !has_passed(call))
        };
        let mut copying = self.0.iter().enumerate().filter_map(copying);
        platform.family == Family::Linux
            && copying.any(|stopped| {
                world.pending(actor).is_some_and(|call| shuts_out(world, stopped, call))
            })
    }
}

/// Whether the actor's call can have come to its copy in this world, at this byte.
pub fn is_in_copy(platform: &Platform, world: &World, actor: Actor, at: u32) -> bool {
    let Some(call) = world.pending(actor) else { return false };
    if is_beyond(platform, world, actor, at) {
        return false;
    }
    match (copies(platform, world, call), call.progress) {
        (Copies::First, _) => true,
        (Copies::Taken | Copies::Anything, Progress::Answered { .. }) => true,
        (Copies::Taken, Progress::Open) => false,
        (Copies::WithRoom, _) => {
            let has_room =
                call.room.is_some_and(|room| room.cost > 0 && call.done + room.bytes > at);
            // Whom it sends to it looks for afterwards.
            let steps = || moves(platform, world, actor, &mut RuleSet::default());
            has_room || call.done == 0 && steps().iter().any(|(_, step)| step.fault.is_some())
        }
        (Copies::Moves, _) => {
            moves_bytes(platform, world, actor) && !is_behind(platform, world, actor, at)
        }
        (Copies::Anything, _) => moves_bytes(platform, world, actor),
    }
}

/// Whether the actor's call has moved the byte at which it stops.
pub fn is_beyond(platform: &Platform, world: &World, actor: Actor, at: u32) -> bool {
    let Some(call) = world.pending(actor) else { return false };
    match copies(platform, world, call) {
        Copies::Taken | Copies::Anything => false,
        Copies::Moves | Copies::WithRoom | Copies::First => {
            call.done > at || call.progress != Progress::Open
        }
    }
}

/// Whether a part of a transfer through a pipe that ends before the byte is still to be moved.
fn is_behind(platform: &Platform, world: &World, actor: Actor, at: u32) -> bool {
    let Some(call) = world.pending(actor) else { return false };
    let steps = moves(platform, world, actor, &mut RuleSet::default());
    let is_pipe = |index| matches!(world.object(index), Object::Stream(_));
    call.description.is_some_and(is_pipe)
        && steps.iter().any(|(_, step)| match step.what {
            What::Proceeds { least, most } => least == most && most > 0 && call.done + most <= at,
            _ => false,
        })
}

/// Whether a move of the actor's call would transfer a byte, or gather what it transfers.
fn moves_bytes(platform: &Platform, world: &World, actor: Actor) -> bool {
    let steps = moves(platform, world, actor, &mut RuleSet::default());
    steps.iter().any(|(_, step)| match step.what {
        What::Answers(Answers::Transferred { most, .. }, _) | What::Proceeds { most, .. } => {
            most > 0
        }
        What::Answers(Answers::Exactly(answer), _) => answer.count().is_some_and(|count| count > 0),
        _ => false,
    })
}

fn copies(platform: &Platform, world: &World, call: &Pending) -> Copies {
    let reads = call.op.asks().is_some();
    if platform.family != Family::Linux {
        return if reads { Copies::Anything } else { Copies::First };
    }
    match (call.description.map(|index| world.object(index)), reads) {
        (Some(Object::Queue(_)), true) => Copies::Taken,
        // A message is copied in before anybody looks where it goes.
        (Some(Object::Queue(_)), false) => Copies::First,
        // It goes by what was in the pages of the file when it came to them.
        (Some(Object::File(_)), true) => Copies::Anything,
        // It has taken the message, whose room is free when it is copied.
        (Some(Object::Unix(socket)), true) if !socket.is_stream() => Copies::Anything,
        (Some(Object::Unix(_)), false) => Copies::WithRoom,
        _ => Copies::Moves,
    }
}

/// Whether a call that is stopped in its copy holds a lock that the other needs. (Linux: fs/pipe.c, the mutex of a pipe; mm/filemap.c
/// and fs/file.c, the locks of an inode and of an offset; net/unix/af_unix.c, the lock of those who read; net/ipv4/tcp.c, the
/// lock of a socket.)
fn shuts_out(world: &World, stopped: &Pending, call: &Pending) -> bool {
    if call.progress != Progress::Open {
        return false;
    }
    let (Some(here), Some(there)) = (stopped.description, call.description) else { return false };
    let (held, needed) =
        (&world.descriptions[usize::from(here)], &world.descriptions[usize::from(there)]);
    if held.object != needed.object {
        return false;
    }
    let mode = needed.mode;
    let asks = call.op.asks().is_some_and(|len| len > 0) && mode.is_some_and(Mode::reads);
    let offers = call.op.offers().is_some_and(|len| len > 0) && mode.is_some_and(Mode::writes);
    let positioned = matches!(call.op, Op::ReadAt { .. } | Op::WriteAt { .. });
    let (reads, writes) = (asks && !positioned, offers && !positioned);
    match world.object(here) {
        Object::Stream(_) => {
            let calls = world.actors.iter().filter_map(|actor| actor.call.as_ref());
            let users = calls.filter(|other| other.description == Some(there)).count();
            // Who calls on a description keeps it.
            let releases = call.op == Op::Close && world.holders(there) == 1 && users == 1;
            reads || writes || call.op == Op::Available || releases
        }
        Object::File(_) => {
            // What is wrong with a call itself is told before.
            let changes = match call.op {
                Op::WriteAt { at, .. } => offers && at >= 0,
                Op::Truncate { .. } => mode.is_some_and(Mode::writes),
                _ => offers,
            };
            let offset = reads || writes || matches!(call.op, Op::Seek { .. });
            let has_offset = matches!(stopped.op, Op::Read { .. } | Op::Write { .. });
            stopped.op.offers().is_some() && changes || has_offset && here == there && offset
        }
        Object::Unix(socket) => socket.is_stream() && stopped.op.asks().is_some() && reads,
        Object::Tcp(_) => reads || writes || matches!(call.op, Op::Available | Op::Shutdown { .. }),
        _ => false,
    }
}

impl Oracle<'_> {
    /// Whether the actor's call, which has stopped at this byte, gives a reply that does not count it.
    ///
    /// A write tells that only where it is placed under the lock under which it is copied: what becomes of it afterwards is
    /// else the system's matter.
    pub(super) fn falls_short(&self, actor: Actor, at: u32) -> bool {
        let mut calls = self.states.iter().filter_map(|state| state.world.pending(actor));
        let (Some(op), Some(reply)) =
            (calls.next().map(|call| call.op), self.lookahead.reply(actor))
        else {
            return false;
        };
        let kind = self.run.setup.kind;
        let pages =
            kind.discipline == Discipline::Stream && self.platform.storage == Storage::Pages;
        let tells = op.asks().is_some() || op.offers().is_some() && pages;
        tells
            && reply.answer.count().is_none_or(|count| count <= at)
            && outside::cause(kind, &op, &reply.answer).is_none()
    }
}

/// Why a call is wrong that [falls short](Oracle::falls_short): a clause of the actor called `name`.
pub(crate) fn told(name: &str, call: &Call, at: u32, reply: &Reply) -> String {
    let moves = if call.op.asks().is_some() { "gives" } else { "takes" };
    let called = call.op.word();
    format!(
        "{name}'s {called} had come to byte {at}, so that it {moves} more than {at} bytes, but it returns {reply}"
    )
}

/// Why a call is wrong that can't have come to its copy: a clause of the actor called `name`.
pub(crate) fn told_unexplained(name: &str, call: Option<Call>, at: u32) -> String {
    let called = call.map_or("call", |call| call.op.word());
    format!(
        "{name}'s {called} can't have come to byte {at}: there is nothing to copy, or no room for it, or another call \
         holds the lock that it needs"
    )
}
