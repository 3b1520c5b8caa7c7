//! Files that commands write: no two results in one, none over what is read, and standard output by its name.

use std::fs;
use std::os::unix::fs::symlink;

use crate::place::Place;
use crate::{ENDLESS, json};

const FEW: [&str; 6] = ["--scenarios", "5", "--paths", "0", "--systems", "0"];

#[test]
fn two_results_are_never_written_to_one_file() {
    let place = Place::new();
    place.file("run.case", "channel pipe\n").file("hosts", "127.0.0.1:1\n127.0.0.1:2\n");
    place.file("a", "old");
    symlink(place.path().join("a"), place.path().join("link")).expect("a link");
    fs::create_dir(place.path().join("saved")).expect("a directory");
    let check = ["check", "pipe", "--scenarios", ENDLESS];
    for arguments in [
        &["--json", "a", "--junit", "a"],
        &["--json", "a", "--junit", "./a"],
        &["--json", "link", "--junit", "a"],
        &["--json", "-", "--junit", "-"],
        &["--json", "saved/pipe-1.case", "--save", "saved"],
    ] {
        let refused = place.run(&[&check[..], arguments].concat());
        let remedy = if arguments[2] == "--save" { "another place" } else { "a file of its own" };
        refused.refused(&[remedy]);
        assert_eq!(refused.out, "");
    }
    assert_eq!(place.read("a"), "old", "nothing is lost by what is refused");
    let refused = place.run(&["draw", "run.case", "-o", "run.case"]);
    refused.refused(&["the run file and --output are the same, run.case"]);
    let hosts = ["verify", "simplex-pipe", "--hosts", "hosts", "--process", "0", "--json", "hosts"];
    place.run(&hosts).refused(&["--hosts and --json are the same, hosts"]);
    assert_eq!(place.read("run.case"), "channel pipe\n");
    // A device is no file: nothing would be looked for in it.
    let none = [&["check", "pipe", "--json", "/dev/null", "--junit", "/dev/null"], &FEW[..]];
    assert_eq!(place.run(&none.concat()).status, Some(0));
}

#[test]
fn a_hyphen_is_standard_output_and_the_text_steps_aside() {
    let place = Place::new();
    let checked = place.run(&[&["check", "pipe", "--json", "-"], &FEW[..]].concat());
    assert_eq!(json(&checked.out)["channels"][0]["channel"], "pipe");
    assert!(checked.err.contains("│ pipe "), "{}", checked.err);
    let checked = place.run(&[&["check", "pipe", "--junit", "-"], &FEW[..]].concat());
    assert!(checked.out.starts_with("<?xml"), "{}", checked.out);
    let verified = place.run(&["verify", "simplex-pipe", "--json", "-"]);
    assert_eq!(json(&verified.out)["systems"][0]["system"], "simplex-pipe");
    assert!(verified.err.contains("│ simplex-pipe "), "{}", verified.err);
    assert!(!place.path().join("-").exists());
}

#[test]
fn a_result_replaces_what_was_in_its_file() {
    let place = Place::new();
    place.file("a", &"old\n".repeat(100_000));
    place.run(&["verify", "simplex-pipe", "--json", "a"]);
    assert_eq!(json(&place.read("a"))["systems"][0]["system"], "simplex-pipe");
}
