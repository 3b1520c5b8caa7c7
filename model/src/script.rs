//! Systems as they are written: channels, programs, and what is claimed of them, as values.
//!
//! [`crate::text`] reads and prints them; [`crate::system`] makes of one a model that can be searched. It says nothing
//! of what a call does.

mod claim;
mod of_run;

use crate::call::{Actor, Answer, Call, Errno, Events, Reply, Termination};
use crate::data::{Data, ZERO};
use crate::run::{Channel, Run};

pub use claim::{
    Bytes, Called, ChannelIs, Claim, Claimed, Clause, Compare, Does, Fairness, Given, Got,
    Predicate, Spoken, Verb, Who,
};

/// The most steps that the program of a process may have, each round of a `repeat` counted.
pub const STEPS_MAX: usize = 250;

/// The most claims of a system.
pub const CLAIMS_MAX: usize = 16;

/// A system as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Comments before its first line.
    pub preamble: Vec<String>,
    /// Its name: lower case, words joined by `-`.
    pub name: String,
    /// What it is, in a sentence.
    pub says: String,
    /// What it is about.
    pub about: Family,
    /// Whether its loops write so many bytes at most, and no more.
    pub bounded: bool,
    /// Its channels, who takes part, and the names of ends. Nothing happens in it.
    pub cast: Run,
    /// What each process does; [`Actor`] is an index.
    pub programs: Vec<Vec<Statement>>,
    /// What is claimed.
    pub claims: Vec<Claim>,
}

/// What a system is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Which way data goes.
    Direction,
    /// How a receiver learns of data.
    Waiting,
    /// The ends that each process holds, and until when.
    Ends,
    /// How much a channel holds.
    Capacity,
    /// What is done as one.
    Atomicity,
    /// How ends are got.
    Opening,
    /// Values that replace each other.
    Variable,
    /// What processes inherit and leave behind.
    Processes,
    /// What is inside a channel.
    Implementation,
    /// A system of one's own.
    Own,
}

impl Family {
    /// All, each with its word.
    pub const NAMED: [(&'static str, Family); 10] = [
        ("direction", Family::Direction),
        ("waiting", Family::Waiting),
        ("ends", Family::Ends),
        ("capacity", Family::Capacity),
        ("atomicity", Family::Atomicity),
        ("opening", Family::Opening),
        ("variable", Family::Variable),
        ("processes", Family::Processes),
        ("implementation", Family::Implementation),
        ("own", Family::Own),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        Family::NAMED.iter().find(|(_, family)| *family == self).map_or("own", |(word, _)| word)
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What a process does.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// Makes a call.
    Call(Call),
    /// Does this again and again, until it is left.
    Loop(Vec<Statement>),
    /// Does this so many times.
    Repeat(u32, Vec<Statement>),
    /// Leaves the innermost loop.
    Leave,
    /// Of these does the first whose answer is the one that the call before was given, and if there is none the last.
    On(Vec<(Seen, Vec<Statement>)>, Vec<Statement>),
    /// Does one of these, whichever.
    Choose(Vec<Vec<Statement>>),
    /// Waits until a process has ended.
    Until(Actor),
    /// Ends with this status.
    Exit(Termination),
    /// Ends another by SIGKILL, once there is one, wherever it is.
    Kill(Actor),
    /// Stays for ever, without a call.
    Stay,
}

/// What is told apart in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It counts this many bytes, or messages.
    Count(u32),
    /// It counts less than this many.
    Less(u32),
    /// It fails so.
    Fails(Errno),
    /// It fails.
    Error,
    /// All of these events have come.
    Ready(Events),
    /// It gives data, and somebody wrote it.
    Written,
    /// It gives data, some of which this one wrote.
    Of(Actor),
    /// It is done, and counts nothing.
    Done,
}

impl Seen {
    /// There is something to read.
    pub const READABLE: Seen = Seen::Ready(Events::IN);

