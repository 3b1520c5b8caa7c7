//! A call in progress, with what the kernel remembers of it.

use std::hash::{Hash, Hasher};

use crate::call::{Answer, End, Op, Signal, Termination};
use crate::data::Segments;
use crate::index::{DescriptionIndex, ObjectIndex, RuleIndex};
use crate::run::Actors;

/// How far a call in progress has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Progress {
    /// Not yet answered.
    Open,
    /// Answered: the return is still to be seen.
    Answered {
        /// The rule that answered.
        rule: RuleIndex,
        /// What the caller will see.
        answer: Answer,
        /// The signal that it will see.
        signal: Option<Signal>,
    },
}

/// How far a poll in progress has looked, where it looks at one thing after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Look {
    /// Not yet, or at all at once.
    Not,
    /// At what the object holds: so many pages in use.
    At(u32),
    /// In vain: it looks at all once more.
    Again,
}

/// Room in a send buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Room {
    /// Bytes for which it is.
    pub bytes: u32,
    /// What of the buffer it has taken; 0 while it waits for it.
    pub cost: u32,
}

/// What a socket says of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Terms {
    /// `O_NONBLOCK`.
    pub nonblock: bool,
    /// `SO_RCVTIMEO`, in microseconds: 0 for ever; negative not at all.
    pub timeout_us: i64,
}

/// Whether a signal that is caught has come while a call was in progress. A handler that has run before the call could
/// sleep interrupts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum Interrupted {
    /// None has.
    Not,
    /// One has, perhaps before the call could sleep.
    Perhaps,
    /// One has while the call slept.
    Surely,
    /// As [`Perhaps`](Interrupted::Perhaps), with `SA_RESTART`.
    RestartsPerhaps,
    /// As [`Surely`](Interrupted::Surely), with `SA_RESTART`.
    Restarts,
}

/// Whether something was woken in place of a call that sleeps and could go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub enum PassedOver {
    /// Nothing was.
    No,
    /// Something was, and the call, or another that sleeps with it, perhaps too.
    Perhaps,
    /// Something was, and the call sleeps on until it is woken.
    Surely,
}

/// A call in progress, with what the kernel remembers of it.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Pending {
    /// The end that it was made on.
    pub end: End,
    /// What was asked for.
    pub op: Op,
    /// The description behind the end when the call began, if there was one.
    pub description: Option<DescriptionIndex>,
    /// What it refers to besides, until it returns: of a `dup2` what it has replaced, of a close what it has closed, of a poll
    /// that has looked its descriptor up again what it sleeps at.
    pub keeps: Option<DescriptionIndex>,
    /// Bytes transferred so far: by a write, or into the data of a read that goes piece by piece; or cut off
    /// by a `ftruncate`.
    pub done: u32,
    /// It has found that it must wait.
    pub entered: bool,
    /// An open in progress that counts as an open end already.
    pub counted: bool,
    /// It has waited, so it is a call that waits, whatever O_NONBLOCK has become.
    pub waited: bool,
    /// It waits until a time-out only.
    pub timed: bool,
    /// Somebody else was woken for what it could have, and left it.
    pub overslept: bool,
    /// It was under way when something happened beside it that it may have seen, or not: nothing more could be
    /// sent; bytes that it looked at were taken; there was no room for somebody else's.
    pub midway: bool,
    /// It holds the lock of its object, having done the first part of what it does under it.
    pub holds: bool,
    /// It is seen to stop in its copy.
    pub stops: bool,
    /// It has stopped there under the lock of its object, and has not moved that byte.
    pub locks: bool,
    /// `O_NONBLOCK` of its socket has been changed since it began, before it was known to have asked.
    pub changed_meanwhile: bool,
    /// What its socket said of waiting when it asked, where it has asked.
    pub terms: Option<Terms>,
    /// Who has waited longer for the same, and waits still.
    pub behind: Actors,
    /// It is known to wait behind all those that began to wait before it, and before all that will.
    pub placed: bool,
    /// It was seen asleep, and has not left its place in a wait queue since.
    pub settled: bool,
    /// It was woken, and has not looked since: of calls on a counter.
    pub woken: bool,
    /// Whether an exclusive entry of an epoll was woken in its place.
    pub passed_over: PassedOver,
    /// How far a poll has looked.
    pub look: Look,
    /// Its next piece, or its message, once it waits for room or has taken it.
    pub room: Option<Room>,
    /// The socket for whose queue it waits.
    pub waits_on: Option<ObjectIndex>,
    /// What it waits for has come: to an open the other side (which may have gone again), to a call on a queue what was
    /// handed to it, to one of `F_SETLK` the lock.
    pub partner_came: bool,
    /// Whether a signal that its process catches has come meanwhile.
    pub interrupted: Interrupted,
    /// It was seen asleep: whatever comes finds it in the kernel. Noted where signals are sent, or threads share a table.
    pub slept: bool,
    /// A poll that was seen asleep, and that nothing has woken since: it looks again once something does.
    pub unwoken: bool,
    /// A poll that slept for sure since its descriptor was replaced or closed: it looks that up again before it returns.
    pub astray: bool,
    /// A poll that has looked at what replaced its descriptor in vain: what it sleeps at is the one before.
    pub deaf: bool,
    /// It has left its sleep as its process was stopped: it goes no further, and returns what it has transferred when the
    /// process goes on, or begins anew.
    pub left: bool,
    /// Its process is ending, with this status: the call comes to no return.
    pub dies: Option<Termination>,
    /// Names of the bytes that a read was given.
    pub data: Segments,
    /// Whether it is answered.
    pub progress: Progress,
}

