//! Spaces of two pipes, one for each way.

use pipewright_model::call::{Actor, Call, End, Op};
use pipewright_model::explore::Space;
use pipewright_model::kind::PIPE_PAIR;
use pipewright_model::run::{Name, Seat, Setup};

use super::{Pinned, read, write};

/// Two who talk to each other: what they write, and the ends of one of them closed.
fn pair_talks() -> Space {
    let mut setup = Setup::new(&PIPE_PAIR);
    setup.capacity_bytes = 4;
    let name = |text: &str| Name::new(text).expect("a name");
    let seat = |text: &str, first: usize| {
        Seat::new(
            name(text),
            (first..first + 2).map(|at| (End(at as u8), PIPE_PAIR.held[at])).collect(),
        )
    };
    let calls = [
        (0, 0, read(3)),
        (0, 1, write(1)),
        (0, 1, write(5)),
        (0, 1, Op::Close),
        (1, 2, read(1)),
        (1, 3, write(3)),
    ];
    let call = |(actor, end, op)| Call { actor: Actor(actor), end: End(end), op };
    Space {
        setup,
        seats: vec![seat("ann", 0), seat("ben", 2)],
        end_names: PIPE_PAIR.held.iter().map(|hold| name(hold.letters())).collect(),
        alphabet: calls.map(call).to_vec(),
        fill_bytes: 4,
        lasting_bytes: None,
    }
}

pub(crate) fn spaces() -> Vec<Pinned> {
    vec![Pinned {
        name: "pair talks",
        space: pair_talks(),
        linux_states: 6_590,
        posix_states: 7_768,
    }]
}
