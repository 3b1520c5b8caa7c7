//! Reports of several systems as one table.

use crate::place::Place;

fn report(kernel: &str) -> String {
    let run = "channel pipe\\nreader: read 5 -> EAGAIN\\n";
    format!(
        r#"{{"version": 1, "kernel": "{kernel}", "profile": "linux", "observation": "stat", "stops": false,
            "channels": [{{"channel": "pipe", "scenarios": 10, "steps": 70, "verdict": "deviates", "not_supported": [],
            "left_out": 0, "unproven": 0, "inconclusive": 2, "unspecified": 0, "deviations": [
            {{"call": "read", "reply": "EAGAIN", "rules": ["stream.read.no-writer"], "runs": 3, "run": "{run}",
            "rests_on_quiet": false}}]}}]}}"#
    )
}

#[test]
fn a_fault_of_two_systems_is_told_once() {
    let place = Place::new();
    for name in ["one", "other"] {
        place.file(&format!("{name}.json"), &report(name));
    }
    let told = place.run(&["matrix", "one.json", "other.json"]).out;
    assert!(told.contains("| one | one | `linux` | seen | no | 10 | 70 |"), "{told}");
    let row = "| pipe | **1 fault**, inconclusive in 2 | **1 fault**, inconclusive in 2 |";
    assert!(told.contains(row), "{told}");
    let fault =
        "`read` → `EAGAIN`, against `stream.read.no-writer`: one (pipe); other (pipe), 6 runs\n";
    assert_eq!(told.matches(fault).count(), 1, "{told}");
    assert!(told.contains("```text\nchannel pipe\nreader: read 5 -> EAGAIN\n```\n"), "{told}");
}

#[test]
fn a_report_of_another_version_is_refused() {
    let place = Place::new();
    place.file("few.json", r#"{"version": 1}"#);
    place.file("new.json", &report("new").replacen("\"version\": 1", "\"version\": 9", 1));
    let refused = place.run(&["matrix", "few.json"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.err.contains("`pipewright check --json FILE`"), "{refused:?}");
    let refused = place.run(&["matrix", "new.json"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.err.contains("new.json: it is a report of version 9"), "{refused:?}");
}
