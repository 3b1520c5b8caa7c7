//! Follows one concrete world of the model along calls: where several moves are possible, dice decide.

use std::borrow::Cow;

use pipewright_model::call::{Actor, Answer, Call};
use pipewright_model::oracle::reply_of;
use pipewright_model::platform::Platform;
use pipewright_model::rule::{Answers, What};
use pipewright_model::run::{Actors, Event, Run, Seat, Setup};
use pipewright_model::step::{
    Moves, RuleSet, all_answers, answer, deliver, deliveries, is_under_way, moves, proceed, rests,
};
use pipewright_model::world::World;

use super::dice::Dice;
use crate::scenario::Scenario;

/// What the model made of a scenario.
#[derive(Clone, Debug)]
pub struct Followed {
    /// A run that the platform allows: what was called, what returned, when all slept.
    pub run: Run,
    /// The rules that it used.
    pub shown: RuleSet,
    /// Indices of steps that were not made: their actor was busy, or the end to be made was open.
    pub skipped: Vec<usize>,
    /// Whether a call was made that the platform leaves unspecified; the run is one of many then.
    pub unspecified: bool,
}

/// One run of the scenario as the platform's rules allow it; the seed decides where they leave a choice.
pub fn follow(platform: &Platform, setup: &Setup, scenario: &Scenario, seed: u64) -> Followed {
    let mut dice = Dice::new(seed);
    let mut follower = Follower::new(platform, setup, &scenario.seats);
    let mut run = Run::new(setup.clone(), scenario.seats.clone(), scenario.end_names.clone());
    let mut skipped = Vec::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        if follower.can_make(&step.call) {
            run.push(Event::Call(step.call));
            follower.world.call(step.call);
        } else {
            skipped.push(index);
        }
        if step.settle || index + 1 == scenario.steps.len() {
            follower.settle(&mut dice, &mut |event| run.push(event));
            if follower.platform.sleepers_in_line {
                follower.world.all_sleep();
            }
            let quiet = Event::Quiet(follower.world.busy());
            let told = setup.kind.delivers() || quiet != Event::Quiet(Actors::NONE);
            if told && run.events.last() != Some(&quiet) {
                run.push(quiet);
            }
        }
    }
    Followed { run, shown: follower.shown, skipped, unspecified: follower.unspecified }
}

/// A world, and what was used to get there.
#[derive(Clone, Debug)]
pub(super) struct Follower<'p> {
    pub(super) platform: Cow<'p, Platform>,
    pub(super) world: World,
    /// Rules used.
    pub(super) shown: RuleSet,
    /// Whether a call was met that the platform leaves unspecified.
    pub(super) unspecified: bool,
}

