//! The `pipewright` program: checks this machine's channels against the specification.
//!
//! How it ends is said in `pipewright_conformance::status`.

mod program;

use std::process::ExitCode;
use std::thread;

use pipewright_backends::sys::memory::{EndsTidily, end_tidily};
use pipewright_conformance::remove_all;
use pipewright_conformance::status::Status;

#[global_allocator]
static ALLOCATOR: EndsTidily = EndsTidily;

/// Whatever the limit on stacks is: the thread that the system makes has as much as it says.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    if let Err(status) = program::begin() {
        return status;
    }
    end_tidily(Status::BadInput.code(), "pipewright", remove_all);
    match thread::Builder::new().stack_size(STACK_BYTES).spawn(program::run) {
        // Where it has panicked, there is nothing that could be told.
        Ok(program) => program.join().unwrap_or(ExitCode::from(101)),
        // What needs no thread works without; what does says so.
        Err(_) => program::run(),
    }
}
