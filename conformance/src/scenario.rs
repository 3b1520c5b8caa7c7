//! Scenarios: who calls what in which order, without saying what comes of it.

mod normal;
mod plot;

use pipewright_backends::{Arrangement, Channel};
use pipewright_model::call::{ACTORS_MAX, Actor, Call, End, Mode, Op};
use pipewright_model::kind::{Discipline, Ends, Hold, Kind, Side};
use pipewright_model::run::{Actors, Event, Name, Run, Seat};

pub use normal::{normal, normalise};
pub use plot::{Plot, takes_troupe};

pub(crate) use normal::allows;
pub(crate) use plot::Numbers;

/// One call of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The call, or the exit of its actor's process. It is skipped where its actor is still busy with an earlier one,
    /// unless it is an exit by a signal.
    pub call: Call,
    /// Whether to let things come to rest before the next step. Where not, the next call races
    /// this one.
    pub settle: bool,
    /// Where the call is to be stopped in its middle, if it is.
    pub stop: Option<Stop>,
}

/// A stop in the middle of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stop {
    /// The byte of the call's buffer that is missing until the call is to go on, counted from 0.
    pub at: u32,
    /// How many of the steps that follow are made before it goes on. Fewer where its actor's turn comes, or the
    /// scenario ends.
    pub inside: u32,
}

impl Step {
    /// The bytes that the call copies at most.
    pub(crate) fn copies(&self) -> u32 {
        self.call.op.offers().or(self.call.op.asks()).unwrap_or(0)
    }

    /// A call after which things come to rest.
    pub fn settled(call: Call) -> Step {
        Step { call, settle: true, stop: None }
    }
}

