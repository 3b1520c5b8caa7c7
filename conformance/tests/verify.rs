//! `pipewright verify` as its users see it.

use std::process::{Command, Output};

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;
use serde_json::Value;

fn verify(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pipewright"));
    let Output { status, stdout, stderr } =
        program.arg("verify").args(arguments).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn what_is_unsound_as_expected_ends_well_and_is_shown() {
    let dir = tempfile::tempdir().expect("a directory");
    let json = dir.path().join("verify.json");
    let path = json.to_str().expect("UTF-8");
    let (code, out, _) = verify(&["leaked-write-end", "fork-inherits-ends", "--json", path]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("quiet child"), "{out}");
    let told: Value = serde_json::from_slice(&std::fs::read(&json).expect("JSON")).expect("JSON");
    let systems = told["systems"].as_array().expect("systems");
    let names: Vec<_> = systems.iter().map(|row| row["system"].as_str()).collect();
    assert_eq!(names, [Some("leaked-write-end"), Some("fork-inherits-ends")]);
    for (row, verdict) in systems.iter().zip(["unsound", "sound"]) {
        assert_eq!(row["verdict"], verdict);
        assert_eq!(row["expected"], verdict);
        assert_eq!(row["exhaustive"], true);
        for number in ["states", "transitions", "depth", "seconds", "bytes_a_state"] {
            assert!(row[number].as_f64().is_some_and(|number| number > 0.0), "{number}: {row}");
        }
    }
    let run = systems[0]["counterexample"].as_str().expect("a run");
    let run: Run = run.parse().expect("a run");
    assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms);
    assert!(systems[1]["counterexample"].is_null());
}

#[test]
fn a_system_that_there_is_not_is_named_with_the_nearest_that_there_is() {
    let (code, _, errors) = verify(&["pip-pair"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("there is no system pip-pair; did you mean pipe-pair?"), "{errors}");
    assert!(errors.contains("waiting-reader, busy-waiting-reader"), "{errors}");
}

#[test]
fn a_search_that_ended_early_decides_nothing() {
    let (code, out, _) = verify(&["waiting-reader", "--states", "50"]);
    assert_eq!(code, Some(3), "{out}");
    assert!(out.contains("undecided") && out.contains("sound was expected"), "{out}");
}

/// A file in a directory of its own.
fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join(name);
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8").to_owned();
    (dir, path)
}

const OWN: &str = "\
system own
channel pipe
actor ann holds r w
  read r 1
  write w 1
actor ben holds r w
  read r 1
  write w 1
never deadlock
";

#[test]
fn a_file_of_a_system_is_decided_by_what_it_expects() {
    let (_dir, unexpected) = file("own.system", OWN);
    let (code, out, _) = verify(&[&unexpected]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("quiet ann, ben") && out.contains("expected to hold: never deadlock"),
        "{out}"
    );
    let (_dir, expected) = file("own.system", &OWN.replace("never", "expect broken never"));
    let (code, out, _) = verify(&[&expected, "leaked-write-end", "--workers", "2"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("own") && out.contains("leaked-write-end"), "{out}");
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place() {
    let (_dir, path) = file("own.system", &OWN.replace("write w 1\nactor", "wirte w 1\nactor"));
    let (code, _, errors) = verify(&[&path]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("own.system:5:3: expected a call"), "{errors}");
    assert!(errors.contains("did you mean \"write\"?") && errors.contains("^^^^^"), "{errors}");
    let (code, _, errors) = verify(&["none.system"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("failed to read none.system"), "{errors}");
}

#[test]
fn where_nothing_is_specified_a_system_is_not_judged() {
    let text =
        "system own\nchannel fifo\nactor ann\n  open read-write as rw\n  open read-write as rw\n";
    let (_dir, path) = file("own.system", text);
    let (code, out, _) = verify(&[&path]);
    assert_eq!(code, Some(3), "{out}");
    assert!(out.contains("unspecified"), "{out}");
}

#[test]
fn the_calls_of_a_run_are_searched_in_every_order() {
    let (_dir, path) = file("a.case", "channel pipe\nwriter: write 2 -> 2\nreader: read 2 -> 2\n");
    assert_eq!(verify(&[&path]).0, Some(0));
    // Either of two readers may come first and get it all: then the other sleeps while the writer stays.
    let text = "channel pipe\nwriter: write 2 -> 2\nreader: read 2 -> 2\nreader2: read 2\n";
    let (_dir, path) = file("a.case", text);
    let (code, out, _) = verify(&[&path]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("deadlock"), "{out}");
}

#[test]
fn the_system_of_a_run_is_printed_in_the_language_of_systems() {
    let (_dir, path) = file("a.case", "channel pipe\nwriter: write 2 -> 2\nreader: read 2 -> 2\n");
    let mut program = Command::new(env!("CARGO_BIN_EXE_pipewright"));
    let Output { status, stdout, .. } = program.args(["system", &path]).output().expect("it runs");
    assert!(status.success());
    let text = String::from_utf8(stdout).expect("UTF-8");
    let (_dir, path) = file("a.system", &text);
    assert_eq!(verify(&[&path]).0, Some(0), "{text}");
}

#[test]
fn examples_are_as_they_expect() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/systems/examples");
    let mut files: Vec<String> = std::fs::read_dir(dir)
        .expect("examples")
        .map(|entry| entry.expect("a file").path().to_str().expect("UTF-8").to_owned())
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    let all: Vec<&str> = files.iter().map(String::as_str).collect();
    let (code, out, errors) = verify(&all);
    assert_eq!(code, Some(0), "{out}{errors}");
}

/// `pipewright check` of a file: its status, and what it prints.
fn check(path: &str) -> (Option<i32>, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pipewright"));
    let Output { status, stdout, stderr } =
        program.args(["check", path]).output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout) + &text(stderr))
}

#[test]
fn the_calls_of_a_system_are_made_on_real_channels() {
    let (_dir, path) = file("own.system", OWN);
    let (code, told) = check(&path);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("orders of calls") && told.contains("0 deviate, 0 not judged"), "{told}");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../model/systems/examples");
    let (code, told) = check(&format!("{examples}/jobserver.system"));
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("0 deviate"), "{told}");
}
