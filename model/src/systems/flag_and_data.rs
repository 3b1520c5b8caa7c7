//! A flag that tells that data is ready, each a variable of its own.

use crate::call::Actor;
use crate::data::ZERO;
use crate::kind::{GUARDED_VARIABLE_PAIR, Kind, VARIABLE_PAIR};
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, Seen, forever, on, read, write};
use crate::system::{Family, Keeps, System};

const READER: Actor = Actor(1);

/// Size of a variable.
const VALUE: u32 = 64;

const NEW_DATA: &str = "who has seen the flag sees the data";

/// Variables without a lock: the flag may arrive before the data.
pub(super) fn polled() -> System {
    let look = forever([read("rb", VALUE), on(Seen::Written, [Do::Leave])]);
    both(
        "flag-and-data",
        "A thread stores data and then sets a flag; the other polls the flag and loads the data.",
        &VARIABLE_PAIR,
        look,
    )
    .breaks(&[NEW_DATA])
}

/// Behind a lock what was stored first is there.
pub(super) fn guarded() -> System {
    both(
        "flag-and-data-guarded",
        "The same behind a lock, where the reader waits for the flag.",
        &GUARDED_VARIABLE_PAIR,
        read("rb", VALUE),
    )
}

/// What ann writes ben reads: `wa` the flag, and with the ends of the other side `wb` the data.
fn both(name: &'static str, says: &'static str, kind: &'static Kind, flag: Do) -> System {
    System::new(name, Family::Variable, says, kind)
        .process("writer", "wa wb", [write("wb", VALUE), write("wa", VALUE)])
        .process("reader", "rb ra", [flag, read("ra", VALUE)])
        .keeps(Keeps::Newest)
        .asks([
            always(NEW_DATA, |system, state| {
                !system.has_ended(state, READER)
                    || state.heard(READER).iter().all(|value| value.actor != ZERO)
            }),
            no_deadlock(),
            sometimes("the data is seen", |system, state| {
                system.has_ended(state, READER)
                    && state.heard(READER).iter().all(|value| value.actor != ZERO)
            }),
            eventually("the reader comes to its end", |system, state| {
                system.has_ended(state, READER)
            }),
        ])
}
