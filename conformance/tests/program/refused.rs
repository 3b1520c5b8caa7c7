//! What a machine lacks is told in the row of the channel that needs it, and the others go on.
//!
//! The kernel is made to refuse calls by seccomp(2), in a thread from which the program is started.

use std::collections::BTreeMap;
use std::thread;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

use crate::json;
use crate::place::{Ended, Place};

/// A call that is refused: always, or where its first argument has this value.
type Refused = (i64, Option<i32>);

/// Runs the program where the kernel refuses calls with an error.
fn run_without(refused: &[Refused], errno: i32, place: &Place, arguments: &[&str]) -> Ended {
    let condition = |value: i32| {
        let (len, op) = (SeccompCmpArgLen::Dword, SeccompCmpOp::Eq);
        SeccompCondition::new(0, len, op, value as u64).expect("an argument")
    };
    let rules = |value: Option<i32>| -> Vec<SeccompRule> {
        let rule = |value| SeccompRule::new(vec![condition(value)]).expect("a rule");
        value.map(rule).into_iter().collect()
    };
    let filter: BTreeMap<_, _> =
        refused.iter().map(|(call, value)| (*call, rules(*value))).collect();
    let refuse = SeccompAction::Errno(errno as u32);
    let here = std::env::consts::ARCH.try_into().expect("a known machine");
    let filter = SeccompFilter::new(filter, SeccompAction::Allow, refuse, here).expect("a filter");
    let filter: BpfProgram = filter.try_into().expect("a program");
    thread::scope(|scope| {
        let running = scope.spawn(|| {
            apply_filter(&filter).expect("a thread may restrict itself");
            // What is missing by the filter may be passed over, in CI too.
            let ended = place.command(arguments).env_remove("CI").output();
            let ended = Ended::of(ended.expect("it runs"));
            place.assert_nothing_left();
            ended
        });
        running.join().expect("it runs")
    })
}

const FEW: [&str; 6] = ["--scenarios", "40", "--paths", "1", "--systems", "0"];

#[track_caller]
fn told(ended: &Ended, words: &[&str]) {
    for words in words {
        assert!(ended.out.contains(words), "{words} is not in:\n{}\n{}", ended.out, ended.err);
    }
}

#[test]
fn a_channel_that_can_not_be_made_is_a_row_and_the_others_go_on() {
    let place = Place::new();
    let arguments = [&["check"], &FEW[..], &["--json", "a.json"]].concat();
    let diag = (libc::SYS_socket, Some(libc::AF_NETLINK));
    let ended = run_without(&[diag], libc::EPROTONOSUPPORT, &place, &arguments);
    told(
        &ended,
        &["tcp: not supported: failed to make a channel: socket(AF_NETLINK, NETLINK_SOCK_DIAG): \
           Protocol not supported (EPROTONOSUPPORT)\n"],
    );
    assert_eq!(ended.status, Some(0), "nobody asked for TCP: {ended:?}");
    for row in json(&place.read("a.json"))["channels"].as_array().expect("rows") {
        let lacks = row["channel"].as_str().is_some_and(|name| name.starts_with("tcp"));
        let verdict = if lacks { "not supported" } else { "conforms" };
        assert_eq!(row["verdict"], verdict, "{row}");
        assert!(lacks || row["left_out"] == 0, "{row}");
    }
}

#[test]
fn what_was_asked_for_by_name_and_can_not_be_had_is_not_judged() {
    let tcp = ["--scenarios", "40", "--paths", "1", "--systems", "0"];
    for (channel, call, errno, words) in [
        (
            "tcp",
            (libc::SYS_socket, Some(libc::AF_INET)),
            libc::EPROTONOSUPPORT,
            "socket(AF_INET, SOCK_STREAM): Protocol not supported (EPROTONOSUPPORT)",
        ),
        (
            "message-queue",
            (libc::SYS_mq_open, None),
            libc::ENOSYS,
            "mq_open: Function not implemented (ENOSYS)",
        ),
        ("fifo", (libc::SYS_mknodat, None), libc::EPERM, "mkfifo: Operation not permitted (EPERM)"),
    ] {
        let place = Place::new();
        let arguments = [&["check", "pipe", channel], &tcp[..]].concat();
        let ended = run_without(&[call, (libc::SYS_mknod, None)], errno, &place, &arguments);
        let line = format!("{channel}: not supported: failed to make a channel: {words}\n");
        told(&ended, &[&line, "┆ not supported"]);
        let pipe = ended.out.lines().find(|line| line.starts_with("│ pipe "));
        assert!(pipe.is_some_and(|row| row.contains("┆ conforms ")), "{}", ended.out);
        assert_eq!(ended.status, Some(3), "{ended:?}");
    }
}

