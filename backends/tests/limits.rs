//! Actors keep to the system's limits, also those of root.

use std::fs;
use std::path::Path;

use pipewright_backends::sys::process::keep_to_limits;
use pipewright_backends::{Channel, Pipe};
use pipewright_model::call::{Answer, End, Errno, Op};
use pipewright_model::kind::Hold;
use pipewright_model::run::{Name, Seat};

#[test]
fn even_root_gets_no_pipe_beyond_the_limit() {
    keep_to_limits().expect("given up");
    let most = fs::read_to_string("/proc/sys/fs/pipe-max-size").expect("a limit");
    let most: u32 = most.trim().parse().expect("a number");
    let name = Name::new("writer").expect("a name");
    let seats = [Seat::new(name, vec![(End(0), Hold::WRITE)])];
    let mut instance = Pipe::PLAIN.create(Path::new("none"), &seats).expect("a pipe");
    let seen = instance.ports[0].call(End(0), Op::SetCapacity { bytes: 2 * most }, &mut []);
    assert_eq!(seen.answer, Answer::Fails(Errno::EPERM));
}
