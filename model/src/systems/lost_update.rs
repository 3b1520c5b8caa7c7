//! Two who read a value, and write what they make of it.

use crate::call::{Actor, Op};
use crate::channel::Object;
use crate::kind::LOCKED_FILE;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, lock, read_at, unlock, write_at};
use crate::system::{Family, Keeps, State, System};

const ANN: Actor = Actor(0);
const BEN: Actor = Actor(1);

const SEEN: &str = "nobody writes over what it has not seen";

/// Without a lock the other's value may be lost.
pub(super) fn unlocked() -> System {
    let update = [read_at("rw", 1, 0), write_at("rw", 1, 0)];
    both("lost-update", "Two processes read a byte of a file and write it anew.", &update)
        .breaks(&[SEEN])
}

/// With it neither is.
pub(super) fn locked() -> System {
    let update = [lock("rw"), read_at("rw", 1, 0), write_at("rw", 1, 0), unlock("rw")];
    both(
        "locked-update",
        "Two processes read a byte of a file and write it anew, under its lock.",
        &update,
    )
}

fn both(name: &'static str, says: &'static str, update: &[Do]) -> System {
    System::new(name, Family::Variable, says, &LOCKED_FILE)
        .process("ann", "rw", update)
        .keeps(Keeps::Newest)
        .process("ben", "rw", update)
        .keeps(Keeps::Newest)
        .asks([
            always(SEEN, |_, state| [ANN, BEN].iter().all(|who| has_seen(state, *who))),
            no_deadlock(),
            sometimes("both are at it", |_, state| state.busy().iter().count() == 2),
            eventually("both have written", |system, state| system.is_over(state)),
        ])
}

/// Whether who is about to write has seen what is there.
fn has_seen(state: &State, who: Actor) -> bool {
    match (state.within(who), &state.world.objects[0]) {
        (Some(Op::WriteAt { .. }), Object::File(file)) => *file.segments == *state.heard(who),
        _ => true,
    }
}
