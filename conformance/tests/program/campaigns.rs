//! Campaigns: what they print, what they leave behind when they are stopped or their actors are killed.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::place::{Ended, PROGRAM, Place};
use crate::{ENDLESS, json, keys, start};

/// How long something may take that takes moments.
const PATIENCE: Duration = Duration::from_secs(100);

#[test]
fn a_campaign_runs_as_many_paths_and_systems_as_it_is_told() {
    let place = Place::new();
    let scenarios = |paths, systems| -> usize {
        let amounts = ["--scenarios", "0", "--paths", paths, "--systems", systems];
        let told = place.run(&[&["check", "pipe"], &amounts[..]].concat());
        assert_eq!(told.status, Some(0), "{told:?}");
        let row = told.out.lines().find(|line| line.contains("│ pipe ")).expect("a row");
        row.split('┆').nth(4).and_then(|count| count.trim().parse().ok()).expect("a count")
    };
    let more = [("0", "0"), ("0", "1"), ("1", "1"), ("2", "1")];
    assert!(more.map(|(paths, systems)| scenarios(paths, systems)).is_sorted_by(|a, b| a < b));
    assert_eq!(place.run(&["check", "pipe", "--paths", "5"]).status, Some(2));
}

#[test]
fn a_campaign_is_told_as_a_table_as_json_and_as_junit() {
    let place = Place::new();
    let arguments = [
        "check",
        "pipe",
        "fifo",
        "--scenarios",
        "100",
        "--seed",
        "7",
        "--json",
        "a.json",
        "--junit",
        "a.xml",
        "--save",
        "saved",
    ];
    let checked = place.run(&arguments);
    assert_eq!(checked.status, Some(0), "{checked:?}");
    assert!(checked.out.contains(", profile linux, seed 7\nobservation: full\n"));
    assert!(checked.out.contains("│ fifo "));

    let told = json(&place.read("a.json"));
    let heads = [
        "version",
        "kernel",
        "profile",
        "seed",
        "observation",
        "missing",
        "settings",
        "stops",
        "channels",
    ];
    assert_eq!(keys(&told), heads);
    assert_eq!((&told["profile"], &told["seed"]), (&Value::from("linux"), &Value::from(7)));
    for (row, name) in told["channels"].as_array().expect("a list").iter().zip(["pipe", "fifo"]) {
        assert_eq!(row["channel"], name);
        assert_eq!(row["verdict"], "conforms");
        let documented = [
            "channel",
            "kind",
            "direction",
            "waiting",
            "reach",
            "scenarios",
            "steps",
            "rules_shown",
            "rules_total",
            "rules_not_shown",
            "verdict",
            "stopped",
            "not_supported",
            "left_out",
            "deviating",
            "unproven",
            "expected",
            "absent",
            "unspecified",
            "inconclusive",
            "kinds",
            "deviations",
        ];
        assert_eq!(keys(row), documented);
    }
    assert_well_formed(&place.read("a.xml"));
    assert_eq!(fs::read_dir(place.path().join("saved")).expect("made").count(), 0);
}

#[test]
fn the_same_seed_gives_the_same_scenarios() {
    let counts = |seed: &str| {
        let place = Place::new();
        place.run(&["check", "fifo", "--scenarios", "300", "--seed", seed, "--json", "a"]);
        let row = &json(&place.read("a"))["channels"][0];
        (row["scenarios"].as_u64(), row["steps"].as_u64())
    };
    assert_eq!(counts("1"), counts("1"));
    assert_ne!(counts("1"), counts("2"));
}

#[test]
fn by_the_rules_of_posix_nothing_deviates_but_by_exceptions_of_linux() {
    let place = Place::new();
    let arguments = ["check", "pipe", "--scenarios", "50", "--profile", "posix", "--json", "a"];
    let checked = place.run(&arguments);
    assert_eq!(checked.status, Some(1), "{checked:?}");
    assert!(checked.out.contains("Linux is known to do so, and POSIX does not allow it"));
    let found = &json(&place.read("a"))["channels"][0]["deviations"];
    for found in found.as_array().expect("a list") {
        assert!(found["exception"].is_string(), "{found}");
    }
}

#[test]
fn a_reader_that_goes_early_is_no_trouble() {
    for arguments in [&["rules"] as &[&str], &["rules", "--json"], &["channels"]] {
        let place = Place::new();
        let mut child = start(place.command(arguments));
        drop(child.stdout.take());
        let ended = Ended::of(child.wait_with_output().expect("it ends"));
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    }
    let place = Place::new();
    let mut child = start(place.command(&["check", "pipe", "--scenarios", "10"]));
    drop(child.stdout.take());
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    place.assert_nothing_left();
}