    /// Whether a reply is one of these.
    pub fn is(self, reply: &Reply) -> bool {
        let answer = reply.answer;
        let names = match &reply.data {
            Data::Named(names) => names.as_slice(),
            _ => &[],
        };
        match self {
            Seen::Count(count) => answer.count() == Some(count),
            Seen::Less(count) => answer.count().is_some_and(|seen| seen < count),
            Seen::Fails(errno) => answer == Answer::Fails(errno),
            Seen::Error => matches!(answer, Answer::Fails(_)),
            Seen::Ready(wanted) => {
                matches!(answer, Answer::Ready(events) if events.contains(wanted))
            }
            Seen::Written => names.iter().any(|name| name.actor != ZERO),
            Seen::Of(actor) => names.iter().any(|name| name.actor == actor),
            Seen::Done => answer == Answer::Done,
        }
    }
}

impl Script {
    /// The name by which claims call a channel: that of its kind where it has none.
    pub fn channel_name(channel: &Channel) -> &str {
        match &channel.name {
            Some(name) => name.as_str(),
            None => channel.setup.kind.name,
        }
    }

    /// Whether bytes are written for as long as it goes on, so that their places are counted from the latest.
    pub fn is_endless(&self) -> bool {
        !self.bounded && self.programs.iter().any(|body| loops_writing(body, false))
    }
}

/// Whether something is written again and again.
fn loops_writing(body: &[Statement], within: bool) -> bool {
    body.iter().any(|statement| match statement {
        Statement::Call(call) => within && call.op.offers().is_some(),
        Statement::Loop(body) => loops_writing(body, true),
        Statement::Repeat(_, body) => loops_writing(body, within),
        Statement::On(arms, otherwise) => {
            arms.iter().any(|(_, body)| loops_writing(body, within))
                || loops_writing(otherwise, within)
        }
        Statement::Choose(bodies) => bodies.iter().any(|body| loops_writing(body, within)),
        _ => false,
    })
}

/// How many steps statements are laid out as.
pub fn steps(body: &[Statement]) -> usize {
    let all = |body: &[Statement]| steps(body);
    body.iter()
        .map(|statement| match statement {
            Statement::Loop(body) => all(body).saturating_add(1),
            Statement::Repeat(times, body) => all(body).saturating_mul(*times as usize),
            Statement::On(arms, otherwise) => {
                let arms = arms.iter().map(|(_, body)| all(body).saturating_add(2));
                arms.fold(all(otherwise), usize::saturating_add)
            }
            Statement::Choose(bodies) => {
                let bodies = bodies.iter().map(|body| all(body).saturating_add(2));
                bodies.fold(0, usize::saturating_add)
            }
            _ => 1,
        })
        .fold(0, usize::saturating_add)
}

/// Calls `with` on each statement, those within others too.
pub fn each<'s>(body: &'s [Statement], with: &mut impl FnMut(&'s Statement)) {
    for statement in body {
        with(statement);
        match statement {
            Statement::Loop(body) | Statement::Repeat(_, body) => each(body, with),
            Statement::On(arms, otherwise) => {
                arms.iter().for_each(|(_, body)| each(body, with));
                each(otherwise, with);
            }
            Statement::Choose(bodies) => bodies.iter().for_each(|body| each(body, with)),
            _ => {}
        }
    }
}

/// Calls `with` on each call.
pub fn each_call(body: &mut [Statement], with: &mut impl FnMut(&mut Call)) {
    for statement in body {
        match statement {
            Statement::Call(call) => with(call),
            Statement::Loop(body) | Statement::Repeat(_, body) => each_call(body, with),
            Statement::On(arms, otherwise) => {
                arms.iter_mut().for_each(|(_, body)| each_call(body, with));
                each_call(otherwise, with);
            }
            Statement::Choose(bodies) => {
                bodies.iter_mut().for_each(|body| each_call(body, with));
            }
            _ => {}
        }
    }
}
