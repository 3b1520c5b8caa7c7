//! The oracle: the rules followed along an observed run.
//!
//! It keeps the set of states that the channel could be in. Each event narrows the set; where it gets
//! empty the run has left the specification. Runs are judged after they ended, so every call carries
//! the reply that it will get, and a move that contradicts it is not taken.
//!
//! What it deliberately does not do: observe anything, or prefer one rule to another.
//!
//! Moves of calls in progress are explored only where an event needs them: before a return, the
//! sequences that end in answering the returning call; at quiet, those after which every open call may
//! sleep. Of the resulting states, those that can still be reached from another are dropped.

mod alone;
pub mod bounds;
mod found;
mod lookahead;
mod names;
mod pieces;
mod search;
mod steps;
pub mod stops;
mod told;

use std::cell::Cell;

use crate::call::{Actor, Answer, Call, Reply, Signal};
use crate::data::{Data, Segments};
use crate::index::RuleIndex;
use crate::platform::Platform;
use crate::rule::What;
use crate::rules::outside;
use crate::run::{Actors, Event, Run};
use crate::step::{self, RuleSet, moves};
use crate::world::{Progress, World};
use lookahead::Lookahead;
use search::{Goal, Search};
pub use steps::Steps;
use stops::Stopped;

/// The most states that are followed; a run that needs more is inconclusive.
pub const STATES_MAX: usize = 65_536;

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
    /// The most states followed at a time.
    pub states_most: usize,
}

/// Judges a run by the rules as they hold on `platform`.
///
/// The run must be well-formed ([`Run::check`]); time is linear in its length and grows with the number
/// of calls in flight.
///
/// A run that turns out to deviate is judged once more without leaving out what its rest contradicts: so
/// that the deviation is told of the first event that does not follow from those before it, and not of an
/// earlier one that only the later makes impossible. Where that is too much, what was found first stands, unless it
/// rests on a guess: then the run is judged by what is certain of its rest.
pub fn judge(run: &Run, platform: &Platform) -> Judgement {
    judged(run, platform, false, &never).judgement
}

/// Judges a run as [`judge`] does, unless that is no longer wanted: `ended` is asked at each state, and `None` is the
/// answer soon after it has said so.
pub fn judge_unless(run: &Run, platform: &Platform, ended: &dyn Fn() -> bool) -> Option<Judgement> {
    let given_up = Cell::new(false);
    let asked = || {
        given_up.set(given_up.get() || ended());
        given_up.get()
    };
    let judgement = judged(run, platform, false, &asked).judgement;
    (!given_up.get()).then_some(judgement)
}

/// What a judgement that is wanted is asked.
fn never() -> bool {
    false
}

/// A judgement, with the worlds along the run.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The judgement.
    pub judgement: Judgement,
    /// For each event the worlds that there may be after it, as far as the run was followed. What may as well
    /// happen later has not happened in them.
    pub worlds: Vec<Vec<World>>,
}

/// Judges a run as [`judge`] does, and tells what the world was like after each event.
pub fn follow(run: &Run, platform: &Platform) -> Followed {
    judged(run, platform, true, &never)
}

fn judged(run: &Run, platform: &Platform, records: bool, ended: &dyn Fn() -> bool) -> Followed {
    let platform = &*platform.under(&run.setup);
    let oracle = |foresight| {
        let worlds = records.then(Vec::new);
        Oracle { worlds, ended, ..Oracle::new(run, platform, foresight) }
    };
    let first = oracle(Foresight::Prunes);
    let certain = !first.lookahead.guesses();
    let first = first.judge();
    let settled = match first.judgement.verdict {
        Verdict::Conforms | Verdict::Inconclusive { .. } => true,
        Verdict::Unspecified { .. } => certain,
        Verdict::Deviates => false,
    };
    if settled {
        return first;
    }
    let again = oracle(Foresight::Suggests).judge();
    match again.judgement.verdict {
        Verdict::Inconclusive { .. } if certain => first,
        Verdict::Inconclusive { .. } => oracle(Foresight::PrunesByReplies).judge(),
        _ => again,
    }
}