/// A list of calls, to be made on any channel that has the ends for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scenario {
    /// The actors, with the ends held at the start.
    pub seats: Vec<Seat>,
    /// Names of ends.
    pub end_names: Vec<Name>,
    /// The calls, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// The scenario behind a run: its calls, settled where the run shows that the world stood still or that no call was
    /// in progress, and stopped where they were. Where processes are told of, also where a call returned before the next
    /// was made while all others slept.
    pub fn of(run: &Run) -> Scenario {
        let mut steps: Vec<Step> = Vec::new();
        // Whose calls are in progress, but for those that slept when all was quiet last.
        let mut busy = Actors::NONE;
        let sleepers_count = !run.is_of_processes();
        let mut asleep = Actors::NONE;
        // The steps with the calls made last, and how many there were when they stopped.
        let mut calls = [(0_usize, 0_usize); ACTORS_MAX];
        for event in &run.events {
            match event {
                Event::Call(call) => {
                    calls[usize::from(call.actor.0)].0 = steps.len();
                    steps.push(Step { settle: false, ..Step::settled(*call) });
                    busy = busy.with(call.actor);
                }
                Event::Return(actor, _) => {
                    busy = busy.without(*actor);
                    asleep = asleep.without(*actor);
                }
                Event::Quiet(open) => {
                    busy = Actors::NONE;
                    asleep = *open;
                }
                Event::Exits(actor, status) => {
                    let op = Op::Exit { status: *status };
                    let call = Call { actor: *actor, end: End(0), op };
                    steps.push(Step { settle: false, ..Step::settled(call) });
                    let leader = run.leader(*actor);
                    let gone = busy.iter().filter(|other| run.leader(*other) == leader);
                    busy = gone.fold(busy, Actors::without);
                }
                Event::Stops(actor, at) => {
                    let made = steps.len();
                    let (call, stopped) = &mut calls[usize::from(actor.0)];
                    *stopped = made;
                    steps[*call].stop = Some(Stop { at: *at, inside: u32::MAX });
                }
                Event::GoesOn(actor) => {
                    let made = steps.len();
                    let (call, stopped) = calls[usize::from(actor.0)];
                    if let Some(stop) = &mut steps[call].stop {
                        stop.inside = (made - stopped) as u32;
                    }
                }
            }
            let alone = busy.is_empty() && (!sleepers_count || asleep.is_empty());
            let settled = alone || matches!(event, Event::Quiet(_));
            if let (true, Some(last)) = (settled, steps.last_mut()) {
                last.settle = true;
            }
        }
        Scenario { seats: run.seats.clone(), end_names: run.end_names.clone(), steps }
    }

    /// The same scenario on a channel of the kind `to`, made for one of the kind `from`; `None` where `to`
    /// has no such ends. Of a channel with two sides, one way of one side's words to the other is taken.
    pub fn on(&self, to: &Kind, from: &Kind) -> Option<Scenario> {
        if to == from {
            return Some(self.clone());
        }
        let mut scenario = self.clone();
        scenario.seats = self.seats_on(to, from)?;
        if to.discipline == Discipline::Cell {
            // Values are read and written whole.
            let whole = to.capacity_default_bytes;
            for step in &mut scenario.steps {
                step.call.op = step.call.op.with_len(whole);
                step.stop = None;
            }
        }
        Some(normal(&scenario))
    }

    /// The actors of the same scenario on a channel of the kind `to`, with what they hold there.
    fn seats_on(&self, to: &Kind, from: &Kind) -> Option<Vec<Seat>> {
        if to == from {
            return Some(self.seats.clone());
        }
        let has = |step: &Step| to.has_no_name_for(step.call.op.word()).is_none();
        if !self.steps.iter().all(has) {
            return None;
        }
        let held = |hold: Hold| {
            let side = if hold.mode.writes() { Side::A } else { Side::B };
            let way = |other: &&Hold| {
                other.side == side
                    && other.mode.reads() >= hold.mode.reads()
                    && other.mode.writes() >= hold.mode.writes()
            };
            match to.held.contains(&hold) {
                true => Some(hold),
                false if hold == Hold::BOTH => None,
                false => to.held.iter().find(way).copied(),
            }
        };
        let mut seats = self.seats.clone();
        for (_, hold) in seats.iter_mut().flat_map(|seat| &mut seat.ends) {
            *hold = held(*hold)?;
        }
        let held = |mode: Mode| {
            let ends = seats.iter().flat_map(|seat| &seat.ends);
            ends.filter(|(_, hold)| hold.mode == mode).count()
        };
        if [Mode::Read, Mode::Write].into_iter().any(|mode| to.is_sole(mode) && held(mode) > 1) {
            return None;
        }
        (!self.opens()).then_some(seats)
    }

    /// Whether it is the same on a channel of the kind `to`, made for one of the kind `from`: the same ends, the
    /// same calls.
    pub fn stands_on(&self, to: &Kind, from: &Kind) -> bool {
        let same = || self.seats_on(to, from).is_some_and(|seats| seats == self.seats);
        to == from || to.discipline != Discipline::Cell && same()
    }

    /// Whether actors can share a channel of this kind in this arrangement: what can't be opened by path must
    /// not be held at the start where they share nothing else.
    pub fn can_be(&self, arrangement: Arrangement, kind: &Kind) -> bool {
        let held = self.seats.iter().any(|seat| !seat.ends.is_empty());
        !(held && is_by_name(arrangement, kind))
    }

    /// Keeps some steps only. A stop lasts until the step before which it ended, if that is still there.
    pub fn retain(&mut self, keep: impl FnMut(&Step) -> bool) {
        let kept: Vec<bool> = self.steps.iter().map(keep).collect();
        for (index, step) in self.steps.iter_mut().enumerate() {
            let Some(stop) = &mut step.stop else { continue };
            let inside = kept[index + 1..].iter().take(stop.inside as usize);
            stop.inside -= inside.filter(|kept| !**kept).count() as u32;
        }
        let mut kept = kept.into_iter();
        self.steps.retain(|_| kept.next().unwrap_or(true));
    }

    /// Drops the steps at these indices.
    pub(crate) fn drop_steps(&mut self, drops: impl Fn(usize) -> bool) {
        let mut indices = 0..;
        self.retain(|_| !indices.next().is_some_and(&drops));
    }

    /// All who take part.
    pub(crate) fn actors(&self) -> impl Iterator<Item = Actor> + use<> {
        (0..self.seats.len()).map(|index| Actor(index as u8))
    }

    /// Whether a call is to be stopped in its middle.
    pub fn stops(&self) -> bool {
        self.steps.iter().any(|step| step.stop.is_some())
    }

    /// Whether an actor gets at the channel by name during the scenario.
    pub fn opens(&self) -> bool {
        self.steps.iter().any(|step| step.call.op.is_by_name())
    }
}

/// Whether nobody holds anything at the start, or everybody must; `None` where either may be.
pub(crate) fn by_name(arrangement: Arrangement, channel: &dyn Channel) -> Option<bool> {
    let kind = channel.setup().kind;
    let makes_none =
        kind.ends == Ends::Connected && !channel.offers(&Op::Socket { nonblock: false });
    (makes_none || is_by_name(arrangement, kind)).then_some(!makes_none)
}

/// Whether nobody holds anything at the start where actors share a channel of this kind in this arrangement.
pub(crate) fn is_by_name(arrangement: Arrangement, kind: &Kind) -> bool {
    arrangement == Arrangement::Opened && kind.ends == Ends::Connected
}
