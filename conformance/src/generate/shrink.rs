//! From a scenario that fails to a simple one that fails: delta debugging.
//!
//! Whether a scenario fails is not known here; it is asked for one simpler scenario after another. Each
//! that is proposed is smaller than the best so far in a fixed order, so this ends.

use std::collections::BTreeSet;

use pipewright_model::call::{Actor, Call, Events, Op, OpenFlags, SendFlags, TOLD_MAX, Trigger};

use crate::scenario::{Scenario, Stop, normal, normalise};

/// The simplest scenario found for which `still_fails` holds; `scenario`, in its [`normal`] form, is
/// taken to fail. Simpler is: fewer calls, fewer actors and ends, fewer races, plainer calls, smaller
/// sizes.
///
/// A failure that does not come every time is to be looked for several times in `still_fails`: a scenario
/// that passes once is not looked at again.
pub fn shrink(scenario: Scenario, mut still_fails: impl FnMut(&Scenario) -> bool) -> Scenario {
    let mut shrinker = Shrinker::new(scenario);
    while let Some(candidate) = shrinker.simpler() {
        match still_fails(&candidate) {
            true => shrinker.fails(candidate),
            false => shrinker.passes(),
        }
    }
    shrinker.best
}

/// Shrinking, one question at a time: ask for a [`simpler`](Shrinker::simpler) scenario, then tell whether
/// it [`fails`](Shrinker::fails) or [`passes`](Shrinker::passes).
#[derive(Clone, Debug)]
pub struct Shrinker {
    best: Scenario,
    pass: usize,
    edits: Vec<Edit>,
    next: usize,
    /// Whether this round through the passes has found something simpler.
    improved: bool,
}

/// A change that may make a scenario simpler. Numbers are indices of steps but where told otherwise.
#[derive(Clone, Copy, Debug)]
enum Edit {
    /// Drop so many steps from here on.
    Drop { from: usize, len: usize },
    /// Drop two steps.
    DropTwo(usize, usize),
    /// Drop a step, and give another a size that may make up for it.
    Trade(usize, usize, u32),
    /// Drop a seat and all calls of its actor.
    DropSeat(u8),
    /// Drop one end of a seat, and with it the calls on it.
    DropEnd(u8, usize),
    /// Drop a dup, and use the end itself instead of its copy; perhaps not closing it the first time.
    Undup(usize, bool),
    /// Let every step settle.
    SettleAll,
    /// Let a step settle.
    Settle(usize),
    /// Don't stop a step's call in its middle.
    Unstop(usize),
    /// Stop a step's call at another byte.
    StopAt(usize, Towards),
    /// Let a step's call go on sooner.
    GoOn(usize, Towards),
    /// Make a step's call plainer, in one of [`PLAINER`] ways.
    Plainer(usize, u32),
    /// Replace a size wherever it stands.
    SizeEverywhere(u32, Towards),
    /// Replace the size of a step.
    Size(usize, Towards),
}

/// How a size gets smaller.
#[derive(Clone, Copy, Debug)]
enum Towards {
    /// It becomes this.
    Is(u32),
    /// It becomes smaller by this.
    Less(u32),
}

/// Sizes worth trying before others: those at which behaviour may change.
const SIZES: [u32; 11] = [0, 1, 2, 4095, 4096, 4097, 8192, 8193, 65_535, 65_536, 65_537];

/// Sizes that may make up for another call: a full pipe, say.
const TRADES: [u32; 6] = [1, 4097, 65_535, 65_536, 65_537, 131_072];

/// Two steps are changed at once in scenarios up to this length: to drop both, to trade one for a size.
const DROP_TWO_MAX: usize = 16;
const TRADE_MAX: usize = 10;

const PLAINER: u32 = 4;

const PASSES: [fn(&Scenario) -> Vec<Edit>; 6] = [chunks, seats, races, sizes, pairs, trades];

impl Shrinker {
    /// Begins with a scenario that fails.
    pub fn new(scenario: Scenario) -> Shrinker {
        let best = normal(&scenario);
        let edits = PASSES[0](&best);
        Shrinker { best, pass: 0, edits, next: 0, improved: false }
    }