/// What is done with knowledge of the rest of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Foresight {
    /// Moves that contradict it are left out.
    Prunes,
    /// Only those that contradict replies are: in which order bytes came may have been guessed wrongly.
    PrunesByReplies,
    /// It only chooses which counts of a range are tried.
    Suggests,
}

/// A state that the channel could be in.
#[derive(Clone, Debug)]
struct State {
    world: World,
    /// Rules used on the way here.
    shown: RuleSet,
}

/// What is known of an actor's call in progress from the rest of the run.
#[derive(Clone, Copy, Debug, Default)]
struct Fate<'r> {
    /// The reply that it will get, if it returns.
    reply: Option<&'r Reply>,
    /// Index of the first event at which it may be answered: after the last quiet in which it is open, and
    /// after it has gone on, if it is a write that stops.
    answerable_from: usize,
    /// Whether it stops in its copy.
    stops: bool,
}

struct Oracle<'r> {
    run: &'r Run,
    platform: &'r Platform,
    states: Vec<State>,
    /// The first event after which some behaviour is unspecified.
    unspecified: Option<(usize, &'static str)>,
    lookahead: Lookahead<'r>,
    stopped: Stopped,
    judgement: Judgement,
    /// The worlds after each event, where they are asked for.
    worlds: Option<Vec<Vec<World>>>,
    /// Whether the judgement is no longer wanted.
    ended: &'r dyn Fn() -> bool,
}

