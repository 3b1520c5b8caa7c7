//! Half-duplex: one at a time talks, if everybody takes the talk lock.

use crate::channel::Object;
use crate::kind::LOCKED_FILE;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, lock, unlock, write};
use crate::system::{Family, State, System};

const TALKED_OVER: &str = "nobody is talked over";

/// Both take the lock for as long as they talk.
pub(super) fn with_lock() -> System {
    talk(
        "half-duplex-locked",
        "Two processes append two words each to a file, and hold its lock while they do.",
        &[lock("rw"), write("rw", 1), write("rw", 1), unlock("rw")],
    )
}

/// Nobody takes it.
pub(super) fn without_lock() -> System {
    talk(
        "half-duplex-unlocked",
        "Two processes append two words each to a file that has a lock, and don't take it.",
        &[write("rw", 1), write("rw", 1)],
    )
    .breaks(&[TALKED_OVER])
}

fn talk(name: &'static str, says: &'static str, body: &[Do]) -> System {
    let mut system = System::new(name, Family::Direction, says, &LOCKED_FILE);
    system.setup.append = true;
    system.process("ann", "rw", body).process("ben", "rw", body).asks([
        always(TALKED_OVER, |_, state| stretches(state) <= 2),
        no_deadlock(),
        sometimes("both have talked", |_, state| stretches(state) == 2),
        eventually("both have said all they have to say", |system, state| {
            system.is_over(state) && state.world.objects[0].len() == 4
        }),
    ])
}

/// How many stretches of words of one process there are in the file.
fn stretches(state: &State) -> usize {
    match &state.world.objects[0] {
        Object::File(file) => file.segments.len(),
        _ => 0,
    }
}
