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