    /// The simplest scenario so far that fails.
    pub fn best(&self) -> &Scenario {
        &self.best
    }

    /// A simpler scenario; `None` if none is left to try.
    pub fn simpler(&mut self) -> Option<Scenario> {
        loop {
            while let Some(edit) = self.edits.get(self.next) {
                match edited(&self.best, *edit) {
                    Some(simpler) if simplicity(&simpler) < simplicity(&self.best) => {
                        return Some(simpler);
                    }
                    _ => self.next += 1,
                }
            }
            self.pass += 1;
            if self.pass == PASSES.len() && std::mem::take(&mut self.improved) {
                self.pass = 0;
            }
            self.edits = PASSES.get(self.pass)?(&self.best);
            self.next = 0;
        }
    }

    /// The simpler scenario fails too: go on from it.
    pub fn fails(&mut self, simpler: Scenario) {
        self.best = simpler;
        self.improved = true;
        // What was tried before will hardly do now: go on at the same place.
        self.edits = PASSES.get(self.pass).map_or_else(Vec::new, |pass| pass(&self.best));
    }

    /// The simpler scenario passes: try another.
    pub fn passes(&mut self) {
        self.next += 1;
    }
}

/// Smaller is simpler.
fn simplicity(scenario: &Scenario) -> impl Ord {
    let steps = &scenario.steps;
    let ends: usize = scenario.seats.iter().map(|seat| seat.ends.len()).sum();
    let racing = steps.iter().filter(|step| !step.settle).count();
    let stops: Vec<Stop> = steps.iter().filter_map(|step| step.stop).collect();
    let places: u64 = stops.iter().map(|stop| u64::from(stop.at) + u64::from(stop.inside)).sum();
    let plain: u32 = steps.iter().map(|step| plainness(step.call.op)).sum();
    let sizes: u64 = steps.iter().filter_map(|step| size(step.call.op)).map(u64::from).sum();
    let actors = scenario.seats.len() + ends;
    (steps.len(), actors, scenario.end_names.len(), stops.len(), racing, plain, sizes, places)
}

fn plainness(op: Op) -> u32 {
    match op {
        Op::Open { flags, .. } => flags.0.count_ones(),
        Op::Send { flags, .. } | Op::Receive { flags, .. } => flags.0.count_ones(),
        Op::EpollAdd { events, trigger, .. } | Op::EpollModify { events, trigger, .. } => {
            events.0.count_ones() + trigger.0.count_ones()
        }
        Op::EpollWait { most, wait } => u32::from(wait) + TOLD_MAX as u32 - u32::from(most),
        Op::Poll { events, wait, .. } => events.0.count_ones() + u32::from(wait),
        _ => 0,
    }
}

fn size(op: Op) -> Option<u32> {
    match op {
        Op::SetCapacity { bytes } => Some(bytes),
        Op::Truncate { len } => Some(len),
        op => op.offers().or(op.asks()),
    }
}

fn with_size(op: Op, size: u32) -> Op {
    match op {
        Op::SetCapacity { .. } => Op::SetCapacity { bytes: size },
        Op::Truncate { .. } => Op::Truncate { len: size },
        op => op.with_len(size),
    }
}

/// Halves, quarters... single steps, from the end.
fn chunks(scenario: &Scenario) -> Vec<Edit> {
    let steps = scenario.steps.len();
    let mut edits = Vec::new();
    let mut len = steps.div_ceil(2);
    while len > 0 {
        let chunk = |from: usize| Edit::Drop { from: from * len, len };
        edits.extend((0..steps.div_ceil(len)).rev().map(chunk));
        len = if len == 1 { 0 } else { len.div_ceil(2) };
    }
    edits
}