impl Pending {
    /// The call that nobody makes, which deliveries see.
    pub const NOBODYS: Pending = Pending {
        end: End(0),
        op: Op::Deliver,
        description: None,
        keeps: None,
        done: 0,
        entered: false,
        counted: false,
        waited: false,
        timed: false,
        overslept: false,
        midway: false,
        holds: false,
        stops: false,
        locks: false,
        changed_meanwhile: false,
        terms: None,
        behind: Actors::NONE,
        placed: false,
        settled: false,
        woken: false,
        passed_over: PassedOver::No,
        look: Look::Not,
        room: None,
        waits_on: None,
        partner_came: false,
        interrupted: Interrupted::Not,
        slept: false,
        unwoken: false,
        astray: false,
        deaf: false,
        left: false,
        dies: None,
        data: Segments::new_const(),
        progress: Progress::Open,
    };
}

impl Pending {
    /// Whether it is known to be in the kernel: it was seen asleep, or has done a part of what it does.
    pub fn is_inside(&self) -> bool {
        let begun = self.entered || self.waited || self.counted || self.room.is_some();
        self.slept || self.left || self.done > 0 || begun
    }

    /// Whether it begins anew where its process was stopped in it and goes on, with nothing transferred: all but
    /// `epoll_wait(2)` and what waits until a time-out only.
    pub fn begins_anew(&self) -> bool {
        !self.timed && !matches!(self.op, Op::EpollWait { .. })
    }
}

/// By copying whole memory: the oracle clones worlds all the time.
impl Clone for Pending {
    fn clone(&self) -> Pending {
        Pending { data: Segments::from_slice(&self.data), ..*self }
    }
}

/// In few words: the oracle hashes worlds all the time.
impl Hash for Pending {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let flags = [self.entered, self.counted, self.partner_came].map(u64::from);
        let flags = flags[0] << 34 | flags[1] << 33 | flags[2] << 32;
        let more = [self.waited, self.timed, self.overslept, self.midway].map(u64::from);
        let more = more[3] << 38 | more[0] << 37 | more[1] << 36 | more[2] << 35;
        let waits_on = self.waits_on.map_or(0, |object| u64::from(object) + 1) << 16;
        let holds = u64::from(self.holds) << 39
            | u64::from(self.stops) << 40
            | u64::from(self.locks) << 41
            | u64::from(self.changed_meanwhile) << 42
            | u64::from(self.dies.is_some()) << 43
            | u64::from(self.left) << 47
            | (self.interrupted as u64) << 44
            | u64::from(self.slept) << 48;
        let look = match self.look {
            Look::Not => 0,
            Look::Again => 1 << 49,
            Look::At(pages) => (u64::from(pages) + 2) << 49,
        };
        hasher.write_u64(flags | more | holds | look | u64::from(self.done));
        let room = self.room.map_or(0, |room| u64::from(room.cost)) << 34;
        let asleep = u64::from(self.placed)
            | u64::from(self.settled) << 1
            | u64::from(self.woken) << 2
            | (self.passed_over as u64) << 3
            | u64::from(self.unwoken) << 6
            | u64::from(self.astray) << 7
            | u64::from(self.deaf) << 8;
        hasher.write_u64(room | waits_on | asleep);
        let keeps = self.keeps.map_or(0, |index| u64::from(index) + 1);
        hasher.write_u64(keeps << 32 | u64::from(self.behind.0));
        (self.end, self.description, self.op).hash(hasher);
        (&self.data, &self.progress, self.terms).hash(hasher);
    }
}
