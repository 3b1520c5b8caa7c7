//! The exact search beside stateright and Spin, on one model of more than a million states.
//!
//! A writer puts bits of its choice into a queue of 16, a reader takes them out. All must count the same states and
//! the same steps. Rounds are interleaved and medians are told, as the machine may be busy; read the ratios.
//! `ROUNDS=15 cargo bench -p pipewright-model --bench verify`; with `OURS=1` without the others.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use std::rc::Rc;

use pipewright_model::verify::many::{Team, together};
use pipewright_model::verify::{Model, Packing, Property, verify};
use stateright::{Checker, Model as _};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LEN_MAX: u32 = 16;

/// The queue's bits, its length from bit 16 on, the writer from bit 24 on, the reader from bit 28 on.
type State = u32;

fn each_next(state: State, mut next: impl FnMut(State)) {
    let (bits, len) = (state & 0xffff, state >> 16 & 0xff);
    let (writer, reader) = (state >> 24 & 3, state >> 28);
    let make = |bits: u32, len: u32, writer: u32, reader: u32| {
        bits | len << 16 | writer << 24 | reader << 28
    };
    match writer {
        0 => (1..=2).for_each(|choice| next(make(bits, len, choice, reader))),
        choice if len < LEN_MAX => next(make(bits | (choice - 1) << len, len + 1, 0, reader)),
        _ => {}
    }
    match reader {
        0 if len > 0 => next(make(bits >> 1, len - 1, writer, 1 + (bits & 1))),
        0 => {}
        _ => next(make(bits, len, writer, 0)),
    }
}

struct Fifo([Property<Fifo>; 1]);

struct Words;

impl Packing<State> for Words {
    fn words(&self) -> usize {
        1
    }

    fn pack(&mut self, state: &State, words: &mut [u32]) {
        words[0] = *state;
    }

    fn unpack(&self, words: &[u32]) -> State {
        words[0]
    }
}

impl Model for Fifo {
    type State = State;
    type Action = State;
    type Packing = Words;

    fn start(&self) -> State {
        0
    }

    fn steps(&self, state: &State, next: &mut Vec<(State, State)>) {
        each_next(*state, |after| next.push((after, after)));
    }

    fn mover(&self, _: &State) -> u8 {
        0
    }

    fn may_end(&self, _: &State) -> bool {
        false
    }

    fn properties(&self) -> &[Property<Fifo>] {
        &self.0
    }

    fn packing(&self) -> Words {
        Words
    }
}

fn fits(state: State) -> bool {
    state >> 16 & 0xff <= LEN_MAX
}

#[derive(Clone)]
struct Other;

impl stateright::Model for Other {
    type State = State;
    type Action = State;

    fn init_states(&self) -> Vec<State> {
        vec![0]
    }

    fn actions(&self, state: &State, actions: &mut Vec<State>) {
        each_next(*state, |after| actions.push(after));
    }

    fn next_state(&self, _: &State, after: State) -> Option<State> {
        Some(after)
    }

    fn properties(&self) -> Vec<stateright::Property<Self>> {
        vec![stateright::Property::always("fits", |_, state| fits(*state))]
    }
}

/// States, steps, and the time it took.
type Counted = (usize, usize, Duration);

fn ours() -> Counted {
    let model = Fifo([Property::always("fits", |_: &Fifo, state: &State| fits(*state))]);
    let began = Instant::now();
    let report = verify(&model, usize::MAX);
    let took = began.elapsed();
    assert!(report.exhaustive && report.broken().next().is_none());
    (report.states, report.transitions, took)
}

/// The same search by many threads, which each own a part of the states.
fn many(threads: usize) -> Counted {
    let began = Instant::now();
    let reports = together(Team::of_threads(threads), |member| {
        let asked = [Property::always("fits", |_: &Fifo, state: &State| fits(*state))];
        let report = member.verify(&Rc::new(Fifo(asked)))?;
        Ok((report.states, report.transitions))
    });
    let took = began.elapsed();
    let (states, steps) = reports.expect("there is no other process")[0];
    (states, steps, took)
}

