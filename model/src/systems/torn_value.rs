//! A value of two bytes that is written while it is read.

use crate::call::Actor;
use crate::kind::{GLOBAL_VARIABLE, LOCKED_FILE};
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, lock, read, read_at, unlock, write, write_at};
use crate::system::{Family, State, System};

const READER: Actor = Actor(1);

/// Size of a variable.
const VALUE: u32 = 64;

const WHOLE: &str = "a value is seen whole";

/// In a file, a read may see a write half done.
pub(super) fn in_a_file() -> System {
    file(
        "torn-value",
        "A process writes a value of two bytes to a file, twice; the other reads it.",
        &[write_at("rw", 2, 0), write_at("rw", 2, 0)],
        &[read_at("rw", 2, 0)],
    )
    .breaks(&[WHOLE])
}

/// Not if both hold the lock.
pub(super) fn in_a_locked_file() -> System {
    let write = [lock("rw"), write_at("rw", 2, 0), write_at("rw", 2, 0), unlock("rw")];
    file(
        "locked-value",
        "A process writes a value of two bytes to a file, twice, and the other reads it, under the file's lock.",
        &write,
        &[lock("rw"), read_at("rw", 2, 0), unlock("rw")],
    )
}

fn file(name: &'static str, says: &'static str, writer: &[Do], reader: &[Do]) -> System {
    System::new(name, Family::Variable, says, &LOCKED_FILE)
        .process("writer", "rw", writer)
        .process("reader", "rw", reader)
        .asks([
            always(WHOLE, |_, state| whole(state, 2)),
            no_deadlock(),
            sometimes("a value is seen", |_, state| !state.given(READER).is_empty()),
            eventually("both come to their end", |system, state| system.is_over(state)),
        ])
}

/// A variable is never seen half written.
pub(super) fn in_a_variable() -> System {
    System::new(
        "whole-value",
        Family::Variable,
        "A thread stores two values in a variable; the other looks twice.",
        &GLOBAL_VARIABLE,
    )
    .process("writer", "w", [write("w", VALUE), write("w", VALUE)])
    .process("reader", "r", [read("r", VALUE), read("r", VALUE)])
    .asks([
        always(WHOLE, |_, state| whole(state, VALUE)),
        no_deadlock(),
        sometimes(
            "the last value is seen",
            |_, state| matches!(state.given(READER), [value] if value.from == i64::from(VALUE)),
        ),
        eventually("both come to their end", |system, state| system.is_over(state)),
    ])
}

/// Whether what the reader is given is one value and all of it.
fn whole(state: &State, bytes: u32) -> bool {
    match state.given(READER) {
        [] => true,
        [value] => value.len == bytes && value.from % i64::from(bytes) == 0,
        _ => false,
    }
}
