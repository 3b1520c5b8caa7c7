//! Where calls are stopped in their middle, and what the others do meanwhile.
//!
//! Real programs make many calls while one of another is under way: an event loop polls, takes a little, polls
//! again. A stop gives them the time for it.

use pipewright_model::call::Actor;

use super::dice::Dice;
use crate::scenario::{Scenario, Step, Stop};

/// In how many of a hundred calls that copy bytes, in scenarios with stops, the call stops.
const STOPS_PERCENT: u32 = 40;

/// How many calls others make inside.
const INSIDE: std::ops::RangeInclusive<u32> = 2..=8;

/// In how many of a hundred calls inside, the actor of the one before calls again.
const SAME_ACTOR_PERCENT: u32 = 70;

/// In how many of a hundred calls inside, it is asked whether the end is ready.
const POLLS_PERCENT: u32 = 55;

/// The stops of a scenario that is being drawn.
pub(super) struct Stops {
    /// Dice of its own, so that scenarios without stops are what they would be if there were none.
    dice: Dice,
    wanted: bool,
    held: Option<Held>,
}

/// A call that is stopped.
struct Held {
    actor: Actor,
    /// The index of its step.
    step: usize,
    /// How many calls are still to be made inside.
    left: u32,
    /// The actor that made the last call inside the stop.
    last: Option<Actor>,
}

/// What a call inside a stopped one is to be.
pub(super) struct Inside {
    /// The actor that does not call.
    pub(super) held: Actor,
    /// The actor that should, if it can.
    pub(super) caller: Option<Actor>,
    /// Whether to poll.
    pub(super) polls: bool,
}

impl Stops {
    pub(super) fn new(percent: u32, seed: u64) -> Stops {
        let mut dice = Dice::new(!seed);
        let wanted = dice.chance(percent);
        Stops { dice, wanted, held: None }
    }

    /// What the next call is to be, where one is stopped.
    pub(super) fn inside(&mut self) -> Option<Inside> {
        let Held { actor, last, .. } = *self.held.as_ref()?;
        let again = self.dice.chance(SAME_ACTOR_PERCENT);
        let polls = self.dice.chance(POLLS_PERCENT);
        Some(Inside { held: actor, caller: last.filter(|_| again), polls })
    }

    /// No other actor can call: whether a stopped call goes on.
    pub(super) fn end(&mut self) -> bool {
        self.held.take().is_some()
    }

    /// A step is drawn: it may stop, or it is one more inside.
    pub(super) fn drawn(&mut self, steps: &mut [Step], page_bytes: u32, actors: usize) {
        if let Some(held) = &mut self.held {
            let Some((caller, stop)) = steps
                .last()
                .map(|step| step.call.actor)
                .and_then(|caller| Some((caller, steps.get_mut(held.step)?.stop.as_mut()?)))
            else {
                return;
            };
            stop.inside += 1;
            held.left -= 1;
            held.last = Some(caller);
            if held.left == 0 {
                self.held = None;
            }
            return;
        }
        let index = steps.len().saturating_sub(1);
        let Some(step) = steps.last_mut().filter(|_| self.wanted && actors > 1) else { return };
        let len = step.copies();
        if len == 0 || !self.dice.chance(STOPS_PERCENT) {
            return;
        }
        step.stop = Some(Stop { at: place(len, page_bytes, &mut self.dice), inside: 0 });
        let (least, most) = INSIDE.into_inner();
        let left = least + self.dice.below(most - least + 1);
        self.held = Some(Held { actor: step.call.actor, step: index, left, last: None });
    }
}

/// A byte among `len` where to stop: the first, the last, at the edge of a page, or any.
fn place(len: u32, page_bytes: u32, dice: &mut Dice) -> u32 {
    let pages = len.div_ceil(page_bytes);
    let at = match dice.below(6) {
        0 => 0,
        1 => len - 1,
        2 | 3 => dice.below(pages) * page_bytes,
        4 => dice.below(pages) * page_bytes + 1,
        _ => dice.below(len),
    };
    at.min(len - 1)
}

/// The scenario with its first call that others follow stopped in the middle, until its actor calls again or the
/// scenario ends; `None` where there is no such call.
pub fn stopped(scenario: &Scenario, page_bytes: u32) -> Option<Scenario> {
    let mut scenario = scenario.clone();
    let steps = &scenario.steps;
    let inside = |index: usize| {
        let rest = steps[index + 1..].iter();
        rest.take_while(|step| step.call.actor != steps[index].call.actor).count() as u32
    };
    let fits = |index: &usize| steps[*index].copies() > 0 && inside(*index) > 0;
    let index = (0..steps.len()).find(fits)?;
    let len = steps[index].copies();
    let at = if len > page_bytes { len / 2 / page_bytes * page_bytes } else { len / 2 };
    let inside = inside(index);
    scenario.steps[index].stop = Some(Stop { at, inside });
    Some(scenario)
}
