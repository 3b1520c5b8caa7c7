//! The search behind one event: which states can be reached by moves of the calls in progress.

mod fewest;

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Op, Reply};
use crate::channel::Object;
use crate::data::Segment;
use crate::oracle::found::Found;
use crate::oracle::lookahead::{Lookahead, write_len};
use crate::oracle::pieces::{self, SMALL};
use crate::oracle::stops::{Stopped, in_copy, is_beyond, is_in_copy, limit};
use crate::oracle::{Fate, STATES_MAX, State, looks_like, never};
use crate::platform::Platform;
use crate::rule::{Answers, What};
use crate::step::{
    self, RuleSet, all_answers, answer, count_for, deliveries, is_under_way, moves, rests,
};
use crate::world::{Progress, World};

/// What an event asks of the states.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal<'r> {
    /// The actor's call is answered, with this reply, or with any.
    Return(Actor, Option<&'r Reply>),
    /// Every open call may sleep.
    Quiet,
    /// The actor's call has come to its copy, at this byte.
    Stops(Actor, u32),
}

pub(super) struct Search<'a, 'r> {
    platform: &'a Platform,
    lookahead: &'a Lookahead<'r>,
    index: usize,
    goal: Goal<'a>,
    /// The calls that are stopped.
    pub(super) stopped: Stopped,
    /// Where nothing is known of a run: the byte at which the call is to stop whose moves are asked for.
    pub(super) aim: Option<u32>,
    /// Why anything might happen, if it might.
    pub(super) unspecified: Option<&'static str>,
    /// Whether what is searched for is no longer wanted: then whatever is found stands for nothing.
    pub(super) ended: &'a dyn Fn() -> bool,
}

impl<'a, 'r> Search<'a, 'r> {
    pub(super) fn new(
        platform: &'a Platform,
        lookahead: &'a Lookahead<'r>,
        index: usize,
        goal: Goal<'a>,
    ) -> Search<'a, 'r> {
        Search {
            platform,
            lookahead,
            index,
            goal,
            stopped: Stopped::default(),
            aim: None,
            unspecified: None,
            ended: &never,
        }
    }

    /// The states that satisfy the goal; `None` if there are too many.
    pub(super) fn run(&mut self, states: &[State]) -> Option<Vec<State>> {
        let mut reached = Found::default();
        let mut found = Found::default();
        reached.extend(states.iter().cloned());
        let mut at = 0;
        while let Some(state) = reached.get(at) {
            at += 1;
            if at > STATES_MAX || (self.ended)() {
                return None;
            }
            if let Goal::Return(actor, _) = self.goal {
                let mut unanswered = Few::new();
                self.successors_of(state, actor, true, &mut |next, answered| match answered {
                    true => _ = found.insert(next),
                    false => unanswered.push(next),
                });
                if self.is_answered(&state.world, actor) {
                    if self.agrees(&state.world, actor) {
                        found.insert(state.clone());
                    } else {
                        // No move mends this, but one may leave what follows unspecified.
                        self.successors(state, &mut |_| ());
                    }
                    continue;
                }
                self.successors(state, &mut |next| unanswered.push(next));
                reached.extend(unanswered);
                continue;
            }
            if let Goal::Stops(actor, at) = self.goal {
                let world = &state.world;
                let locked = self.stopped.locks_out(self.platform, world, actor);
                if !locked && is_in_copy(self.platform, world, actor, at) {
                    for world in in_copy(self.platform, world, actor) {
                        found.insert(State { world, shown: state.shown });
                    }
                }
            } else if let Some(shown) = self.may_sleep(&state.world) {
                let shown = state.shown.union(shown);
                let mut world = state.world.clone();
                if self.platform.sleepers_in_line {
                    world.all_sleep();
                }
                found.insert(State { world, shown });
            }
            let next = self.all_successors(state);
            reached.extend(next);
        }
        if let Goal::Stops(actor, at) = self.goal {
            self.stopped.insert(actor, at);
        }
        Some(self.fewest(found))
    }

    /// All states reachable by moves that answer no call.
    pub(super) fn settled(mut self, states: &[State]) -> Vec<State> {
        let mut reached = Found::default();
        reached.extend(states.iter().cloned());
        let mut at = 0;
        while let Some(state) = reached.get(at).filter(|_| at < STATES_MAX && !(self.ended)()) {
            at += 1;
            let next = self.all_successors(state);
            reached.extend(next);
        }
        reached.states
    }

    fn all_successors(&mut self, state: &State) -> Few {
        let mut all = Few::new();
        self.successors(state, &mut |next| all.push(next));
        all
    }

    /// Whether the goal's call is answered already, by an earlier move.
    fn is_answered(&self, world: &World, actor: Actor) -> bool {
        world.pending(actor).is_some_and(|call| call.progress != Progress::Open)
    }

