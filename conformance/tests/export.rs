//! The tests as one C program: it is small, passes here, and tells what fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pipewright_conformance::export::{self, Test};
use pipewright_model::platform::LINUX;
use tempfile::TempDir;

/// As large as a kernel's first file system may well hold, in bytes.
const SIZE_MAX_BYTES: u64 = 2 << 20;

/// As many tests as there are at least.
const TESTS_MIN: usize = 180;

fn tests() -> Vec<Test> {
    export::tests(&LINUX).expect("cases")
}

/// Builds the program of these tests in a directory.
fn built(tests: &[Test], expected: &[String], into: &Path) -> PathBuf {
    let text = export::program(tests, &LINUX, expected).expect("a program");
    let (source, program) = (into.join("pipewright.c"), into.join("kit"));
    fs::write(&source, text).expect("written");
    let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-static", "-o"];
    let made = Command::new("gcc").args(flags).arg(&program).arg(&source).output().expect("gcc");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    program
}

fn run(program: &Path, place: &Path) -> (Output, String) {
    let output = Command::new(program).arg(place).output().expect("it runs");
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    (output, text)
}

#[test]
fn all_tests_pass_here_in_a_small_program_that_leaves_nothing() {
    let place = TempDir::new().expect("a directory");
    let files = TempDir::new().expect("a directory");
    let tests = tests();
    assert!(tests.len() >= TESTS_MIN, "{} tests", tests.len());
    let program = built(&tests, &[], place.path());
    let size = fs::metadata(&program).expect("built").len();
    assert!(size < SIZE_MAX_BYTES, "{size} bytes");
    let (output, text) = run(&program, files.path());
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("KTAP version 1\n"), "{text}");
    assert!(text.contains(&format!("\n1..{}\n", tests.len())), "{text}");
    let passed = text.lines().filter(|line| line.starts_with("ok ") && !line.contains('#')).count();
    assert_eq!(passed, tests.len(), "{text}");
    let left: Vec<_> = fs::read_dir(files.path()).expect("a directory").flatten().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn what_is_wrong_is_told_with_what_is_allowed_and_may_be_expected() {
    let mut tests = tests();
    let name = "stream/short-read";
    let of = tests.iter_mut().find(|test| test.name == name).expect("a test");
    // As if the rules had a read of more than there is wait for the rest: they never allow what comes.
    let step = of.sequence.steps.iter_mut().find(|step| step.call.op.asks().is_some());
    let step = step.expect("a read");
    step.replies.truncate(1);
    step.replies[0].0.answer = pipewright_model::call::Answer::Count(1);
    let place = TempDir::new().expect("a directory");
    let (output, text) = run(&built(&tests, &[], place.path()), place.path());
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!(" {name}\n")) && text.contains("\nnot ok "), "{text}");
    assert!(text.contains("; allowed: 1 (stream.read.available)\n"), "{text}");
    // Expected to fail, it does not fail the whole; one that passes does.
    let (output, text) = run(&built(&tests, &[name.into()], place.path()), place.path());
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains(&format!(" {name} # XFAIL\n")), "{text}");
    let sound = "stream/read-after-writers-close".to_owned();
    let (output, text) =
        run(&built(&tests, &[name.into(), sound.clone()], place.path()), place.path());
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&format!(" {sound} # passes, though it is expected to fail\n")),
        "{text}"
    );
}

#[test]
fn a_list_of_tests_has_a_name_a_line_and_remarks() {
    let names = export::names("a/b # why\n\n# nothing\n  c/d\n");
    assert_eq!(names, ["a/b", "c/d"]);
    let refused = export::program(&tests(), &LINUX, &["a/b".into()]).expect_err("there is none");
    assert!(refused.to_string().contains("there is no test a/b"), "{refused}");
}
