//! Deviations that are expected: those written are expected again, others fail, and so does one that no longer occurs.
//!
//! What Linux does against the standard, judged by the standard, is the deviation at hand.

use pipewright_conformance::campaign::{Expected, Fault};

use crate::json;
use crate::place::Place;

const CHECK: [&str; 8] =
    ["check", "pipe", "--scenarios", "50", "--stops", "0", "--profile", "posix"];

fn check(place: &Place, more: &[&str]) -> crate::place::Ended {
    place.run(&[&CHECK[..], more].concat())
}

#[test]
fn what_is_written_is_expected_again() {
    let place = Place::new();
    assert_eq!(check(&place, &["--write-expected", "known"]).status, Some(1));
    let known = place.read("known");
    assert!(known.contains("[[expected]]\nchannel = \"pipe\"\ncall = \"read-at\"\n"), "{known}");
    place.file("known", &known.replace("why = \"\"", "why = \"as Linux has it\""));
    let again = ["--expect", "known", "--json", "a", "--ktap", "b", "--write-expected", "new"];
    let checked = check(&place, &again);
    assert_eq!(checked.status, Some(0), "{checked:?}");
    assert!(checked.out.contains("deviates as expected in "), "{}", checked.out);
    assert!(checked.out.contains("  This is expected: as Linux has it\n"), "{}", checked.out);
    let row = &json(&place.read("a"))["channels"][0];
    assert_eq!((&row["verdict"], &row["deviating"]), (&"deviates as expected".into(), &0.into()));
    assert_eq!(row["deviations"][0]["expected"], "as Linux has it");
    let ktap = place.read("b");
    assert!(ktap.starts_with("KTAP version 1\n# Linux "), "{ktap}");
    assert!(ktap.contains("\n1..1\n") && ktap.contains("\nok 1 pipe # XFAIL "), "{ktap}");
    // What is renewed keeps its reason.
    assert_eq!(place.read("new"), place.read("known"));
}

#[test]
fn what_is_not_expected_fails_and_so_does_what_no_longer_occurs() {
    let place = Place::new();
    place.file(
        "known",
        "[[expected]]\nchannel = \"pipe\"\ncall = \"read\"\nreply = \"EAGAIN\"\nwhy = \"once\"\n\n\
         [[expected]]\nchannel = \"pipe\"\ncall = \"read\"\nreply = \"EIO\"\nsometimes = true\nwhy = \"rare\"\n\n\
         [[expected]]\nchannel = \"fifo\"\ncall = \"read\"\nreply = \"EIO\"\nwhy = \"not checked here\"\n",
    );
    let linux = ["check", "pipe", "--scenarios", "20", "--expect", "known", "--ktap", "ktap"];
    let absent = "pipe: expected, and did not occur: `read` gives EAGAIN: once\n";
    let checked = place.run(&[&linux[..], &["--json", "json"]].concat());
    assert_eq!(checked.status, Some(1), "{checked:?}");
    assert!(checked.out.contains("not as expected") && checked.out.contains(absent));
    assert!(!checked.out.contains("EIO"), "{}", checked.out);
    let row = &json(&place.read("json"))["channels"][0];
    assert_eq!(
        (&row["verdict"], &row["absent"][0]["why"]),
        (&"not as expected".into(), &"once".into())
    );
    let ktap = place.read("ktap");
    assert!(ktap.contains(&format!("# {absent}not ok 1 pipe\n")), "{ktap}");
    // Whatever else deviates is told as such.
    let checked = check(&place, &["--expect", "known"]);
    assert_eq!(checked.status, Some(1));
    assert!(checked.out.contains(absent) && checked.out.contains("pipe deviates in "));
}

