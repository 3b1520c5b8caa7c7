//! The program as its users meet it: what it prints, how it ends, what it leaves behind.
//!
//! Whether a judgement is right is tested elsewhere.

mod json;
mod manners;
mod place;
mod refused;
mod replays;
mod statuses;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipewright_backends::Arrangement;
use pipewright_conformance::campaign::{Fault, Found, Source};
use pipewright_conformance::report;
use pipewright_model::oracle::judge;
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;
use serde_json::Value;

use place::{Ended, PROGRAM, Place};

/// How long something may take that takes moments.
const PATIENCE: Duration = Duration::from_secs(100);

const ENDLESS: &str = "100000000";

/// A run that nobody saw: the end of a stream is not told.
const BROKEN: &str = "\
channel pipe
writer: write 2 -> 2
writer: close   -> ok
reader: read 5  -> 2
reader: read 5  -> EAGAIN
";

fn run(arguments: &[&str]) -> Ended {
    Place::new().run(arguments)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

// Looking things up

#[test]
fn every_command_has_a_help_text() {
    let help = run(&["--help"]);
    assert_eq!(help.status, Some(0));
    for command in ["check", "replay", "judge", "draw", "explore", "rules", "channels"] {
        assert!(help.out.contains(&format!("\n  {command} ")), "{}", help.out);
        let own = run(&[command, "--help"]);
        assert_eq!(own.status, Some(0));
        assert!(own.out.contains(&format!("Usage: pipewright {command}")), "{}", own.out);
    }
}

#[test]
fn a_rule_is_printed_with_its_sources_and_cases() {
    let rule = run(&["rules", "stream.read.no-writer"]);
    assert_eq!(rule.status, Some(0));
    assert!(rule.out.starts_with("stream.read.no-writer (must)\n"));
    assert!(rule.out.contains("POSIX.1-2024 read, DESCRIPTION"));
    assert!(rule.out.contains("  stream/read-after-writers-close\n"));
    assert!(rule.out.ends_with("docs/stream.md#stream.read.no-writer\n"));
    run(&["rules", "stream.read.nobody"]).refused(&["there is no such rule", "pipewright rules"]);
}

#[test]
fn rules_as_json_have_id_sentence_sources_and_force() {
    let all = json(&run(&["rules", "--json"]).out);
    let rules = all["rules"].as_array().expect("a list");
    assert_eq!(rules.len(), pipewright_model::rules::COUNT);
    for rule in rules {
        for key in ["id", "says", "cite", "force"] {
            assert!(keys(rule).contains(&key), "{rule}");
        }
    }
    let one = json(&run(&["rules", "fifo.open.waits", "--json"]).out);
    assert_eq!(one["rules"][0]["id"], "fifo.open.waits");
    assert_eq!(one["rules"].as_array().map(Vec::len), Some(1));
}

#[test]
fn all_channels_are_listed() {
    let listed = run(&["channels"]);
    assert_eq!(listed.status, Some(0));
    for channel in pipewright_backends::channels() {
        assert!(listed.out.contains(&format!("│ {} ", channel.name())), "{}", listed.out);
    }
}

// What can't be done is refused with status 2, and says why

#[test]
fn an_unknown_channel_is_refused_with_those_there_are() {
    run(&["check", "pope"]).refused(&["'pope'", "choose from pipe, pipe-nonblocking"]);
    run(&["replay", "any.case", "--channel", "pope"]).refused(&["'pope'", "choose from pipe"]);
    run(&["chekc"]).refused(&["unrecognized subcommand", "check"]);
}

#[test]
fn a_malformed_run_file_is_refused_with_the_place_in_it() {
    let place = Place::new();
    place.file("bad.case", "channel pipe\nwriter: wrte 2 -> 2\n");
    for command in ["judge", "replay"] {
        let picture =
            ["failed to read bad.case: line 2, column 9:\n", "2 | writer: wrte 2", "help:"];
        place.run(&[command, "bad.case"]).refused(&picture);
    }
    fs::write(place.path().join("bytes.case"), b"channel pipe\n\xff").expect("written");
    place.run(&["judge", "bytes.case"]).refused(&["failed to read bytes.case", "UTF-8"]);
}

#[test]
fn a_missing_run_file_is_refused() {
    for command in ["judge", "replay"] {
        run(&[command, "none.case"]).refused(&["failed to read none.case: No such file"]);
    }
}

#[test]
fn where_the_result_cannot_be_written_no_work_is_done() {
    for option in ["--json", "--junit"] {
        let refused = run(&["check", "--scenarios", ENDLESS, option, "none/file"]);
        refused.refused(&["failed to create none/file: No such file"]);
        assert_eq!(refused.out, "");
    }
    let place = Place::new();
    place.file("file", "");
    let refused = place.run(&["check", "--scenarios", ENDLESS, "--save", "file"]);
    refused.refused(&["failed to make directory file"]);
}

#[test]
fn too_few_descriptors_are_refused_with_the_remedy() {
    for limit in 6..24 {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let place = Place::new();
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", PROGRAM, "check", "--scenarios", "100"]);
        command.env("TMPDIR", place.temporary());
        let refused = Ended::of(command.output().expect("it runs"));
        refused.refused(&["pipewright: failed to ", "raise the limit (ulimit -n)"]);
        place.assert_nothing_left();
    }
}

#[test]
fn a_temporary_directory_that_cannot_be_written_is_refused_with_the_remedy() {
    let place = Place::new();
    for bad in ["/nonexistent", "/proc", "bad-file"] {
        place.file("bad-file", "");
        let mut command = place.command(&["check", "fifo", "--scenarios", "10"]);
        let refused = Ended::of(command.env("TMPDIR", bad).output().expect("it runs"));
        refused.refused(&["failed to make a temporary directory", "set TMPDIR to"]);
    }
}

// Run files

#[test]
fn judging_tells_whether_a_run_conforms() {
    let place = Place::new();
    place.file("broken.case", BROKEN);
    place.file("sound.case", &BROKEN.replace("EAGAIN", "0"));
    let broken = place.run(&["judge", "broken.case"]);
    assert_eq!(broken.status, Some(1), "{broken:?}");
    assert!(broken.out.contains(
        "no rule allows `reader: read 5 -> EAGAIN` (line 5); allowed instead:\n  \
         reader: -> 0             stream.read.no-writer: "
    ));
    let sound = place.run(&["judge", "sound.case"]);
    assert_eq!((sound.status, sound.err.as_str()), (Some(0), ""));
    assert!(sound.out.contains("\nconforms (profile linux)\n"));
}

#[test]
fn a_run_is_read_from_standard_input_where_it_is_called_so() {
    let place = Place::new();
    for (arguments, status) in [
        (&["judge", "-"] as &[&str], 1),
        (&["replay", "-", "--arrangement", "threads"], 0),
        (&["draw", "-"], 0),
    ] {
        let ended = place.run_on(arguments, BROKEN);
        assert_eq!(ended.status, Some(status), "{arguments:?}: {ended:?}");
    }
    let refused = place.run_on(&["judge", "-"], "channel pope\n");
    refused.refused(&["failed to read standard input: line 1, column 9:\n"]);
    let refused = place.run_on(&["explore", "-"], "channel pope\n");
    refused.refused(&["failed to read standard input: line 1, column 9:\n"]);
}

#[test]
fn what_has_no_end_is_read_up_to_the_bound_that_is_stated() {
    for command in ["judge", "replay", "draw", "explore"] {
        let refused = run(&[command, "/dev/zero"]);
        refused.refused(&["failed to read /dev/zero: ", "larger than 64 MiB"]);
    }
}

#[test]
fn the_version_names_the_program_and_the_kernel() {
    let version = run(&["--version"]);
    assert_eq!(version.status, Some(0));
    let start = concat!("pipewright ", env!("CARGO_PKG_VERSION"), " (Linux ");
    assert!(version.out.starts_with(start), "{}", version.out);
}

#[test]
fn a_deviation_that_was_saved_is_rejected_again() {
    let run: Run = BROKEN.parse().expect("a run");
    let judgement = judge(&run, &LINUX);
    let source = Source::Own(0);
    let fault = Fault::of(&run, &judgement);
    let arrangement = Arrangement::Threads;
    let found = Found { fault, runs: 1, source, arrangement, run, judgement };
    let place = Place::new();
    place.file("saved.case", &report::saved("pipe", &found));
    let again = place.run(&["judge", "saved.case"]);
    assert_eq!(again.status, Some(1), "{again:?}");
    assert!(again.out.starts_with("# pipe deviates here:\n# no rule allows"), "{}", again.out);
}

#[test]
fn a_run_file_is_replayed_on_each_channel_of_its_kind() {
    let place = Place::new();
    // Only what is called is replayed, not what was seen.
    place.file("broken.case", BROKEN);
    for arrangement in ["threads", "inherited", "passed"] {
        let arguments = ["replay", "broken.case", "--arrangement", arrangement];
        let replayed = place.run(&arguments);
        assert_eq!(replayed.status, Some(0), "{replayed:?}");
        assert!(replayed.out.contains("reader: read 5  -> 0 "), "{}", replayed.out);
    }
    let refused = place.run(&["replay", "broken.case", "--arrangement", "opened"]);
    refused.refused(&["pipe can't be shared in the arrangement", "choose one of"]);
}

// The campaign

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
    let heads =
        ["version", "kernel", "profile", "seed", "observation", "settings", "stops", "channels"];
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
fn by_the_rules_of_posix_a_campaign_conforms_too() {
    let checked = run(&["check", "pipe", "--scenarios", "50", "--profile", "posix"]);
    assert_eq!(checked.status, Some(0), "{checked:?}");
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
    let signals =
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGXFSZ];
    for signal in signals {
        let place = Place::new();
        let (mut child, mut out) = campaign(&place, ENDLESS);
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

// Helpers

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// A campaign that has begun.
fn campaign(place: &Place, scenarios: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = start(place.command(&["check", "pipe", "--scenarios", scenarios]));
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

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
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
