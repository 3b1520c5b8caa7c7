//! The program as its users meet it: what it prints, how it ends, what it leaves behind.
//!
//! Whether a judgement is right is tested elsewhere.

mod any_text;
mod campaigns;
mod compare;
mod expected;
mod json;
mod litmus;
mod manners;
mod matrix;
#[path = "../any_text/mutate.rs"]
mod mutate;
mod outputs;
mod place;
mod refused;
mod replays;
mod signals;
mod statuses;
mod traces;

use std::fs;
use std::process::{Child, Command, Stdio};

use pipewright_backends::Arrangement;
use pipewright_conformance::campaign::{Found, Source};
use pipewright_conformance::report;
use pipewright_model::oracle::judge;
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;
use serde_json::Value;

use place::{Ended, PROGRAM, Place};

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
    run(&["check", "tube"]).refused(&["'tube'", "choose from pipe, pipe-nonblocking"]);
    run(&["replay", "any.case", "--channel", "tube"]).refused(&["'tube'", "choose from pipe"]);
    run(&["check", "pope"]).refused(&["'pope'", "did you mean pipe?"]);
    run(&["chekc"]).refused(&["unrecognized subcommand", "check"]);
}

#[test]
fn a_malformed_run_file_is_refused_with_the_place_in_it() {
    let place = Place::new();
    place.file("bad.case", "channel pipe\nwriter: wrte 2 -> 2\n");
    for command in ["judge", "replay"] {
        let picture = [
            "pipewright: bad.case:2:9: expected a call",
            "2 | writer: wrte 2",
            "did you mean \"write\"?",
        ];
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
    for limit in [6, 9, 16, 64, 128] {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let place = Place::new();
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", PROGRAM, "check", "--scenarios", "100"]);
        command.env("TMPDIR", place.temporary());
        let refused = Ended::of(command.output().expect("it runs"));
        let has = format!("and this process may have {limit}: raise the limit (ulimit -n)");
        refused.refused(&["this takes ", &has]);
        assert!(!refused.out.contains("stopped"), "nothing is begun: {}", refused.out);
        place.assert_nothing_left();
    }
}

#[test]
fn replaying_with_too_few_descriptors_is_refused_with_the_remedy() {
    let place = Place::new();
    place.file("one.case", "channel up pipe\nprocess p holds up.r up.w\np: write up.w 1 -> 1\n");
    for limit in [64, 128] {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh", PROGRAM, "replay", "one.case"]);
        command.current_dir(place.path()).env("TMPDIR", place.temporary());
        let refused = Ended::of(command.output().expect("it runs"));
        let has = format!("and this process may have {limit}: raise the limit (ulimit -n)");
        refused.refused(&["this takes ", &has]);
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
    refused.refused(&["pipewright: standard input:1:9: "]);
    let refused = place.run_on(&["explore", "-"], "channel pope\n");
    refused.refused(&["pipewright: standard input:1:9: "]);
}

#[test]
fn what_has_no_end_is_read_up_to_the_bound_that_is_stated() {
    for command in ["judge", "replay", "draw", "explore"] {
        let refused = run(&[command, "/dev/zero"]);
        refused.refused(&["failed to read /dev/zero: ", "larger than 64 MiB"]);
    }
    let hosts = ["verify", "waiting-reader", "--process", "0", "--hosts"];
    run(&[&hosts[..], &["/dev/zero"]].concat()).refused(&["/dev/zero: ", "larger than 64 MiB"]);
    let place = Place::new();
    fs::write(place.path().join("hosts"), b"127.0.0.1:1\n\xff").expect("written");
    let refused = place.run(&[&hosts[..], &["hosts"]].concat());
    refused.refused(&["failed to read hosts: byte 12 is not UTF-8; a file of hosts is text"]);
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
    let arrangement = Arrangement::Threads;
    let found = Found::new(run, judgement, source, arrangement);
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

// Helpers

fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}
