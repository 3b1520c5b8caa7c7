//! The oracle alone: random histories of the model itself, so that nothing but judging is measured.

use std::hint::black_box;

use pipewright_model::call::{Actor, Call, Events, Mode, Op};
use pipewright_model::explore::Space;
use pipewright_model::kind::{Hold, PIPE};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::{Event, Run, Setup};
use pipewright_model::simulate::{Draw, history, with_bytes, without_data};

use super::rows::Bound;
use super::{Bench, Medians, R, Row, W, each, end_names, seats};
use crate::Trouble;

const SIZES: [u32; 8] = [1, 5, 100, 3_000, 4_095, 4_096, 4_097, 20_000];
const MUST_RATIO: f64 = 1.5;
const AIM_RATIO: f64 = 1.2;

/// Time per call as runs get longer, and calls a second.
pub(super) fn oracle(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    let sequential = space(&[Mode::Write, Mode::Read], true);
    let one = |calls| drawn(&sequential, calls, 1);
    let (short, long, longest) = (one(10_000), one(100_000), one(1_000_000));
    compare(bench, "judging sequential runs, 10^5 ÷ 10^4 calls", &long, &short)?;
    let medians = compare(bench, "judging sequential runs, 10^6 ÷ 10^4 calls", &longest, &short)?;
    bench.add(throughput("judging sequential runs of 10^6 calls", medians, Some((1e6, 5e6))));
    drop(longest);

    let concurrent = space(&[Mode::Write, Mode::Write, Mode::Read, Mode::Read], false);
    let four = |calls| drawn(&concurrent, calls, 4);
    let (short, long) = (four(10_000), four(100_000));
    let what = "judging histories of 4 actors, 10^5 ÷ 10^4 calls";
    let medians = compare(bench, what, &long, &short)?;
    bench.add(throughput("judging histories of 4 actors", medians, Some((3e5, 1e6))));
    let bytes = with_bytes(short.clone());
    let medians = measured(bench, &bytes, &short)?;
    let what = "the same, 10^4 calls, from bytes instead of names";
    bench.add(throughput(what, medians, Some((1e5, 5e5))));
    drop((long, bytes));

    let writers = six_writers();
    let medians = measured(bench, &writers, &short)?;
    let what = "judging six writers and a reader, no data recorded";
    bench.add(throughput(what, medians, Some((2e4, 1e5))));
    drop((short, writers));

    let (one, eight) = (conversations(1, 400), conversations(8, 50));
    let what = "judging 8 conversations on channels of their own ÷ 1, time a call";
    let medians = measured(bench, &eight, &one)?;
    bench.add(Row::ratio(what, medians, CONVERSATIONS_MUST, CONVERSATIONS_AIM));
    Ok(())
}

/// Six who write lines to a pipe, all at once, and one who reads pages; only how many bytes were read is recorded.
fn six_writers() -> Run {
    const LINE_BYTES: u32 = 100;
    const PAGE_BYTES: u32 = 4_096;
    const CALLS: usize = 14_000;
    let mut modes = [Mode::Write; 7];
    modes[6] = Mode::Read;
    let mut space = space(&modes, false);
    space.alphabet.retain(|call| match call.op {
        Op::Write { len } => len == LINE_BYTES,
        op => op == Op::Read { len: PAGE_BYTES },
    });
    without_data(drawn(&space, CALLS, modes.len()))
}

/// What a call may cost where unrelated conversations are under way, against one alone.
const CONVERSATIONS_MUST: f64 = 3.0;
const CONVERSATIONS_AIM: f64 = 1.3;

/// So many TCP connections over which one write and one read of 40,000 bytes are in flight at a time, all at once.
fn conversations(channels: usize, rounds: usize) -> Run {
    const BYTES: u32 = 40_000;
    let all = || 0..channels;
    let mut text: String = all().map(|at| format!("channel c{at} tcp\n")).collect();
    for at in all() {
        text += &format!("process a{at} holds c{at}.sa\nprocess b{at} holds c{at}.sb\n");
    }
    for _ in 0..rounds {
        all().for_each(|at| text += &format!("a{at}: write c{at}.sa {BYTES}\n"));
        all().for_each(|at| text += &format!("b{at}: read c{at}.sb {BYTES}\n"));
        all().for_each(|at| text += &format!("a{at}: -> {BYTES}\n"));
        all().for_each(|at| text += &format!("b{at}: -> {BYTES}\n"));
    }
    text.parse().unwrap_or_else(|error| unreachable!("the text above is a run: {error}"))
}

/// Pipes of the usual size, with an actor for each mode.
fn space(modes: &[Mode], nonblock: bool) -> Space {
    let mut setup = Setup::new(&PIPE);
    setup.nonblock = nonblock;
    let ends: Vec<_> =
        modes.iter().map(|mode| [(if mode.writes() { W } else { R }, Hold::of(*mode))]).collect();
    let ends: Vec<_> = ends.iter().map(<[_; 1]>::as_slice).collect();
    let calls = |(index, mode): (usize, &Mode)| {
        let (writes, actor) = (mode.writes(), Actor(index as u8));
        let (end, ready) = if writes { (W, Events::OUT) } else { (R, Events::IN) };
        let op = move |len| if writes { Op::Write { len } } else { Op::Read { len } };
        let poll = nonblock.then_some(Op::Poll { events: ready, wait: false, among: false });
        let ops = SIZES.into_iter().map(op).chain(poll);
        ops.map(move |op| Call { actor, end, op })
    };
    Space {
        setup,
        seats: seats(&ends),
        end_names: end_names(),
        alphabet: modes.iter().enumerate().flat_map(calls).collect(),
        fill_bytes: u32::MAX,
        lasting_bytes: None,
    }
}

/// The same history each time.
fn drawn(space: &Space, calls: usize, in_flight: usize) -> Run {
    let mut state = 3_u64;
    let draw = Draw { events: 2 * calls, eagerness: 50, in_flight };
    history(space, &LINUX, &draw, |choices| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % choices
    })
}

fn compare(bench: &mut Bench<'_>, what: &str, long: &Run, short: &Run) -> Result<Medians, Trouble> {
    let medians = measured(bench, long, short)?;
    bench.add(Row::ratio(what, medians, MUST_RATIO, AIM_RATIO));
    Ok(medians)
}

/// Nanoseconds a call; no number for a run that is not found to conform.
fn measured(bench: &Bench<'_>, a: &Run, b: &Run) -> Result<Medians, Trouble> {
    let judged = |run: &Run| {
        let calls = run.events.iter().filter(|event| matches!(event, Event::Call(_))).count();
        let mut conforms = true;
        let time = each(|| {
            conforms &= black_box(judge(run, &LINUX)).verdict == Verdict::Conforms;
            calls
        });
        if conforms { time } else { f64::NAN }
    };
    bench.pairs(|| judged(a), || judged(b))
}

fn throughput(what: &str, medians: Medians, bounds: Option<(f64, f64)>) -> Row {
    let row = Row::ratio(what, medians, 0.0, 0.0);
    let bounds = bounds.map(|(must, aim)| (Bound::Least(must), Bound::Least(aim)));
    let what = format!("{what}, calls a second");
    Row { what, floor: String::new(), value: 1e9 / medians.a, bounds, ..row }
}
