//! Calls stopped in their copy: what one that has come to a byte has done, and what it holds meanwhile.
//!
//! [Where calls copy](crate::rules::copying) is the rules' matter; here it is followed along a run, once, for the oracle and
//! for the search behind litmus tests.

use smallvec::SmallVec;

use crate::call::{ACTORS_MAX, Actor, Answer, Call, Errno, Op, Reply};
use crate::channel::Object;
use crate::kind::{Discipline, Kind};
use crate::oracle::Oracle;
use crate::platform::{Platform, Storage};
use crate::rule::{Answers, What};
use crate::rules::copying::{Copies, FAILS_FIRST, copies, shuts_out};
use crate::rules::outside;
use crate::step::{RuleSet, moves};
use crate::world::{Pending, Progress, Room, World};

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
        self.holder(platform, world, actor).is_some()
    }

    /// Whose stopped call holds the lock for which this actor's call waits, and the byte at which it has stopped.
    pub(super) fn holder(
        &self,
        platform: &Platform,
        world: &World,
        actor: Actor,
    ) -> Option<(Actor, u32)> {
        let call = world.pending(actor).filter(|_| platform.copying_is_known)?;
        let copying = |(other, stop): (usize, &Option<Stop>)| {
            let other = Actor(other as u8);
            let stop = stop.filter(|_| other != actor)?;
            let has_passed = |call: &Pending| {
                let passed = is_beyond(platform, world, other, stop.at);
                // Who sleeps has let go of it.
                call.progress != Progress::Open || call.entered || passed
            };
            let stopped = world.pending(other).filter(|call| !stop.goes_on || !has_passed(call))?;
            shuts_out(world, stopped, call).then_some((other, stop.at))
        };
        self.0.iter().enumerate().find_map(copying)
    }
}

/// Whether the actor's call can have come to its copy in this world, at this byte.
pub fn is_in_copy(platform: &Platform, world: &World, actor: Actor, at: u32) -> bool {
    let Some(call) = world.pending(actor) else { return false };
    if is_beyond(platform, world, actor, at) {
        return false;
    }
    match (copies(platform, world, call), call.progress) {
        (Copies::First, _) => !platform.copying_is_known || !fails_first(platform, world, actor),
        (Copies::Taken | Copies::Anything, Progress::Answered { .. }) => true,
        (Copies::Taken, Progress::Open) => false,
        (Copies::WithRoom, _) => {
            let fits = |room: Room| room.cost > 0 && call.done + room.bytes > at;
            call.room.is_some_and(fits) || finds_nobody(platform, world, actor)
        }
        (Copies::Moves, _) => {
            moves_bytes(platform, world, actor) && !is_behind(platform, world, actor, at)
        }
        (Copies::Anything, _) => moves_bytes(platform, world, actor),
    }
}

/// The worlds in which the actor's call has come to its copy: it has asked its socket, and holds the lock of a pipe. Several
/// where it is not known before or after which change it has asked, or whether it asks again.
pub fn in_copy(platform: &Platform, world: &World, actor: Actor) -> SmallVec<[World; 2]> {
    let mut asks_later = world.clone();
    let here = world.pending(actor).and_then(|call| call.description);
    let is_pipe = here.is_some_and(|index| matches!(world.object(index), Object::Stream(_)));
    let had_asked = world.pending(actor).is_none_or(|call| call.terms.is_some());
    let call = asks_later.pending_mut(actor);
    call.locks = is_pipe && platform.copying_is_known;
    let either = std::mem::take(&mut call.changed_meanwhile) && !had_asked;
    let mut has_asked = asks_later.clone();
    has_asked.ask_for_terms(actor);
    let mut worlds = SmallVec::new();
    if either {
        let mut before = has_asked.clone();
        if let Some(terms) = &mut before.pending_mut(actor).terms {
            terms.nonblock ^= true;
            worlds.push(before);
        }
    }
    if !platform.sockets_ask_once && has_asked != asks_later {
        worlds.push(asks_later);
    }
    worlds.push(has_asked);
    worlds
}

