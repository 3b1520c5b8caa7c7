//! The named systems, a file each: what exists, what can happen, what must hold.
//!
//! Each runs on Linux with its real sizes, so that the way to what breaks a property is a run that
//! `pipewright judge` and `pipewright replay` take as it is.

mod simplex_pipe;
mod waiting_for_each_other;
mod waiting_reader;

use crate::system::System;

/// All named systems, by family.
pub fn all() -> Vec<System> {
    vec![simplex_pipe::system(), waiting_reader::system(), waiting_for_each_other::system()]
}
