//! Signals that ask for an end: the same status in every command, from its first moments on.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipewright_backends::sys::stop;
use pipewright_conformance::status::Status;

use crate::campaigns::eventually;
use crate::place::{Ended, PROGRAM, Place};

/// Commands that go on until they are told to end.
const ENDLESS: [&[&str]; 6] = [
    &["judge", "-"],
    &["draw", "-"],
    &["explore", "simplex-pipe", "--port", "0"],
    &["verify", "simplex-pipe", "--hosts", "hosts", "--process", "0"],
    &["check", "pipe", "--scenarios", "100000000"],
    &["check", "processes", "--scenarios", "100000000"],
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

/// What a process that is killed outright has forked, and what that has, is gone with it.
#[test]
fn whoever_is_killed_takes_its_actors_along() {
    let place = Place::new();
    let mut command = place.command(&["check", "processes", "--scenarios", "100000000"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let id = child.id() as i32;
    let family = eventually("it has actors", || {
        let family = descendants(id);
        (family.iter().filter(|(_, depth)| *depth > 2).count() > 2).then_some(family)
    });
    kill(Pid::from_raw(id), Signal::SIGKILL).expect("sent");
    child.wait().expect("a child");
    // The number of a process that is gone may be another's by now.
    let lives = |process: i32| {
        fs::read_link(format!("/proc/{process}/exe"))
            .is_ok_and(|exe| exe == fs::canonicalize(PROGRAM).expect("a program"))
    };
    eventually("they are gone", || {
        (!family.iter().any(|(process, _)| lives(*process))).then_some(())
    });
}

/// The processes that come of one, each with how far from it.
fn descendants(process: i32) -> Vec<(i32, u32)> {
    let mut all = vec![(process, 0)];
    let mut at = 0;
    while let Some((parent, depth)) = all.get(at).copied() {
        at += 1;
        let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children = children.split_whitespace().filter_map(|id| id.parse().ok());
            all.extend(children.map(|child| (child, depth + 1)));
        }
    }
    all
}

/// Judging what was stopped in many places takes long, and so does finding all that many calls at once may come to.
#[test]
fn a_signal_ends_what_takes_long_to_think_over() {
    let (replay, litmus): (&[&str], &[&str]) =
        (&["replay", "stopped.run"], &["litmus", "many.litmus"]);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let place = Place::new();
        place.file("stopped.run", &many_stopped()).file("many.litmus", &many_at_once());
        for arguments in [replay, litmus] {
            if arguments == replay && stop::unavailable().is_some() {
                continue;
            }
            let mut command = place.command(arguments);
            let mut child =
                command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
            let id = child.id() as i32;
            if arguments == replay {
                let places = || fs::read_dir(place.temporary()).expect("a directory").count();
                eventually("it is replayed", || (places() > 0).then_some(()));
                eventually("its actors are gone", || (places() == 0).then_some(()));
            }
            let before = ticks(id);
            eventually("it thinks", || (ticks(id) > before + TICKS).then_some(()));
            kill(Pid::from_raw(id), signal).expect("sent");
            let status = eventually("it ends", || child.try_wait().expect("a child"));
            assert_eq!(status.code(), Some(Status::Stopped.code().into()), "{arguments:?}");
            let mut err = String::new();
            child.stderr.take().expect("piped").read_to_string(&mut err).expect("UTF-8");
            // What has nothing to tell any more ends without a word.
            let words = if arguments == replay { "" } else { STOPPED };
            assert_eq!(err, words, "{arguments:?}");
            place.assert_nothing_left();
        }
    }
}

/// A limit on processor time ends a command that has something to tidy up, and one that has not.
#[test]
fn a_limit_on_processor_time_is_named() {
    let check: &[&str] = &["check", "pipe", "--scenarios", "100000000"];
    for (arguments, err) in [(check, STOPPED), (&["verify"], "")] {
        // With `-t` alone the hard limit is the same as the soft one.
        for limit in ["-t 2", "-S -t 1"] {
            let place = Place::new();
            let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
            let mut command = Command::new("sh");
            command.args(["-c", &script, PROGRAM]).args(arguments);
            command.current_dir(place.path()).env("TMPDIR", place.temporary());
            let ended = Ended::of(command.output().expect("it runs"));
            assert_eq!(ended.status, Some(Status::Stopped.code().into()), "{ended:?}");
            let said = "pipewright: the limit on processor time is reached: raise it (ulimit -t), or ask for less\n";
            assert_eq!(ended.err, format!("{said}{err}"), "{arguments:?}");
            place.assert_nothing_left();
        }
    }
}

const STOPPED: &str = "pipewright: stopped; nothing is left behind\n";

/// A good deal of thinking in clock ticks of a process, and a small part of what these take.
const TICKS: u64 = 20;

/// The processor time that a process has used, in ticks.
fn ticks(id: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("it lives");
    let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
    // From the state on, which is the third: utime and stime.
    fields.skip(11).take(2).map(|field| field.parse::<u64>().expect("a number")).sum()
}

/// Eight calls in flight on one Unix socket, each of them stopped.
fn many_stopped() -> String {
    let actors = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let calls = ["write sa", "write sa", "write sa", "read sb", "read sb", "read sb", "write sb"];
    let mut text = "channel unix-stream\n".to_owned();
    actors.iter().for_each(|actor| text += &format!("actor {actor} holds sa sb\n"));
    for (actor, call) in actors.iter().zip(calls) {
        text += &format!("{actor}: {call} 300000 stops at 4096\n");
    }
    text += "h: read sa 300000 stops at 0\n";
    actors.iter().for_each(|actor| text += &format!("{actor}: goes on\n"));
    text
}

/// Seven calls of each of eight actors, in whatever order.
fn many_at_once() -> String {
    let mut text = "channel pipe\n".to_owned();
    (0..8).for_each(|actor| text += &format!("actor a{actor} holds r w\n"));
    for call in 0..7 {
        (0..8).for_each(|actor| text += &format!("a{actor}: write w {}\n", call + actor + 1));
    }
    text
}

fn catches(id: i32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it lives");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
    let caught = u64::from_str_radix(caught.trim(), 16).expect("a number");
    caught & 1 << (signal as i32 - 1) != 0
}
