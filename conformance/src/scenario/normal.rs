//! Scenarios in the form that prints shortest: no seat and no name that nobody needs, names that need
//! no declaration, and no call on an end that can't be.
//!
//! It does not ask what calls return: which ends an actor may have is told by its calls alone.

use std::cmp::Reverse;

use pipewright_model::call::{ACTORS_MAX, Actor, Call, ENDS_MAX, End, Mode, Op};
use pipewright_model::ends::OpenEnds;
use pipewright_model::kind::{Hold, Side};
use pipewright_model::run::{Actors, Name, Seat};

use super::{Scenario, Step};

/// Drops steps that make no sense any more (on an end that its actor never had; an open or dup onto an
/// end that may be open), lets the last step settle and what an actor would have to do before it races
/// itself, and gives the rest its [`normal`] form.
pub fn normalise(mut scenario: Scenario) -> Scenario {
    let mut ends = OpenEnds::at_start(&scenario.seats);
    scenario.retain(|step| {
        let allowed = allows(&ends, &step.call);
        if allowed {
            ends.assume(&step.call);
        }
        allowed
    });
    let mut racing = Actors::NONE;
    for index in 0..scenario.steps.len() {
        let Step { call, settle, .. } = scenario.steps[index];
        if racing.contains(call.actor) {
            scenario.steps[index - 1].settle = true;
            racing = Actors::NONE;
        }
        racing = if settle { Actors::NONE } else { racing.with(call.actor) };
    }
    if let Some(last) = scenario.steps.last_mut() {
        last.settle = true;
    }
    normal(&scenario)
}

/// The same scenario with the seats, names and numbers that print shortest.
///
/// Actors who neither hold an end nor call are left out. Who must be declared is seated first, the rest
/// as they call. Who only reads is `reader`, who only writes is `writer`, others are `a`, `b`...
/// A scenario that would need more names of ends than there may be stays as it is.
pub fn normal(scenario: &Scenario) -> Scenario {
    let order = seating(scenario);
    let mut numbers = [None; 256];
    for (new, old) in order.iter().enumerate() {
        numbers[usize::from(*old)] = Some(Actor(new as u8));
    }
    let Some(ends) = Ends::new(scenario) else { return scenario.clone() };
    let mut counts = [0; ROLES];
    let seat = |old: &u8| {
        Seat::new(
            name(scenario, Actor(*old), &mut counts),
            scenario.seats[usize::from(*old)]
                .ends
                .iter()
                .map(|(end, hold)| (ends.of(Actor(*old), *end), *hold))
                .collect(),
        )
    };
    let seats = order.iter().map(seat).collect();
    let step = |step: &Step| {
        let Call { actor, end, op } = step.call;
        let op = op.map_ends(|end| ends.of(actor, end));
        let end = if op == Op::Unlink { End(0) } else { ends.of(actor, end) };
        let actor = numbers[usize::from(actor.0)].unwrap_or(actor);
        Step { call: Call { actor, end, op }, ..*step }
    };
    Scenario { seats, end_names: ends.names(), steps: scenario.steps.iter().map(step).collect() }
}

/// Whether the call is on an end that its actor has had, and makes none that may be open.
pub(crate) fn allows(ends: &OpenEnds, call: &Call) -> bool {
    let held = ends.of(call.actor);
    let makes = call.makes();
    call.uses().is_none_or(|end| held.has_had(end))
        && held.in_the_way(call).is_none()
        && (call.uses().is_none() || makes != Some(call.end))
        && (makes.is_some() || call.op.other_end().is_none_or(|end| held.has_had(end)))
}

/// Old numbers of the seats that are needed, in their new order: first those that must be declared,
/// then by first call.
fn seating(scenario: &Scenario) -> Vec<u8> {
    let mut first_calls = [usize::MAX; ACTORS_MAX];
    for (index, step) in scenario.steps.iter().enumerate().rev() {
        first_calls[usize::from(step.call.actor.0)] = index;
    }
    let first_call = |actor: u8| scenario.steps.get(first_calls[usize::from(actor)]);
    let needed = |actor: &u8| {
        first_call(*actor).is_some() || !scenario.seats[usize::from(*actor)].ends.is_empty()
    };
    let declared = |actor: u8| {
        let ends = scenario.seats[usize::from(actor)].ends.as_slice();
        match first_call(actor).map(|step| step.call.op) {
            None => true,
            Some(op) if op.is_by_name() => !ends.is_empty(),
            Some(_) => match role(scenario, Actor(actor)) {
                Role::Writer | Role::Reader => ends.len() != 1,
                Role::Ann | Role::Ben => false,
                Role::Other => true,
            },
        }
    };
    let mut order: Vec<u8> = (0..scenario.seats.len() as u8).filter(needed).collect();
    order.sort_by_key(|actor| (Reverse(declared(*actor)), first_calls[usize::from(*actor)]));
    order
}

/// What an actor has its ends for: its name tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Writer,
    Reader,
    /// Holds all ends of the first side of two, and no other.
    Ann,
    /// Those of the second.
    Ben,
    Other,
}

const ROLES: usize = 5;

