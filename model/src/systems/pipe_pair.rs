//! A pipe for each way: questions and answers don't meet.

use crate::call::Actor;
use crate::kind::PIPE_PAIR;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{read, write};
use crate::system::{Family, Keeps, State, System};

const ANN: Actor = Actor(0);
const BEN: Actor = Actor(1);

pub(super) fn system() -> System {
    System::new(
        "pipe-pair",
        Family::Direction,
        "One process asks over a pipe and the other answers over a second one, twice.",
        &PIPE_PAIR,
    )
    .process("ann", "ra wa", [write("wa", 1), read("ra", 1), write("wa", 1), read("ra", 1)])
    .keeps(Keeps::All)
    .process("ben", "rb wb", [read("rb", 1), write("wb", 1), read("rb", 1), write("wb", 1)])
    .asks([
        always("nobody reads its own words", |_, state| !reads_own_words(state)),
        no_deadlock(),
        sometimes("the question waits to be read", |_, state| {
            state.world.objects.iter().any(|object| !object.is_empty())
        }),
        eventually("both answers arrive", |_, state| {
            state.heard(ANN).iter().map(|words| words.len).sum::<u32>() == 2
        }),
    ])
}

fn reads_own_words(state: &State) -> bool {
    [ANN, BEN].iter().any(|who| state.given(*who).iter().any(|word| word.actor == *who))
}
