//! Every interleaving of a few threads on the channels in memory, judged by the rules.
//!
//! The files of `src/memory` are compiled once more, over loom. Every interleaving of a scenario, every
//! old value that a load may give included, yields a run, and the oracle must find nothing in it. Beside
//! that loom sees to it that no access races with another, nobody sleeps for ever and nothing leaks.
//! Then the same files with one fault each: the same scenarios must find it. What is not seen in this way
//! is told in `docs/threads.md`.
#![expect(clippy::duplicate_mod, reason = "each over another broken channel")]

use std::process::Command;

#[path = "threads/edits.rs"]
#[expect(dead_code, reason = "build.rs uses the rest")]
mod edits;
#[path = "threads/record.rs"]
mod record;
#[path = "threads/loom_sync.rs"]
mod sync;

#[path = "threads"]
#[expect(unreachable_pub, dead_code, reason = "public elsewhere, and used in part")]
mod sound {
    use crate::sync;

    #[path = "../../src/memory/cell.rs"]
    pub mod cell;
    #[path = "../../src/memory/guarded.rs"]
    pub mod guarded;
    #[path = "../../src/memory/line.rs"]
    pub mod line;
    #[path = "../../src/memory/one_shot.rs"]
    pub mod one_shot;
    #[path = "../../src/memory/ring.rs"]
    pub mod ring;
    #[path = "../../src/memory/waiting.rs"]
    pub mod waiting;

    pub mod on_cell;
    pub mod on_guarded;
    pub mod on_one_shot;
    pub mod on_ring;
    pub mod sleeper;
}

#[expect(unreachable_pub, dead_code, unused_variables, unused_assignments, reason = "faults")]
mod broken {
    include!(concat!(env!("OUT_DIR"), "/broken.rs"));
}

use edits::EDITS;
use record::{Scenario, Tally};

/// What tells the program which fault it is to fail by.
const CANARY: &str = "PIPEWRIGHT_CANARY";

fn explore(scenario: &Scenario) -> Tally {
    let run = scenario.run;
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = scenario.preemptions_max;
    builder.max_branches = 10_000;
    record::tally(|count| {
        builder.check(move || {
            count();
            run();
        });
    })
}

/// Explores the scenarios of a sound channel, and then each fault in it by the scenario that shows it.
/// `pins`: how many interleavings and how many different runs each scenario has.
fn sound_and_broken(files: &[&str], scenarios: &[Scenario], pins: &[(&'static str, usize, usize)]) {
    let mut seen = Vec::new();
    for scenario in scenarios {
        let tally = explore(scenario);
        let (interleavings, runs) = (tally.interleavings, tally.runs());
        println!("{}: {interleavings} interleavings, {runs} different runs", scenario.name);
        seen.push((scenario.name, interleavings, runs));
    }
    for edit in EDITS.iter().copied().flatten().filter(|edit| files.contains(&edit.file)) {
        assert!(scenarios.iter().any(|scenario| scenario.name == edit.scenario), "{}", edit.name);
        rejected(edit.name, edit.told);
    }
    assert_eq!(seen, pins, "how much there is to explore has changed");
}

/// Has a fault found, in a process of its own: some of what loom finds ends the process.
fn rejected(name: &str, told: &str) {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", "one_broken_channel", "--ignored", "--nocapture"]);
    command.env(CANARY, name).env("RUST_BACKTRACE", "0");
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "`{name}` was not rejected:\n{said}");
    assert!(said.contains(told), "`{name}` was rejected otherwise than by `{told}`:\n{said}");
    println!("{name}: rejected, {told}");
}

#[test]
#[ignore = "run by the others, in a process of its own"]
fn one_broken_channel() {
    let Ok(name) = std::env::var(CANARY) else { return };
    let (_, scenario) = broken::BROKEN.iter().find(|(of, _)| *of == name).expect("a fault");
    explore(scenario);
}

const CELL_PINS: &[(&str, usize, usize)] = &[
    ("a word, two stores, two loads", 44, 27),
    ("a word each way", 2129, 356),
    ("a word shows what was done before", 6, 0),
    ("a word in a lock", 19, 6),
    ("a word and fences", 15, 8),
    ("a word, two who store", 310, 0),
    ("two words, a store, two looks", 10_779, 16),
    ("two words, two stores, two looks", 14_537, 39),
    ("two words, two stores, a load", 4106, 7),
    ("two words each way", 133_474, 16),
    ("two words each way, two values each", 44_528, 48),
    ("two words looked at for newer ones", 10_039, 14),
    ("two words, two readers", 13_946, 34),
];

#[test]
fn polled_variables() {
    sound_and_broken(&["cell"], sound::on_cell::SCENARIOS, CELL_PINS);
}

const GUARDED_PINS: &[(&str, usize, usize)] = &[
    ("a guarded variable, two values and the end", 104, 4),
    ("a guarded variable each way", 384, 3),
    ("a guarded variable and waits that end for no reason", 818, 8),
    ("a guarded variable whose old values are dropped", 18, 0),
    ("a guarded variable that is got", 14, 6),
    ("a guarded variable, two readers", 830, 148),
    ("a guarded variable, two writers", 1364, 36),
];

#[test]
fn guarded_variables() {
    sound_and_broken(&["guarded"], sound::on_guarded::SCENARIOS, GUARDED_PINS);
}

const RING_PINS: &[(&str, usize, usize)] = &[
    ("a ring, two writes, two reads", 784, 60),
    ("a ring each way", 14_728, 373),
    ("a ring whose consumer closes", 149, 28),
    ("a ring in a lock", 19, 6),
    ("a ring whose end shows what was done before", 30, 0),
    ("a waiting ring, two bytes through one", 27_703, 5),
    ("a waiting ring that spins first", 4187, 5),
    ("a waiting ring and a write that is tried", 6040, 5),
    ("a waiting ring and a read that is tried", 32_761, 12),
    ("a waiting ring and its end", 2741, 5),
    ("a waiting ring, a byte each way", 8928, 5),
    ("a waiting ring, two bytes each way", 18_621, 23),
    ("a waiting ring and a write in parts", 35_318, 5),
    ("a waiting ring whose consumer closes", 1070, 4),
    ("a waiting ring and waits that end for no reason", 50_938, 5),
    ("a waiting ring broken off while one writes", 282, 0),
    ("a waiting ring broken off while one reads", 203, 0),
    ("a waiting ring interrupted by a third", 14_007, 0),
];

#[test]
fn rings() {
    sound_and_broken(&["ring", "waiting"], sound::on_ring::SCENARIOS, RING_PINS);
}

const ONE_SHOT_PINS: &[(&str, usize, usize)] = &[
    ("a hand-over that is waited for", 55, 2),
    ("a hand-over each way", 2015, 5),
    ("a hand-over that does not come", 55, 2),
    ("a hand-over that is not fetched", 13, 5),
    ("a hand-over that is looked for", 17, 10),
    ("a hand-over whose sender looks first", 1740, 12),
    ("a hand-over and waits that end for no reason", 225, 2),
];

#[test]
fn hand_overs() {
    sound_and_broken(&["one_shot"], sound::on_one_shot::SCENARIOS, ONE_SHOT_PINS);
}
