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
mod budget;
mod deviations;
mod followed;
mod found;
mod judgement;
mod lookahead;
mod names;
mod pieces;
mod search;
mod several;
mod steps;
pub mod stops;
mod told;
mod untold;

use std::cell::Cell;

use crate::call::{Actor, Answer, Call, Dispositions, Op, Reply, Signal, Termination};
use crate::data::{ANY, Data, Segments};
use crate::index::RuleIndex;
use crate::platform::Platform;
use crate::rules::{outside, signal};
use crate::run::{Actors, Event, Form, Run, Seat};
use crate::step::{self, RuleSet, moves};
use crate::world::{Pending, Progress, World};
use budget::{Budget, STATES_MAX_BYTES};
use followed::judged;
pub use followed::{after, follow};
use judgement::Records;
pub use judgement::{Allowed, Deviation, Followed, Judgement, Verdict};
use lookahead::Lookahead;
use search::{Goal, Search};
pub use steps::Steps;
use stops::Stopped;
use untold::Suspect;

/// The most states that are followed, as far as memory allows them; a run that needs more is inconclusive.
pub const STATES_MAX: usize = 65_536;

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
    judged(run, platform, Records::Nothing, &never).judgement
}

/// Judges a run as [`judge`] does, and notes the [names](Judgement::names) of the bytes that were seen.
pub fn judge_naming(run: &Run, platform: &Platform) -> Judgement {
    judged(run, platform, Records::Names, &never).judgement
}

/// Judges a run as [`judge_naming`] does, unless that is no longer wanted: `ended` is asked at each state, and `None` is
/// the answer soon after it has said so.
pub fn judge_unless(run: &Run, platform: &Platform, ended: &dyn Fn() -> bool) -> Option<Judgement> {
    let given_up = Cell::new(false);
    let asked = || {
        given_up.set(given_up.get() || ended());
        given_up.get()
    };
    let judgement = judged(run, platform, Records::Names, &asked).judgement;
    (!given_up.get()).then_some(judgement)
}

/// What a judgement that is wanted is asked.
fn never() -> bool {
    false
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
    /// Index of the event that is its return; 0 where it has none.
    returns: usize,
}

struct Oracle<'r> {
    run: &'r Run,
    platform: &'r Platform,
    states: Vec<State>,
    /// The first event after which some behaviour is unspecified.
    unspecified: Option<(usize, &'static str)>,
    lookahead: Lookahead<'r>,
    stopped: Stopped,
    /// Whether it matters in the run who was seen asleep.
    notes_sleep: bool,
    /// The call upon which a signal may have come of which the run does not tell.
    suspect: Option<Suspect>,
    judgement: Judgement,
    /// The worlds after each event, where they are asked for.
    worlds: Option<Vec<Vec<World>>>,
    /// Whether only those after the last event are.
    last_only: bool,
    /// How much memory they take, in bytes.
    recorded_bytes: usize,
    /// Whether the names of bytes are noted.
    names: bool,
    /// Whether the judgement is no longer wanted.
    ended: &'r dyn Fn() -> bool,
    /// What the judgement may still cost.
    budget: Budget,
}

