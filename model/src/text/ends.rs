//! How ends are called, and who holds which without saying so.

use crate::kind::{Ends, Hold, Kind};

/// The letters of all names of ends that a run of this kind may hold.
pub(super) fn names_for(kind: &Kind) -> Vec<&'static str> {
    let socket = (kind.ends == Ends::Connected).then_some(Hold::SOCKET);
    kind.held.iter().copied().chain(socket).map(Hold::letters).collect()
}

/// The names of actors that need not be declared.
pub(super) fn usual(kind: &Kind) -> [&'static str; 2] {
    if kind.sides == 2 { ["ann", "ben"] } else { ["reader", "writer"] }
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
        (_, 1) if held.len() == 1 && usual(kind).iter().any(|usual| name.starts_with(usual)) => {
            Some(held)
        }
        (_, 1) if name.starts_with("reader") => Some(&held[..1]),
        (_, 1) if name.starts_with("writer") => Some(&held[1..2]),
        _ => None,
    }
}
