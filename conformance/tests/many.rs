//! `pipewright verify` over several processes: on the loopback interface, and between two network namespaces. The
//! latter needs root; it is skipped elsewhere, but never in CI.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

use pipewright_backends::tcp::{NAMESPACES, within_namespace};
use serde_json::Value;

/// Of each sort one: sound and not, by a state and by a loop, calls and the inside of a pipe.
const SYSTEMS: [&str; 5] = [
    "one-pipe-both-ways",
    "busy-waiting-reader-unfair",
    "last-writer-closes",
    "two-writers-above-pipe-buf",
    "pipe-close-wakes-one",
];

/// It takes seconds.
const LONG: &str = "pipe-without-mutex";

/// A file of hosts in a directory of its own.
struct Hosts {
    dir: tempfile::TempDir,
    names: Vec<String>,
}

impl Hosts {
    /// Fixed ports, at an address of the loopback interface that nobody else uses. No port is tried here: a child that
    /// another test starts just then would hold the listener a moment longer, and answer in place of the process.
    fn on_loopback(count: usize) -> Hosts {
        static USED: AtomicU8 = AtomicU8::new(1);
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, high, low, USED.fetch_add(1, Ordering::Relaxed));
        Hosts::new((0..count).map(|process| format!("{address}:{}", 7101 + process)).collect())
    }

    fn new(names: Vec<String>) -> Hosts {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("hosts"), names.join("\n") + "\n").expect("a file");
        Hosts { dir, names }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("hosts")
    }

    fn secret(&self) -> PathBuf {
        self.dir.path().join("secret")
    }

    /// The same, with a secret.
    fn with_secret(self, secret: &str) -> Hosts {
        std::fs::write(self.secret(), secret).expect("a file");
        self
    }

    fn json(&self, process: usize) -> PathBuf {
        self.dir.path().join(format!("{process}.json"))
    }

    /// One of the processes, ready to be started.
    fn command(&self, process: usize, systems: &[&str], more: &[&str]) -> Command {
        let mut command = verify(systems);
        command.arg("--hosts").arg(self.file()).args(["--process", &process.to_string()]);
        command.arg("--json").arg(self.json(process)).args(more);
        if self.secret().exists() {
            command.arg("--secret").arg(self.secret());
        }
        command
    }
}

fn verify(systems: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipewright"));
    command.args(["verify", "--brief"]).args(systems);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended(child: Child) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

fn refused(command: &mut Command) -> String {
    let (code, out, errors) = ended(command.spawn().expect("it starts"));
    assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
    errors
}

/// What was found of each system, without what differs from run to run.
fn found(json: &Path) -> (Value, Value, Vec<Value>) {
    let text = std::fs::read(json).expect("a report");
    let mut report: Value = serde_json::from_slice(&text).expect("JSON");
    let rows = report["systems"].as_array_mut().expect("systems");
    let keys = ["system", "verdict", "exhaustive", "states", "transitions", "depth", "properties"];
    let rows = rows.iter().map(|row| keys.iter().map(|key| row[*key].clone()).collect()).collect();
    (report["workers"].clone(), report["processes"].clone(), rows)
}

/// What one worker finds, and that it is found by two processes at these places.
fn assert_two_find_the_same(hosts: &Hosts, start: impl Fn(usize, &mut Command) -> Child) {
    let one = hosts.dir.path().join("one.json");
    let status = verify(&SYSTEMS).arg("--json").arg(&one).output().expect("it runs").status;
    assert!(status.success());
    let more = ["--workers", "2"];
    let both = [0, 1].map(|process| start(process, &mut hosts.command(process, &SYSTEMS, &more)));
    for (process, child) in both.into_iter().enumerate() {
        let (code, out, errors) = ended(child);
        assert_eq!(code, Some(0), "process {process}: {out}{errors}");
        assert!(out.contains("searched by 4 workers in 2 processes"), "{out}");
        let (workers, processes, rows) = found(&hosts.json(process));
        assert_eq!((workers, processes), (4.into(), 2.into()));
        assert_eq!(rows, found(&one).2, "process {process}");
    }
}

#[test]
fn two_processes_find_what_one_worker_finds() {
    let start = |_: usize, command: &mut Command| command.spawn().expect("it starts");
    assert_two_find_the_same(&Hosts::on_loopback(2), start);
}

#[test]
fn two_network_namespaces_find_what_one_worker_finds() {
    if let Err(error) = within_namespace(0, || Ok(())) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI this is not skipped: {error}");
        eprintln!("skipped: {error}");
        return;
    }
    let start = |process: usize, command: &mut Command| {
        within_namespace(process, || command.spawn()).expect("it starts")
    };
    let hosts = Hosts::new(NAMESPACES.map(|to| format!("{to}:4000")).into());
    assert_two_find_the_same(&hosts.with_secret("known to both of them\n"), start);
}

/// Whether a process has found the others: then its workers are there.
fn has_workers(child: &Child) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).expect("a process");
    tasks.flatten().any(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.contains("work-"))
    })
}

