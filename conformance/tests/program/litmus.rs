//! Litmus files: what is printed of them, and how the command ends.

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
    ended.refused(&["line 10", "no actor is called nobody so far"]);
    let ended = litmus(APPENDED, &["--channel", "pope"]);
    ended.refused(&["pope"]);
}
