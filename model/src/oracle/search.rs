//! The search behind one event: which states can be reached by moves of the calls in progress.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::call::{Actor, Answer, Op, Reply};
use crate::data::Data;
use crate::oracle::lookahead::{Lookahead, write_len};
use crate::oracle::{Fate, STATES_MAX, State, looks_like};
use crate::platform::Platform;
use crate::rule::{Answers, What};
use crate::step::{self, RuleSet, all_answers, answer, count_for, moves, rests};
use crate::world::{Progress, World};

/// What an event asks of the states.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal<'r> {
    /// The actor's call is answered, with this reply, or with any.
    Return(Actor, Option<&'r Reply>),
    /// Every open call may sleep.
    Quiet,
}

pub(super) struct Search<'a, 'r> {
    platform: &'a Platform,
    lookahead: &'a Lookahead<'r>,
    index: usize,
    goal: Goal<'a>,
    /// Why anything might happen, if it might.
    pub(super) unspecified: Option<&'static str>,
}

/// States by world, each with the rules that every way to it uses.
type Found = FxHashMap<World, RuleSet>;

impl<'a, 'r> Search<'a, 'r> {
    pub(super) fn new(
        platform: &'a Platform,
        lookahead: &'a Lookahead<'r>,
        index: usize,
        goal: Goal<'a>,
    ) -> Search<'a, 'r> {
        Search { platform, lookahead, index, goal, unspecified: None }
    }

    /// The states that satisfy the goal; `None` if there are too many.
    pub(super) fn run(&mut self, states: &[State]) -> Option<Vec<State>> {
        let mut reached = Found::default();
        let mut found = Found::default();
        let mut todo: Vec<State> = states.to_vec();
        while let Some(state) = todo.pop() {
            if !insert(&mut reached, &state) {
                continue;
            }
            if reached.len() > STATES_MAX {
                return None;
            }
            if let Goal::Return(actor, _) = self.goal {
                self.successors_of(&state, actor, true, &mut |next, answered| match answered {
                    true => drop(insert(&mut found, &next)),
                    false => todo.push(next),
                });
                if self.is_answered(&state.world, actor) {
                    if self.agrees(&state.world, actor) {
                        insert(&mut found, &state);
                    } else {
                        // No move mends this, but one may leave what follows unspecified.
                        self.successors(&state, &mut |_| ());
                    }
                    continue;
                }
            } else if let Some(shown) = self.may_sleep(&state.world) {
                let shown = state.shown.union(shown);
                insert(&mut found, &State { world: state.world.clone(), shown });
            }
            self.successors(&state, &mut |next| todo.push(next));
        }
        Some(self.fewest(found))
    }

    /// All states reachable by moves that answer no call.
    pub(super) fn settled(mut self, states: &[State]) -> Vec<State> {
        let mut reached = Found::default();
        let mut todo: Vec<State> = states.to_vec();
        while let Some(state) = todo.pop() {
            if insert(&mut reached, &state) && reached.len() <= STATES_MAX {
                self.successors(&state, &mut |next| todo.push(next));
            }
        }
        reached.into_iter().map(|(world, shown)| State { world, shown }).collect()
    }

    /// Whether the goal's call is answered already, by an earlier move.
    fn is_answered(&self, world: &World, actor: Actor) -> bool {
        world.pending(actor).is_some_and(|call| call.progress != Progress::Open)
    }