#[test]
fn a_process_that_is_killed_is_named_by_the_other_which_gives_no_verdict() {
    let hosts = Hosts::on_loopback(2);
    for dies in [0, 1] {
        let start = |process| hosts.command(process, &[LONG], &[]).spawn().expect("it starts");
        let mut both = [start(0), start(1)];
        while !both.iter().all(has_workers) {
            std::thread::yield_now();
        }
        both[dies].kill().expect("it runs");
        let [first, second] = both;
        let (dead, stays) = if dies == 0 { (first, second) } else { (second, first) };
        ended(dead);
        let (code, out, errors) = ended(stays);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
        let told = format!("process {dies} ({}) has gone before the search was", hosts.names[dies]);
        assert!(errors.contains(&told), "{errors}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
}

#[test]
fn what_can_not_be_searched_together_is_refused_with_a_remedy() {
    let hosts = Hosts::on_loopback(2);
    let system = ["waiting-reader"];
    let errors = refused(&mut hosts.command(2, &system, &[]));
    assert!(errors.contains("there is no process 2: the file of hosts has 2, from 0 to 1"));
    let errors = refused(&mut hosts.command(0, &system, &["--states", "50"]));
    assert!(errors.contains("--states is for one worker"), "{errors}");
    for process in [0, 1] {
        let errors = refused(&mut hosts.command(process, &system, &["--wait", "0"]));
        let other = format!("process {} ({})", 1 - process, hosts.names[1 - process]);
        assert!(errors.contains(&other) && errors.contains("wait longer with --wait"), "{errors}");
    }
    let taken = TcpListener::bind(&hosts.names[1]).expect("the port is free");
    let errors = refused(&mut hosts.command(1, &system, &[]));
    assert!(errors.contains(&hosts.names[1]) && errors.contains("take another port"), "{errors}");
    drop(taken);
    let elsewhere = Hosts::new(NAMESPACES.map(|to| format!("{to}:4000")).into());
    let errors = refused(&mut elsewhere.command(0, &system, &[]));
    assert!(errors.contains("give all processes the same --secret FILE"), "{errors}");
    let elsewhere = elsewhere.with_secret("too short");
    let errors = refused(&mut elsewhere.command(0, &system, &[]));
    assert!(errors.contains("is found out by trying; write 16 or more"), "{errors}");
    let elsewhere = elsewhere.with_secret("known to nobody else");
    let errors = refused(&mut elsewhere.command(0, &system, &[]));
    assert!(errors.contains("is --process right?"), "{errors}");
    for workers in ["0", "many", "1000"] {
        let errors = refused(verify(&system).args(["--workers", workers]));
        assert!(errors.contains("a number from 1 to 256"), "{errors}");
    }
}

#[test]
fn processes_that_mean_different_searches_say_in_what_they_differ() {
    let cases: [(&[&str], &[&str], &str); 2] = [
        (&["waiting-reader"], &["--workers", "2"], "has --workers"),
        (&["pipe-pair"], &[], "searches other systems, or by other rules"),
    ];
    for (systems, more, differs) in cases {
        let hosts = Hosts::on_loopback(2);
        let first = hosts.command(0, &["waiting-reader"], &[]).spawn().expect("it starts");
        let second = hosts.command(1, systems, more).spawn().expect("it starts");
        for child in [first, second] {
            let (code, _, errors) = ended(child);
            assert_eq!(code, Some(2), "{errors}");
            assert!(errors.contains(differs), "{errors}");
        }
    }
}

#[test]
fn who_does_not_know_the_secret_takes_no_part() {
    let hosts = Hosts::on_loopback(2).with_secret("known to both of them");
    let first = hosts.command(0, &["waiting-reader"], &[]).spawn().expect("it starts");
    for other in ["known to both of then", ""] {
        let same = Hosts::new(hosts.names.clone());
        let same = if other.is_empty() { same } else { same.with_secret(other) };
        let errors = refused(&mut same.command(1, &["waiting-reader"], &[]));
        assert!(errors.contains("it has another secret, or none"), "{errors}");
    }
    let second = hosts.command(1, &["waiting-reader"], &[]).spawn().expect("it starts");
    for (child, sent_away) in [(first, 2), (second, 0)] {
        let (code, _, errors) = ended(child);
        assert_eq!(code, Some(0), "{errors}");
        assert_eq!(errors.matches("sent somebody away").count(), sent_away, "{errors}");
    }
}

#[test]
fn a_stranger_who_comes_is_sent_away() {
    let hosts = Hosts::on_loopback(2);
    let first = hosts.command(0, &["waiting-reader"], &[]).spawn().expect("it starts");
    let mut stranger = loop {
        match std::net::TcpStream::connect(&hosts.names[0]) {
            Ok(stream) => break stream,
            Err(_) => std::thread::yield_now(),
        }
    };
    // Who is greeted has been accepted; the other comes only then.
    let mut heard = vec![0];
    stranger.read_exact(&mut heard).expect("it greets");
    std::io::Write::write_all(&mut stranger, b"GET / HTTP/1.1\n").expect("it listens");
    let second = hosts.command(1, &["waiting-reader"], &[]).spawn().expect("it starts");
    for child in [first, second] {
        let (code, _, errors) = ended(child);
        assert_eq!(code, Some(0), "{errors}");
    }
    // Cut off in the middle or at the end.
    let _ = stranger.read_to_end(&mut heard);
    assert!(heard.starts_with(b"pipewright-verify/"), "{heard:?}");
}