fn stateright(threads: usize) -> Counted {
    let began = Instant::now();
    let checker = Other.checker().threads(threads).spawn_bfs().join();
    let took = began.elapsed();
    (checker.unique_state_count(), checker.state_count() - 1, took)
}

/// A checker made by Spin, if it is installed.
fn spin_checker() -> Option<PathBuf> {
    Command::new("sh")
        .args(["-c", "command -v spin && command -v gcc"])
        .output()
        .ok()
        .filter(|found| found.status.success())?;
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spin-bounded-fifo");
    std::fs::create_dir_all(&dir).expect("a directory");
    let promela = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/bounded-fifo.pml");
    let run = |command: &mut Command| {
        let output = command.current_dir(&dir).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    };
    run(Command::new("spin").arg("-a").arg(promela));
    run(Command::new("gcc").args("-O2 -w -DNOREDUCE -DSAFETY -o pan pan.c".split(' ')));
    Some(dir)
}

fn spin(dir: &Path) -> Counted {
    let began = Instant::now();
    let output = Command::new("./pan").args(["-m4000000", "-w21"]).current_dir(dir).output();
    let took = began.elapsed();
    let text = String::from_utf8_lossy(&output.expect("pan runs").stdout).into_owned();
    let number = |before: &str| -> usize {
        let line = text.lines().find(|line| line.contains(before)).unwrap_or(&text);
        let word = line.split(before).next().and_then(|part| part.split_whitespace().last());
        word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no {before} in {text}"))
    };
    (number(" states, stored"), number(" transitions (") - 1, took)
}

fn main() {
    // Run by `cargo test --benches` there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let spin_dir = spin_checker();
    let names = [
        "pipewright, 1 thread",
        "pipewright, 2 workers",
        "stateright bfs, 1 thread",
        "stateright bfs, 2 threads",
        "Spin dfs",
    ];
    let mut times: [Vec<Duration>; 5] = Default::default();
    let mut counted = (0, 0);
    for _ in 0..rounds {
        let (states, steps, took) = ours();
        times[0].push(took);
        counted = (states, steps);
        let mut other = |index: usize, (states, steps, took): Counted| {
            assert_eq!((states, steps), counted, "{} counts otherwise", names[index]);
            times[index].push(took);
        };
        other(1, many(2));
        if std::env::var_os("OURS").is_some() {
            continue;
        }
        other(2, stateright(1));
        other(3, stateright(2));
        if let Some(dir) = &spin_dir {
            other(4, spin(dir));
        }
    }
    let model = Fifo([Property::always("fits", |_: &Fifo, state: &State| fits(*state))]);
    let bytes = verify(&model, usize::MAX).bytes_a_state;
    println!(
        "{} states, {} steps, {rounds} rounds; {bytes:.1} bytes a state\n",
        counted.0, counted.1
    );
    println!("| checker | seconds, median | states a second | times pipewright |");
    println!("| --- | ---: | ---: | ---: |");
    let median = |times: &[Duration]| {
        let mut sorted: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    };
    let base = median(&times[0]).unwrap_or(1.0);
    let ratios = times[0].iter().zip(&times[1]);
    let ratios: Vec<_> = ratios.map(|(one, two)| one.div_duration_f64(*two)).collect();
    for (name, times) in names.iter().zip(&times) {
        match median(times) {
            Some(time) => {
                let rate = counted.0 as f64 / time / 1e6;
                println!("| {name} | {time:.3} | {rate:.2} million | {:.1} |", time / base);
            }
            None => println!("| {name} | not measured | | |"),
        }
    }
    let speed_up =
        median(&ratios.iter().map(|ratio| Duration::from_secs_f64(*ratio)).collect::<Vec<_>>());
    println!("\nspeed-up by a second worker: {:.2}", speed_up.unwrap_or(0.0));
}
