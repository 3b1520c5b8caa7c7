//! Litmus tests: a few calls of several actors, and every outcome that the rules allow of them.
//!
//! An outcome is what all calls give. Each actor makes its calls in order; those of different actors come in any
//! order, but `quiet` lets all before it come to rest, and where a call stops in its middle calls are made as the
//! file has them. The grammar stands with that of runs, in [`crate::text`].
//!
//! Of large ranges of counts some are tried, as elsewhere in exploration: a run that the oracle accepts may have
//! an outcome that is not listed here.

mod fates;
mod search;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;

use crate::call::{Actor, Answer, Call, Reply};
use crate::data::Data;
use crate::platform::Platform;
use crate::run::{Event, Run};
use fates::Fates;
use search::Search;

/// A litmus file.
#[derive(Clone, Debug)]
pub struct Litmus {
    /// The channel, the actors and their calls; what returns there stands for nothing.
    pub run: Run,
    /// The place of each event, as a range of bytes of the text.
    pub places: Vec<Range<usize>>,
    /// What is expected of them.
    pub expected: Vec<Expectation>,
}

/// What is expected of some calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Whether it may be.
    pub word: Word,
    /// What calls give: of each actor its first, its second and so on.
    pub fates: Vec<(Actor, Wanted)>,
    /// The comment behind it.
    pub remark: String,
}

/// Whether an outcome may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The rules allow it, and it is seen.
    Allowed,
    /// No rule allows it.
    Forbidden,
    /// The rules allow it, but this kernel is not known to do so; the remark says why.
    Lax,
}

/// What a call is expected to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever it likes.
    Any,
    /// Nothing: it sleeps, or its actor sleeps in a call before.
    Asleep,
    /// This; without data, any data.
    Reply(Reply),
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It returned.
    Returns(Reply),
    /// It sleeps, or its actor slept in a call before when it was to be made.
    Asleep,
    /// It was not made, though its actor was free to: no rule says anything of that, so it is never allowed.
    NotMade,
}

/// What all calls gave, in the order of the file.
pub type Outcome = Vec<Fate>;

/// So many states are gone through at most.
const STATES_MAX: usize = 400_000;

/// So much memory their worlds take at most, in bytes.
const STATES_MAX_BYTES: usize = 640 << 20;

/// There are too many orders to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are too many orders to go through; make fewer calls at once, or let things come to rest by \"quiet\""
)]
pub struct TooMany;

impl Word {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Word::Allowed => "allowed",
            Word::Forbidden => "forbidden",
            Word::Lax => "lax",
        }
    }
}

impl Litmus {
    /// The calls, in the order of the file.
    pub fn calls(&self) -> Vec<Call> {
        let calls = self.run.events.iter().filter_map(|event| match event {
            Event::Call(call) => Some(*call),
            _ => None,
        });
        calls.collect()
    }

    /// Whether calls stop in their middle: then they are made in the order of the file.
    pub fn stops(&self) -> bool {
        self.run.events.iter().any(|event| matches!(event, Event::Stops(..)))
    }

    /// Whether something is expected of the bytes that calls give.
    pub fn asks_for_data(&self) -> bool {
        let wanted = self.expected.iter().flat_map(|expected| &expected.fates);
        wanted.into_iter().any(|(_, wanted)| {
            matches!(wanted, Wanted::Reply(Reply { data, .. }) if *data != Data::Unknown)
        })
    }

    /// Whether an outcome is as expected here.
    pub fn fits(&self, expected: &Expectation, outcome: &[Fate]) -> bool {
        let calls = self.calls();
        let mut made = [0_usize; 256];
        expected.fates.iter().all(|(actor, wanted)| {
            let number = made[usize::from(actor.0)];
            made[usize::from(actor.0)] += 1;
            let own = calls.iter().zip(outcome).filter(|(call, _)| call.actor == *actor);
            let Some((_, fate)) = own.into_iter().nth(number) else { return false };
            match (wanted, fate) {
                (Wanted::Any, _) | (Wanted::Asleep, Fate::Asleep) => true,
                (Wanted::Reply(wanted), Fate::Returns(reply)) => is_like(wanted, reply),
                _ => false,
            }
        })
    }

    /// An outcome in words: `writer -> 2, reader -> asleep`.
    pub fn tell(&self, outcome: &[Fate]) -> String {
        let tell = |(call, fate): (&Call, &Fate)| {
            format!("{} -> {}", self.run.actor_name(call.actor), self.tell_fate(fate))
        };
        self.calls().iter().zip(outcome).map(tell).collect::<Vec<_>>().join(", ")
    }

