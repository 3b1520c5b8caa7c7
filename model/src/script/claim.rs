//! What is claimed of systems, as it is written.

use crate::call::{Actor, Answer, End, Op, Termination};
use crate::data::Segments;

/// What is claimed of a system, and whether that is known to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Whether it is known not to hold.
    pub broken: bool,
    /// What is claimed.
    pub what: Claimed,
}

/// What is claimed.
#[derive(Clone, Debug, PartialEq)]
pub enum Claimed {
    /// There is no deadlock.
    NeverDeadlock,
    /// This is so in every state in which the other is.
    Always(Predicate, Option<Predicate>),
    /// This is so in no state in which the other is.
    Never(Predicate, Option<Predicate>),
    /// This is so in some state in which the other is.
    Possible(Predicate, Option<Predicate>),
    /// This comes in the end, under a fair scheduler or under any.
    Eventually(Predicate, Fairness),
    /// Wherever the first is so the second comes in the end.
    LeadsTo(Predicate, Predicate, Fairness),
}

/// What is assumed of the scheduler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fairness {
    /// A process that can always take a step takes one at some time.
    #[default]
    Fair,
    /// Nothing.
    Unfair,
}

/// Something that is so in a state or not.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// This is not so.
    Not(Box<Predicate>),
    /// All of these are so.
    And(Vec<Predicate>),
    /// One of these is so.
    Or(Vec<Predicate>),
    /// Processes are about this.
    Processes(Clause),
    /// A channel, by its index, is so.
    Channel(usize, ChannelIs),
}

/// A subject with its predicates.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Who.
    pub who: Who,
    /// What; of each all of it.
    pub does: Vec<Verb>,
}

/// Of whom something is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    /// Of every process.
    All,
    /// Of none.
    Nobody,
    /// Of one at least.
    Somebody,
    /// Of each of these.
    These(Vec<Actor>),
}

/// What is said of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Verb {
    /// Whether it is denied.
    pub not: bool,
    /// What.
    pub does: Does,
}

/// What a process is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Does {
    /// It has ended, with this status where one is given.
    Ended(Option<Termination>),
    /// It has ended, or stays, or nothing has made it.
    Done,
    /// This is what it has read; of its last call alone, or in all.
    Read {
        /// By its last call.
        last: bool,
        /// What.
        what: Given,
    },
    /// It is in such a call: made, and not returned.
    In(Called),
    /// Its call is not answered.
    Waits(Called),
    /// Its call is not answered, and nothing that is there now answers it.
    Sleeps(Called),
    /// It is about to see this answer, from such a call.
    Gets(Got, Called),
    /// It has an end open: any, or this one.
    Holds(Option<End>),
}

/// Which call is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// Of which kind, an index into [`Op::WORDS`]; any where it is not said.
    pub kind: Option<usize>,
    /// Of how many bytes.
    pub bytes: Option<u32>,
}

impl Called {
    /// Any call.
    pub const ANY: Called = Called { kind: None, bytes: None };

    /// Whether this call is meant.
    pub fn is(&self, op: Op) -> bool {
        self.kind.is_none_or(|kind| kind == op.kind())
            && self.bytes.is_none_or(|bytes| op.offers().or(op.asks()) == Some(bytes))
    }
}

/// What a process is about to be given.
#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    /// Any answer.
    Something,
    /// This answer, or any but this.
    Answer {
        /// Any but this.
        other: bool,
        /// This.
        answer: Answer,
    },
    /// Data.
    Data(Given),
}

/// Data that a process is given, or has been.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// There is some, and it is other than this.
    pub other: bool,
    /// What.
    pub what: Bytes,
}

