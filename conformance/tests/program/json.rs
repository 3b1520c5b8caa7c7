//! The report as JSON is as the book says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pipewright_backends::{Arrangement, Pipe};
use pipewright_conformance::campaign::{self, Expected, Found, Plan, Source, Tested};
use pipewright_conformance::report::{self, Heading};
use pipewright_model::oracle::judge;
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;
use pipewright_model::settings::Setting;
use serde_json::Value;

use crate::{BROKEN, json};

/// Each field by its way from the top, with the type of what it holds.
fn fields(value: &Value, way: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let way = format!("{way}.{key}");
                let kind = match value {
                    Value::Null | Value::String(_) => "text",
                    Value::Bool(_) => "truth",
                    Value::Number(_) => "number",
                    Value::Array(_) => "list",
                    Value::Object(_) => "object",
                };
                found.insert(format!("{way}: {kind}"));
                fields(value, &way, found);
            }
        }
        Value::Array(list) => {
            // One of each is as good as many; a document shows but one.
            list.iter().for_each(|value| fields(value, &format!("{way}[]"), found));
        }
        _ => {}
    }
}

#[test]
fn the_example_of_the_book_has_the_fields_of_a_report() {
    let plan =
        Plan { scenarios: 4, paths_len_max: 0, system_paths_max: 0, ..Plan::new(&LINUX, vec![0]) };
    let mut tested = campaign::check(&[&Pipe::PLAIN], &plan, &|_| {}).expect("it is checked");
    let run: Run = BROKEN.parse().expect("a run");
    let judgement = judge(&run, &LINUX);
    let (source, arrangement) = (Source::Own(0), Arrangement::Threads);
    tested[0].found = vec![Found { runs: 3, ..Found::new(run, judgement, source, arrangement) }];
    let absent = "[[expected]]\nchannel = \"pipe\"\ncall = \"read\"\nreply = \"0\"\n\
        rule = \"stream.read.available\"\nwhy = \"\"\n";
    tested[0].absent = Expected::parse(absent).expect("a file").entries;
    tested[0].lacking.reasons.push("a reason".into());
    let mut heading = Heading::here("linux", 0);
    heading.settings = vec![(Setting::PageSize, 16_384)];
    let told = report::json(&heading, &tested);

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let page = fs::read_to_string(page).expect("a page");
    let shown = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = json(shown.expect("an example"));
    let of = |value: &Value| {
        let mut found = BTreeSet::new();
        fields(value, "", &mut found);
        found
    };
    assert_eq!(of(&shown), of(&told));
    assert_eq!(shown["version"], told["version"]);
    // Every field is explained by its name.
    for field in of(&told) {
        let name = field.split(": ").next().and_then(|way| way.rsplit('.').next());
        let name = name.expect("a name");
        assert!(page.contains(&format!("| `{name}`")), "docs/commands.md does not explain {name}");
    }
}

#[test]
fn one_fault_is_told_once_with_its_count() {
    let run: Run = BROKEN.parse().expect("a run");
    let judgement = judge(&run, &LINUX);
    let (source, arrangement) = (Source::Own(0), Arrangement::Threads);
    let found = Found { runs: 95, ..Found::new(run, judgement, source, arrangement) };
    let told = report::found("pipe", &found);
    assert!(
        told.starts_with("pipe deviates in 95 runs: `read` gives EAGAIN (actors: threads;"),
        "{told}"
    );
}

#[test]
fn a_failure_is_told_in_words_as_xml_and_as_json() {
    let plan =
        Plan { scenarios: 0, paths_len_max: 0, system_paths_max: 0, ..Plan::new(&LINUX, vec![0]) };
    let mut tested = campaign::check(&[&Pipe::PLAIN], &plan, &|_| {}).expect("it is checked");
    let run: Run = BROKEN.parse().expect("a run");
    let judgement = judge(&run, &LINUX);
    tested[0].found = vec![Found::new(run, judgement, Source::Own(0), Arrangement::Threads)];
    tested[0].deviating = 1;
    let heading = Heading::here("linux", 0);
    let xml = report::junit(&heading, &tested).expect("XML");
    let says = "reader gets EAGAIN, though nothing can come any more";
    let message = format!(
        "message=\"end of file told too late: {says} (broken: stream.read.no-writer) (in 1 run)\""
    );
    let name = "<testcase name=\"pipe\" classname=\"pipewright.linux\" time=";
    for words in ["type=\"end of file told too late\"", &message, name] {
        assert!(xml.contains(words), "{words} is not in:\n{xml}");
    }
    let event = &report::json(&heading, &tested)["channels"][0]["deviations"][0]["events"][0];
    assert_eq!(event["fault"], "end of file told too late");
    assert_eq!(event["says"], says);
    assert_eq!(event["broken"], "stream.read.no-writer");
}

#[test]
fn what_is_wrong_differs_by_the_reply() {
    let fault = |got: &str| {
        let run = format!("channel pipe\nwriter: write 3 -> 3\nreader: read 9 -> {got}\n");
        let run: Run = run.parse().expect("a run");
        let judgement = judge(&run, &LINUX);
        Found::new(run, judgement, Source::Own(0), Arrangement::Threads).fault
    };
    assert_ne!(fault("0"), fault("EAGAIN"));
    assert_ne!(fault("EIO"), fault("EAGAIN"));
    assert_eq!(fault("1"), fault("2"));
}

/// A test is followed by its name, so it is the same whatever the channel comes to; and only what was judged in full passes.
#[test]
fn a_channel_is_one_test_of_its_name_that_passes_only_where_all_was_judged() {
    let plan =
        Plan { scenarios: 4, paths_len_max: 0, system_paths_max: 0, ..Plan::new(&LINUX, vec![0]) };
    let sound = campaign::check(&[&Pipe::PLAIN], &plan, &|_| {}).expect("it is checked");
    let changed = |change: &dyn Fn(&mut Tested)| {
        let mut tested = sound.clone();
        change(&mut tested[0]);
        report::junit(&Heading::here("linux", 0), &tested).expect("XML")
    };
    let of = |row: &mut Tested| row.unspecified = row.scenarios;
    let stopped = "<skipped message=\"stopped before all scenarios were run\"";
    for (xml, counts, words) in [
        (changed(&|_| {}), "errors=\"0\" failures=\"0\"", "skipped=\"0\""),
        (changed(&|row| row.unspecified = 1), "skipped=\"0\"", "conforms, unspecified in 1\n"),
        (changed(&of), "skipped=\"1\"", "<skipped message=\"the rules leave a part"),
        (changed(&|row| row.stopped = true), "skipped=\"1\"", stopped),
        (
            changed(&|row| row.inconclusive.0 = 2),
            "errors=\"1\"",
            "<error message=\"inconclusive in 2",
        ),
    ] {
        assert_eq!(xml.matches("<testcase ").count(), 1, "{xml}");
        for words in ["<testcase name=\"pipe\" classname=\"pipewright.linux\"", counts, words] {
            assert!(xml.contains(words), "{words} is not in:\n{xml}");
        }
        assert!(xml.contains("disabled=\"0\""), "{xml}");
    }
}
