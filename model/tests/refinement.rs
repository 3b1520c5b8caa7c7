//! Linux refines POSIX: every behaviour of the one is allowed by the other, but for declared exceptions.

mod common;

use common::{LINUX_SMALL, POSIX_SMALL, spaces};
use pipewright_model::explore::refines;

#[test]
fn linux_refines_posix() {
    for (name, space) in spaces() {
        if space.setup.packet {
            continue; // packet mode is not in the standard: everything is allowed there
        }
        let started = std::time::Instant::now();
        let result = refines(&space, &LINUX_SMALL, &POSIX_SMALL);
        eprintln!(
            "{name:16} {:7} pairs, {:6} Linux states, {:5} violations, {:?}",
            result.pairs,
            result.concrete,
            result.violations.len(),
            started.elapsed()
        );
        if let Some(run) = result.violations.first() {
            panic!("{name}:\n{run}");
        }
    }
}
