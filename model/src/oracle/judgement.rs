//! What the oracle says of a run.

use crate::call::{Actor, Reply};
use crate::data::Segments;
use crate::index::RuleIndex;
use crate::step::RuleSet;
use crate::world::World;

/// What the oracle says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Some behaviour that the rules allow looks exactly like the run.
    Conforms,
    /// No behaviour that the rules allow looks like the run.
    Deviates,
    /// From this event on anything is allowed, for this reason.
    Unspecified {
        /// Index of the event.
        from: usize,
        /// Why.
        reason: &'static str,
    },
    /// Too many orders of concurrent calls to follow at this event.
    Inconclusive {
        /// Index of the event.
        at: usize,
    },
}

/// What would have been allowed where a run deviates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// The call returns with this reply.
    Returns(Actor, Reply, RuleIndex),
    /// The call sleeps.
    Sleeps(Actor, RuleIndex),
}

impl Allowed {
    /// The rule that allows it.
    pub fn rule(&self) -> RuleIndex {
        match self {
            Allowed::Returns(_, _, rule) | Allowed::Sleeps(_, rule) => *rule,
        }
    }
}

/// One event that no rule allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Index of the event in the run.
    pub event: usize,
    /// What would have been allowed instead, and by which rules.
    pub allowed: Vec<Allowed>,
    /// Whether the run had deviated before: then what was expected here is a guess.
    pub after_another: bool,
    /// Whose call, stopped at which byte, holds the lock that the call of this event needs.
    pub shut_out_by: Option<(Actor, u32)>,
}

/// The whole judgement of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// All deviations, in the order of events.
    pub deviations: Vec<Deviation>,
    /// Rules that every explanation of the run uses.
    pub shown: RuleSet,
    /// For each event, if it is a return that one rule alone explains, that rule.
    pub explained: Vec<Option<RuleIndex>>,
    /// Of a judgement that [names](super::judge_naming): the returns that gave bytes which all states name alike, by event, each
    /// with those names. No other event has an entry.
    pub names: Vec<(usize, Segments)>,
    /// The most states followed at a time.
    pub states_most: usize,
}

/// What is noted along a run, besides the judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Records {
    Nothing,
    /// The names of bytes.
    Names,
    /// The worlds after each event.
    Worlds,
    /// The worlds after the last event that is followed, and none before.
    Last,
}

/// A judgement, with the worlds along the run.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The judgement.
    pub judgement: Judgement,
    /// For each event, by channel the worlds that there may be after it, as far as the run was followed; none where they
    /// would take too much memory. What may as well happen later has not happened in them.
    pub worlds: Vec<Vec<Vec<World>>>,
}
