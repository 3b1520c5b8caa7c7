//! Which ends an actor has at a point of a run, as far as its calls tell: where an end may be left
//! out of a line. The parser and the printer both follow runs with it, so they agree.

use crate::call::{ACTORS_MAX, Actor, Answer, Call, End, Mode, Op, Reply};
use crate::kind::{Ends, Kind};
use crate::run::Seat;

/// Mode of an end called `name`, or `None` where that is no name of an end.
pub(super) fn mode_of(name: &str) -> Option<Mode> {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    [Mode::Read, Mode::Write, Mode::ReadWrite]
        .into_iter()
        .find(|mode| default_end(*mode) == letters)
}

/// Name of the end that an `open` with this mode makes unless it says otherwise.
pub(super) fn default_end(mode: Mode) -> &'static str {
    match mode {
        Mode::Read => "r",
        Mode::Write => "w",
        Mode::ReadWrite => "rw",
    }
}

/// The ends that an actor holds who is not declared, or `None` where it must be declared. `by_path`:
/// its first call needs no end.
pub(super) fn undeclared(
    kind: &Kind,
    name: &str,
    by_path: bool,
) -> Option<Option<(&'static str, Mode)>> {
    let mode = match kind.ends {
        Ends::Opened if by_path => return Some(None),
        _ if name.starts_with("writer") => Mode::Write,
        _ if name.starts_with("reader") => Mode::Read,
        _ => return None,
    };
    Some(Some((default_end(mode), mode)))
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
        match call.op {
            Op::Open { .. } => self.gain(call.actor, call.end),
            Op::Dup { new } => self.gain(call.actor, new),
            _ => {}
        }
    }

    /// A call returns.
    pub(super) fn returned(&mut self, actor: Actor, reply: &Reply) {
        let actor = actor.0 as usize;
        let Some((call, before)) = self.calls.get_mut(actor).and_then(Option::take) else {
            return;
        };
        match (call.op, reply.answer) {
            (Op::Open { .. } | Op::Dup { .. }, Answer::Fails(_)) => self.held[actor] = before,
            (Op::Close, Answer::Done) => self.held[actor].open &= !bit(call.end),
            _ => {}
        }
    }
}
