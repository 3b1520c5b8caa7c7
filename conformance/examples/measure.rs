//! Measures the harness against the bare mechanisms under it, as ratios of medians.
//!
//! Each ratio comes from interleaved pairs in one run, all on one processor unless it says
//! otherwise; absolute times are printed for orientation only.

use std::hint::{black_box, spin_loop};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use nix::unistd::{pipe, read, write};
use pipewright_backends::sys::map::Word;
use pipewright_backends::sys::process::{self, Child};
use pipewright_backends::{Arrangement, Channel, Fifo, Instance, Pipe, Port, Seen};
use pipewright_conformance::{Placement, Runner, Scenario, Step};
use pipewright_model::call::{Actor, Answer, Call, End, Mode, Op};
use pipewright_model::run::{Event, Name, Seat, Setup};

const R: End = End(0);
const W: End = End(1);
const PAIRS: usize = 21;
const CORE: usize = 0;

fn main() {
    // With a number N: only the looks, N times as many; 10 makes more than 200,000.
    let times = std::env::args().nth(1).map(|text| text.parse().expect("a number"));
    let cores = process::cores().expect("processors");
    process::pin(&[CORE]).expect("pinned");
    println!("all on processor {CORE}; medians of {PAIRS} interleaved pairs");
    if times.is_none() {
        port_against_raw_calls();
        call_in_a_worker();
        certainty_of_sleep();
        whole_scenarios();
    }
    process::pin(&cores).expect("unpinned");
    false_answers(2_000 * times.unwrap_or(1));
}

/// Medians of two things measured in turns, in nanoseconds each, and their ratio.
fn pairs(name: &str, mut a: impl FnMut() -> f64, mut b: impl FnMut() -> f64) {
    let (mut first, mut second): (Vec<f64>, Vec<f64>) = (0..PAIRS).map(|_| (a(), b())).unzip();
    let (a, b) = (median(&mut first), median(&mut second));
    println!("{name}: {:.2} ({a:.0} ns ÷ {b:.0} ns)", a / b);
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds a round.
fn each(rounds: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..rounds {
        work();
    }
    start.elapsed().as_nanos() as f64 / rounds as f64
}

fn seats(ends: &[&[(End, Mode)]]) -> Vec<Seat> {
    let name = |index| Name::new(&format!("a{index}")).expect("a name");
    let seats = ends.iter().enumerate();
    seats.map(|(index, ends)| Seat { name: name(index), ends: ends.to_vec() }).collect()
}

fn scenario(ends: &[&[(End, Mode)]], calls: &[(u8, End, Op)]) -> Scenario {
    let end_names = ["r", "w"].map(|name| Name::new(name).expect("a name")).into();
    let step = |(actor, end, op): &(u8, End, Op)| Step {
        call: Call { actor: Actor(*actor), end: *end, op: *op },
        settle: true,
    };
    Scenario { seats: seats(ends), end_names, steps: calls.iter().map(step).collect() }
}

fn runner(channel: &'static dyn Channel, arrangement: Arrangement, placement: Placement) -> Runner {
    Runner::new(channel, arrangement, 4, placement).expect("a runner")
}

fn port_against_raw_calls() {
    let seats = seats(&[&[(R, Mode::Read), (W, Mode::Write)]]);
    let mut made = Pipe::PLAIN.create(Path::new(""), &seats).expect("a pipe");
    let port = &mut made.ports[0];
    let (reader, writer) = pipe().expect("a pipe");
    let (mut bytes, mut same) = ([0; 64], [0; 64]);
    pairs(
        "aim 1, port ÷ raw, write 64 + read 64",
        || {
            each(20_000, || {
                black_box(port.call(W, Op::Write { len: 64 }, &mut bytes));
                black_box(port.call(R, Op::Read { len: 64 }, &mut bytes));
            })
        },
        || {
            each(20_000, || {
                black_box(write(&writer, &same)).expect("written");
                black_box(read(&reader, &mut same)).expect("read");
            })
        },
    );
}

/// There and back between two processes: nanoseconds a round.
fn futex_ping_pong(there: &Word, back: &Word, count: &mut u32) -> f64 {
    each(5_000, || {
        let before = *count;
        *count = count.wrapping_add(1);
        there.set(*count);
        while back.get() == before {
            back.wait(before);
        }
    })
}

fn answering(there: &Word, back: &Word) {
    let mut count = 0;
    loop {
        while there.get() == count {
            there.wait(count);
        }
        count = there.get();
        back.set(count);
    }
}

fn call_in_a_worker() {
    let (there, back) = (Word::new().expect("a word"), Word::new().expect("a word"));
    let _child = Child::fork(vec![], || answering(&there, &back)).expect("a process");
    let mut count = 0;
    const CALLS: usize = 2_000;
    let calls = scenario(&[&[(R, Mode::Read)]], &[(0, R, Op::Read { len: 0 }); CALLS]);
    let none = scenario(&[&[(R, Mode::Read)]], &[]);
    for arrangement in [Arrangement::Passed, Arrangement::Threads] {
        let mut runner = runner(&Pipe::PLAIN, arrangement, Placement::Core(CORE));
        let mut a_call = || {
            let nothing = each(1, || drop(runner.run(&none).expect("a run")));
            (each(1, || drop(runner.run(&calls).expect("a run"))) - nothing) / CALLS as f64
        };
        a_call();
        pairs(
            &format!("aim 8, one call in a worker ({arrangement:?}) ÷ futex ping-pong"),
            &mut a_call,
            || futex_ping_pong(&there, &back, &mut count),
        );
    }
}

fn echo(from: impl AsFd, to: impl AsFd) {
    let mut bytes = [0; 64];
    while read(&from, &mut bytes).is_ok_and(|count| count > 0) {
        write(&to, &bytes).expect("written");
    }
}

fn certainty_of_sleep() {
    let ((from, to_child), (from_child, to)) = (pipe().expect("a pipe"), pipe().expect("a pipe"));
    let keep = [from.as_fd(), to.as_fd()];
    let keep = keep.map(|fd| std::os::fd::AsRawFd::as_raw_fd(&fd)).into();
    let _child = Child::fork(keep, || echo(&from, &to)).expect("a process");
    const CALLS: usize = 2_000;
    let reader: &[(End, Mode)] = &[(R, Mode::Read)];
    for blocked in 1..=3_u8 {
        let mut ends = vec![reader; usize::from(blocked)];
        ends.push(&[(W, Mode::Write)]);
        let reads = (0..blocked).map(|actor| (actor, R, Op::Read { len: 1 }));
        let idle = vec![(blocked, W, Op::Write { len: 0 }); CALLS];
        let with: Vec<_> = reads.chain(idle.clone()).collect();
        let (with, without) = (scenario(&ends, &with), scenario(&ends, &idle));
        let mut runner = runner(&Pipe::PLAIN, Arrangement::Passed, Placement::Core(CORE));
        let mut bytes = [0; 64];
        pairs(
            &format!("aim 9, certain that {blocked} are blocked ÷ pipe round trip"),
            || {
                let with = each(1, || drop(runner.run(&with).expect("a run")));
                (with - each(1, || drop(runner.run(&without).expect("a run")))) / CALLS as f64
            },
            || {
                each(5_000, || {
                    write(&to_child, &bytes).expect("written");
                    read(&from_child, &mut bytes).expect("read");
                })
            },
        );
    }
}

fn whole_scenarios() {
    let ends: [&[(End, Mode)]; 2] = [&[(R, Mode::Read)], &[(W, Mode::Write)]];
    let pair = [(1, W, Op::Write { len: 64 }), (0, R, Op::Read { len: 64 })];
    let ten = scenario(&ends, &pair.repeat(5));
    let ten = vec![ten; 64];
    let mut bytes = [0; 64];
    let mut raw = || {
        each(200, || {
            let (reader, writer) = pipe().expect("a pipe");
            for _ in 0..5 {
                write(&writer, &bytes).expect("written");
                read(&reader, &mut bytes).expect("read");
            }
        })
    };
    for channel in [&Pipe::PLAIN as &'static dyn Channel, &Fifo::PLAIN] {
        for arrangement in channel.arrangements() {
            let mut runner =
                Runner::new(channel, *arrangement, 2, Placement::Core(CORE)).expect("a runner");
            let ten = &ten;
            pairs(
                &format!("{} {arrangement:?}, 10 calls ÷ raw in one process", channel.name()),
                || each(1, || runner.run_all(ten, |_, run| drop(run.expect("a run")))) / 64.0,
                &mut raw,
            );
        }
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
            write(&to, &byte).expect("written");
        }
        read(&from, &mut byte).expect("read");
        if !serves {
            write(&to, &byte).expect("written");
        }
    }
}

