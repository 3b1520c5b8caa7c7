//! The `pipewright` program: checks this machine's channels against the specification.
//!
//! Exit status: 0 conforms, 1 deviates, 2 bad usage or input or a machine that can't run it, 3 not all
//! could be judged, 130 stopped by Ctrl-C.

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::run()
}
