//! Prints what the specification says of the library's pipe.

use own_channel::channel::LibraryPipe;
use pipewright_conformance::suite::{self, Failure, POSIX};

fn main() -> Result<(), Failure> {
    println!("{}", suite::table(&LibraryPipe, &POSIX)?);
    Ok(())
}