#[test]
fn a_file_that_is_wrong_is_refused_with_the_place_in_it() {
    let place = Place::new();
    let entry = "[[expected]]\nchannel = \"pope\"\ncall = \"read\"\nreply = \"0\"\nwhy = \"\"\n";
    place.file("bad", entry);
    let refused = check(&place, &["--expect", "bad"]);
    refused.refused(&["pipewright: bad:2:11: there is no channel pope; did you mean pipe?"]);
    place.file("bad", &entry.replace("why", "because"));
    check(&place, &["--expect", "bad"]).refused(&["bad:5:1: unknown field `because`"]);
    check(&place, &["--expect", "none"]).refused(&["failed to read none: No such file"]);
    check(&place, &["--expect", "bad", "--write-expected", "bad"]).refused(&["bad:5:1"]);
    place.file("good", &entry.replace("pope", "pipe"));
    let both = ["--expect", "good", "--write-expected", "good"];
    check(&place, &both).refused(&["--expect and --write-expected are the same, good"]);
    assert_eq!(place.read("good"), entry.replace("pope", "pipe"));
}

const FILE: &str = "\n[[expected]]\nchannel = [\"pipe\", \"fifo\"]\ncall = \"read\"\nreply = \"EAGAIN\"\n\
    rule = \"stream.read.no-writer\"\nsometimes = true\nwhy = \"not \\\"mended\\\" yet\"\n";

#[test]
fn a_file_is_read_as_it_is_written() {
    let expected = Expected::parse(FILE).expect("a file");
    assert_eq!(expected.entries.len(), 1);
    let again = Expected::parse(&expected.to_string()).expect("a file");
    assert_eq!(again, expected);
}

#[test]
fn an_entry_fits_its_channels_call_reply_and_rule() {
    let expected = Expected::parse(FILE).expect("a file");
    let fault = |reply: &str, rules: &[&'static str]| Fault {
        call: "read".into(),
        reply: reply.into(),
        rules: rules.to_vec(),
    };
    let whole = fault("EAGAIN", &["stream.read.no-writer", "stream.read.waits"]);
    assert_eq!(expected.explains("fifo", &whole), Some(0));
    assert_eq!(expected.explains("pipe-small", &whole), None);
    assert_eq!(expected.explains("fifo", &fault("EAGAIN", &["stream.read.waits"])), None);
    assert_eq!(expected.explains("fifo", &fault("0", &["stream.read.no-writer"])), None);
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place() {
    let wrong = |from: &str, to: &str| {
        let error = Expected::parse(&FILE.replace(from, to)).expect_err("it is wrong");
        error.to_string()
    };
    let told = wrong("\"fifo\"", "\"fifi\"");
    assert_eq!(told, "3:11: there is no channel fifi; did you mean fifo?");
    let told = wrong("no-writer", "no-writers");
    assert!(told.starts_with("6:8: there is no rule stream.read.no-writers; did"), "{told}");
    assert!(wrong("why", "because").contains("unknown field `because`"));
    assert!(wrong("call = \"read\"", "call = read").starts_with("4:"));
}

#[test]
fn at_lower_levels_of_observation_the_report_says_so_and_nothing_deviates() {
    let place = Place::new();
    let few = ["check", "pipe", "fifo", "--scenarios", "100", "--json", "a", "--observe"];
    for (level, says) in [
        ("full", "observation: full\n"),
        ("stat", "observation: stat (states looked at several times: sleep is not proven)\n"),
        ("none", "observation: none (sequential scenarios only: nobody is seen to sleep)\n"),
    ] {
        let checked = place.run(&[&few[..], &[level]].concat());
        assert!(checked.out.contains(says), "{checked:?}");
        // Unproven sleep may be wrong, and never passes for a deviation.
        assert_ne!(checked.status, Some(1), "{checked:?}");
        let told = json(&place.read("a"));
        assert_eq!(told["observation"], level);
        for row in told["channels"].as_array().expect("a list") {
            assert!(row["scenarios"].as_u64() > Some(100), "{level}: {row}");
            assert_eq!(row["deviating"], 0);
        }
    }
}
