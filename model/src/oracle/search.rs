//! The search behind one event: which states can be reached by moves of the calls in progress.

mod counts;
mod exits;
mod fewest;
mod nameless;

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Op, Reply};
use crate::channel::Object;
use crate::channel::tcp::{Finish, Phase};
use crate::data::Segment;
use crate::oracle::budget::{Budget, STATES_MAX_BYTES};
use crate::oracle::found::Found;
use crate::oracle::lookahead::Lookahead;
use crate::oracle::stops::{Stopped, in_copy, is_beyond, is_in_copy};
use crate::oracle::{Fate, STATES_MAX, State, looks_like, never};
use crate::platform::Platform;
use crate::rule::{Answers, Move, What};
use crate::run::Actors;
use crate::step::{
    self, RuleSet, all_answers, answer, count_for, deliveries, is_under_way, moves, rests,
};
use crate::world::{Progress, World};
use exits::lets_go_together;

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
    /// Whether it matters who was seen asleep.
    pub(super) notes_sleep: bool,
    /// At quiet: whose calls are said to be open, where it is said.
    pub(super) listed: Option<Actors>,
    /// Why anything might happen, if it might.
    pub(super) unspecified: Option<&'static str>,
    /// Whether what is searched for is no longer wanted: then whatever is found stands for nothing.
    pub(super) ended: &'a dyn Fn() -> bool,
    /// What the judgement may still cost; `None` where nothing bounds it.
    pub(super) budget: Option<&'a Budget>,
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
            notes_sleep: false,
            listed: None,
            unspecified: None,
            ended: &never,
            budget: None,
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
            if at > STATES_MAX || reached.bytes + found.bytes > STATES_MAX_BYTES || self.gives_up()
            {
                return None;
            }
            if let Goal::Return(actor, _) = self.goal {
                let mut unanswered = Few::new();
                if state.world.is_held_up(actor) {
                    // It returns once somebody has let its process go on.
                    if self.is_answered(&state.world, actor) {
                        self.successors_of(state, actor, true, &mut |next, _| {
                            unanswered.push(next)
                        });
                    }
                    self.successors(state, &mut |next| unanswered.push(next));
                    reached.extend(unanswered);
                    continue;
                }
                self.successors_of(state, actor, true, &mut |next, answered| match answered {
                    true if may_return(&next.world, actor) => _ = found.insert(next),
                    // It stops before it returns, or is to let go of something.
                    true => unanswered.push(next),
                    false => unanswered.push(next),
                });
                if self.is_answered(&state.world, actor) {
                    if !self.agrees(&state.world, actor) {
                        // No move mends this, but one may leave what follows unspecified.
                        self.successors(state, &mut |_| ());
                        continue;
                    }
                    if may_return(&state.world, actor) {
                        found.insert(state.clone());
                        continue;
                    }
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
            } else if self.listed.is_none_or(|listed| listed == state.world.in_calls())
                && let Some(shown) = self.may_sleep(&state.world)
            {
                let shown = state.shown.union(shown);
                let mut world = state.world.clone();
                if self.platform.sleepers_in_line {
                    world.all_sleep();
                }
                step::have_looked(self.platform, &mut world);
                if self.notes_sleep {
                    world.seen_asleep();
                }
                found.insert(State { world, shown });
            }
            let next = self.all_successors(state);
            reached.extend(next);
        }
        drop(reached);
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
        while let Some(state) = reached.get(at).filter(|_| self.goes_on(at, reached.bytes)) {
            at += 1;
            let next = self.all_successors(state);
            reached.extend(next);
        }
        reached.states
    }

    /// Whether what is searched for is no longer wanted, or costs too much.
    fn gives_up(&self) -> bool {
        self.budget.is_some_and(Budget::is_spent) || (self.ended)()
    }

    /// Whether a search that is complete wherever it ends looks at the state after so many, which take so much memory.
    fn goes_on(&self, states: usize, bytes: usize) -> bool {
        states < STATES_MAX && bytes <= STATES_MAX_BYTES && !self.gives_up()
    }

    fn spend(&self, bytes: usize) {
        if let Some(budget) = self.budget {
            budget.spend(bytes);
        }
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
            // What has come to its return while its process was being stopped gets no further.
            if world.is_stopped(actor) && self.is_answered(world, actor) {
                if world.is_to_let_go(actor) {
                    return None;
                }
                continue;
            }
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
        let others = state.world.busy().iter().filter(|actor| Some(*actor) != goal);
        for actor in others.filter(|actor| !lets_go_together(&state.world, *actor)) {
            // That a call of a process that ends is answered is never seen.
            let dies = state.world.pending(actor).is_some_and(|call| call.dies.is_some());
            let in_time = self.lookahead.fate(actor).answerable_from <= self.index;
            // So it is of one that has stopped, until that goes on.
            let answers = (answering || dies) && in_time || state.world.is_stopping(actor);
            self.successors_of(state, actor, answers, &mut |state, _| next(state));
        }
        self.let_go(state, next);
        self.delivered(state, next);
    }

    /// States after one delivery.
    fn delivered(&self, state: &State, next: &mut dyn FnMut(State)) {
        for (rule, step) in deliveries(self.platform, &state.world) {
            if self.may_come_later(&state.world, &step) {
                continue;
            }
            self.spend(state.world.weight_bytes());
            let mut state = state.clone();
            let released = step::deliver(self.platform, &mut state.world, step);
            state.shown = state.shown.union(released);
            state.shown.insert(rule);
            next(state);
        }
    }

    /// Whether what arrives may as well do so after the goal's call has returned: bytes, which open nothing but what they may
    /// open later, at a socket that no call which can move looks at or may close.
    fn may_come_later(&self, world: &World, step: &Move) -> bool {
        let (Goal::Return(..), What::Delivers { object, .. }) = (self.goal, step.what) else {
            return false;
        };
        let Some(Object::Tcp(tcp)) = world.objects.get(usize::from(object)) else { return false };
        let only_bytes = tcp.phase == Phase::Connected
            && tcp.finish == Finish::None
            && !tcp.reset
            && !tcp.refuses_data();
        let looks = |actor: Actor| {
            let Some(call) = world.pending(actor) else { return false };
            let here = world.object_called(call) == Some(object);
            let is_over = call.progress != Progress::Open;
            let moves = (!is_over || world.is_to_let_go(actor))
                && !self.stopped.is_held(actor)
                && !self.stopped.locks_out(self.platform, world, actor);
            let closes =
                matches!(call.op, Op::Close | Op::Dup2 { .. } | Op::Exec | Op::Exit { .. });
            let closes = closes || call.dies.is_some() || world.may_release(actor, object);
            let closes = closes || is_over;
            moves && (here || closes)
        };
        // Who watches it is told of them in the order in which they arrive.
        only_bytes && !world.has_epolls() && !world.busy().iter().any(looks)
    }

    /// States after one move of the actor's call, and whether the move answered it.
    pub(super) fn successors_of(
        &mut self,
        state: &State,
        actor: Actor,
        may_answer: bool,
        next: &mut dyn FnMut(State, bool),
    ) {
        let answered_in_copy = self.stopped.is_held(actor) && self.is_answered(&state.world, actor);
        if answered_in_copy || self.stopped.locks_out(self.platform, &state.world, actor) {
            return;
        }
        let weight = state.world.weight_bytes();
        self.spend(weight);
        let mut reporters = state.shown;
        let steps = moves(self.platform, &state.world, actor, &mut reporters);
        let Some(done) = state.world.pending(actor).map(|call| call.done) else { return };
        for (rule, step) in steps {
            let mut shown = reporters;
            shown.insert(rule);
            match step.what {
                What::Answers(..) if self.comes_second(&state.world, actor) => {}
                What::Answers(answers, signal) if may_answer => {
                    for (given, count) in self.answers(state, actor, answers, done) {
                        if !self.in_order(state, actor, count) {
                            continue;
                        }
                        self.spend(weight);
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
                        self.forget(&mut world);
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
                        self.spend(weight);
                        let mut world = state.world.clone();
                        let released = step::proceed(self.platform, &mut world, actor, step, count);
                        self.forget(&mut world);
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
        if matches!(call.op, Op::Exit { .. }) {
            return true;
        }
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
}

/// Whether a call that is answered may return: nothing stops its process, and it has let go of what only it refers to.
fn may_return(world: &World, actor: Actor) -> bool {
    !world.is_held_up(actor) && !world.is_to_let_go(actor)
}

/// A few states.
type Few = Vec<State>;
