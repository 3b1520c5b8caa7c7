//! What a rule is: an id, a sentence, its sources, the standard's word, and a step.
//!
//! The specification is the union of its rules. There is no order and no priority: where one
//! situation beats another, their side conditions exclude each other. Only errors do not know of one
//! another: a [fault](Move::fault) states its own condition, and the platform says which is told.

use std::fmt;

use crate::act::Act;
use crate::call::{Actor, Answer, Errno, Events, Op, Signal};
use crate::channel::{Cell, File, Object, Ring, Stream, Unix};
use crate::index::ObjectIndex;
use crate::platform::Platform;
use crate::world::{Description, NAMED, Pending, Place, Progress, World};

/// One rule.
pub struct Rule {
    /// `chapter.call.situation`, named after the cause; never reused.
    pub id: &'static str,
    /// What holds: call, situation and result, in one sentence of at most 25 words, in the present tense.
    pub says: &'static str,
    /// Where it comes from.
    pub cite: &'static [Cite],
    /// What POSIX says of it.
    pub force: Force,
    /// Side condition and effect.
    pub step: fn(&Scene<'_>) -> Option<Move>,
}

impl Rule {
    /// The chapter, first part of the id.
    pub fn chapter(&self) -> &'static str {
        self.part(0)
    }

    /// The call, second part of the id; `any` where it holds for several.
    pub fn call(&self) -> &'static str {
        self.part(1)
    }

    fn part(&self, index: usize) -> &'static str {
        self.id.split('.').nth(index).unwrap_or_default()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// What POSIX says of a rule. Linux's behaviour is one choice among what POSIX leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Force {
    /// Every conforming system does this.
    Must,
    /// A conforming system may do this.
    May,
    /// The standard doesn't speak of it.
    Silent,
    /// The standard says that it says nothing, or the call is not in it: anything may happen.
    Unspecified,
    /// The standard requires something else: a [declared exception](crate::rules::Exception).
    Exception,
}

impl fmt::Display for Force {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Force::Must => "must",
            Force::May => "may",
            Force::Silent => "silent",
            Force::Unspecified => "unspecified",
            Force::Exception => "exception",
        })
    }
}

/// A source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cite {
    /// A page of POSIX.1-2024 and a heading in it.
    Posix(&'static str, &'static str),
    /// A page of the Linux man-pages and a heading in it.
    Man(&'static str, &'static str),
    /// A function in a file of the Linux sources.
    Source(&'static str, &'static str),
    /// What was observed, on which kernel.
    Observed(&'static str, &'static str),
    /// What a channel that is a protocol over memory promises of itself: the item of
    /// `pipewright_backends::memory` whose documentation says so, and of what it speaks.
    Contract(&'static str, &'static str),
}

impl fmt::Display for Cite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cite::Posix(page, heading) => write!(f, "POSIX.1-2024 {page}, {heading}"),
            Cite::Man(page, heading) => write!(f, "{page}, {heading}"),
            Cite::Source(file, function) => write!(f, "Linux {file}, {function}"),
            Cite::Contract(item, of) => write!(f, "contract of memory::{item}, {of}"),
            Cite::Observed(what, kernel) => write!(f, "observed on {kernel}: {what}"),
        }
    }
}

/// What a move does to the world.
pub type Effect = fn(&mut Act<'_>);

/// What a rule allows.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    /// What happens to the call.
    pub what: What,
    /// What happens to the world besides; `None` where nothing does.
    pub effect: Option<Effect>,
    /// Whether the call fails by a condition that is checked; `None` for every other move.
    pub fault: Option<Fault>,
}