impl<'r> Oracle<'r> {
    fn new(run: &'r Run, platform: &'r Platform, foresight: Foresight) -> Oracle<'r> {
        let world = step::start(platform, &run.setup, &run.seats);
        Oracle {
            run,
            platform,
            states: vec![State { world, shown: RuleSet::default() }],
            unspecified: None,
            lookahead: Lookahead::new(run, platform, foresight),
            stopped: Stopped::default(),
            judgement: Judgement {
                verdict: Verdict::Conforms,
                deviations: Vec::new(),
                shown: RuleSet::default(),
                explained: vec![None; run.events.len()],
                states_most: 1,
            },
            worlds: None,
            ended: &never,
        }
    }

    fn judge(mut self) -> Followed {
        self.follow();
        Followed { judgement: self.judgement, worlds: self.worlds.unwrap_or_default() }
    }

    /// Notes the worlds after an event, where they are asked for.
    fn record(&mut self) {
        if let Some(worlds) = &mut self.worlds {
            worlds.push(self.states.iter().map(|state| state.world.clone()).collect());
        }
    }

    fn follow(&mut self) {
        if self.run.setup.packet && !self.platform.packets {
            self.judgement.verdict =
                Verdict::Unspecified { from: 0, reason: "packet mode is not in the standard" };
            return;
        }
        for (index, event) in self.run.events.iter().enumerate() {
            let next = match event {
                Event::Call(call) => {
                    if let Some(reason) = self.exceeded(call) {
                        self.judgement.verdict = match self.judgement.deviations.is_empty() {
                            true => Verdict::Unspecified { from: index, reason },
                            false => Verdict::Deviates,
                        };
                        return;
                    }
                    self.begin(index, *call);
                    self.record();
                    continue;
                }
                // It contradicts itself, wherever the call has got to.
                Event::Stops(actor, at) if self.falls_short(*actor, *at) => {
                    self.deviate(index, event);
                    self.record();
                    continue;
                }
                Event::Stops(actor, at) => self.advance(index, Goal::Stops(*actor, *at)),
                Event::GoesOn(actor) => {
                    self.stopped.goes_on(*actor);
                    self.record();
                    continue;
                }
                Event::Return(actor, reply) => {
                    self.advance(index, Goal::Return(*actor, Some(reply)))
                }
                Event::Quiet(_) => self.advance(index, Goal::Quiet),
            };
            let Some(next) = next else {
                self.judgement.verdict = Verdict::Inconclusive { at: index };
                return;
            };
            if next.is_empty() {
                if let Some((from, reason)) = self.unspecified {
                    self.judgement.verdict = match self.judgement.deviations.is_empty() {
                        true => Verdict::Unspecified { from, reason },
                        false => Verdict::Deviates,
                    };
                    return;
                }
                let outside = self.outside(event);
                if let Some(reason) = outside.or_else(|| self.unspoken(event)) {
                    self.judgement.verdict = match self.judgement.deviations.is_empty() {
                        true => Verdict::Unspecified { from: index, reason },
                        false => Verdict::Deviates,
                    };
                    return;
                }
                self.deviate(index, event);
            } else {
                self.states = next;
                if let Event::Stops(actor, at) = event {
                    self.stopped.insert(*actor, *at);
                }
            }
            if let Event::Return(actor, _) = event {
                self.finish(index, *actor);
            }
            self.judgement.states_most = self.judgement.states_most.max(self.states.len());
            self.record();
        }
        let shown = self.states.iter().map(|state| state.shown);
        self.judgement.shown = shown.reduce(RuleSet::intersection).unwrap_or_default();
        if !self.judgement.deviations.is_empty() {
            self.judgement.verdict = Verdict::Deviates;
        }
    }

    /// Why the run can't be followed beyond this call, where it moves more than the model can hold.
    fn exceeded(&self, call: &Call) -> Option<&'static str> {
        self.states.iter().find_map(|state| bounds::exceeded(&state.world, call))
    }

    /// Of what cause outside of the channel an event tells that no rule allows: then what follows is unspecified.
    fn outside(&self, event: &Event) -> Option<&'static str> {
        let Event::Return(actor, Reply { answer, signal: None, .. }) = event else { return None };
        let cause = |state: &State| {
            outside::cause_in(self.platform, self.run.setup.kind, &state.world, *actor, answer)
        };
        Some(self.states.iter().find_map(cause)?.because)
    }

    /// Whether an event that no rule allows is of a call that no rule speaks of, on a channel of this kind: none lets it
    /// return, go on or sleep. Then nothing is known of what it does.
    fn unspoken(&self, event: &Event) -> Option<&'static str> {
        let of = match event {
            Event::Return(actor, _) | Event::Stops(actor, _) => Actors::NONE.with(*actor),
            Event::Quiet(open) => *open,
            Event::Call(_) | Event::GoesOn(_) => Actors::NONE,
        };
        let is_unspoken = |actor| {
            self.states.iter().all(|State { world, .. }| {
                let open = world.pending(actor).is_some_and(|c| c.progress == Progress::Open);
                open && moves(self.platform, world, actor, &mut RuleSet::default()).is_empty()
            })
        };
        of.iter()
            .any(is_unspoken)
            .then_some("no rule speaks of this call on a channel of this kind")
    }

    fn begin(&mut self, index: usize, call: Call) {
        self.lookahead.begin(index, call);
        let stops = self.lookahead.stops(index);
        for state in &mut self.states {
            state.world.call(call);
            state.world.pending_mut(call.actor).stops = stops;
        }
    }

    /// The states after an event; `None` if there are too many. Empty if the event is not allowed.
    fn advance(&mut self, index: usize, goal: Goal<'_>) -> Option<Vec<State>> {
        if let (Goal::Return(actor, Some(reply)), [state]) = (&goal, self.states.as_mut_slice())
            && self.unspecified.is_none()
            && alone::answer_alone(self.platform, state, *actor, reply)
        {
            return Some(std::mem::take(&mut self.states));
        }
        let mut search = Search::new(self.platform, &self.lookahead, index, goal);
        search.stopped = self.stopped.clone();
        search.ended = self.ended;
        let next = search.run(&self.states)?;
        self.unspecified = self.unspecified.or(search.unspecified.map(|reason| (index, reason)));
        Some(next)
    }

    /// Ends the call of `actor` in every state, and notes the rule that answered it.
    fn finish(&mut self, index: usize, actor: Actor) {
        let mut by = None;
        let mut agree = true;
        for state in &mut self.states {
            if let Some(Progress::Answered { rule, .. }) =
                state.world.pending(actor).map(|call| &call.progress)
            {
                agree &= by.is_none_or(|other| other == *rule);
                by = Some(*rule);
            }
            state.world.returned(actor);
        }
        self.judgement.explained[index] = by.filter(|_| agree);
        self.lookahead.end(actor);
        self.stopped.remove(actor);
    }

    /// Records a deviation and goes on from what would have been allowed.
    fn deviate(&mut self, index: usize, event: &Event) {
        let mut allowed = Vec::new();
        let shut_out_by = self.shut_out_by(event);
        match event {
            Event::Return(actor, _) => {
                let next = self.advance(index, Goal::Return(*actor, None)).unwrap_or_default();
                for state in &next {
                    push_reply(&mut allowed, &state.world, *actor);
                }
                if next.is_empty() {
                    self.push_sleeps(&mut allowed, Actors::NONE.with(*actor));
                } else {
                    self.states = next;
                }
            }
            Event::Quiet(open) => {
                self.push_sleeps(&mut allowed, *open);
                for actor in open.iter() {
                    let next = self.advance(index, Goal::Return(actor, None)).unwrap_or_default();
                    for state in &next {
                        push_reply(&mut allowed, &state.world, actor);
                    }
                }
            }
            Event::Call(_) | Event::Stops(..) | Event::GoesOn(_) => {}
        }
        let after_another = !self.judgement.deviations.is_empty();
        let deviation = Deviation { event: index, allowed, after_another, shut_out_by };
        self.judgement.deviations.push(deviation);
    }

    /// Whose stopped call keeps the call of this event from being made, and where it has stopped.
    fn shut_out_by(&self, event: &Event) -> Option<(Actor, u32)> {
        let (Event::Return(actor, _) | Event::Stops(actor, _)) = event else { return None };
        let holder = |state: &State| self.stopped.holder(self.platform, &state.world, *actor);
        let is_shut_out = self.states.iter().all(|state| holder(state).is_some());
        self.states.first().filter(|_| is_shut_out).and_then(holder)
    }

    /// Adds the rules by which these actors' calls may sleep, to what is allowed.
    fn push_sleeps(&self, allowed: &mut Vec<Allowed>, actors: Actors) {
        let mut search = Search::new(self.platform, &self.lookahead, 0, Goal::Quiet);
        search.ended = self.ended;
        for state in search.settled(&self.states) {
            for actor in actors.iter() {
                let steps = moves(self.platform, &state.world, actor, &mut RuleSet::default());
                for (rule, step) in steps {
                    let sleeps = Allowed::Sleeps(actor, rule);
                    if step.what == What::Rests && !allowed.contains(&sleeps) {
                        allowed.push(sleeps);
                    }
                }
            }
        }
    }
}

/// Adds the reply that `actor`'s answered call gives to what is allowed.
fn push_reply(allowed: &mut Vec<Allowed>, world: &World, actor: Actor) {
    let Some((rule, reply)) = reply_of(world, actor) else { return };
    let returns = Allowed::Returns(actor, reply, rule);
    if !allowed.contains(&returns) {
        allowed.push(returns);
    }
}

/// The reply that an answered call gives, and the rule that gave it.
pub fn reply_of(world: &World, actor: Actor) -> Option<(RuleIndex, Reply)> {
    let call = world.pending(actor)?;
    match call.progress {
        Progress::Open => None,
        Progress::Answered { rule, answer, signal } => {
            let data = match answer {
                Answer::Count(1..) | Answer::Marked(1.., _) if !call.data.is_empty() => {
                    Data::Named(call.data.clone())
                }
                _ => Data::Unknown,
            };
            Some((rule, Reply { answer, signal, data }))
        }
    }
}

/// Whether a call that gave this could have been seen as `reply`.
fn looks_like(reply: &Reply, answer: Answer, signal: Option<Signal>, data: &Segments) -> bool {
    reply.answer == answer && reply.signal == signal && reply.data.may_be(data)
}
