//! One pipe used both ways: who asks may read its own question.

use crate::call::Actor;
use crate::kind::PIPE;
use crate::system::ask::{always, no_deadlock, sometimes};
use crate::system::program::{read, write};
use crate::system::{Family, State, System};
use crate::verify::NO_DEADLOCK;

const ANN: Actor = Actor(0);
const BEN: Actor = Actor(1);

const OWN_WORDS: &str = "nobody reads its own words";

pub(super) fn system() -> System {
    System::new(
        "one-pipe-both-ways",
        Family::Direction,
        "One process asks and the other answers over a single pipe, of which both hold both ends.",
        &PIPE,
    )
    .process("ann", "r w", [write("w", 1), read("r", 1)])
    .process("ben", "r w", [read("r", 1), write("w", 1)])
    .asks([
        always(OWN_WORDS, |_, state| !reads_own_words(state)),
        no_deadlock(),
        sometimes("an answer arrives", |_, state| {
            state.given(ANN).iter().any(|word| word.actor == BEN)
        }),
    ])
    .breaks(&[OWN_WORDS, NO_DEADLOCK])
}

fn reads_own_words(state: &State) -> bool {
    [ANN, BEN].iter().any(|who| state.given(*who).iter().any(|word| word.actor == *who))
}
