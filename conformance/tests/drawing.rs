//! `pipewright draw` and `pipewright explore` as their users meet them, without a browser.
//!
//! What a drawing shows is tested with the model; how the Explorer looks in a browser in `explorer.rs`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipewright_model::systems;
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipewright");

const SOUND: &str = "channel pipe\nwriter: write 2 -> 2\nreader: read 5  -> 2\n";

fn place() -> TempDir {
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("sound.case"), SOUND).expect("written");
    fs::write(place.path().join("bad.case"), "channel pipe\nwriter: wrte 2 -> 2\n")
        .expect("written");
    place
}

fn run(place: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(PROGRAM).args(arguments).current_dir(place).output();
    let Output { status, stdout, stderr } = output.expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[track_caller]
fn refused(place: &Path, arguments: &[&str], words: &[&str]) {
    let (status, out, err) = run(place, arguments);
    assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
    for word in words {
        assert!(err.contains(word), "{word} is not in:\n{err}");
    }
}

#[test]
fn a_run_is_drawn_to_a_file_or_to_standard_output() {
    let place = place();
    let (status, svg, err) = run(place.path(), &["draw", "sound.case"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(
        svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n")
    );
    assert_eq!(run(place.path(), &["draw", "sound.case", "-o", "-"]).1, svg);
    for _ in 0..2 {
        let drawn = run(place.path(), &["draw", "sound.case", "-o", "run.svg"]);
        assert_eq!(drawn, (Some(0), String::new(), String::new()));
        assert_eq!(fs::read_to_string(place.path().join("run.svg")).expect("a file"), svg);
    }
}

#[test]
fn themes_are_chosen() {
    let place = place();
    let drawn = |theme| run(place.path(), &["draw", "sound.case", "--theme", theme]).1;
    assert_eq!(drawn("auto"), run(place.path(), &["draw", "sound.case"]).1);
    assert!(drawn("auto").contains("prefers-color-scheme"));
    assert!(!drawn("light").contains("prefers-color-scheme"));
    assert_ne!(drawn("light"), drawn("dark"));
}

#[test]
fn what_cannot_be_drawn_is_refused_with_the_place_in_it() {
    let place = place();
    let words = ["bad.case:2:9: ", "writer: wrte 2", "help:"];
    refused(place.path(), &["draw", "bad.case", "-o", "bad.svg"], &words);
    assert!(!place.path().join("bad.svg").exists());
    refused(place.path(), &["explore", "bad.case"], &words);
    refused(place.path(), &["draw", "none.case"], &["failed to read none.case: No such file"]);
    let nowhere = ["draw", "sound.case", "-o", "none/run.svg"];
    refused(place.path(), &nowhere, &["failed to create none/run.svg: No such file"]);
}

#[test]
fn systems_are_listed_and_unknown_ones_refused_with_the_nearest() {
    let place = place();
    let (status, listed, _) = run(place.path(), &["explore"]);
    assert_eq!(status, Some(0));
    assert!(listed.contains("pipewright explore SYSTEM"));
    for subject in systems::all() {
        assert!(listed.contains(&format!("  {} ", subject.name())), "{}", subject.name());
        assert!(listed.contains(subject.says()));
    }
    let name = systems::all()[0].name();
    let misspelt = format!("{name}s");
    let nearest = format!("did you mean {name}?");
    refused(place.path(), &["explore", &misspelt], &["there is no system", &nearest]);
    refused(place.path(), &["explore", "none.case"], &["failed to read none.case: No such file"]);
}

#[test]
fn a_port_in_use_is_refused_with_the_remedy() {
    let place = place();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let words =
        [format!("failed to serve on port {port}: "), "choose another by --port".to_owned()];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    refused(place.path(), &["explore", "sound.case", "--port", &port], &words);
}

/// The program serving, with its address.
fn served(place: &Path, what: &str) -> (Child, String) {
    let mut child = Command::new(PROGRAM)
        .args(["explore", what, "--port", "0"])
        .current_dir(place)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let first = lines.next().expect("a line").expect("text");
    // The links come next; who reads them all knows that it has begun.
    let told: Vec<_> = lines.by_ref().take(3).map(|line| line.expect("text")).collect();
    assert!(told.iter().all(|line| line.starts_with("  ")), "{told:?}");
    let address = first.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    (child, address.expect("an address").to_owned())
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn the_explorer_is_served_to_this_machine_alone_and_ends_with_nothing_left() {
    let place = place();
    // A page that lies where the Explorer would look for its own is not taken for it.
    fs::create_dir(place.path().join("ui")).expect("a directory");
    fs::write(place.path().join("ui/index.htm"), "somebody's page").expect("written");
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 130)] {
        let (mut child, address) = served(place.path(), "sound.case");
        assert!(address.starts_with("127.0.0.1:"), "{address}");
        assert!(get(&address, "/").contains("<title>Stateright Explorer</title>"));
        let answer = get(&address, "/.states/0");
        let states = answer.split("\r\n\r\n").nth(1).expect("a body");
        let states: Value = serde_json::from_str(states).expect("JSON");
        let actions: Vec<_> =
            states.as_array().expect("a list").iter().map(|s| &s["action"]).collect();
        assert_eq!(actions, ["writer: write 2", "reader: read 5"]);
        assert!(states[0]["svg"].as_str().is_some_and(|svg| svg.starts_with("<svg ")));
        kill(Pid::from_raw(child.id().try_into().expect("a process")), signal)
            .expect("it is there");
        assert_eq!(child.wait().expect("it ends").code(), Some(status));
        TcpListener::bind(&address).expect("its port is free");
    }
}
