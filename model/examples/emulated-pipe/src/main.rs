//! Holds a pipe that is emulated in one process to the rules, as an interpreter or a simulator has it: no fork, no threads, no
//! `/proc`.
//!
//! The emulator knows when nothing moves any more, so each *quiet* is certain. Its calls are written down as the text of a run,
//! which is judged in the end.

use std::collections::VecDeque;
use std::fmt::Write as _;

use pipewright_model::diagnosis::diagnose;
use pipewright_model::oracle::judge;
use pipewright_model::platform::POSIX;
use pipewright_model::run::Run;
use pipewright_model::text::ParseError;

/// Bytes that the pipe has room for.
const ROOM: usize = 8;

/// What an emulated thread is doing.
#[derive(Clone, Copy, PartialEq)]
enum Call {
    Read(usize),
    Write(usize),
}

/// The emulator: a pipe, a thread that reads, and one that writes.
struct Emulator {
    /// For each byte in the pipe, the how many-th it is of all that were written.
    bytes: VecDeque<usize>,
    written: usize,
    writer_is_open: bool,
    /// The calls of threads that sleep: the reader's, and the writer's.
    asleep: [Option<Call>; 2],
    /// What has happened, as a run.
    run: String,
    /// A fault, for the example: the end of the pipe wakes nobody.
    end_wakes_nobody: bool,
}

const NAMES: [&str; 2] = ["reader", "writer"];

impl Emulator {
    fn new(end_wakes_nobody: bool) -> Emulator {
        Emulator {
            bytes: VecDeque::new(),
            written: 0,
            writer_is_open: true,
            asleep: [None; 2],
            run: "channel pipe\n".to_owned(),
            end_wakes_nobody,
        }
    }

    fn note(&mut self, line: &str) {
        let _ = writeln!(self.run, "{line}");
    }

    /// A thread makes a call, and sleeps where it must wait.
    fn call(&mut self, thread: usize, call: Call) {
        let word = match call {
            Call::Read(len) => format!("read {len}"),
            Call::Write(len) => format!("write {len}"),
        };
        self.note(&format!("{}: {word}", NAMES[thread]));
        self.asleep[thread] = Some(call);
        self.settle();
    }

    fn close_writer(&mut self) {
        self.writer_is_open = false;
        self.note("writer: close -> ok");
        if !self.end_wakes_nobody {
            self.settle();
        }
        self.quiet();
    }

    /// Has each sleeping call go on as long as one can.
    fn settle(&mut self) {
        while (0..2).any(|thread| self.goes_on(thread)) {}
        self.quiet();
    }

    /// Says who sleeps now.
    fn quiet(&mut self) {
        let asleep = (0..2).filter(|thread| self.asleep[*thread].is_some());
        let asleep: Vec<_> = asleep.map(|thread| NAMES[thread]).collect();
        self.note(format!("quiet {}", asleep.join(", ")).trim_end());
    }

    /// Whether the call of a thread has returned just now.
    fn goes_on(&mut self, thread: usize) -> bool {
        let reply = match self.asleep[thread] {
            Some(Call::Read(len)) if !self.bytes.is_empty() => {
                let taken: Vec<_> = self.bytes.drain(..len.min(self.bytes.len())).collect();
                let (from, to) = (taken[0], taken[0] + taken.len());
                format!("{} = writer[{from}..{to}]", taken.len())
            }
            Some(Call::Read(_)) if !self.writer_is_open => "0".to_owned(),
            Some(Call::Write(len)) if self.bytes.len() + len <= ROOM => {
                self.bytes.extend(self.written..self.written + len);
                self.written += len;
                len.to_string()
            }
            _ => return false,
        };
        self.asleep[thread] = None;
        self.note(&format!("{}: -> {reply}", NAMES[thread]));
        true
    }
}

/// Some calls, of which one sleeps when the writer closes.
fn emulated(end_wakes_nobody: bool) -> String {
    let mut emulator = Emulator::new(end_wakes_nobody);
    for (thread, call) in [
        (0, Call::Read(5)),
        (1, Call::Write(3)),
        (1, Call::Write(6)),
        (0, Call::Read(9)),
        (0, Call::Read(1)),
    ] {
        emulator.call(thread, call);
    }
    emulator.close_writer();
    emulator.run
}

/// The verdict, and what each deviation means.
fn judged(run: &str) -> Result<String, ParseError> {
    let run: Run = run.parse()?;
    let judgement = judge(&run, &POSIX);
    let mut told = format!("{judgement}\n");
    for deviation in &judgement.deviations {
        told += &format!("{}\n", diagnose(&run, &judgement, deviation));
    }
    Ok(told)
}

fn main() -> Result<(), ParseError> {
    for end_wakes_nobody in [false, true] {
        let run = emulated(end_wakes_nobody);
        println!("{run}\n{}", judged(&run)?);
    }
    Ok(())
}

#[test]
fn a_sound_pipe_conforms() {
    let told = judged(&emulated(false)).expect("a run");
    assert!(told.starts_with("conforms"), "{told}");
}

#[test]
fn an_end_that_wakes_nobody_is_a_lost_wake_up() {
    let told = judged(&emulated(true)).expect("a run");
    assert!(told.starts_with("deviates") && told.contains("lost wake-up"), "{told}");
}

#[test]
fn judging_needs_few_crates() {
    let others = include_str!("../Cargo.lock").matches("[[package]]").count() - 2;
    assert!(others <= 12, "{others} crates");
}