/// Whether a send fails by what it finds only when it sends: that nobody is there.
fn finds_nobody(platform: &Platform, world: &World, actor: Actor) -> bool {
    let Some(call) = world.pending(actor).filter(|call| call.done == 0) else { return false };
    let Some(Object::Unix(socket)) = call.description.map(|index| world.object(index)) else {
        return false;
    };
    let may_go = !socket.send_closed && !socket.reset;
    may_go && !fails_first(platform, world, actor) && fails(platform, world, actor).next().is_some()
}

/// Whether a call fails by what is wrong with the call or its descriptor.
fn fails_first(platform: &Platform, world: &World, actor: Actor) -> bool {
    fails(platform, world, actor).any(|errno| FAILS_FIRST.contains(&errno))
}

/// Whether a call fails by what is wrong with it or its descriptor before anything from outside can reach it.
pub(super) fn is_told_first(platform: &Platform, world: &World, actor: Actor) -> bool {
    let Some(op) = world.pending(actor).map(|call| call.op) else { return false };
    let steps = moves(platform, world, actor, &mut RuleSet::default());
    steps.into_iter().any(|(_, step)| match step.what {
        What::Answers(Answers::Exactly(Answer::Fails(errno)), _) if step.fault.is_some() => {
            outside::is_told_before(platform, &op, errno)
        }
        _ => false,
    })
}

fn fails(platform: &Platform, world: &World, actor: Actor) -> impl Iterator<Item = Errno> {
    let steps = moves(platform, world, actor, &mut RuleSet::default());
    steps.into_iter().filter_map(|(_, step)| match step.what {
        What::Answers(Answers::Exactly(Answer::Fails(errno)), _) => Some(errno),
        _ => None,
    })
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

/// How many bytes the actor's call may still move before the byte at which it stops; `None` where that is not bounded.
pub(super) fn limit(platform: &Platform, world: &World, actor: Actor, at: u32) -> Option<u32> {
    let call = world.pending(actor)?;
    match copies(platform, world, call) {
        Copies::Taken | Copies::Anything => None,
        Copies::Moves | Copies::WithRoom | Copies::First => Some(at.saturating_sub(call.done)),
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

/// Whether a move of the actor's call would transfer a byte, or it looks at some that are there.
fn moves_bytes(platform: &Platform, world: &World, actor: Actor) -> bool {
    let Some(call) = world.pending(actor) else { return false };
    if let (Some(Object::Tcp(tcp)), Some(_)) =
        (call.description.map(|index| world.object(index)), call.op.asks())
    {
        return tcp.readable() > 0;
    }
    let steps = moves(platform, world, actor, &mut RuleSet::default());
    steps.iter().any(|(_, step)| match step.what {
        What::Answers(Answers::Transferred { most, .. }, _) | What::Proceeds { most, .. } => {
            most > 0
        }
        What::Answers(Answers::Exactly(answer), _) => answer.count().is_some_and(|count| count > 0),
        _ => false,
    })
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
        let kind = self.run.setup().kind;
        let tells = op.asks().is_some() || self.platform.storage == Storage::Pages;
        tells
            && counts_what_it_came_past(kind, &op)
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

/// Whether a reply that counts fewer bytes than those to which such a call had come contradicts it.
pub(crate) fn counts_what_it_came_past(kind: &Kind, op: &Op) -> bool {
    op.asks().is_some() || op.offers().is_some() && kind.discipline == Discipline::Stream
}

/// Why a call is wrong that can't have come to its copy, as it fails before: a clause of the actor called `name`.
pub(crate) fn told_failing(name: &str, call: &Call, at: u32, reply: &Reply) -> String {
    let called = call.op.word();
    format!(
        "{name}'s {called} can't have come to byte {at}: it gives {reply}, and fails before it copies"
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
