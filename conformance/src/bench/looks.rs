//! Looking: what it costs to be certain that a worker sleeps, and how often that certainty is false.

use std::hint::{black_box, spin_loop};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{pipe, read, write};
use pipewright_backends::sys::process::{self, Child};
use pipewright_backends::{Arrangement, Channel, Instance, Pipe, Port, Seen};
use pipewright_model::call::{Answer, End, Op};
use pipewright_model::kind::Hold;
use pipewright_model::run::{Event, Seat, Setup};

use super::rows::Bound;
use super::{Bench, R, Row, W, each, runner, scenario};
use crate::{Placement, Trouble, stop};

/// What it costs to be certain that a worker sleeps, against a round trip between processes through pipes.
pub(super) fn certainty(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    const CALLS: usize = 2_000;
    let failed = Trouble::while_doing("start a process");
    let made = || pipe().map_err(|errno| failed(errno.into()));
    let ((from, to_child), (from_child, to)) = (made()?, made()?);
    let keep = [from.as_raw_fd(), to.as_raw_fd()].into();
    let _child = Child::fork(keep, || echo(&from, &to)).map_err(&failed)?;
    let ends: [&[(End, Hold)]; 2] = [&[(R, Hold::READ)], &[(W, Hold::WRITE)]];
    let idle = vec![(1, W, Op::Write { len: 0 }); CALLS];
    let mut calls = vec![(0, R, Op::Read { len: 1 })];
    calls.extend(&idle);
    let (with, without) = (scenario(&ends, &calls), scenario(&ends, &idle));
    let mut runner = runner(&Pipe::PLAIN, Arrangement::Passed, Placement::Core(bench.core))?;
    let mut bytes = [0; 64];
    let mut trouble = None;
    let medians = bench.pairs(
        || {
            let mut once = |scenario| {
                each(|| {
                    trouble = runner.run(scenario).err().or(trouble.take());
                    CALLS
                })
            };
            once(&with) - once(&without)
        },
        || {
            each(|| {
                let _ = black_box(write(&to_child, &bytes));
                let _ = black_box(read(&from_child, &mut bytes));
                1
            })
        },
    )?;
    trouble.map_or(Ok(()), Err)?;
    let what = "certain that a worker sleeps ÷ round trip through pipes";
    bench.add(Row::ratio(what, medians, 1.5, 0.7));
    Ok(())
}

fn echo(from: impl AsFd, to: impl AsFd) {
    let mut bytes = [0; 64];
    while read(&from, &mut bytes).is_ok_and(|count| count > 0) {
        let _ = write(&to, &bytes);
    }
}

/// A channel on which calls are always under way: two actors wake each other again and again, a
/// third makes short calls, a fourth computes. Each sleeps often, never all at once.
struct Restless;

const ROUNDS: usize = 100;

impl Channel for Restless {
    fn name(&self) -> &str {
        "restless"
    }

    fn setup(&self) -> Setup {
        Pipe::PLAIN.setup()
    }

    fn create(&self, _: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let ((a, b), (c, d)) = (pipe()?, pipe()?);
        let mut fds = [Some((a, d)), Some((c, b))].into_iter();
        let ports = seats.iter().enumerate().map(|(index, _)| -> Box<dyn Port> {
            let fds = fds.next().flatten();
            Box::new(move |_: End, _: Op, _: &mut [u8]| {
                match (index, &fds) {
                    (0 | 1, Some((from, to))) => rally(index == 0, from, to),
                    (2, _) => (0..ROUNDS).for_each(|_| drop(black_box(process::cores()))),
                    _ => (0..ROUNDS * 1_000).for_each(|_| spin_loop()),
                }
                Seen::answer(Answer::Done)
            })
        });
        Ok(Instance { setup: self.setup(), ports: ports.collect(), keeper: None })
    }
}

fn rally(serves: bool, from: impl AsFd, to: impl AsFd) {
    let mut byte = [0];
    for _ in 0..ROUNDS {
        if serves {
            let _ = write(&to, &byte);
        }
        let _ = read(&from, &mut byte);
        if !serves {
            let _ = write(&to, &byte);
        }
    }
}

