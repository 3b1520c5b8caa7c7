//! Which ends an actor has at a point of a run, as far as its calls tell: where an end may be left
//! out of a line. The parser and the printer both follow runs with it, so they agree.

use crate::call::{ACTORS_MAX, Actor, Answer, Call, End, Op, Reply};
use crate::kind::{Ends, Hold, Kind};
use crate::run::Seat;

/// The letters of all names of ends that a run of this kind may hold.
pub(super) fn names_for(kind: &Kind) -> Vec<&'static str> {
    let socket = (kind.ends == Ends::Connected).then_some(Hold::SOCKET);
    kind.held.iter().copied().chain(socket).map(Hold::letters).collect()
}

/// What an end called `name` is for, or `None` where that is no name of an end.
pub(super) fn hold_of(name: &str) -> Option<Hold> {
    Hold::named(name.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// The ends that an actor holds who is not declared, or `None` where it must be declared. `by_name`:
/// its first call needs no end.
pub(super) fn undeclared(kind: &Kind, name: &str, by_name: bool) -> Option<&'static [Hold]> {
    let held = kind.held;
    let half = held.len() / 2;
    match (kind.ends, kind.sides) {
        (Ends::Opened | Ends::Connected, _) if by_name => Some(&[]),
        (_, 2) if name.starts_with("ann") => Some(&held[..half]),
        (_, 2) if name.starts_with("ben") => Some(&held[half..]),
        (_, 1) if name.starts_with("reader") => Some(&held[..1]),
        (_, 1) if name.starts_with("writer") => Some(&held[1..2]),
        _ => None,
    }
}

/// Ends of one actor, a bit each.
#[derive(Clone, Copy, Default)]
struct Held {
    open: u8,
    had: u8,
}

/// The ends of every actor.
#[derive(Default)]
pub(super) struct Table {
    held: [Held; ACTORS_MAX],
    /// Open calls, with the ends of their actor before them.
    calls: [Option<(Call, Held)>; ACTORS_MAX],
}

fn bit(end: End) -> u8 {
    1_u8.checked_shl(end.0.into()).unwrap_or(0)
}

impl Table {
    /// Seats an actor.
    pub(super) fn seat(&mut self, actor: Actor, seat: &Seat) {
        for (end, _) in &seat.ends {
            self.gain(actor, *end);
        }
    }

    fn gain(&mut self, actor: Actor, end: End) {
        if let Some(held) = self.held.get_mut(actor.0 as usize) {
            held.open |= bit(end);
            held.had |= bit(end);
        }
    }

    /// The end of a call of `actor` that names none; otherwise, all that it has open.
    pub(super) fn implied(&self, actor: Actor) -> Result<End, Vec<End>> {
        let held = self.held.get(actor.0 as usize).copied().unwrap_or_default();
        let set = if held.open == 0 { held.had } else { held.open };
        if set.count_ones() == 1 {
            return Ok(End(set.trailing_zeros() as u8));
        }
        Err((0..8).map(End).filter(|end| held.open & bit(*end) != 0).collect())
    }

    /// A call begins. What it makes counts as made until it fails.
    pub(super) fn call(&mut self, call: &Call) {
        let actor = call.actor.0 as usize;
        let (Some(held), Some(open)) = (self.held.get(actor), self.calls.get_mut(actor)) else {
            return;
        };
        *open = Some((*call, *held));
        if let Some(end) = call.makes() {
            self.gain(call.actor, end);
        }
    }

    /// A call returns.
    pub(super) fn returned(&mut self, actor: Actor, reply: &Reply) {
        let actor = actor.0 as usize;
        let Some((call, before)) = self.calls.get_mut(actor).and_then(Option::take) else {
            return;
        };
        match (call.op, reply.answer) {
            _ if call.makes().is_some() && !call.made(reply.answer) => self.held[actor] = before,
            (Op::Close, Answer::Done) => self.held[actor].open &= !bit(call.end),
            _ => {}
        }
    }
}