/// A condition by which a call fails, stated by itself: which of several that hold is told is the platform's
/// choice ([`crate::rules::checks`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call shall fail: while the condition holds, the call does nothing else.
    Shall,
    /// The call may fail, or do what it does otherwise.
    May,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is answered.
    Answers(Answers, Option<Signal>),
    /// It is carried a part of the way: between `least` and `most` bytes, still open.
    Proceeds {
        /// The fewest bytes transferred.
        least: u32,
        /// The most bytes transferred.
        most: u32,
    },
    /// It may sleep here.
    Rests,
    /// What was sent to an object arrives: nobody's call ([`Op::Deliver`]), so nothing happens to any.
    Delivers {
        /// The object, handed to the effect in place of a count.
        object: ObjectIndex,
        /// Whether it arrives before things come to rest; if not, it may stay under way for ever.
        surely: bool,
    },
    /// An object to which nothing refers any more ends ([`Op::Release`]).
    Releases,
    /// `poll` finds the events `must`, and perhaps those of `may`.
    Reports {
        /// Events that are reported for sure.
        must: Events,
        /// Events that may be reported.
        may: Events,
    },
    /// Anything may happen from here on, for this reason.
    Unspecified(&'static str),
}

/// The answers that a move allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// This one.
    Exactly(Answer),
    /// A count of transferred bytes: those of earlier moves, and between `least` and `most` more.
    Transferred {
        /// The fewest bytes transferred by this move.
        least: u32,
        /// The most bytes transferred by this move.
        most: u32,
    },
    /// A non-empty set of events with all of `must` and none outside `must` and `may`.
    Ready {
        /// Events that are reported for sure.
        must: Events,
        /// Events that may be reported.
        may: Events,
    },
}

impl Move {
    /// The call is answered with `answer`.
    pub const fn answers(answer: Answer) -> Move {
        Move { what: What::Answers(Answers::Exactly(answer), None), effect: None, fault: None }
    }

    /// The call fails.
    pub const fn fails(errno: Errno) -> Move {
        Move::answers(Answer::Fails(errno))
    }

    /// The call shall fail while the condition holds under which the rule gives this move.
    pub const fn fault(errno: Errno) -> Move {
        Move { fault: Some(Fault::Shall), ..Move::fails(errno) }
    }

    /// The call may fail while the condition holds under which the rule gives this move.
    pub const fn may_fault(errno: Errno) -> Move {
        Move { fault: Some(Fault::May), ..Move::fails(errno) }
    }

    /// `poll` returns what it has found.
    pub const fn found(events: Answers) -> Move {
        Move { what: What::Answers(events, None), effect: None, fault: None }
    }

    /// The call transfers between `least` and `most` bytes and is answered with the count of all
    /// that it has transferred.
    pub const fn transfers(least: u32, most: u32) -> Move {
        Move {
            what: What::Answers(Answers::Transferred { least, most }, None),
            effect: None,
            fault: None,
        }
    }

    /// The call transfers between `least` and `most` bytes and goes on.
    pub const fn proceeds(least: u32, most: u32) -> Move {
        Move { what: What::Proceeds { least, most }, effect: None, fault: None }
    }

    /// The call may sleep here.
    pub const fn rests() -> Move {
        Move { what: What::Rests, effect: None, fault: None }
    }

    /// What was sent to the object that the scene is [about](Scene::receiver) arrives.
    pub const fn delivers(object: ObjectIndex, surely: bool, effect: Effect) -> Move {
        Move { what: What::Delivers { object, surely }, effect: Some(effect), fault: None }
    }

    /// The object that the scene is [about](Scene::released) ends.
    pub const fn releases(effect: Effect) -> Move {
        Move { what: What::Releases, effect: Some(effect), fault: None }
    }

    /// `poll` finds these events.
    pub const fn reports(must: Events) -> Move {
        Move { what: What::Reports { must, may: Events::NONE }, effect: None, fault: None }
    }

    /// `poll` may find these events.
    pub const fn may_report(may: Events) -> Move {
        Move { what: What::Reports { must: Events::NONE, may }, effect: None, fault: None }
    }

    /// Anything may happen from here on.
    pub const fn unspecified(reason: &'static str) -> Move {
        Move { what: What::Unspecified(reason), effect: None, fault: None }
    }