/// What data is.
#[derive(Clone, Debug, PartialEq)]
pub enum Bytes {
    /// There is some.
    Some,
    /// Some of it was written by this one.
    Of(Actor),
    /// Some of it was written by the one that is given it.
    Own,
    /// Some of it was written by nobody.
    Zeros,
    /// It is this.
    Exactly(Segments),
    /// So many bytes.
    Length(Compare, u32),
    /// So many pieces, each of bytes that were written one after the other.
    Pieces(Compare, u32),
    /// What this one wrote, from its first byte on and in order.
    First(Actor),
    /// What this one wrote, from where the reader has come to, and in order.
    Next(Actor),
    /// One value of so many bytes, as it was written.
    Whole(u32),
    /// What this channel holds.
    Held(usize),
}

/// How numbers are held against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// As many.
    Exactly,
    /// As many or more.
    AtLeast,
    /// As many or fewer.
    AtMost,
}

impl Compare {
    /// Whether this number is one.
    pub fn is(self, number: u64, than: u32) -> bool {
        match self {
            Compare::Exactly => number == u64::from(than),
            Compare::AtLeast => number >= u64::from(than),
            Compare::AtMost => number <= u64::from(than),
        }
    }
}

/// What a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelIs {
    /// It holds so many bytes.
    Holds(Compare, u32),
    /// Whether it holds none.
    Empty(bool),
    /// Whether somebody has it open for writing.
    Writer(bool),
    /// Whether somebody has it open for reading.
    Reader(bool),
    /// Its contents are so many pieces, each of bytes that were written one after the other.
    Pieces(Compare, u32),
    /// So many open file descriptions hold a lock of it.
    Locked(Compare, u32),
}

/// What of the data that a process is given claims speak of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    /// All of it.
    pub all: bool,
    /// What its last call gave.
    pub newest: bool,
    /// How far it has come with what these wrote.
    pub next: Vec<Actor>,
}

impl Spoken {
    /// What claims speak of, of what this process is given.
    pub fn of(claims: &[Claim], actor: Actor) -> Spoken {
        let mut spoken = Spoken::default();
        for claim in claims {
            match &claim.what {
                Claimed::NeverDeadlock => {}
                Claimed::Always(what, when)
                | Claimed::Never(what, when)
                | Claimed::Possible(what, when) => {
                    spoken.add(what, actor);
                    when.iter().for_each(|when| spoken.add(when, actor));
                }
                Claimed::Eventually(goal, _) => spoken.add(goal, actor),
                Claimed::LeadsTo(after, goal, _) => {
                    spoken.add(after, actor);
                    spoken.add(goal, actor);
                }
            }
        }
        spoken
    }

    fn add(&mut self, predicate: &Predicate, actor: Actor) {
        let clause = match predicate {
            Predicate::Not(inner) => return self.add(inner, actor),
            Predicate::And(all) | Predicate::Or(all) => {
                return all.iter().for_each(|inner| self.add(inner, actor));
            }
            Predicate::Channel(..) => return,
            Predicate::Processes(clause) => clause,
        };
        let is_meant = match &clause.who {
            Who::These(these) => these.contains(&actor),
            _ => true,
        };
        for verb in clause.does.iter().filter(|_| is_meant) {
            match &verb.does {
                Does::Read { last: true, .. } => self.newest = true,
                Does::Read { last: false, .. } => self.all = true,
                Does::Gets(Got::Data(Given { what: Bytes::Next(of), .. }), _)
                    if !self.next.contains(of) =>
                {
                    self.next.push(*of);
                }
                _ => {}
            }
        }
    }

    /// Why no state can tell all that is spoken of, where none can.
    pub fn is_too_much(&self, endless: bool) -> Option<&'static str> {
        if self.newest && (self.all || !self.next.is_empty()) {
            return Some(
                "claims speak of what it has last read, and of what it has read before: of one process one of the \
                 two is kept",
            );
        }
        if endless && self.all {
            return Some(
                "claims speak of all that it has read, and loops write without bound: say \"bounded\" before the \
                 channels if they don't, or claim what it gets",
            );
        }
        (self.next.len() > 1 && !self.all).then_some(
            "claims speak of the next bytes of several: of one process one place is kept",
        )
    }
}
