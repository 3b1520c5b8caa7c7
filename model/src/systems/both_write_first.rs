//! Two processes with a pipe each way that both write before they read.

use crate::call::Actor;
use crate::kind::PIPE_PAIR;
use crate::system::ask::{eventually, no_deadlock, sometimes};
use crate::system::program::{read, write};
use crate::system::{Family, System};
use crate::verify::NO_DEADLOCK;

const ANN: Actor = Actor(0);

/// Bytes that a pipe holds.
const CAPACITY: u32 = 65_536;

const BOTH_END: &str = "both come to their end";

/// More than fits: both sleep for ever.
pub(super) fn more_than_fits() -> System {
    both(
        "both-write-more-than-fits",
        "Two processes both write a byte more than a pipe holds before they read.",
        CAPACITY + 1,
    )
    .breaks(&[NO_DEADLOCK, BOTH_END])
}

/// What fits.
pub(super) fn what_fits() -> System {
    both(
        "both-write-what-fits",
        "Two processes both write as much as a pipe holds before they read.",
        CAPACITY,
    )
}

fn both(name: &'static str, says: &'static str, bytes: u32) -> System {
    System::new(name, Family::Capacity, says, &PIPE_PAIR)
        .process("ann", "ra wa", [write("wa", bytes), read("ra", CAPACITY)])
        .process("ben", "rb wb", [write("wb", bytes), read("rb", CAPACITY)])
        .asks([
            no_deadlock(),
            sometimes("both pipes are full", |_, state| {
                state.world.objects.iter().all(|pipe| pipe.len() == CAPACITY)
                    && state.world.pending(ANN).is_some()
            }),
            eventually(BOTH_END, |system, state| system.is_over(state)),
        ])
}