#[test]
fn a_channel_that_can_be_made_and_not_used_is_not_supported() {
    let place = Place::new();
    let calls = [(libc::SYS_mq_timedsend, None), (libc::SYS_mq_timedreceive, None)];
    let arguments = [&["check", "message-queue"], &FEW[..]].concat();
    let ended = run_without(&calls, libc::ENOSYS, &place, &arguments);
    told(
        &ended,
        &[
            "message-queue: not supported: `write` gives ENOSYS: this system has no such call\n",
            "message-queue: not supported: `read` gives ENOSYS",
        ],
    );
    assert!(!ended.out.contains("deviates"), "{}", ended.out);
    assert_eq!(ended.status, Some(3), "{ended:?}");
}

#[test]
fn a_call_that_the_system_lacks_is_named_and_all_else_is_judged() {
    let place = Place::new();
    let calls = [(libc::SYS_flock, None)];
    let arguments = [&["check", "locked-file-flock"], &FEW[..]].concat();
    let ended = run_without(&calls, libc::ENOSYS, &place, &arguments);
    told(
        &ended,
        &[
            "┆ conforms, left out ",
            "locked-file-flock: in part not supported: `flock` gives ENOSYS",
        ],
    );
    assert_eq!(ended.status, Some(3), "{ended:?}");
}

#[test]
fn replaying_on_a_channel_that_can_not_be_made_judges_nothing() {
    let place = Place::new();
    place.file("run.case", "channel tcp\nann: write 1 -> 1\n");
    let socket = (libc::SYS_socket, Some(libc::AF_INET));
    let ended = run_without(&[socket], libc::EPROTONOSUPPORT, &place, &["replay", "run.case"]);
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(ended.err.contains("tcp: not supported here: failed to make a channel: socket("));
}

#[test]
fn replaying_a_call_that_is_refused_judges_nothing() {
    let place = Place::new();
    place.file("run.case", "channel unix-datagram\nactor ben holds sb\nann: send 1 -> 1\n");
    for (errno, words) in [
        (libc::ENOSYS, "not judged: `send` gives ENOSYS: this system has no such call\n"),
        (
            libc::EPERM,
            "not judged: `send` gives EPERM: a filter of system calls (seccomp) is in force",
        ),
    ] {
        let send = (libc::SYS_sendto, None);
        let ended = run_without(&[send], errno, &place, &["replay", "run.case"]);
        told(&ended, &[words]);
        assert_eq!(ended.status, Some(3), "{ended:?}");
    }
}

#[test]
fn a_call_that_a_filter_refuses_does_not_deviate() {
    let place = Place::new();
    let arguments = [&["check", "unix-datagram"], &FEW[..]].concat();
    let ended = run_without(&[(libc::SYS_sendto, None)], libc::EPERM, &place, &arguments);
    told(&ended, &["unix-datagram: in part not supported: `send` gives EPERM: a filter"]);
    assert!(!ended.out.contains("deviates"), "{}", ended.out);
    assert_eq!(ended.status, Some(3), "{ended:?}");
}

#[test]
fn workers_that_could_not_be_ended_are_not_started() {
    for (call, words) in [
        ((libc::SYS_kill, None), "kill: Operation not permitted (EPERM)"),
        (
            (libc::SYS_prctl, Some(libc::PR_GET_PDEATHSIG)),
            "prctl(PR_GET_PDEATHSIG): Operation not permitted (EPERM)",
        ),
    ] {
        let place = Place::new();
        let arguments = [&["check", "pipe"], &FEW[..]].concat();
        let ended = run_without(&[call], libc::EPERM, &place, &arguments);
        told(&ended, &["failed to start a worker: ", words]);
        assert_eq!(ended.status, Some(3), "{ended:?}");
    }
}