fn seats(scenario: &Scenario) -> Vec<Edit> {
    let seats = || scenario.seats.iter().enumerate().map(|(index, seat)| (index as u8, seat));
    let mut edits: Vec<Edit> = seats().map(|(seat, _)| Edit::DropSeat(seat)).collect();
    let ends = seats()
        .flat_map(|(index, seat)| (0..seat.ends.len()).map(move |end| Edit::DropEnd(index, end)));
    edits.extend(ends);
    let dups = scenario.steps.iter().enumerate();
    let dups = dups.filter(|(_, step)| matches!(step.call.op, Op::Dup { .. }));
    edits.extend(
        dups.flat_map(|(index, _)| [true, false].map(|unclosed| Edit::Undup(index, unclosed))),
    );
    edits
}

fn races(scenario: &Scenario) -> Vec<Edit> {
    let mut edits = vec![Edit::SettleAll];
    edits.extend((0..scenario.steps.len()).map(Edit::Settle));
    let stops = |index: &usize| scenario.steps[*index].stop.is_some();
    for index in (0..scenario.steps.len()).filter(stops) {
        edits.push(Edit::Unstop(index));
        edits.extend([0, 1, 4096].map(|at| Edit::StopAt(index, Towards::Is(at))));
        edits.extend([1, 2].map(|inside| Edit::GoOn(index, Towards::Is(inside))));
        edits.push(Edit::GoOn(index, Towards::Less(1)));
    }
    let plainer = |index: usize| (0..PLAINER).map(move |way| Edit::Plainer(index, way));
    edits.extend((0..scenario.steps.len()).flat_map(plainer));
    edits
}

fn sizes(scenario: &Scenario) -> Vec<Edit> {
    let towards = || {
        let less = (0..u32::BITS).rev().map(|power| Towards::Less(1 << power));
        SIZES.into_iter().map(Towards::Is).chain(less)
    };
    let found = scenario.steps.iter().filter_map(|step| size(step.call.op));
    let different: BTreeSet<u32> = found.collect();
    let mut edits = Vec::new();
    for size in different.into_iter().rev() {
        edits.extend(towards().map(|towards| Edit::SizeEverywhere(size, towards)));
    }
    for (index, step) in scenario.steps.iter().enumerate() {
        if size(step.call.op).is_some() {
            edits.extend(towards().map(|towards| Edit::Size(index, towards)));
        }
    }
    edits
}

fn pairs(scenario: &Scenario) -> Vec<Edit> {
    let steps = scenario.steps.len();
    if steps > DROP_TWO_MAX {
        return Vec::new();
    }
    let pairs = |first: usize| (first + 1..steps).map(move |second| Edit::DropTwo(first, second));
    (0..steps).flat_map(pairs).collect()
}

fn trades(scenario: &Scenario) -> Vec<Edit> {
    let steps = &scenario.steps;
    if steps.len() > TRADE_MAX {
        return Vec::new();
    }
    let mut edits = Vec::new();
    for (other, step) in steps.iter().enumerate() {
        for dropped in (0..steps.len()).filter(|dropped| *dropped != other) {
            if size(step.call.op).is_some() {
                edits.extend(TRADES.map(|size| Edit::Trade(dropped, other, size)));
            }
        }
    }
    edits
}

