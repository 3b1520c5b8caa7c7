//! Every command that a document shows: it is run here, it is a test itself, or it stands in `ELSEWHERE` with the reason.
//!
//! What console blocks print is compared in `main.rs`; here are the commands within sentences and lists.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipewright_model::systems;
use tempfile::TempDir;

use crate::{blocks, commands, documents, read, root};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipewright");

/// Commands that this test does not run, and why.
const ELSEWHERE: [(&str, &str); 25] = [
    ("cargo test", "this is one of its tests"),
    ("cargo run --release", "two minutes; CI runs it with 500 scenarios"),
    ("cargo run --release -- check --scenarios 100000", "hours; CI runs 500"),
    ("cargo run --release -- check --scenarios 12000 --seed 71", "minutes; CI runs 500"),
    ("cargo run --release -- check --scenarios 12000 --seed 97", "minutes; CI runs 500"),
    ("cargo run --release -- check message-queue", "tests/conformance.rs checks every channel"),
    ("cargo run --release -- check NAME", "tests/conformance.rs checks every channel"),
    ("cargo run --release -- bench", "it measures for minutes, on a machine of its own"),
    (
        "cargo run --release --manifest-path backends/benches/peers/Cargo.toml -- --docs docs",
        "it measures for minutes, and builds what it compares with",
    ),
    (
        "cargo clippy --manifest-path backends/benches/peers/Cargo.toml -- -D warnings",
        "it builds the libraries that it compares with",
    ),
    (
        "HISTORIES=8000 cargo test -p pipewright-model --release --test brute_force",
        "cargo test runs it with fewer histories",
    ),
    (
        "ROUNDS=9 cargo bench -p pipewright-model --bench verify",
        "it measures for minutes, on a machine of its own",
    ),
    (
        "cargo run -p pipewright-conformance --example leaked_end",
        "it hangs, as it should: leak.rs runs the same program",
    ),
    (
        "cargo test --manifest-path conformance/examples/own-channel/Cargo.toml",
        "a workspace of its own; CI runs it",
    ),
    (
        "cargo test --manifest-path model/examples/emulated-pipe/Cargo.toml",
        "a workspace of its own; CI runs it",
    ),
    (
        "cargo test --manifest-path conformance/examples/mio-and-tokio/Cargo.toml",
        "a workspace of its own; CI runs it",
    ),
    ("pipewright why PID", "tests/why asks it of programs that hang"),
    ("pipewright why --after 30s -- COMMAND", "tests/why runs commands by it"),
    ("mdbook build docs", "tests/book.rs runs it, and looks at each page"),
    (".ci/run", "it runs this test"),
    (".ci/second-kernel 50", "it boots another kernel; CI runs it"),
    (".ci/portable", "it takes compilers and emulators; CI runs it"),
    (".ci/kernels", "it fetches and boots other kernels, for an hour"),
    (".ci/soak 100", "it runs the tests a hundred times, for hours"),
    ("cargo run --release -- verify FILE.system", "tests/systems.rs decides every system"),
];

/// What stands for something in a command, and a thing for which it can stand.
const STANDS_FOR: [(&str, &str); 8] = [
    ("matrix FILE...", "matrix --help"),
    ("export --c DIR", "export --help"),
    ("COMMAND", "check"),
    ("CHAPTER/SITUATION", "stream/read-waits-for-data"),
    ("run.case", "docs/leaked-end.case"),
    ("rules ID", "rules stream.read.waits"),
    ("explore NAME", "explore leaked-write-end"),
    ("verify FILE", "verify model/systems/examples/jobserver.system"),
];

#[test]
fn commands_within_sentences_can_be_typed() {
    let place = place();
    let mut elsewhere = BTreeSet::new();
    let mut explored = BTreeSet::new();
    for (path, command) in shown() {
        if let Some((listed, _)) = ELSEWHERE.iter().find(|(listed, _)| *listed == command) {
            elsewhere.insert(*listed);
            continue;
        }
        let words: Vec<&str> = command.split_whitespace().collect();
        if words.contains(&"cargo") && words.contains(&"test") {
            tests_exist(&path, &command);
            continue;
        }
        if let Some(example) = command.strip_prefix("cargo run -p pipewright-model --example ") {
            // It is built by `cargo test`, which runs its own tests.
            let source = format!("model/examples/{example}.rs");
            assert!(read(&source).contains("#[test]"), "{path}: {command}: {source} has no test");
            continue;
        }
        let typed = command.replacen("cargo run --release --", "pipewright", 1);
        let typed =
            STANDS_FOR.iter().fold(typed, |typed, (word, thing)| typed.replace(word, thing));
        let arguments: Vec<&str> = typed.split_whitespace().skip(1).collect();
        assert!(typed.starts_with("pipewright"), "{path}: who runs `{command}`? See ELSEWHERE");
        match arguments[..] {
            // The program by its name, and a command by its.
            [] => {}
            ["channels" | "rules"] => prints(&path, &arguments, place.path()),
            [name] => prints(&path, &[name, "--help"], place.path()),
            ["verify", system] if !system.contains(['.', '/']) => {
                let known = systems::all().iter().any(|known| known.name() == system);
                assert!(known, "{path}: {command}: there is no such system");
            }
            ["explore", what] => {
                explored.insert(what.to_owned());
            }
            _ => prints(&path, &arguments, place.path()),
        }
    }
    for what in explored {
        is_served(&what, place.path());
    }
    let stale: Vec<_> = ELSEWHERE.iter().filter(|(one, _)| !elsewhere.contains(one)).collect();
    assert!(stale.is_empty(), "no document shows them any more: {stale:?}");
    let drawn = fs::read_to_string(place.path().join("leak.svg")).expect("the tour draws it");
    assert!(drawn == read("docs/pictures/leaked-end.svg"), "the tour's picture is another one");
}

