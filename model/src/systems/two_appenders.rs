//! Two writers to one file, each with a descriptor of its own.

use crate::call::Actor;
use crate::kind::FILE;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::write;
use crate::system::{Family, System};

const ANN: Actor = Actor(0);

const NOT_OVERWRITTEN: &str = "nothing is written over";

/// With O_APPEND every write goes to the end.
pub(super) fn append() -> System {
    both("two-writers-append", "Two processes write to one file with O_APPEND.", true)
}

/// Without, each goes on where its own offset is.
pub(super) fn no_append() -> System {
    both("two-writers-no-append", "Two processes write to one file without O_APPEND.", false)
        .breaks(&[NOT_OVERWRITTEN])
}

fn both(name: &'static str, says: &'static str, append: bool) -> System {
    let mut system = System::new(name, Family::Atomicity, says, &FILE);
    system.setup.append = append;
    system
        .process("ann", "w", [write("w", 2), write("w", 2)])
        .process("ben", "w", [write("w", 2)])
        .asks([
            always(NOT_OVERWRITTEN, |system, state| {
                !system.is_over(state) || state.world.objects[0].len() == system.written()
            }),
            no_deadlock(),
            sometimes("both write at once", |_, state| state.busy().iter().count() == 2),
            eventually("ann has written", |system, state| system.has_ended(state, ANN)),
        ])
}