/// The scenario after the edit; `None` where the edit does nothing.
fn edited(scenario: &Scenario, edit: Edit) -> Option<Scenario> {
    let mut edited = scenario.clone();
    let steps = &mut edited.steps;
    match edit {
        Edit::Drop { from, len } => edited.drop_steps(|index| (from..from + len).contains(&index)),
        Edit::DropTwo(first, second) => {
            edited.drop_steps(|index| index == first || index == second);
        }
        Edit::Trade(dropped, other, size) => {
            let op = &mut steps[other].call.op;
            *op = with_size(*op, size);
            edited.drop_steps(|index| index == dropped);
        }
        Edit::DropSeat(seat) => {
            edited.retain(|step| step.call.actor != Actor(seat));
            edited.seats[usize::from(seat)].ends.clear();
        }
        Edit::DropEnd(seat, end) => drop(edited.seats[usize::from(seat)].ends.remove(end)),
        Edit::Undup(index, unclosed) => undup(&mut edited, index, unclosed)?,
        Edit::SettleAll => steps.iter_mut().for_each(|step| step.settle = true),
        Edit::Settle(index) => steps[index].settle = true,
        Edit::Unstop(index) => steps[index].stop = None,
        Edit::StopAt(index, towards) => {
            let stop = steps[index].stop.as_mut()?;
            stop.at = smaller(stop.at, towards)?;
        }
        Edit::GoOn(index, towards) => {
            let stop = steps[index].stop.as_mut()?;
            stop.inside = smaller(stop.inside, towards)?;
        }
        Edit::Plainer(index, way) => {
            let op = &mut steps[index].call.op;
            *op = plainer(*op, way)?;
        }
        Edit::SizeEverywhere(from, towards) => {
            let smaller = smaller(from, towards)?;
            let same = steps.iter_mut().filter(|step| size(step.call.op) == Some(from));
            same.for_each(|step| step.call.op = with_size(step.call.op, smaller));
        }
        Edit::Size(index, towards) => {
            let op = &mut steps[index].call.op;
            *op = with_size(*op, smaller(size(*op)?, towards)?);
        }
    }
    Some(normalise(edited))
}

fn smaller(size: u32, towards: Towards) -> Option<u32> {
    match towards {
        Towards::Is(value) => (value < size).then_some(value),
        Towards::Less(by) => size.checked_sub(by),
    }
}

fn plainer(op: Op, way: u32) -> Option<Op> {
    match (op, way) {
        (Op::Open { mode, flags }, 0) if !flags.is_empty() => {
            Some(Op::Open { mode, flags: OpenFlags::NONE })
        }
        (Op::Send { len, flags }, 0) if !flags.is_empty() => {
            Some(Op::Send { len, flags: SendFlags::NONE })
        }
        (Op::Receive { len, flags }, 0) if !flags.is_empty() => {
            Some(Op::Receive { len, flags: SendFlags::NONE })
        }
        (Op::Send { len, .. }, 1) => Some(Op::Write { len }),
        (Op::Receive { len, .. }, 1) => Some(Op::Read { len }),
        (Op::Poll { events, wait: true, among: false }, 0) => {
            Some(Op::Poll { events, wait: false, among: false })
        }
        (Op::EpollWait { most, wait: true }, 0) => Some(Op::EpollWait { most, wait: false }),
        (Op::EpollWait { most, wait }, 1) if usize::from(most) < TOLD_MAX => {
            Some(Op::EpollWait { most: TOLD_MAX as u8, wait })
        }
        (Op::EpollAdd { target, events, trigger }, 0) if !trigger.is_empty() => {
            Some(Op::EpollAdd { target, events, trigger: Trigger::NONE })
        }
        (Op::EpollModify { target, events, trigger }, 0) if !trigger.is_empty() => {
            Some(Op::EpollModify { target, events, trigger: Trigger::NONE })
        }
        (Op::Poll { wait, .. }, 1) => Some(Op::Poll { events: Events::NONE, wait, among: false }),
        (Op::Poll { wait, .. }, 2) => Some(Op::Poll { events: Events::IN, wait, among: false }),
        (Op::Poll { wait, .. }, 3) => Some(Op::Poll { events: Events::OUT, wait, among: false }),
        _ => None,
    }
}

fn undup(scenario: &mut Scenario, index: usize, unclosed: bool) -> Option<()> {
    let Call { actor, end, op: Op::Dup { new } } = scenario.steps[index].call else {
        return None;
    };
    let close = Call { actor, end, op: Op::Close };
    let rest = &scenario.steps[index + 1..];
    let first = rest.iter().position(|step| step.call == close).map(|first| index + 1 + first);
    if unclosed && first.is_none() {
        return None;
    }
    scenario.drop_steps(|other| other == index || unclosed && Some(other) == first);
    for step in &mut scenario.steps[index..] {
        let call = &mut step.call;
        if call.actor == actor && call.end == new && call.op != Op::Unlink {
            call.end = end;
        }
    }
    Some(())
}