    /// The same move, raising a signal in the caller.
    pub const fn raises(self, signal: Signal) -> Move {
        match self.what {
            What::Answers(answers, _) => {
                Move { what: What::Answers(answers, Some(signal)), ..self }
            }
            _ => self,
        }
    }

    /// The same move with an effect on the world.
    pub const fn with(self, effect: Effect) -> Move {
        Move { effect: Some(effect), ..self }
    }

    /// Whether the move leaves all but the call as it is.
    pub fn is_pure(&self) -> bool {
        self.effect.is_none()
    }
}

/// What a rule sees: one actor's call in progress, and the world around it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The platform.
    pub platform: &'a Platform,
    /// The world.
    pub world: &'a World,
    /// The caller.
    pub actor: Actor,
    /// Its call in progress.
    pub call: &'a Pending,
    /// What the poll in progress would find, by all rules that report: sure, and perhaps.
    pub found: (Events, Events),
}

impl<'a> Scene<'a> {
    /// What is asked for.
    pub fn op(&self) -> Op {
        self.call.op
    }

    /// The open file description behind the end; `None` where the end is not open.
    pub fn description(&self) -> Option<&'a Description> {
        let world = self.world;
        self.call.description.map(|index| &world.descriptions[usize::from(index)])
    }

    /// Whether the end is open for reading.
    pub fn reads(&self) -> bool {
        self.description().and_then(|d| d.mode).is_some_and(|mode| mode.reads())
    }

    /// Whether the end is open for writing.
    pub fn writes(&self) -> bool {
        self.description().and_then(|d| d.mode).is_some_and(|mode| mode.writes())
    }

    /// Whether the end has `O_NONBLOCK`; of a call that has asked, whether it had then.
    pub fn nonblock(&self) -> bool {
        let now = || self.description().is_some_and(|d| d.nonblock);
        self.call.terms.map_or_else(now, |terms| terms.nonblock)
    }

    /// How long the call waits on a socket, in microseconds, where the socket says this now: 0 for ever; negative not
    /// at all.
    pub fn timeout_us(&self, now: i64) -> i64 {
        self.call.terms.map_or(now, |terms| terms.timeout_us)
    }

    /// What is behind the end; `None` where the end is not open.
    pub fn object(&self) -> Option<&'a Object> {
        let description = self.description()?;
        self.world.objects.get(usize::from(description.object))
    }

    /// The object to which something may be delivered; `None` where the call is somebody's.
    pub fn receiver(&self) -> Option<ObjectIndex> {
        self.call.waits_on.filter(|_| self.op() == Op::Deliver)
    }

    /// The object to which nothing refers any more; `None` where the call is somebody's.
    pub fn released(&self) -> Option<ObjectIndex> {
        self.call.waits_on.filter(|_| self.op() == Op::Release)
    }

    /// The stream behind the end; `None` where there is none.
    pub fn stream(&self) -> Option<&'a Stream> {
        match self.object()? {
            Object::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The file behind the end; `None` where there is none.
    pub fn file(&self) -> Option<&'a File> {
        match self.object()? {
            Object::File(file) => Some(file),
            _ => None,
        }
    }

    /// The Unix socket behind the end; `None` where there is none.
    pub fn socket(&self) -> Option<&'a Unix> {
        match self.object()? {
            Object::Unix(socket) => Some(socket),
            _ => None,
        }
    }

    /// The variable behind the end; `None` where there is none.
    pub fn cell(&self) -> Option<&'a Cell> {
        match self.object()? {
            Object::Cell(cell) => Some(cell),
            _ => None,
        }
    }

    /// The ring behind the end; `None` where there is none.
    pub fn ring(&self) -> Option<&'a Ring> {
        match self.object()? {
            Object::Ring(ring) => Some(ring),
            _ => None,
        }
    }

    /// Whether the end is a handle on memory and no descriptor: it can be read or written, and closed.
    pub fn is_memory(&self) -> bool {
        matches!(self.object(), Some(Object::Cell(_) | Object::Ring(_)))
    }

    /// The index of the object behind the end; `None` where the end is not open.
    pub fn object_index(&self) -> Option<ObjectIndex> {
        Some(self.description()?.object)
    }

    /// Whether somebody has what is behind the end open for reading.
    pub fn has_reader(&self) -> bool {
        self.description().is_some_and(|d| self.world.has_reader(d.object))
    }

    /// Whether somebody has what is behind the end open for writing.
    pub fn has_writer(&self) -> bool {
        self.description().is_some_and(|d| self.world.has_writer(d.object))
    }

    /// The length of a read on an end open for reading, in bytes.
    pub fn read_len(&self) -> Option<u32> {
        match self.op() {
            Op::Read { len } if self.reads() => Some(len),
            _ => None,
        }
    }

    /// The length of a write on an end open for writing, in bytes.
    pub fn write_len(&self) -> Option<u32> {
        match self.op() {
            Op::Write { len } if self.writes() => Some(len),
            _ => None,
        }
    }

    /// Whether another call holds the lock of what is behind the end.
    pub fn is_locked(&self) -> bool {
        self.description().is_some_and(|d| self.world.is_locked(d.object, self.actor))
    }

    /// The object that the call is on: the one behind its end, or the one to which the path leads that it opens.
    pub fn on(&self) -> Option<ObjectIndex> {
        match self.op() {
            Op::Open { .. } => {
                let found = self.call.waits_on == Some(NAMED);
                (self.world.place == Place::Linked || found).then_some(NAMED)
            }
            _ => self.object_index(),
        }
    }

    /// The scenes of all other calls in progress that are not answered yet. Rules don't see them: a rule sees the
    /// neighbourhood of its call, so that a call elsewhere excuses nothing here.
    fn others(&self) -> impl Iterator<Item = Scene<'a>> + use<'a> {
        let (this, at) = (usize::from(self.actor.0), *self);
        let actors = self.world.actors.iter().enumerate().filter(move |(index, _)| *index != this);
        actors.filter_map(move |(index, other)| {
            let call = other.call.as_ref().filter(|call| call.progress == Progress::Open)?;
            Some(Scene { actor: Actor(index as u8), call, ..at })
        })
    }

    /// The scenes of the other calls in progress on an object.
    pub fn others_at(&self, object: ObjectIndex) -> impl Iterator<Item = Scene<'a>> + use<'a> {
        self.others().filter(move |other| other.on() == Some(object))
    }

    /// The scenes of the other calls in progress on the same object.
    pub fn others_here(&self) -> impl Iterator<Item = Scene<'a>> + use<'a> {
        let here = self.on();
        self.others().filter(move |other| here.is_some() && other.on() == here)
    }

    /// The scenes of the other calls in progress that bind or connect a socket to the address of this channel.
    pub fn others_at_address(&self) -> impl Iterator<Item = Scene<'a>> + use<'a> {
        let on_address = |other: &Scene<'_>| matches!(other.op(), Op::Bind | Op::Connect);
        self.others().filter(move |other| on_address(other) && other.object().is_some())
    }

    /// The scenes of the other calls in progress that may drop the last reference to an object.
    pub fn others_releasing(
        &self,
        object: ObjectIndex,
    ) -> impl Iterator<Item = Scene<'a>> + use<'a> {
        let (this, at) = (self.actor, *self);
        let others = self.world.busy().iter().filter(move |other| *other != this);
        let releasing = others.filter(move |other| at.world.may_release(*other, object));
        releasing
            .filter_map(move |actor| Some(Scene { actor, call: at.world.pending(actor)?, ..at }))
    }

    /// Whether another read of at least one byte of the same stream is in progress.
    pub fn another_read(&self) -> bool {
        self.others_here().any(|other| other.read_len().is_some_and(|len| len > 0))
    }
}
