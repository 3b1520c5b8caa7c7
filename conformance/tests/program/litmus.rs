//! Litmus files: what is printed of them, and how the command ends.

use std::fs;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipewright_conformance::status::Status;

use crate::campaigns::eventually;
use crate::place::{Ended, Place};

/// Linux appends, whatever the offset; POSIX forbids it.
const APPENDED: &str = "\
# pwrite on a description with O_APPEND appends.
channel file append
actor writer holds w
actor reader holds r
writer: write 3
writer: write-at 2
quiet
reader: read 9
allowed writer -> 3, writer -> 2, reader -> 5
forbidden reader -> 3
";

fn litmus(text: &str, arguments: &[&str]) -> Ended {
    let place = Place::new();
    place.file("appended.litmus", text);
    place.run(&[&["litmus", "appended.litmus", "--runs", "10"], arguments].concat())
}

/// The rows of a table, without lines and spaces.
fn rows(out: &str) -> Vec<String> {
    let cells = |line: &str| {
        let cells = line.trim_matches('│').split('┆').map(str::trim);
        cells.collect::<Vec<_>>().join(" | ")
    };
    out.lines().filter(|line| line.starts_with('│')).map(cells).collect()
}

#[test]
fn what_was_seen_stands_beside_what_is_allowed() {
    let ended = litmus(APPENDED, &[]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.out.starts_with("appended.litmus: file-append, profile linux\n"), "{ended:?}");
    let expected = [
        " |  | runs | outcome",
        "allowed | seen | 10 | writer -> 3, writer -> 2, reader -> 5",
        "forbidden | not seen | 0 | reader -> 3",
    ];
    assert_eq!(rows(&ended.out), expected, "{}", ended.out);
}

#[test]
fn a_forbidden_outcome_that_is_seen_ends_with_1_and_shows_a_run() {
    let ended = litmus(APPENDED, &["--profile", "posix"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let expected = [
        " |  | runs | outcome",
        "allowed | not seen | 0 | writer -> 3, writer -> 2, reader -> 3",
        "forbidden | SEEN | 10 | writer -> 3, writer -> 2, reader -> 5",
    ];
    assert_eq!(rows(&ended.out)[..3], expected, "{}", ended.out);
    for said in [
        "the file and the rules differ: no rule allows: writer -> 3, writer -> 2, reader -> 5",
        "the file and the rules differ: the rules allow: reader -> 3",
        "\nno rule allows this run:\nchannel file append\n",
    ] {
        assert!(ended.out.contains(said), "{said} is not in:\n{}", ended.out);
    }
}

#[test]
fn every_outcome_must_be_expected_and_laxity_has_a_reason() {
    let torn = APPENDED.replace("allowed writer -> 3, writer -> 2, reader -> 5", "lax reader -> 5");
    let ended = litmus(&torn, &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.out.contains("no reason is given why this is lax: reader -> 5"), "{ended:?}");
    let silent = APPENDED.replace("allowed writer -> 3, writer -> 2, reader -> 5\n", "");
    let ended = litmus(&silent, &[]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.out.contains("the file does not say what the rules allow"), "{ended:?}");
}

#[test]
fn what_is_no_litmus_file_is_refused_with_its_place() {
    let ended = litmus(&APPENDED.replace("forbidden reader -> 3", "forbidden nobody -> 3"), &[]);
    ended.refused(&[".litmus:10:11: ", "no actor is called nobody so far"]);
    let ended = litmus(APPENDED, &["--channel", "pope"]);
    ended.refused(&["pope"]);
}

/// Two openers of a FIFO.
const MEET: &str = include_str!("../../litmus/fifo/two-opens-meet.litmus");

#[test]
fn calls_that_a_channel_lacks_are_not_made() {
    for channel in ["tcp", "pipe", "unix-stream"] {
        litmus(MEET, &["--channel", channel]).refused(&[
            "appended.litmus: its calls open a fifo by name, which ",
            "does not have; choose another --channel",
        ]);
    }
    let held = "channel pipe\nwriter: write 3\nreader: read 3";
    for channel in ["unix-stream", "global-variable"] {
        litmus(held, &["--channel", channel]).refused(&["its actors hold ends of a pipe, which "]);
    }
    let unmade = [
        (
            "channel pipe\nwriter: write 1\nreader: read 99999999\nwriter: write 1",
            "`reader: read 99999999`: a call",
        ),
        (
            "channel message-queue\nactor writer holds w\nwriter: set-capacity 4096",
            "`writer: set-capacity 4096`: message-queue does not have `set-capacity`",
        ),
    ];
    for (text, why) in unmade {
        let ended = litmus(text, &[]);
        assert_eq!(ended.status, Some(Status::NotJudged.code().into()), "{ended:?}");
        let said = format!("not replayed as the file says: appended.litmus:3:1: {why}");
        assert!(ended.out.contains(&said), "{ended:?}");
    }
}

#[test]
fn on_another_channel_the_rules_say_what_is_allowed_there() {
    let ended = litmus("channel pipe\nwriter: write 3\nreader: read 1", &["--channel", "fifo"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ended = litmus(&APPENDED.replace(" append", ""), &["--channel", "file-append"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(rows(&ended.out)[1], "allowed | seen | 10 | writer -> 3, writer -> 2, reader -> 5");
}

#[test]
fn a_number_of_runs_is_bounded() {
    let place = Place::new();
    place.file("a.litmus", APPENDED);
    for runs in ["0", "1000000001", "99999999999999"] {
        place
            .run(&["litmus", "a.litmus", "--runs", runs])
            .refused(&["--runs", "from 1 to 1000000000"]);
    }
}

#[test]
fn stopped_it_tells_what_was_seen_so_far() {
    let place = Place::new();
    place.file("a.litmus", "channel fifo\nactor writer holds w\nwriter: write 3");
    let mut command = place.command(&["litmus", "a.litmus", "a.litmus", "--runs", "1000000000"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("it runs");
    let id = child.id() as i32;
    let begun = || fs::read_dir(place.temporary()).expect("a directory").next();
    eventually("it has begun", begun).expect("an entry");
    kill(Pid::from_raw(id), Signal::SIGINT).expect("sent");
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.status, Some(Status::Stopped.code().into()), "{ended:?}");
    assert_eq!(ended.err, "pipewright: stopped; nothing is left behind\n");
    assert_eq!(rows(&ended.out).len(), 2, "one table:\n{}", ended.out);
    place.assert_nothing_left();
}