#[test]
fn stopped_in_mid_campaign_it_leaves_nothing() {
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
    for signal in signals {
        let place = Place::new();
        // Whatever started this test: a test by nohup ignores SIGHUP, and a program that it starts does too.
        let program = place.command(&["check", "pipe", "--scenarios", ENDLESS]);
        let mut command = Command::new("env");
        command.args(["--default-signal", PROGRAM]).args(program.get_args());
        command.current_dir(place.path()).env("TMPDIR", place.temporary());
        let (mut child, mut out) = begun(command);
        let id = child.id() as i32;
        let workers = eventually("there are workers", || {
            Some(children(id)).filter(|workers| !workers.is_empty())
        });
        kill(Pid::from_raw(id), signal).expect("sent");
        let mut told = String::new();
        out.read_to_string(&mut told).expect("UTF-8");
        let status = eventually("it ends", || child.try_wait().expect("a child"));
        assert_eq!(status.code(), Some(130));
        let row = told.lines().find(|line| line.starts_with("│ pipe ")).expect("a row");
        assert!(row.contains("stopped"), "{told}");
        let mut err = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut err).expect("UTF-8");
        assert_eq!(err, "pipewright: stopped; nothing is left behind\n");
        assert_gone(&workers);
        place.assert_nothing_left();
    }
}

#[test]
fn what_a_killed_program_left_is_swept_by_the_next() {
    let place = Place::new();
    let (mut child, _out) = campaign(&place, ENDLESS);
    let id = child.id() as i32;
    eventually("there are workers", || Some(children(id)).filter(|workers| !workers.is_empty()));
    kill(Pid::from_raw(id), Signal::SIGKILL).expect("sent");
    child.wait().expect("it ended");
    let count = |place: &Place| fs::read_dir(place.temporary()).expect("a directory").count();
    assert!(count(&place) > 0, "nothing was left");
    let (mut other, _out) = campaign(&place, ENDLESS);
    let living = eventually("its directories are there alone", || {
        let left = fs::read_dir(place.temporary()).expect("a directory").flatten();
        let own = format!("pipewright-{:x}-", other.id());
        let names = left.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let names: Vec<_> = names.collect();
        let all_own = names.iter().all(|name| name.starts_with(&own));
        (all_own && !names.is_empty()).then_some(names)
    });
    // A third leaves alone what belongs to one that lives.
    let third = place.command(&["check", "pipe", "--scenarios", "5", "--paths", "0"]);
    let mut third = start(third);
    assert!(third.wait().expect("it ended").success());
    assert!(count(&place) > 0, "{living:?}");
    kill(Pid::from_raw(other.id() as i32), Signal::SIGTERM).expect("sent");
    other.wait().expect("it ended");
    place.assert_nothing_left();
}

#[test]
fn when_actors_are_killed_the_campaign_goes_on_and_says_so() {
    let place = Place::new();
    let (mut child, mut out) = campaign(&place, "3000");
    let id = child.id() as i32;
    let mut killed = Vec::new();
    eventually("it ends", || {
        // Fewer than would make it give up on starting workers.
        let fresh = children(id).into_iter().find(|worker| !killed.contains(worker));
        if let Some(worker) = fresh.filter(|_| killed.len() < 8) {
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(worker), Signal::SIGKILL);
            killed.push(worker);
        }
        child.try_wait().expect("a child")
    });
    let status = child.wait().expect("it ended");
    let mut told = String::new();
    out.read_to_string(&mut told).expect("UTF-8");
    let mut err = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut err).expect("UTF-8");
    assert_eq!(status.code(), Some(3), "{told}{err}");
    assert!(told.contains("┆ inconclusive in "), "{told}");
    assert!(told.contains("pipe: a run could not be judged: the worker of actor "), "{told}");
    assert_gone(&killed);
    place.assert_nothing_left();
}

/// A campaign that has begun.
fn campaign(place: &Place, scenarios: &str) -> (Child, BufReader<ChildStdout>) {
    begun(place.command(&["check", "pipe", "--scenarios", scenarios]))
}

/// The same, started by this command.
fn begun(command: Command) -> (Child, BufReader<ChildStdout>) {
    let mut child = start(command);
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut heading = String::new();
    out.read_line(&mut heading).expect("UTF-8");
    assert!(heading.contains("profile linux"), "{heading}");
    (child, out)
}

/// The children of all threads of a process.
fn children(id: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else { return Vec::new() };
    let list = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children"));
    let lists = threads.flatten().map(|thread| list(thread).unwrap_or_default());
    let ids = |list: String| -> Vec<i32> {
        list.split_whitespace().map(|id| id.parse().expect("a number")).collect()
    };
    lists.flat_map(ids).collect()
}

fn assert_gone(processes: &[i32]) {
    for id in processes {
        eventually("workers are gone", || {
            (!Path::new(&format!("/proc/{id}")).exists()).then_some(())
        });
    }
}

pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "not so: {what}");
        thread::yield_now();
    }
}

/// Whether every tag of an XML text is closed by its own.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").expect("a header");
    for tag in body.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{text}");
        let name = tag.split_whitespace().next().expect("a name");
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