    /// The rules by which every open call may sleep, if it may.
    pub(super) fn may_sleep(&self, world: &World) -> Option<RuleSet> {
        let mut shown = RuleSet::default();
        if is_under_way(&deliveries(self.platform, world)) {
            return None;
        }
        for actor in world.busy().iter() {
            let steps = moves(self.platform, world, actor, &mut RuleSet::default());
            if !rests(&steps) {
                return None;
            }
            let resting = steps.iter().filter(|(_, step)| step.what == What::Rests);
            resting.for_each(|(rule, _)| shown.insert(*rule));
        }
        Some(shown)
    }

    /// States after one move of any call but the goal's, or of none.
    fn successors(&mut self, state: &State, next: &mut dyn FnMut(State)) {
        let goal = match self.goal {
            Goal::Return(actor, _) => Some(actor),
            Goal::Quiet | Goal::Stops(..) => None,
        };
        let answering = !matches!(self.goal, Goal::Quiet);
        for actor in state.world.busy().iter().filter(|actor| Some(*actor) != goal) {
            let answers = answering && self.lookahead.fate(actor).answerable_from <= self.index;
            self.successors_of(state, actor, answers, &mut |state, _| next(state));
        }
        self.delivered(state, next);
    }

    /// States after one delivery.
    fn delivered(&self, state: &State, next: &mut dyn FnMut(State)) {
        for (rule, step) in deliveries(self.platform, &state.world) {
            let mut state = state.clone();
            let released = step::deliver(self.platform, &mut state.world, step);
            state.shown = state.shown.union(released);
            state.shown.insert(rule);
            next(state);
        }
    }

    /// States after one move of the actor's call, and whether the move answered it.
    pub(super) fn successors_of(
        &mut self,
        state: &State,
        actor: Actor,
        may_answer: bool,
        next: &mut dyn FnMut(State, bool),
    ) {
        if self.stopped.locks_out(self.platform, &state.world, actor) {
            return;
        }
        let mut reporters = state.shown;
        let steps = moves(self.platform, &state.world, actor, &mut reporters);
        let Some(done) = state.world.pending(actor).map(|call| call.done) else { return };
        for (rule, step) in steps {
            let mut shown = reporters;
            shown.insert(rule);
            match step.what {
                What::Answers(answers, signal) if may_answer => {
                    for (given, count) in self.answers(state, actor, answers, done) {
                        if !self.in_order(state, actor, count) {
                            continue;
                        }
                        let mut world = state.world.clone();
                        let released = answer(
                            self.platform,
                            &mut world,
                            actor,
                            (rule, step),
                            count,
                            given,
                            signal,
                        );
                        if self.agrees(&world, actor) && self.is_in_time(&world, actor) {
                            next(State { world, shown: shown.union(released) }, true);
                        }
                    }
                }
                What::Proceeds { least, most } => {
                    for count in self.counts(state, actor, least, most) {
                        if !self.in_order(state, actor, count) {
                            continue;
                        }
                        let mut world = state.world.clone();
                        let released = step::proceed(self.platform, &mut world, actor, step, count);
                        if self.agrees_so_far(&world, actor) && self.is_in_time(&world, actor) {
                            next(State { world, shown: shown.union(released) }, false);
                        }
                    }
                }
                What::Unspecified(reason) => self.unspecified = Some(reason),
                What::Answers(..)
                | What::Rests
                | What::Delivers { .. }
                | What::Releases
                | What::Reports { .. } => {}
            }
        }
    }

    /// Whether the actor's call may be as it is, where it is stopped, or is to stop.
    fn is_in_time(&self, world: &World, actor: Actor) -> bool {
        self.stops_at(actor).is_none_or(|at| !is_beyond(self.platform, world, actor, at))
    }

    /// The byte at which the actor's call is stopped, or is to stop.
    fn stops_at(&self, actor: Actor) -> Option<u32> {
        match self.goal {
            Goal::Stops(goal, at) if goal == actor => Some(at),
            _ => self.stopped.at(actor),
        }
    }

    /// The reply that the run gives to an actor's call: of the goal's, what the goal asks for.
    fn fate(&self, actor: Actor) -> Fate<'a>
    where
        'r: 'a,
    {
        match self.goal {
            Goal::Return(goal, reply) if goal == actor => Fate { reply, ..Fate::default() },
            _ => self.lookahead.fate(actor),
        }
    }

    /// Whether what a write transfers next may come now, as far as later reads tell.
    fn in_order(&self, state: &State, actor: Actor, count: u32) -> bool {
        let world = &state.world;
        match world.pending(actor) {
            Some(call) if call.op.offers().is_some() && count > 0 => {
                let from = world.actors[usize::from(actor.0)].written + i64::from(call.done);
                self.lookahead.in_order(world, actor, from, from + i64::from(count))
            }
            _ => true,
        }
    }

