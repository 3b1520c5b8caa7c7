//! Calls: through a port, in a scenario, in a worker.

use std::hint::black_box;
use std::path::Path;

use nix::unistd::{pipe, read, write};
use pipewright_backends::sys::map::Word;
use pipewright_backends::sys::process::Child;
use pipewright_backends::{Arrangement, Channel, Pipe};
use pipewright_model::call::{End, Op};
use pipewright_model::kind::Hold;
use pipewright_model::oracle::judge;
use pipewright_model::platform::LINUX;

use super::{Bench, R, Row, W, each, runner, scenario, seats};
use crate::{Placement, Solo, Trouble};

/// A port over a pipe against the raw calls.
pub(super) fn ports(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    const ROUNDS: usize = 1_000;
    let making = Trouble::while_doing("make a pipe");
    let seats = seats(&[&[(R, Hold::READ), (W, Hold::WRITE)]]);
    let mut made = Pipe::PLAIN.create(Path::new(""), &seats).map_err(&making)?;
    let port = &mut made.ports[0];
    let (reader, writer) = pipe().map_err(|errno| making(errno.into()))?;
    let (mut bytes, mut same) = ([0; 64], [0; 64]);
    let medians = bench.pairs(
        || {
            each(|| {
                for _ in 0..ROUNDS {
                    black_box(port.call(W, Op::Write { len: 64 }, &mut bytes));
                    black_box(port.call(R, Op::Read { len: 64 }, &mut bytes));
                }
                ROUNDS
            })
        },
        || {
            each(|| {
                for _ in 0..ROUNDS {
                    let _ = black_box(write(&writer, &same));
                    let _ = black_box(read(&reader, &mut same));
                }
                ROUNDS
            })
        },
    )?;
    bench.add(Row::ratio("port ÷ raw calls: write and read of 64 B", medians, 1.10, 1.03));
    Ok(())
}

/// A scenario in one thread, recorded and judged, against its raw calls.
pub(super) fn scenarios(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    const PAIRS: usize = 5;
    let ends: [&[(End, Hold)]; 2] = [&[(R, Hold::READ)], &[(W, Hold::WRITE)]];
    let pair = [(1, W, Op::Write { len: 64 }), (0, R, Op::Read { len: 64 })];
    let ten = scenario(&ends, &pair.repeat(PAIRS));
    let mut solo = Solo::new(&Pipe::PLAIN)?;
    solo.run(&ten)?;
    let mut bytes = [0; 64];
    let medians = bench.pairs(
        || {
            each(|| {
                if let Ok(run) = solo.run(&ten) {
                    black_box(judge(run, &LINUX));
                }
                1
            })
        },
        || {
            each(|| {
                if let Ok((reader, writer)) = pipe() {
                    for _ in 0..PAIRS {
                        let _ = black_box(write(&writer, &bytes));
                        let _ = black_box(read(&reader, &mut bytes));
                    }
                }
                1
            })
        },
    )?;
    let what = "scenario of 10 calls, recorded and judged ÷ raw: make, 10 calls, close";
    bench.add(Row::ratio(what, medians, 3.0, 1.5));
    Ok(())
}

/// A call in a worker process against a futex ping-pong between processes.
pub(super) fn workers(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    const CALLS: usize = 2_000;
    let failed = Trouble::while_doing("start a process");
    let (there, back) = (Word::new().map_err(&failed)?, Word::new().map_err(&failed)?);
    let _child = Child::fork(vec![], || answering(&there, &back)).map_err(&failed)?;
    let mut count = 0;
    let calls = scenario(&[&[(R, Hold::READ)]], &[(0, R, Op::Read { len: 0 }); CALLS]);
    let none = scenario(&[&[(R, Hold::READ)]], &[]);
    let mut runner = runner(&Pipe::PLAIN, Arrangement::Passed, Placement::Core(bench.core))?;
    let mut trouble = None;
    let medians = bench.pairs(
        || {
            let mut once = |scenario, pieces| {
                each(|| {
                    trouble = runner.run(scenario).err().or(trouble.take());
                    pieces
                })
            };
            let nothing = once(&none, 1) / CALLS as f64;
            once(&calls, CALLS) - nothing
        },
        || each(|| ping_pong(&there, &back, &mut count)),
    )?;
    trouble.map_or(Ok(()), Err)?;
    bench.add(Row::ratio("call in a worker process ÷ futex ping-pong", medians, 2.0, 1.3));
    Ok(())
}

/// There and back between two processes.
fn ping_pong(there: &Word, back: &Word, count: &mut u32) -> usize {
    const ROUNDS: usize = 1_000;
    for _ in 0..ROUNDS {
        let before = *count;
        *count = count.wrapping_add(1);
        there.set(*count);
        while back.get() == before {
            back.wait(before);
        }
    }
    ROUNDS
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