impl<'r> Oracle<'r> {
    fn new(run: &'r Run, platform: &'r Platform, foresight: Foresight) -> Oracle<'r> {
        let world = step::start(platform, run.setup(), &run.seats);
        Oracle {
            run,
            platform,
            states: vec![State { world, shown: RuleSet::default() }],
            unspecified: None,
            lookahead: Lookahead::new(run, platform, foresight),
            stopped: Stopped::default(),
            notes_sleep: notes_sleep(run),
            suspect: None,
            judgement: Judgement::of_nothing(run.events.len()),
            worlds: None,
            last_only: false,
            recorded_bytes: 0,
            names: false,
            ended: &never,
            budget: Budget::of_run(run.events.len()),
        }
    }

    fn judge(mut self) -> Followed {
        self.follow();
        let worlds = self.worlds.unwrap_or_default();
        let worlds = worlds.into_iter().map(|worlds| vec![worlds]).collect();
        Followed { judgement: self.judgement, worlds }
    }

    /// Notes the worlds after an event, where they are asked for; none where all that are noted take too much memory.
    fn record(&mut self) {
        if let Some(worlds) = &mut self.worlds {
            if let Some(before) = worlds.last_mut().filter(|_| self.last_only) {
                before.clear();
                self.recorded_bytes = 0;
            }
            let here: usize = self.states.iter().map(|state| state.world.weight_bytes()).sum();
            self.recorded_bytes += here;
            let fits = self.recorded_bytes <= STATES_MAX_BYTES;
            let states = self.states.iter().filter(|_| fits);
            worlds.push(states.map(|state| state.world.clone()).collect());
        }
    }

    fn follow(&mut self) {
        if self.run.setup().packet && !self.platform.packets {
            self.judgement.verdict =
                Verdict::Unspecified { from: 0, reason: "packet mode is not in the standard" };
            return;
        }
        for (index, event) in self.run.events.iter().enumerate() {
            if let Some(suspect) = self.suspect {
                suspect.interrupt(index, &mut self.states);
            }
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
                Event::Exits(actor, status) => {
                    self.exits(index, *actor, *status);
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
            let is_allowed = !next.is_empty();
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
            if let Event::Return(actor, reply) = event {
                if self.names
                    && is_allowed
                    && let Data::Bytes(_) = reply.data
                {
                    self.name(index, *actor);
                }
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
        let is_before = |state: &State| stops::is_told_first(self.platform, &state.world, *actor);
        let cause = |state: &State| {
            if is_before(state) {
                return None;
            }
            outside::cause_in(self.platform, self.run.setup().kind, &state.world, *actor, answer)
        };
        Some(self.states.iter().find_map(cause)?.because)
    }

    /// Whether an event that no rule allows is of a call that no rule speaks of, on a channel of this kind: none lets it
    /// return, go on or sleep. Then nothing is known of what it does.
    fn unspoken(&self, event: &Event) -> Option<&'static str> {
        let of = match event {
            Event::Return(actor, _) | Event::Stops(actor, _) => Actors::NONE.with(*actor),
            Event::Quiet(open) => *open,
            Event::Call(_) | Event::GoesOn(_) | Event::Exits(..) => Actors::NONE,
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
        let silent = |State { world, .. }: &State| {
            world.is_ending(call.actor) || world.is_held_up(call.actor)
        };
        if self.states.iter().all(silent) {
            // Who was killed calls nothing, nor does who was seen to have stopped.
            self.deviate(index, &Event::Call(call));
        } else {
            self.states.retain(|state| !silent(state));
        }
        self.lookahead.begin(index, call);
        let stops = self.lookahead.stops(index);
        for state in &mut self.states {
            state.world.call(call);
            state.world.pending_mut(call.actor).stops = stops;
        }
    }

    /// The actor's process ends: whatever its threads are in, none of their calls will be seen to return.
    fn exits(&mut self, index: usize, actor: Actor, status: Termination) {
        let may_end = |state: &State| signal::may_end(&state.world, actor, status);
        if self.states.iter().any(may_end) {
            self.states.retain(may_end);
        } else {
            self.deviate(index, &Event::Exits(actor, status));
        }
        for state in &mut self.states {
            state.world.exits(actor, status);
        }
        let threads = self.states.iter().flat_map(|state| {
            let world = &state.world;
            world.threads(world.leader(actor))
        });
        let threads: Actors = threads.collect();
        for thread in threads.iter() {
            self.lookahead.end(thread);
            self.stopped.remove(thread);
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
        search.notes_sleep = self.notes_sleep;
        search.listed = match (&self.run.events[index], goal) {
            (Event::Quiet(listed), Goal::Quiet) => Some(*listed),
            _ => None,
        };
        search.budget = Some(&self.budget);
        let next = search.run(&self.states)?;
        self.unspecified = self.unspecified.or(search.unspecified.map(|reason| (index, reason)));
        Some(next)
    }

    /// Notes the names of the bytes that the call of `actor` gives, if all states agree.
    fn name(&mut self, index: usize, actor: Actor) {
        let mut names = self.states.iter().map(|state| state.world.pending(actor).map(|c| &c.data));
        let Some(Some(first)) = names.next().filter(|first| names.all(|other| other == *first))
        else {
            return;
        };
        // Of bytes of which nothing is known there is no more to say than what was seen.
        if !first.is_empty() && first.iter().all(|name| name.actor != ANY) {
            self.judgement.names.push((index, first.clone()));
        }
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
            // Who was ended meanwhile stays so, though the return was seen.
            let exits = |call: &Pending| matches!(call.op, Op::Exit { .. });
            if !state.world.pending(actor).is_some_and(exits) {
                state.world.returned(actor);
            }
        }
        self.judgement.explained[index] = by.filter(|_| agree);
        self.lookahead.end(actor);
        self.stopped.remove(actor);
    }
}

/// Whether it matters who was seen asleep: a signal that comes finds a call in the kernel or before it, and so does a close
/// by another thread; a child that was seen to have ended has left its status or none.
fn notes_sleep(run: &Run) -> bool {
    let is_of_signals = |event: &Event| {
        let Event::Call(Call { op, .. }) = event else { return false };
        matches!(op, Op::Signal { .. } | Op::SetSignal { .. })
    };
    let ignores = |seat: &Seat| seat.signals != Dispositions::NONE;
    let is_thread = |seat: &Seat| matches!(seat.form, Form::Thread(_));
    run.events.iter().any(is_of_signals) || run.seats.iter().any(|s| ignores(s) || is_thread(s))
}

/// The reply that an answered call gives, and the rule that gave it, once it may return.
pub fn reply_of(world: &World, actor: Actor) -> Option<(RuleIndex, Reply)> {
    let call = world.pending(actor).filter(|_| !world.is_to_let_go(actor))?;
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