impl<'p> Follower<'p> {
    pub(super) fn new(platform: &'p Platform, setup: &Setup, seats: &[Seat]) -> Follower<'p> {
        let platform = platform.under(setup);
        let world = pipewright_model::step::start(&platform, setup, seats);
        Follower { platform, world, shown: RuleSet::default(), unspecified: false }
    }

    /// Whether the call's actor is idle, and the end that it would make is not open.
    pub(super) fn can_make(&self, call: &Call) -> bool {
        self.world.pending(call.actor).is_none()
            && call.makes().is_none_or(|end| self.world.end(call.actor, end).is_none())
    }

    /// Begins the call, unless the platform would leave it, or another in progress, unspecified; tells
    /// whether it has begun.
    pub(super) fn begin(&mut self, call: Call) -> bool {
        self.world.call(call);
        let unspecified = |actor: Actor| {
            let moves = moves(&self.platform, &self.world, actor, &mut RuleSet::default());
            moves.iter().any(|(_, step)| matches!(step.what, What::Unspecified(_)))
        };
        if self.world.busy().iter().any(unspecified) {
            self.world.actors[usize::from(call.actor.0)].call = None;
            return false;
        }
        true
    }

    /// Takes moves until every call has returned or sleeps. A call that may as well sleep does so in
    /// half the cases.
    pub(super) fn settle(&mut self, dice: &mut Dice, seen: &mut dyn FnMut(Event)) {
        let mut awake = self.world.busy().0;
        loop {
            if awake == 0 {
                // What is under way arrives before all is quiet, and may wake somebody.
                let arrivals = deliveries(&self.platform, &self.world);
                if !is_under_way(&arrivals) {
                    return;
                }
                let pick = dice.below(arrivals.len() as u32);
                let Some((rule, step)) = arrivals.get(pick as usize).copied() else { return };
                self.shown.insert(rule);
                let released = deliver(&self.platform, &mut self.world, step);
                self.shown = self.shown.union(released);
                awake = self.world.busy().0;
                continue;
            }
            let actor = one_of(awake, dice);
            let moves = moves(&self.platform, &self.world, actor, &mut self.shown);
            let active = moves.iter().filter(|(_, step)| step.what != What::Rests).count() as u32;
            if active == 0 || (rests(&moves) && dice.chance(50)) {
                let resting = moves.iter().filter(|(_, step)| step.what == What::Rests);
                resting.for_each(|(rule, _)| self.shown.insert(*rule));
                awake &= !(1 << actor.0);
                continue;
            }
            let pick = if active == 1 { 0 } else { dice.below(active) };
            let changed = self.take(actor, &moves, pick, dice, seen);
            awake = match changed {
                true => self.world.busy().0,
                false => awake & self.world.busy().0,
            };
            if self.unspecified {
                awake &= !(1 << actor.0);
            }
        }
    }

    /// Takes one of the moves that are no rest; tells whether others may notice.
    fn take(
        &mut self,
        actor: Actor,
        moves: &Moves,
        pick: u32,
        dice: &mut Dice,
        seen: &mut dyn FnMut(Event),
    ) -> bool {
        let mut active = moves.iter().filter(|(_, step)| step.what != What::Rests);
        let Some((rule, step)) = active.nth(pick as usize).copied() else { return false };
        self.shown.insert(rule);
        match step.what {
            What::Answers(answers, signal) => {
                let done = self.world.pending(actor).map_or(0, |call| call.done);
                let (given, count) = draw(answers, done, dice);
                let world = &mut self.world;
                let by = (rule, step);
                let released = answer(&self.platform, world, actor, by, count, given, signal);
                self.shown = self.shown.union(released);
                // A move may answer another's call too: one that was seen midway.
                for actor in self.world.busy().iter() {
                    if let Some((_, reply)) = reply_of(&self.world, actor) {
                        seen(Event::Return(actor, reply));
                        self.world.returned(actor);
                    }
                }
            }
            What::Proceeds { least, most } => {
                let count = count(least, most, dice);
                let released = proceed(&self.platform, &mut self.world, actor, step, count);
                self.shown = self.shown.union(released);
            }
            What::Unspecified(_) => self.unspecified = true,
            What::Rests | What::Delivers { .. } | What::Releases | What::Reports { .. } => {}
        }
        !step.is_pure()
    }
}

/// One of a set of actors, a bit each, that is not empty.
fn one_of(set: u32, dice: &mut Dice) -> Actor {
    let mut rest = set;
    if !set.is_power_of_two() {
        for _ in 0..dice.below(set.count_ones()) {
            rest &= rest - 1;
        }
    }
    Actor(rest.trailing_zeros() as u8)
}

/// One of the answers that a move allows, with the bytes that it moves.
fn draw(answers: Answers, done: u32, dice: &mut Dice) -> (Answer, u32) {
    match answers {
        Answers::Exactly(answer) => (answer, 0),
        Answers::Transferred { least, most } => {
            let count = count(least, most, dice);
            (Answer::Count(done + count), count)
        }
        Answers::Ready { must, .. } => {
            let all = all_answers(answers, done, false);
            dice.any(all.iter().copied()).unwrap_or((Answer::Ready(must), 0))
        }
    }
}

/// The least, the most or any count between.
fn count(least: u32, most: u32, dice: &mut Dice) -> u32 {
    if least == most {
        return least;
    }
    match dice.below(3) {
        0 => least,
        1 => most,
        _ => least + dice.below(most - least + 1),
    }
}