    /// Answers worth trying: the one that the run tells of, or all.
    fn answers(
        &self,
        state: &State,
        actor: Actor,
        answers: Answers,
        done: u32,
    ) -> SmallVec<[(Answer, u32); 4]> {
        match (self.fate(actor).reply, answers) {
            (Some(reply), _) => count_for(answers, done, reply.answer)
                .map(|count| (reply.answer, count))
                .into_iter()
                .collect(),
            (None, Answers::Transferred { least, most }) if least < most => self
                .counts(state, actor, least, most)
                .into_iter()
                .map(|count| (Answer::Count(done + count), count))
                .collect(),
            (None, _) => all_answers(answers, done, false),
        }
    }

    /// Whether an answered call looks as the run says it did.
    fn agrees(&self, world: &World, actor: Actor) -> bool {
        let Some(call) = world.pending(actor) else { return false };
        let Progress::Answered { answer, signal, .. } = call.progress else { return false };
        match self.fate(actor).reply {
            Some(reply) => looks_like(reply, answer, signal, &call.data),
            None => true,
        }
    }

    /// Whether what a call in progress has taken is the beginning of what the run says that it gives.
    fn agrees_so_far(&self, world: &World, actor: Actor) -> bool {
        match (world.pending(actor), self.fate(actor).reply) {
            (Some(call), Some(reply)) if !call.data.is_empty() => {
                reply.data.may_begin_with(&call.data)
                    && reply.answer.count().is_none_or(|count| call.done <= count)
            }
            _ => true,
        }
    }

    /// Whether a reader may be the one who gets the first byte that waits in a stream, or, where none does, the next that
    /// is written; else somebody else must take that before it.
    fn may_be_next(&self, world: &World, reader: Actor, (writer, from): (Actor, i64)) -> bool {
        let (Some(call), Some(reply)) = (world.pending(reader), self.lookahead.reply(reader))
        else {
            return false;
        };
        let Some(Object::Stream(stream)) = call.description.map(|index| world.object(index)) else {
            return true;
        };
        let next = Segment { actor: writer, from, len: 1 };
        let first = stream.segments.first().map_or(next, |first| first.part(0, 1));
        call.op.asks().is_none() || reply.data.matching(call.done, &[first]) > 0
    }

    /// Counts worth trying of a range: the least, the most, that with which the call is to end, those
    /// at which a later read tells that another writer's bytes came, and those that the read at hand
    /// needs.
    fn counts(&self, state: &State, actor: Actor, least: u32, most: u32) -> SmallVec<[u32; 4]> {
        if most - least < FEW {
            return (least..=most).collect();
        }
        let world = &state.world;
        let limit = self.stops_at(actor).and_then(|at| limit(self.platform, world, actor, at));
        let most = limit.map_or(most, |limit| most.min(limit));
        if most < least {
            return SmallVec::new();
        }
        let mut counts = SmallVec::from_slice(&[least, most]);
        let Some(call) = world.pending(actor) else { return counts };
        if let Some(counts) =
            pieces::counts(self.platform, self.lookahead, world, actor, most, self.aim)
        {
            return counts;
        }
        let from = world.actors[usize::from(actor.0)].written + i64::from(call.done);
        // Behind bytes that are there, a few more tell nothing but where the run shows a cut: tried one
        // by one they would make a state each. So would those of a call that goes on in a run that is known.
        let unread = || call.description.is_some_and(|index| world.has_unread(index));
        let nothing_known = self.lookahead.knows_nothing();
        let more = call.op.asks().is_some() || !nothing_known || unread();
        let small = nothing_known && most <= SMALL;
        if call.done > 0 && more && !small {
            counts.remove(0);
        }
        if let Some(Reply { answer: Answer::Count(total), .. }) = self.fate(actor).reply {
            counts.extend(total.checked_sub(call.done));
        }
        let stops = self.stops_at(actor).or(self.aim);
        counts.extend(stops.and_then(|at| at.checked_sub(call.done)));
        let cuts = self.lookahead.cuts(actor, from, from + i64::from(write_len(call.op)));
        counts.extend(cuts.iter().map(|cut| (cut - from) as u32));
        if let Some(Reply { answer: Answer::Count(total), .. }) = self.lookahead.reply(actor) {
            counts.extend(total.checked_sub(call.done));
        }
        let to = call.description.and_then(|index| world.destination(index));
        for reader in world.busy().iter() {
            let (Some(call), Some(reply)) = (world.pending(reader), self.lookahead.reply(reader))
            else {
                continue;
            };
            let looks = call.op.asks().is_some() || call.op == Op::Available;
            let (Some(index), Answer::Count(count)) = (call.description, reply.answer) else {
                continue;
            };
            let here = Some(world.descriptions[usize::from(index)].object) == to;
            if looks && here && self.may_be_next(world, reader, (actor, from)) {
                counts.extend(count.checked_sub(call.done + world.object(index).len()));
            }
        }
        counts.retain(|count| (least..=most).contains(count));
        counts.sort_unstable();
        counts.dedup();
        counts
    }
}

/// A few states.
type Few = Vec<State>;

/// Ranges of at most this many counts are tried whole.
const FEW: u32 = 6;