fn false_answers(looks: u64) {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = stop.clone();
    let neighbour = thread::spawn(move || {
        // The processor furthest from the one on which others are pinned.
        process::pin(&[*process::cores().expect("processors").last().expect("one")])
            .expect("pinned");
        while !seen.load(Ordering::Relaxed) {
            (0..10_000).for_each(|_| spin_loop());
            thread::yield_now();
        }
    });
    for placement in [Placement::Core(CORE), Placement::Spread, Placement::Anywhere] {
        restless(placement, &[0, 1, 2], looks);
        // On one processor looks take their turn with calls: few fall into a call that never sleeps.
        if !matches!(placement, Placement::Core(_)) {
            restless(placement, &[2], looks);
            restless(placement, &[3], looks);
            restless(placement, &[0, 1, 2, 3], looks);
        }
        handovers(placement, looks);
    }
    stop.store(true, Ordering::Relaxed);
    neighbour.join().expect("the neighbour");
}

/// Looks while calls are always under way: any quiet is false.
fn restless(placement: Placement, actors: &[u8], looks: u64) {
    let mut runner = runner(&Restless, Arrangement::Threads, placement);
    let calls: Vec<_> = actors.iter().map(|actor| (*actor, R, Op::Seek)).collect();
    let seat: &[(End, Mode)] = &[(R, Mode::Read)];
    let mut scenario = scenario(&[seat; 4], &calls);
    for step in &mut scenario.steps {
        step.settle = false;
    }
    let mut wrong = 0;
    while runner.looks() < looks {
        let run = runner.run(&scenario).expect("a run");
        wrong += run.events.iter().filter(|event| matches!(event, Event::Quiet(_))).count();
    }
    let looks = runner.looks();
    println!("false answers, restless {actors:?} {placement:?}: {wrong} in {looks} looks");
}

/// Looks while a writer releases a reader: any quiet but the reader's own is false.
fn handovers(placement: Placement, looks: u64) {
    let mut runner = runner(&Pipe::PLAIN, Arrangement::Passed, placement);
    let ends: [&[(End, Mode)]; 2] = [&[(R, Mode::Read)], &[(W, Mode::Write)]];
    const CYCLES: usize = 100;
    let cycle = [(0, R, Op::Read { len: 9 }), (1, W, Op::Write { len: 1 })];
    let scenario = scenario(&ends, &cycle.repeat(CYCLES));
    let mut wrong = 0;
    while runner.looks() < looks {
        let run = runner.run(&scenario).expect("a run");
        wrong += run.events.len().abs_diff(5 * CYCLES);
    }
    println!("false answers, handovers {placement:?}: {wrong} in {} looks", runner.looks());
}
