//! Two processes that each wait for the other's word before they say their own.

use crate::kind::PIPE_PAIR;
use crate::system::ask::no_deadlock;
use crate::system::program::{read, write};
use crate::system::{Family, System};
use crate::verify::NO_DEADLOCK;

pub(super) fn system() -> System {
    System::new(
        "waiting-for-each-other",
        Family::Waiting,
        "Two processes with a pipe each way both listen before they talk.",
        &PIPE_PAIR,
    )
    .process("ann", "ra wa", [read("ra", 1), write("wa", 1)])
    .process("ben", "rb wb", [read("rb", 1), write("wb", 1)])
    .asks([no_deadlock()])
    .breaks(&[NO_DEADLOCK])
}
