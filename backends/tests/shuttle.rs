//! More threads on the channels in memory, and longer runs, in schedules drawn by lot, judged by the rules.
//!
//! The same files and scenarios as in `loom.rs`, over shuttle, and longer ones. Schedules are drawn at random,
//! or with few changes of priority (PCT), which finds what takes few unlucky moments among many. All of
//! it is sequentially consistent: weak memory is for loom. A failure prints its schedule, or keeps it in a
//! file, and either shows the failure again.
#![expect(clippy::duplicate_mod, reason = "each over another broken channel")]

use std::path::{Path, PathBuf};
use std::process::Command;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};

#[path = "threads/edits.rs"]
#[expect(dead_code, reason = "build.rs and loom.rs use the rest")]
mod edits;
#[path = "threads/record.rs"]
#[expect(dead_code, reason = "loom.rs uses the rest")]
mod record;
#[path = "threads/shuttle_sync.rs"]
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

    pub mod long;
    pub mod on_cell;
    pub mod on_guarded;
    pub mod on_one_shot;
    pub mod on_ring;
    pub mod sleeper;
}

#[expect(unreachable_pub, dead_code, reason = "public elsewhere, and used in part")]
mod broken {
    include!(concat!(env!("OUT_DIR"), "/broken_long.rs"));
}

use edits::EDITS_LONG;
use record::Scenario;

/// Schedules are the same each time.
const SEED: u64 = 5;
/// How many changes of priority a PCT schedule has at most.
const CHANGES_MAX: usize = 4;

/// How schedules are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Random,
    Pct,
}

impl Sort {
    const ALL: [Sort; 2] = [Sort::Random, Sort::Pct];

    fn scheduler(self, schedules: usize) -> Box<dyn Scheduler + Send> {
        match self {
            Sort::Random => Box::new(RandomScheduler::new_from_seed(SEED, schedules)),
            // What shuttle calls depth counts the first priorities too.
            Sort::Pct => Box::new(PctScheduler::new_from_seed(SEED, CHANGES_MAX + 1, schedules)),
        }
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.silence_warnings = true;
    config
}

/// Runs a scenario in so many schedules of each sort.
fn explore(scenario: &Scenario, schedules: usize) {
    let run = scenario.run;
    for sort in Sort::ALL {
        let tally = record::tally(|count| {
            let runner = Runner::new(sort.scheduler(schedules), config());
            runner.run(move || {
                count();
                run();
            });
        });
        println!("{}: {} schedules, {} different runs", scenario.name, schedules, tally.runs());
    }
}

#[test]
fn many_threads_and_long_runs() {
    for scenario in sound::long::SCENARIOS {
        explore(scenario, 30);
    }
}

#[test]
fn what_loom_explores() {
    let all = [
        sound::on_cell::SCENARIOS,
        sound::on_guarded::SCENARIOS,
        sound::on_one_shot::SCENARIOS,
        sound::on_ring::SCENARIOS,
    ];
    for scenario in all.into_iter().flatten() {
        explore(scenario, 100);
    }
}

/// What tells the program which fault it is to fail by, how schedules are drawn, and where they are kept.
const CANARY: &str = "PIPEWRIGHT_CANARY";
const BY: &str = "PIPEWRIGHT_BY";
const SCHEDULES: &str = "PIPEWRIGHT_SCHEDULES";

/// Faults among more threads or after more steps than loom has, found by either sort of schedules. One keeps
/// the schedule that shows the fault in a file, the other prints it, and both show it again.
#[test]
fn faults_are_found_and_found_again_by_their_schedule() {
    for edit in EDITS_LONG {
        explore(&Scenario::named(sound::long::SCENARIOS, edit.scenario), 10);
        for sort in Sort::ALL {
            let directory = tempfile::tempdir().expect("a directory");
            let found = rejected(edit.name, sort, directory.path());
            assert!(found.contains(edit.told), "`{}` was rejected otherwise:\n{found}", edit.name);
            if sort == Sort::Pct {
                std::fs::write(printed(directory.path()), schedule(&found)).expect("a file");
            } else {
                assert!(kept(directory.path()).exists(), "no schedule was kept:\n{found}");
            }
            let again = rejected(edit.name, sort, directory.path());
            assert!(again.contains(edit.told), "`{}`, again:\n{again}", edit.name);
            assert!(again.contains(AGAIN), "{again}");
            println!("{}: rejected, and again by its schedule ({sort:?})", edit.name);
        }
    }
}

const AGAIN: &str = "by a schedule that was kept or printed";

fn kept(directory: &Path) -> PathBuf {
    directory.join("schedule000.txt")
}

fn printed(directory: &Path) -> PathBuf {
    directory.join("printed.txt")
}

/// The schedule that is printed with a failure.
fn schedule(said: &str) -> &str {
    let (_, rest) = said.split_once("failing schedule:\n\"\n").expect("a schedule is printed");
    let (schedule, _) = rest.split_once("\n\"\n").expect("to its end");
    schedule
}

/// What is said of a fault, in a process of its own: where schedules go is settled once in a process.
fn rejected(name: &str, sort: Sort, directory: &Path) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "one_broken_channel", "--ignored", "--nocapture"]);
    command.env(CANARY, name).env(BY, format!("{sort:?}"));
    command.env(SCHEDULES, directory).env("RUST_BACKTRACE", "0");
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "`{name}` was not rejected ({sort:?}):\n{said}");
    said
}

#[test]
#[ignore = "run by another, in a process of its own"]
fn one_broken_channel() {
    let (Ok(name), Some(directory)) = (std::env::var(CANARY), std::env::var_os(SCHEDULES)) else {
        return;
    };
    let by = std::env::var(BY).expect("a sort of schedules");
    let sort = Sort::ALL.into_iter().find(|sort| format!("{sort:?}") == by).expect("a sort");
    let (_, scenario) = broken::BROKEN.iter().find(|(of, _)| *of == name).expect("a fault");
    let directory = Path::new(&directory);
    if kept(directory).exists() {
        println!("{AGAIN}");
        shuttle::replay_from_file(scenario.run, kept(directory));
    } else if let Ok(schedule) = std::fs::read_to_string(printed(directory)) {
        println!("{AGAIN}");
        shuttle::replay(scenario.run, &schedule);
    } else {
        let mut config = config();
        if sort == Sort::Random {
            config.failure_persistence = FailurePersistence::File(Some(directory.into()));
        }
        Runner::new(sort.scheduler(1000), config).run(scenario.run);
    }
}