    /// The rules by which every open call may sleep, if it may.
    pub(super) fn may_sleep(&self, world: &World) -> Option<RuleSet> {
        let mut shown = RuleSet::default();
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

    /// States after one move of any call but the goal's.
    fn successors(&mut self, state: &State, next: &mut dyn FnMut(State)) {
        let goal = match self.goal {
            Goal::Return(actor, _) => Some(actor),
            Goal::Quiet => None,
        };
        for actor in state.world.busy().iter().filter(|actor| Some(*actor) != goal) {
            let answers =
                goal.is_some() && self.lookahead.fate(actor).answerable_from <= self.index;
            self.successors_of(state, actor, answers, &mut |state, _| next(state));
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
                        answer(
                            self.platform,
                            &mut world,
                            actor,
                            (rule, step),
                            count,
                            given,
                            signal,
                        );
                        if self.agrees(&world, actor) {
                            next(State { world, shown }, true);
                        }
                    }
                }
                What::Proceeds { least, most } => {
                    for count in self.counts(state, actor, least, most) {
                        if !self.in_order(state, actor, count) {
                            continue;
                        }
                        let mut world = state.world.clone();
                        step::proceed(self.platform, &mut world, actor, step, count);
                        next(State { world, shown }, false);
                    }
                }
                What::Unspecified(reason) => self.unspecified = Some(reason),
                What::Answers(..) | What::Rests | What::Reports { .. } => {}
            }
        }
    }

    /// The reply that the run gives to an actor's call: of the goal's, what the goal asks for.
    fn fate(&self, actor: Actor) -> Fate<'a>
    where
        'r: 'a,
    {
        match self.goal {
            Goal::Return(goal, reply) if goal == actor => Fate { reply, answerable_from: 0 },
            _ => self.lookahead.fate(actor),
        }
    }

    /// Whether what a write transfers next may come now, as far as later reads tell.
    fn in_order(&self, state: &State, actor: Actor, count: u32) -> bool {
        let world = &state.world;
        match world.pending(actor) {
            Some(call) if matches!(call.op, Op::Write { .. }) && count > 0 => {
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

    /// Counts worth trying of a range: the least, the most, that with which the call is to end, those
    /// at which a later read tells that another writer's bytes came, and those that the read at hand
    /// needs.
    fn counts(&self, state: &State, actor: Actor, least: u32, most: u32) -> SmallVec<[u32; 4]> {
        if most - least < FEW {
            return (least..=most).collect();
        }
        let mut counts = SmallVec::from_slice(&[least, most]);
        let world = &state.world;
        let Some(call) = world.pending(actor) else { return counts };
        let from = world.actors[usize::from(actor.0)].written + i64::from(call.done);
        // Behind bytes that are there, a few more tell nothing but where the run shows a cut: tried one
        // by one they would make a state each.
        if call.done > 0 && !world.stream.is_empty() {
            counts.remove(0);
        }
        if let Some(Reply { answer: Answer::Count(total), .. }) = self.fate(actor).reply {
            counts.extend(total.checked_sub(call.done));
        }
        let cuts = self.lookahead.cuts(actor, from, from + i64::from(write_len(call.op)));
        counts.extend(cuts.iter().map(|cut| (cut - from) as u32));
        if let Some(Reply { answer: Answer::Count(total), .. }) = self.lookahead.reply(actor) {
            counts.extend(total.checked_sub(call.done));
        }
        for reader in world.busy().iter() {
            if let (
                Some(Op::Read { .. }),
                Some(Reply { answer: Answer::Count(count), data: Data::Unknown, .. }),
            ) = (world.pending(reader).map(|call| call.op), self.lookahead.reply(reader))
            {
                counts.extend(count.checked_sub(world.stream.len()));
            }
        }
        counts.retain(|count| (least..=most).contains(count));
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// Drops states that can still be reached from others, by moves that may as well come later.
    fn fewest(&mut self, found: Found) -> Vec<State> {
        if found.len() < 2 {
            return found.into_iter().map(|(world, shown)| State { world, shown }).collect();
        }
        let mut states: Vec<State> =
            found.into_iter().map(|(world, shown)| State { world, shown }).collect();
        states.sort_by_key(|state| answered(&state.world));
        let mut kept: Vec<State> = Vec::new();
        let mut reachable = Found::default();
        for state in states {
            if reachable.contains_key(&state.world) {
                continue;
            }
            let mut todo = vec![state.clone()];
            while let Some(state) = todo.pop() {
                if reachable.len() <= STATES_MAX && insert(&mut reachable, &state) {
                    self.successors(&state, &mut |next| todo.push(next));
                }
            }
            kept.push(state);
        }
        kept
    }
}

/// Ranges of at most this many counts are tried whole.
const FEW: u32 = 6;

/// How many calls are answered and not yet seen to return.
fn answered(world: &World) -> usize {
    let calls = world.actors.iter().filter_map(|actor| actor.call.as_ref());
    calls.filter(|call| call.progress != Progress::Open).count()
}

/// Adds a state; true if its world is new. Of a known world only the rules that both ways use are kept.
fn insert(found: &mut Found, state: &State) -> bool {
    match found.get_mut(&state.world) {
        Some(shown) => {
            *shown = shown.intersection(state.shown);
            false
        }
        None => {
            found.insert(state.world.clone(), state.shown);
            true
        }
    }
}

/// Answers the only call in progress in place, if one move alone does so and no other could matter.
///
/// This is the path of sequential runs; it must not allocate.
pub(super) fn answer_alone(
    platform: &Platform,
    state: &mut State,
    actor: Actor,
    reply: &Reply,
) -> bool {
    let others = state.world.actors.iter().enumerate();
    if others
        .filter(|(index, _)| *index != usize::from(actor.0))
        .any(|(_, other)| other.call.is_some())
    {
        return false;
    }
    let mut shown = state.shown;
    let steps = moves(platform, &state.world, actor, &mut shown);
    let [(rule, step)] = steps.as_slice() else { return false };
    let What::Answers(answers, signal) = step.what else { return false };
    let Some(done) = state.world.pending(actor).map(|call| call.done) else { return false };
    let Some(count) = count_for(answers, done, reply.answer) else { return false };
    if signal != reply.signal || !data_agrees(platform, &state.world, actor, reply) {
        return false;
    }
    answer(platform, &mut state.world, actor, (*rule, *step), count, reply.answer, signal);
    shown.insert(*rule);
    state.shown = shown;
    true
}

/// Whether the bytes seen are those at the head of the stream, if this is a read.
fn data_agrees(platform: &Platform, world: &World, actor: Actor, reply: &Reply) -> bool {
    match (world.pending(actor).map(|call| call.op), &reply.data, reply.answer) {
        (_, Data::Unknown, _) | (None, ..) => true,
        (Some(Op::Read { len }), data, Answer::Count(1..)) => {
            data.may_be(&world.stream.peek(platform, len))
        }
        (_, data, _) => data.is_empty(),
    }
}
