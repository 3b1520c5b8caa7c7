//! What it costs to stop a call in its middle.

use pipewright_backends::sys::stop;
use pipewright_backends::{Arrangement, Pipe};
use pipewright_model::call::{End, Events, Op};
use pipewright_model::kind::Hold;

use super::{Bench, R, Row, W, each, runner, scenario};
use crate::scenario::Stop;
use crate::{Placement, Trouble};

/// A scenario with a stop and calls inside, against the same scenario without.
pub(super) fn cost(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    if stop::unavailable().is_some() {
        return Ok(());
    }
    let ends: [&[(End, Hold)]; 2] = [&[(W, Hold::WRITE)], &[(R, Hold::READ)]];
    let poll = (1, R, Op::Poll { events: Events::IN, wait: false, among: false });
    let mut calls = vec![(0, W, Op::Write { len: 65_536 })];
    calls.extend([poll; 4]);
    calls.push((1, R, Op::Read { len: 65_536 }));
    let without = scenario(&ends, &calls);
    let mut with = without.clone();
    with.steps[0].stop = Some(Stop { at: 4_096, inside: 4 });
    let mut runner = runner(&Pipe::PLAIN, Arrangement::Passed, Placement::Core(bench.core))?;
    let mut trouble = None;
    let mut once = |scenario| {
        each(|| {
            trouble = runner.run(scenario).err().or(trouble.take());
            1
        })
    };
    let once = std::cell::RefCell::new(&mut once);
    let medians = bench.pairs(|| once.borrow_mut()(&with), || once.borrow_mut()(&without))?;
    trouble.map_or(Ok(()), Err)?;
    bench.add(Row::ratio("a scenario with a stop ÷ the same without", medians, 5.0, 2.0));
    Ok(())
}
