//! The `pipewright` program: checks this machine's channels against the specification.
//!
//! How it ends is said in `pipewright_conformance::status`.

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::run()
}
