//! Signals that ask for an end: the same status in every command, from its first moments on.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipewright_conformance::status::Status;

use crate::campaigns::eventually;
use crate::place::{PROGRAM, Place};

/// Commands that go on until they are told to end.
const ENDLESS: [&[&str]; 5] = [
    &["judge", "-"],
    &["draw", "-"],
    &["explore", "simplex-pipe", "--port", "0"],
    &["verify", "simplex-pipe", "--hosts", "hosts", "--process", "0"],
    &["check", "pipe", "--scenarios", "100000000"],
];

#[test]
fn a_signal_ends_every_command_with_the_same_status() {
    for arguments in ENDLESS {
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
            let place = Place::new();
            place.file("hosts", "127.0.0.1:4001\n127.0.0.1:4002\n");
            let mut command = Command::new("env");
            command.args(["--default-signal", PROGRAM]).args(arguments).current_dir(place.path());
            command.env("TMPDIR", place.temporary());
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("it starts");
            let id = child.id() as i32;
            eventually("it catches signals", || catches(id, signal).then_some(()));
            kill(Pid::from_raw(id), signal).expect("sent");
            let status = eventually("it ends", || child.try_wait().expect("a child"));
            assert_eq!(status.code(), Some(Status::Stopped.code().into()), "{arguments:?}");
            place.assert_nothing_left();
        }
    }
}

fn catches(id: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it lives");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
    let caught = u64::from_str_radix(caught.trim(), 16).expect("a number");
    caught & 1 << (signal as i32 - 1) != 0
}