/// A directory in which commands find what they name, and may leave what they make.
fn place() -> TempDir {
    let place = tempfile::tempdir().expect("a directory");
    for name in ["docs", "conformance", "model"] {
        symlink(root().join(name), place.path().join(name)).expect("a link");
    }
    let pool = root().join("model/systems/examples/worker-pool.system");
    symlink(pool, place.path().join("pool.system")).expect("a link");
    place
}

/// The commands of all documents, each with the page: within sentences, and those of blocks that no other test runs.
fn shown() -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for path in documents() {
        let text = read(&path);
        for block in blocks(&text) {
            let lines: Vec<String> = match block.info.as_str() {
                "console" => {
                    let all = commands(&block.text).into_iter().map(|(command, _)| command);
                    all.filter(|command| is_built_first(command)).collect()
                }
                // A list of commands, each with what it does.
                "text" => block.text.lines().map(|line| before_gap(line).to_owned()).collect(),
                _ => Vec::new(),
            };
            let commands = lines.into_iter().filter(|line| is_command(line));
            all.extend(commands.map(|command| (path.clone(), command)));
        }
        for word in outside_of_blocks(&text).split('`').skip(1).step_by(2) {
            let word = word.split_whitespace().collect::<Vec<_>>().join(" ");
            if is_command(&word) {
                all.insert((path.clone(), word));
            }
        }
    }
    assert!(all.len() > 50, "only {} commands", all.len());
    all
}

/// Whether a command of a console block is left to this test.
pub(crate) fn is_built_first(command: &str) -> bool {
    command.split(' ').find(|word| !word.contains('=')) == Some("cargo")
}

fn is_command(text: &str) -> bool {
    let program = text.split(' ').find(|word| !word.contains('='));
    program.is_some_and(|word| {
        ["pipewright", "cargo", "mdbook"].contains(&word) || word.starts_with(".ci/")
    })
}

fn before_gap(line: &str) -> &str {
    line.split("   ").next().unwrap_or_default().trim_end()
}

fn outside_of_blocks(text: &str) -> String {
    let mut fenced = false;
    let mut kept = String::new();
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if !fenced && !line.starts_with("```") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The tests that are named are there.
fn tests_exist(path: &str, command: &str) {
    let mut words = command.split_whitespace();
    while let Some(word) = words.next() {
        if word == "--test" {
            let name = words.next().expect("a name");
            let is_there = ["model", "backends", "conformance"].iter().any(|package| {
                let tests = root().join(package).join("tests");
                tests.join(format!("{name}.rs")).exists()
                    || tests.join(name).join("main.rs").exists()
            });
            assert!(is_there, "{path}: {command}: there is no test {name}");
        }
    }
}

fn prints(path: &str, arguments: &[&str], place: &Path) {
    let output = Command::new(PROGRAM).args(arguments).current_dir(place).output();
    let output = output.expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{path}: pipewright {arguments:?}: {told}");
}

/// Ends with the test, whatever it finds.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The Explorer opens it, answers a browser and ends by Ctrl-C.
fn is_served(what: &str, place: &Path) {
    let mut explore = Command::new(PROGRAM);
    explore.args(["explore", what, "--port", "0"]).current_dir(place).stdout(Stdio::piped());
    let mut serving = Serving(explore.spawn().expect("it runs"));
    let mut lines = BufReader::new(serving.0.stdout.take().expect("its output"));
    let mut first = String::new();
    lines.read_line(&mut first).expect("a line");
    let address = first.split_whitespace().find_map(|word| word.strip_prefix("http://"));
    let address = address.unwrap_or_else(|| panic!("explore {what}: no address in {first}"));
    let host = address.trim_end_matches('/');
    for page in ["/", "/.status"] {
        let mut stream = TcpStream::connect(host).expect("it listens");
        write!(stream, "GET {page} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
            .expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "explore {what}: {page}: {answer}");
    }
    kill(Pid::from_raw(serving.0.id().try_into().expect("a process")), Signal::SIGINT)
        .expect("it is there");
    assert_eq!(serving.0.wait().expect("it ends").code(), Some(130));
}
