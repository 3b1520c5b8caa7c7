//! The `pipewright` program: checks this machine's channels against the specification.
//!
//! How it ends is said in `pipewright_conformance::status`.

mod program;

use std::process::ExitCode;
use std::thread;

/// Whatever the limit on stacks is: the thread that the system makes has as much as it says.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let program = thread::Builder::new().stack_size(STACK_BYTES).spawn(program::run);
    // Where there is no thread, or it has panicked, there is nothing that could be told.
    program.map_or(ExitCode::from(2), |thread| thread.join().unwrap_or(ExitCode::from(101)))
}