    fn tell_fate(&self, fate: &Fate) -> String {
        let reply = match fate {
            Fate::Returns(reply) => reply,
            Fate::Asleep => return "asleep".to_owned(),
            Fate::NotMade => return "not made".to_owned(),
        };
        let plain = Reply { data: Data::Unknown, ..reply.clone() };
        let mut text = self.run.words_of(&plain);
        match &reply.data {
            Data::Named(names) if self.asks_for_data() && !names.is_empty() => {
                text.push_str(" =");
                for name in names {
                    let writer = self.run.actor_name(name.actor);
                    let _ = write!(text, " {writer}[{}..{}]", name.from, name.to());
                }
            }
            Data::Bytes(bytes) if self.asks_for_data() && !bytes.is_empty() => {
                text.push_str(" = other bytes");
            }
            _ => {}
        }
        text
    }

    /// What is expected, in words.
    pub fn tell_expected(&self, expected: &Expectation) -> String {
        let tell = |(actor, wanted): &(Actor, Wanted)| {
            let fate = match wanted {
                Wanted::Any => "any".to_owned(),
                Wanted::Asleep => "asleep".to_owned(),
                Wanted::Reply(reply) => self.tell_fate(&Fate::Returns(reply.clone())),
            };
            format!("{} -> {fate}", self.run.actor_name(*actor))
        };
        expected.fates.iter().map(tell).collect::<Vec<_>>().join(", ")
    }

    /// What a real run of the calls came to, with data as one of the `allowed` outcomes names it.
    pub fn outcome(&self, run: &Run, allowed: &[Outcome]) -> Outcome {
        let mut of: Vec<Fates<'_>> =
            (0..self.run.seats.len()).map(|actor| Fates::of(run, Actor(actor as u8))).collect();
        let next = |call: &Call| of[usize::from(call.actor.0)].next(call);
        let outcome: Outcome = self.calls().iter().map(next).collect();
        let outcome = if self.asks_for_data() { outcome } else { without_data(outcome) };
        let same = |other: &&Outcome| {
            outcome.iter().zip(*other).all(|(seen, fate)| looks_like(seen, fate))
        };
        allowed.iter().find(same).cloned().unwrap_or(outcome)
    }

    /// Every outcome that the platform's rules allow, in words' order.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn outcomes(&self, platform: &Platform) -> Result<Vec<Outcome>, TooMany> {
        self.outcomes_unless(platform, &|| false).map(Option::unwrap_or_default)
    }

    /// The same, unless they are no longer wanted: `ended` is asked at each state, and `None` is the answer soon after
    /// it has said so.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn outcomes_unless(
        &self,
        platform: &Platform,
        ended: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<Outcome>>, TooMany> {
        let platform = &*platform.under(self.run.setup());
        let search = Search::new(self, platform);
        let Some(found) = search.run(ended)? else { return Ok(None) };
        let asks = self.asks_for_data();
        let found =
            found.into_iter().map(|outcome| if asks { outcome } else { without_data(outcome) });
        let mut outcomes: Vec<Outcome> = found.collect::<HashSet<_>>().into_iter().collect();
        outcomes.sort_by_cached_key(|outcome| self.tell(outcome));
        Ok(Some(outcomes))
    }
}

fn without_data(outcome: Outcome) -> Outcome {
    let plain = |fate| match fate {
        Fate::Returns(reply) => Fate::Returns(Reply { data: Data::Unknown, ..reply }),
        other => other,
    };
    outcome.into_iter().map(plain).collect()
}

/// Whether what was seen may be what the rules give.
fn looks_like(seen: &Fate, fate: &Fate) -> bool {
    match (seen, fate) {
        (Fate::Returns(seen), Fate::Returns(reply)) => is_like(seen, reply),
        (seen, fate) => seen == fate,
    }
}

fn is_like(wanted: &Reply, reply: &Reply) -> bool {
    let data = match (&wanted.data, &reply.data) {
        (Data::Unknown, _) => true,
        (data, Data::Named(names)) => data.may_be(names),
        (data, Data::Unknown) => data.is_empty(),
        (data, other) => data == other,
    };
    wanted.answer == reply.answer && wanted.signal == reply.signal && data
}

/// A reply as it is told: of what gives no bytes, none.
fn shown(reply: Reply) -> Reply {
    match reply.answer {
        Answer::Count(1..) | Answer::Marked(1.., _) => reply,
        _ => Reply { data: Data::Unknown, ..reply },
    }
}