/// Counts false answers while somebody else keeps a processor busy.
pub(super) fn false_answers(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    let busy = AtomicBool::new(true);
    let counted = thread::scope(|threads| {
        let neighbour = thread::Builder::new().spawn_scoped(threads, || be_busy(&busy));
        neighbour.map_err(Trouble::while_doing("start a thread"))?;
        let counted = all_kinds(bench);
        busy.store(false, Ordering::Relaxed);
        counted
    });
    let (wrong, looks) = counted?;
    bench.add(Row {
        what: "false answers in looks at actors that don't sleep, a neighbour busy".to_owned(),
        measured: format!("{looks} looks"),
        floor: String::new(),
        value: wrong as f64,
        bounds: Some((Bound::Most(0.0), Bound::Most(0.0))),
        pairs: (0, 0),
    });
    Ok(())
}

/// On the processor furthest from the one on which others are pinned.
fn be_busy(busy: &AtomicBool) {
    if let Some(last) = process::cores().ok().and_then(|cores| cores.last().copied()) {
        // Wherever it is, it is busy.
        let _ = process::pin(&[last]);
    }
    while busy.load(Ordering::Relaxed) {
        (0..10_000).for_each(|_| spin_loop());
        thread::yield_now();
    }
}

/// Falsely quiet, and looks.
type Counted = (usize, u64);

fn all_kinds(bench: &Bench<'_>) -> Result<Counted, Trouble> {
    let placements = [Placement::Core(bench.core), Placement::Spread, Placement::Anywhere];
    let (mut wrong, mut looks) = (0, 0);
    let mut add = |(bad, all): Counted| (wrong, looks) = (wrong + bad, looks + all);
    let start = bench.effort.looks / 10;
    // Into a call that never sleeps few looks fall; on one processor, where they take their turn with it,
    // next to none.
    for placement in &placements[1..] {
        for actors in [&[2_u8] as &[u8], &[3], &[0, 1, 2, 3]] {
            add(restless(*placement, actors, start / 6, Instant::now() + SLOW_MOST)?);
        }
    }
    let share = bench.effort.looks.div_ceil(2 * placements.len() as u64);
    let for_ever = Instant::now() + Duration::from_secs(86_400);
    for placement in placements {
        add(restless(placement, &[0, 1, 2], share, for_ever)?);
        add(handovers(placement, share)?);
    }
    if stop::requested() { Err(Trouble::Stopped) } else { Ok((wrong, looks)) }
}

/// How long to look at one kind of calls that never sleep.
const SLOW_MOST: Duration = Duration::from_secs(2);

/// Looks while calls are always under way: any quiet is false.
fn restless(
    placement: Placement,
    actors: &[u8],
    looks: u64,
    until: Instant,
) -> Result<Counted, Trouble> {
    let mut runner = runner(&Restless, Arrangement::Threads, placement)?;
    let calls: Vec<_> = actors.iter().map(|actor| (*actor, R, Op::POSITION)).collect();
    let seat: &[(End, Hold)] = &[(R, Hold::READ)];
    let mut scenario = scenario(&[seat; 4], &calls);
    for step in &mut scenario.steps {
        step.settle = false;
    }
    let mut wrong = 0;
    while runner.looks() < looks && Instant::now() < until && !stop::requested() {
        let run = runner.run(&scenario)?;
        wrong += run.events.iter().filter(|event| matches!(event, Event::Quiet(_))).count();
    }
    Ok((wrong, runner.looks()))
}

/// Looks while a writer releases a reader: any quiet but the reader's own is false.
fn handovers(placement: Placement, looks: u64) -> Result<Counted, Trouble> {
    let mut runner = runner(&Pipe::PLAIN, Arrangement::Passed, placement)?;
    let ends: [&[(End, Hold)]; 2] = [&[(R, Hold::READ)], &[(W, Hold::WRITE)]];
    const CYCLES: usize = 100;
    let cycle = [(0, R, Op::Read { len: 9 }), (1, W, Op::Write { len: 1 })];
    let scenario = scenario(&ends, &cycle.repeat(CYCLES));
    let mut wrong = 0;
    while runner.looks() < looks && !stop::requested() {
        let run = runner.run(&scenario)?;
        wrong += run.events.len().abs_diff(5 * CYCLES);
    }
    Ok((wrong, runner.looks()))
}
