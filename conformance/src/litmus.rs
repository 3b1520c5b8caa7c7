//! Litmus tests on real channels: the same few calls again and again, what came of them counted, beside what the
//! rules allow.
//!
//! Calls that stop are made as the file has them. Others are made at once, as far as the file lets them, those of
//! different actors in another order each time, by actors on different processors.

use pipewright_backends::{Arrangement, Channel};
use pipewright_model::litmus::{Expectation, Litmus, Outcome, TooMany, Word};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::Platform;
use pipewright_model::run::{Event, Run};

use crate::generate::Dice;
use crate::scenario::{Scenario, Step};
use crate::{Placement, Runner, Trouble, stop};

/// An outcome, and how often it came.
#[derive(Clone, Debug)]
pub struct Row {
    /// What all calls gave, in words.
    pub outcome: String,
    /// Whether the rules allow it.
    pub allowed: bool,
    /// How often it was seen.
    pub seen: usize,
    /// A run that shows it, if one was.
    pub run: Option<Run>,
}

/// What came of a litmus test.
#[derive(Clone, Debug)]
pub struct Seen {
    /// All that is allowed, and all that was seen.
    pub rows: Vec<Row>,
    /// What the file expects and the rules say otherwise, in words.
    pub wrong: Vec<String>,
    /// For each expectation of the file: the word, the outcome, and how often it was seen.
    pub expected: Vec<(Word, String, usize)>,
    /// Runs that could not be judged.
    pub unjudged: usize,
}

/// Why a litmus test has no result.
#[derive(Debug, thiserror::Error)]
pub enum LitmusError {
    /// Its outcomes can't all be found.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// It could not be run.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// What the file expects and the rules say otherwise. Where a file says anything, it says all that is allowed.
pub fn wrong(litmus: &Litmus, allowed: &[Outcome]) -> Vec<String> {
    let mut wrong = Vec::new();
    for expected in &litmus.expected {
        let told = litmus.tell_expected(expected);
        let may_be = allowed.iter().any(|outcome| litmus.fits(expected, outcome));
        match (expected.word, may_be) {
            (Word::Forbidden, true) => wrong.push(format!("the rules allow: {told}")),
            (Word::Allowed | Word::Lax, false) => wrong.push(format!("no rule allows: {told}")),
            (Word::Lax, true) if expected.remark.is_empty() => {
                wrong.push(format!("no reason is given why this is lax: {told}"));
            }
            _ => {}
        }
    }
    let says = !litmus.expected.is_empty();
    for outcome in allowed.iter().filter(|_| says) {
        let told = |expected: &Expectation| {
            expected.word != Word::Forbidden && litmus.fits(expected, outcome)
        };
        if !litmus.expected.iter().any(told) {
            wrong.push(format!(
                "the file does not say what the rules allow: {}",
                litmus.tell(outcome)
            ));
        }
    }
    wrong
}

/// Runs a litmus test so many times.
///
/// # Errors
///
/// There are too many outcomes, or the system refuses something.
pub fn run(
    litmus: &Litmus,
    channel: &'static dyn Channel,
    platform: &Platform,
    runs: usize,
) -> Result<Seen, LitmusError> {
    let allowed = litmus.outcomes(platform)?;
    let row = |outcome: &Outcome| Row {
        outcome: litmus.tell(outcome),
        allowed: true,
        seen: 0,
        run: None,
    };
    let mut rows: Vec<Row> = allowed.iter().map(row).collect();
    let mut counts = vec![0; litmus.expected.len()];
    let mut unjudged = 0;
    let mut dice = Dice::new(1);
    let (one, kind) = (scenario(litmus, &mut dice), channel.setup().kind);
    let can_be = |arrangement: &&Arrangement| one.can_be(**arrangement, kind);
    let arrangements: Vec<_> = channel.arrangements().iter().filter(can_be).collect();
    for (number, arrangement) in arrangements.iter().copied().enumerate() {
        let share = (runs + number) / arrangements.len();
        let scenarios: Vec<Scenario> = (0..share).map(|_| scenario(litmus, &mut dice)).collect();
        let actors = litmus.run.seats.len().max(1);
        let runner = Runner::new(channel, *arrangement, actors, Placement::Spread)?;
        let mut runner = if litmus.stops() { runner } else { runner.patient() };
        let mut trouble = None;
        runner.run_all(&scenarios, |_, run| match run {
            Ok(run) => {
                let outcome = litmus.outcome(&run, &allowed);
                let verdict = judge(&run, platform).verdict;
                unjudged += usize::from(matches!(verdict, Verdict::Inconclusive { .. }));
                for (count, expected) in counts.iter_mut().zip(&litmus.expected) {
                    *count += usize::from(litmus.fits(expected, &outcome));
                }
                let allowed = verdict != Verdict::Deviates;
                note(&mut rows, litmus.tell(&outcome), allowed, run);
            }
            Err(error) if error.is_of_one_run() => unjudged += 1,
            Err(error) => trouble = Some(error),
        });
        if let Some(trouble) = trouble {
            return Err(trouble.into());
        }
        if stop::requested() {
            return Err(Trouble::Stopped.into());
        }
    }
    let told = |(expected, count)| {
        let expected: &Expectation = expected;
        (expected.word, litmus.tell_expected(expected), count)
    };
    let expected = litmus.expected.iter().zip(counts).map(told).collect();
    Ok(Seen { rows, wrong: wrong(litmus, &allowed), expected, unjudged })
}

fn note(rows: &mut Vec<Row>, outcome: String, allowed: bool, run: Run) {
    match rows.iter_mut().find(|row| row.outcome == outcome && row.allowed == allowed) {
        Some(row) => {
            row.seen += 1;
            row.run.get_or_insert(run);
        }
        None => rows.push(Row { outcome, allowed, seen: 1, run: Some(run) }),
    }
}

/// The calls of a litmus test as a scenario.
fn scenario(litmus: &Litmus, dice: &mut Dice) -> Scenario {
    let mut scenario = Scenario::of(&litmus.run);
    if litmus.stops() {
        return scenario;
    }
    // Between two rests the calls of different actors come in any order.
    let mut steps: Vec<Step> = Vec::new();
    let mut calls = scenario.steps.drain(..);
    let mut part: Vec<Step> = Vec::new();
    for event in litmus.run.events.iter().chain([&Event::Quiet(Default::default())]) {
        match event {
            Event::Call(_) => part.extend(calls.next().map(|step| Step { settle: false, ..step })),
            Event::Quiet(_) => {
                mix(std::mem::take(&mut part), dice, &mut steps);
                if let Some(last) = steps.last_mut() {
                    last.settle = true;
                }
            }
            _ => {}
        }
    }
    drop(calls);
    scenario.steps = steps;
    scenario
}

/// Adds steps in a random order that keeps each actor's.
fn mix(mut part: Vec<Step>, dice: &mut Dice, steps: &mut Vec<Step>) {
    while !part.is_empty() {
        let actor = part[dice.below(part.len() as u32) as usize].call.actor;
        let first = part.iter().position(|step| step.call.actor == actor).unwrap_or(0);
        steps.push(part.remove(first));
    }
}
