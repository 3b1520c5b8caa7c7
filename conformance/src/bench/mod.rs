//! What the project costs, against the bare mechanisms under it.
//!
//! Never absolute times: each aim is a ratio of medians over pairs, measured in turns in one run on one
//! processor. Pairs during which somebody else used that processor are dropped and counted.

mod calls;
mod histories;
mod load;
mod logs;
mod looks;
mod rows;
mod stops;
mod systems;
mod why;

use std::time::{Duration, Instant};

use pipewright_backends::sys::process;
use pipewright_backends::{Arrangement, Channel};
use pipewright_model::call::{Actor, Call, End, Op};
use pipewright_model::kind::Hold;
use pipewright_model::run::{Name, Seat};

use crate::bench::load::Load;
pub use crate::bench::rows::{Reached, Row, json, table};
use crate::stop;
use crate::{Placement, Runner, Scenario, Step, Trouble};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A channel's port against the raw calls.
    Ports,
    /// A whole scenario in one thread, recorded and judged, against the raw calls.
    Scenarios,
    /// A call in a worker against a futex ping-pong.
    Workers,
    /// Being certain that a worker sleeps, and how often that is wrong.
    Looks,
    /// The oracle's speed, alone.
    Oracle,
    /// Telling why hundreds of processes wait, against a list of what they have open.
    Why,
    /// A long log of strace, judged.
    Logs,
    /// Searching a system of a file, against the same from Rust.
    Systems,
}

impl What {
    /// Everything.
    pub const ALL: [What; 8] = [
        What::Ports,
        What::Scenarios,
        What::Workers,
        What::Looks,
        What::Oracle,
        What::Why,
        What::Logs,
        What::Systems,
    ];
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Pairs for each ratio.
    pub pairs: usize,
    /// Looks at actors that don't sleep.
    pub looks: u64,
}

impl Effort {
    /// The fewest pairs for a median that is worth its name.
    pub const PAIRS_MIN: usize = 15;
}

/// Measures; `tell` is given each row as soon as it is known.
///
/// # Errors
///
/// What keeps a runner from working.
pub fn run(what: &[What], effort: Effort, tell: &mut dyn FnMut(&Row)) -> Result<(), Trouble> {
    let cores = process::cores().map_err(Trouble::while_doing("list processors"))?;
    let mut bench = Bench { core: cores[0], effort, tell };
    bench.pin(&cores[..1])?;
    let result = what.iter().try_for_each(|what| match what {
        _ if stop::requested() => Err(Trouble::Stopped),
        What::Ports => calls::ports(&mut bench),
        What::Scenarios => calls::scenarios(&mut bench),
        What::Workers => {
            calls::workers(&mut bench)?;
            stops::cost(&mut bench)
        }
        What::Looks => {
            looks::certainty(&mut bench)?;
            bench.pin(&cores)?;
            let result = looks::false_answers(&mut bench);
            bench.pin(&cores[..1])?;
            result
        }
        What::Oracle => histories::oracle(&mut bench),
        What::Why => why::machine(&mut bench),
        What::Logs => logs::long(&mut bench),
        What::Systems => systems::from_files(&mut bench),
    });
    bench.pin(&cores)?;
    result
}

/// A run of the benchmark.
struct Bench<'a> {
    /// Where everything takes place.
    core: usize,
    effort: Effort,
    tell: &'a mut dyn FnMut(&Row),
}

/// Medians of pairs, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Medians {
    a: f64,
    b: f64,
    /// Pairs that count.
    kept: usize,
    /// Pairs that were disturbed.
    dropped: usize,
}

impl Bench<'_> {
    fn add(&mut self, row: Row) {
        (self.tell)(&row);
    }

    fn pin(&self, cores: &[usize]) -> Result<(), Trouble> {
        process::pin(cores).map_err(Trouble::while_doing("pin to a processor"))
    }

    /// Medians of two things measured in turns. Disturbed pairs are made up for, up to a limit.
    fn pairs(
        &self,
        mut a: impl FnMut() -> f64,
        mut b: impl FnMut() -> f64,
    ) -> Result<Medians, Trouble> {
        // Once for nothing: what is made at first use is no part of it.
        a();
        b();
        let (mut first, mut second, mut dropped) = (Vec::new(), Vec::new(), 0);
        while first.len() < self.effort.pairs && dropped < 3 * self.effort.pairs {
            if stop::requested() {
                return Err(Trouble::Stopped);
            }
            let load = Load::start(self.core);
            let (this, that) = (a(), b());
            if load.others_share() > OTHERS_MAX {
                dropped += 1;
                continue;
            }
            first.push(this);
            second.push(that);
        }
        let kept = first.len();
        Ok(Medians { a: median(&mut first), b: median(&mut second), kept, dropped })
    }
}

/// The most of the processor that others may use during a pair.
const OTHERS_MAX: f64 = 0.15;

/// How long one half of a pair takes at least: the system counts others' time in steps of 10 ms.
const HALF: Duration = Duration::from_millis(60);

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Nanoseconds that a piece of work takes, done again and again; `work` says how many pieces it did.
fn each(mut work: impl FnMut() -> usize) -> f64 {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < HALF {
        done += work();
    }
    start.elapsed().as_nanos() as f64 / done as f64
}

const R: End = End(0);
const W: End = End(1);

fn seats(ends: &[&[(End, Hold)]]) -> Vec<Seat> {
    const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
    let names = NAMES.into_iter().filter_map(Name::new);
    ends.iter().zip(names).map(|(ends, name)| Seat::new(name, ends.to_vec())).collect()
}

fn end_names() -> Vec<Name> {
    ["r", "w"].into_iter().filter_map(Name::new).collect()
}

/// A scenario in which each call is settled before the next.
fn scenario(ends: &[&[(End, Hold)]], calls: &[(u8, End, Op)]) -> Scenario {
    let step = |(actor, end, op): &(u8, End, Op)| {
        Step::settled(Call { actor: Actor(*actor), end: *end, op: *op })
    };
    Scenario { seats: seats(ends), end_names: end_names(), steps: calls.iter().map(step).collect() }
}

fn runner(
    channel: &'static dyn Channel,
    arrangement: Arrangement,
    placement: Placement,
) -> Result<Runner, Trouble> {
    Runner::new(channel, arrangement, 4, placement)
}