fn role(scenario: &Scenario, actor: Actor) -> Role {
    let seat = &scenario.seats[usize::from(actor.0)];
    if let Some(role) = side_held(seat) {
        return role;
    }
    let calls = scenario.steps.iter().filter(|step| step.call.actor == actor);
    let opened = calls.filter_map(|step| match step.call.op {
        Op::Open { mode, .. } => Some(mode),
        op => op.is_by_name().then_some(Mode::ReadWrite),
    });
    let (mut reads, mut writes) = (false, false);
    for mode in seat.ends.iter().map(|(_, hold)| hold.mode).chain(opened) {
        reads |= mode.reads();
        writes |= mode.writes();
    }
    let one_sided = seat.ends.iter().all(|(_, hold)| hold.side == Side::Only);
    match (reads, writes) {
        (false, true) if one_sided => Role::Writer,
        (true, false) if one_sided => Role::Reader,
        _ => Role::Other,
    }
}

/// Whose ends these are, if they are all of one side.
fn side_held(seat: &Seat) -> Option<Role> {
    let side = seat.ends.first()?.1.side;
    let modes: Vec<Mode> = seat.ends.iter().map(|(_, hold)| hold.mode).collect();
    let whole = matches!(modes.as_slice(), [Mode::ReadWrite] | [Mode::Read, Mode::Write]);
    let same = seat.ends.iter().all(|(_, hold)| hold.side == side);
    match side {
        Side::A if whole && same => Some(Role::Ann),
        Side::B if whole && same => Some(Role::Ben),
        _ => None,
    }
}

const NAMES: [&str; ROLES - 1] = ["writer", "reader", "ann", "ben"];

/// `writer`, then `writer2`, `writer3`...; who has no role is `a`, `b`, ..., `z`, `a2`...
fn name(scenario: &Scenario, actor: Actor, counts: &mut [usize; ROLES]) -> Name {
    let role = role(scenario, actor) as usize;
    let before = counts[role];
    counts[role] += 1;
    let (word, number) = match NAMES.get(role) {
        Some(word) => ((*word).to_owned(), before + 1),
        None => (char::from(b'a' + (before % 26) as u8).to_string(), before / 26 + 1),
    };
    let text = if number == 1 { word } else { format!("{word}{number}") };
    Name::new(&text).expect("a word and a number are a name")
}

/// New numbers of ends.
struct Ends {
    /// For each actor and old end the letters and the ordinal of its name, once it is used.
    of: [[Option<(u8, u8)>; ENDS_MAX]; ACTORS_MAX],
    /// The names used, letters and ordinal, in alphabetical order: a bit each.
    used: [u32; LETTERS],
}

/// How many different letters names of ends have; they stand for indices into [`Hold::NAMED`].
const LETTERS: usize = Hold::NAMED.len();

impl Ends {
    /// `None` where there would be too many names.
    fn new(scenario: &Scenario) -> Option<Ends> {
        let mut ends = Ends { of: Default::default(), used: [0; LETTERS] };
        for (index, seat) in scenario.seats.iter().enumerate() {
            for (end, hold) in &seat.ends {
                ends.add(Actor(index as u8), *end, letters(*hold));
            }
        }
        for Step { call: Call { actor, end, op }, .. } in &scenario.steps {
            match op {
                Op::Unlink => continue,
                Op::Open { mode, .. } => ends.add(*actor, *end, letters(Hold::of(*mode))),
                Op::Socket { .. } => ends.add(*actor, *end, letters(Hold::SOCKET)),
                Op::Epoll => ends.add(*actor, *end, letters(Hold::EPOLL)),
                _ => ends.add(*actor, *end, letters(Hold::READ)),
            }
            let Some(other) = op.other_end() else { continue };
            let source = ends.of[usize::from(actor.0)][usize::from(end.0)];
            let letters = match op {
                Op::Accept { .. } | Op::ReceiveEnd { .. } => letters(Hold::SOCKET),
                _ => source.map_or(letters(Hold::READ), |(letters, _)| letters),
            };
            ends.add(*actor, other, letters);
        }
        let names: u32 = ends.used.iter().map(|used| used.count_ones()).sum();
        (names as usize <= ENDS_MAX).then_some(ends)
    }

    fn add(&mut self, actor: Actor, end: End, letters: u8) {
        let of = &mut self.of[usize::from(actor.0)];
        if of[usize::from(end.0)].is_none() {
            let ordinal = of.iter().flatten().filter(|(other, _)| *other == letters).count() as u8;
            of[usize::from(end.0)] = Some((letters, ordinal));
            self.used[usize::from(letters)] |= 1 << ordinal;
        }
    }

    fn of(&self, actor: Actor, end: End) -> End {
        let (letters, ordinal) =
            self.of[usize::from(actor.0)][usize::from(end.0)].unwrap_or_default();
        let before = self.used[..usize::from(letters)].iter().map(|used| used.count_ones());
        let below = self.used[usize::from(letters)] & ((1 << ordinal) - 1);
        End((before.sum::<u32>() + below.count_ones()) as u8)
    }

    fn names(&self) -> Vec<Name> {
        let names = Hold::NAMED.iter().zip(self.used).flat_map(|((letters, _), used)| {
            let ordinals = (0..ENDS_MAX).filter(move |ordinal| used & 1 << ordinal != 0);
            ordinals.map(move |ordinal| end_name(letters, ordinal))
        });
        names.collect()
    }
}

fn letters(hold: Hold) -> u8 {
    Hold::NAMED.iter().position(|(_, named)| *named == hold).unwrap_or(0) as u8
}

/// `r`, then `r2`, `r3`...
fn end_name(letters: &str, ordinal: usize) -> Name {
    let number = if ordinal == 0 { String::new() } else { (ordinal + 1).to_string() };
    Name::new(&format!("{letters}{number}")).expect("letters and a number are a name")
}
