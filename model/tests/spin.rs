//! A third opinion: Spin, on the same systems written down by hand in Promela (`promela/`), visits as many states by
//! as many steps, and comes to the same verdicts; on what must come in the end with weak fairness and without.
//!
//! Without `spin` and `gcc` this is skipped and says so, but never with `CI=true`.

use std::path::{Path, PathBuf};
use std::process::Command;

use pipewright_model::system::System;
use pipewright_model::systems;
use pipewright_model::verify::{NO_DEADLOCK, Property, Report, Scheduler, What, verify};

/// What Spin found.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    states: usize,
    transitions: usize,
    assertion_violated: bool,
    deadlock: bool,
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    found.is_ok_and(|output| output.status.success())
}

/// Whether Spin can be run here.
fn spin_is_there() -> bool {
    let there = is_there("spin") && is_there("gcc");
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(there || !ci, "Debian's packages spin and gcc are missing");
    if !there {
        eprintln!("skipped: Debian's packages spin and gcc are missing");
    }
    there
}

fn run(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(dir).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {text}{errors}");
    text
}

/// A directory of its own for what Spin writes.
fn place(system: &str, what: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("spin-{system}-{what}"));
    std::fs::create_dir_all(&dir).expect("a directory");
    dir
}

/// Makes a checker of a system's Promela.
fn checker(system: &str, spin: &[&str], gcc: &[&str]) -> PathBuf {
    let dir = place(system, if spin.is_empty() { "safety" } else { "liveness" });
    let promela = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/promela/{system}.pml"));
    let promela = promela.display().to_string();
    run(&dir, "spin", &[spin, &["-a", &promela]].concat());
    run(&dir, "gcc", &[gcc, &["-w", "-DNOREDUCE", "-o", "pan", "pan.c"]].concat());
    dir
}

/// The number before a text.
fn number(text: &str, before: &str) -> usize {
    let line = text.lines().find(|line| line.contains(before));
    let word = line.and_then(|line| line.split(before).next()?.split_whitespace().last());
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no {before} in {text}"))
}

fn safety(system: &str) -> Found {
    let dir = checker(system, &[], &["-DSAFETY"]);
    let told = run(&dir, "./pan", &["-c0"]);
    Found {
        states: number(&told, " states, stored"),
        // Spin counts the state at the start as well.
        transitions: number(&told, " transitions (") - 1,
        assertion_violated: told.contains("assertion violated ("),
        deadlock: told.contains("invalid end state (at depth"),
    }
}

/// Whether what must come does, by Spin.
fn comes(system: &str, scheduler: Scheduler) -> bool {
    let dir = checker(system, &["-DLTL"], &[]);
    let fair: &[&str] = match scheduler {
        Scheduler::WeaklyFair => &["-a", "-f"],
        Scheduler::Any => &["-a"],
    };
    let told = run(&dir, "./pan", fair);
    let errors = told.split("errors: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    errors == Some("0")
}

fn named(name: &str) -> System {
    let all = systems::systems().into_iter();
    all.into_iter().find(|system| system.name == name).expect("a system")
}

fn holds<A>(report: &Report<A>, is: impl Fn(&str) -> bool) -> bool {
    report.found.iter().filter(|found| is(found.property)).all(|found| found.holds)
}

const SYSTEMS: [&str; 5] = [
    "waiting-for-each-other",
    "busy-waiting-reader",
    "poll-then-block",
    "one-pipe-both-ways",
    "waiting-reader",
];

#[test]
fn spin_counts_the_same_states_and_breaks_the_same_safety() {
    if !spin_is_there() {
        return;
    }
    for name in SYSTEMS {
        let system = named(name);
        let report = verify(&system, usize::MAX);
        let always = |asked: &str| {
            let of = |property: &&Property<System>| property.name == asked;
            let property = system.properties.iter().find(of);
            property.is_some_and(|property| matches!(property.what, What::Always(_)))
        };
        let ours = Found {
            states: report.states,
            transitions: report.transitions,
            assertion_violated: !holds(&report, always),
            deadlock: !holds(&report, |asked| asked == NO_DEADLOCK),
        };
        assert_eq!(safety(name), ours, "{name}");
    }
}

#[test]
fn spin_agrees_on_what_comes_in_the_end() {
    if !spin_is_there() {
        return;
    }
    for (name, unfair, fair) in [
        // Polled without end while the writer is left out, but not if nobody is.
        ("busy-waiting-reader", false, true),
        ("poll-then-block", false, false),
        ("waiting-reader", true, true),
    ] {
        for (scheduler, expected) in [(Scheduler::Any, unfair), (Scheduler::WeaklyFair, fair)] {
            let mut system = named(name);
            for property in &mut system.properties {
                if let What::Eventually { scheduler: by, .. } = &mut property.what {
                    *by = scheduler;
                }
            }
            let liveness: Vec<&str> = system
                .properties
                .iter()
                .filter(|property| !property.is_safety())
                .map(|property| property.name)
                .collect();
            let report = verify(&system, usize::MAX);
            let ours = holds(&report, |asked| liveness.contains(&asked));
            assert_eq!(ours, expected, "{name}, {scheduler:?}");
            assert_eq!(comes(name, scheduler), expected, "Spin on {name}, {scheduler:?}");
        }
    }
}
