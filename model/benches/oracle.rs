//! How fast the oracle judges: `cargo bench -p pipewright-model`.
//!
//! Sequential runs of 10^4, 10^5 and 10^6 calls, and histories of four actors with up to four calls in
//! flight. Compare the throughputs: time per call is to stay flat.

#[path = "../tests/common/mod.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod common;
#[path = "../tests/common/history.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod history;

use common::{Add, R, W, read, space, write};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use history::{Draw, history};
use pipewright_model::call::{Events, Mode, Op};
use pipewright_model::explore::Space;
use pipewright_model::kind::PIPE;
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, POSIX, Platform};
use pipewright_model::run::{Event, Run};
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Pipes of the usual size; non-blocking ends for sequential runs.
fn pipe(seats: &[&[Mode]], nonblock: bool) -> Space {
    let mut space = space(&PIPE, seats);
    space.setup.capacity_bytes = 65_536;
    space.setup.nonblock = nonblock;
    space.fill_bytes = u32::MAX;
    space
}

const SIZES: [u32; 8] = [1, 5, 100, 3000, 4095, 4096, 4097, 20_000];

fn sequential() -> Space {
    pipe(&[&[Mode::Write], &[Mode::Read]], true)
        .calls_of(0, W, &SIZES.map(write))
        .calls_of(0, W, &[Op::Poll { events: Events::OUT, wait: false }, Op::Available])
        .calls_of(1, R, &SIZES.map(read))
        .calls_of(1, R, &[Op::Poll { events: Events::IN, wait: false }])
}

fn concurrent() -> Space {
    pipe(&[&[Mode::Write], &[Mode::Write], &[Mode::Read], &[Mode::Read]], false)
        .calls_of(0, W, &SIZES.map(write))
        .calls_of(1, W, &SIZES.map(write))
        .calls_of(2, R, &SIZES.map(read))
        .calls_of(3, R, &SIZES.map(read))
}

fn run_of(space: &Space, platform: &Platform, calls: usize, in_flight: usize) -> Run {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]);
    let draw = Draw { events: 2 * calls, eagerness: 50, in_flight };
    let run = history(space, platform, &draw, &mut rng);
    let judgement = judge(&run, platform);
    assert_eq!(judgement.verdict, Verdict::Conforms);
    let made = run.events.iter().filter(|event| matches!(event, Event::Call(_))).count();
    eprintln!("{made} calls, {} events, up to {} states", run.events.len(), judgement.states_most);
    run
}

fn oracle(c: &mut Criterion) {
    let mut group = c.benchmark_group("oracle");
    group.sample_size(10);
    for calls in [10_000, 100_000, 1_000_000] {
        let run = run_of(&sequential(), &LINUX, calls, 1);
        group.throughput(Throughput::Elements(calls as u64));
        group.bench_with_input(BenchmarkId::new("sequential", calls), &run, |b, run| {
            b.iter(|| judge(run, &LINUX));
        });
    }
    for calls in [10_000, 100_000] {
        for (name, platform) in [("concurrent-4", &LINUX), ("concurrent-4-posix", &POSIX)] {
            if platform.name == "posix" && calls > 10_000 {
                continue;
            }
            let run = run_of(&concurrent(), platform, calls, 4);
            group.throughput(Throughput::Elements(calls as u64));
            group.bench_with_input(BenchmarkId::new(name, calls), &run, |b, run| {
                b.iter(|| judge(run, platform));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, oracle);
criterion_main!(benches);
