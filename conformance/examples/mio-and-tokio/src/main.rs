//! Prints what the specification says of the libraries.

use mio_and_tokio::looped::MioPoll;
use mio_and_tokio::tasks::{TokioPipe, TokioStream};
use pipewright_conformance::suite::{self, Failure, LINUX, POSIX};

fn main() -> Result<(), Failure> {
    println!("{}", suite::table(&MioPoll, &LINUX)?);
    println!("{}", suite::table(&TokioPipe, &POSIX)?);
    println!("{}", suite::table(&TokioStream, &POSIX)?);
    Ok(())
}
