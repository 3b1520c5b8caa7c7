//! Litmus tests on real channels: the same few calls again and again, what came of them counted, beside what the
//! rules allow.
//!
//! Calls that stop are made as the file has them. Others are made at once, as far as the file lets them, those of
//! different actors in another order each time, by actors on different processors.

use pipewright_backends::{Arrangement, Channel};
use pipewright_model::diagnosis;
use pipewright_model::litmus::{Expectation, Fate, Litmus, Outcome, TooMany, Word};
use pipewright_model::oracle::{Verdict, judge_unless};
use pipewright_model::platform::Platform;
use pipewright_model::run::{Event, Run, Setup};
use pipewright_model::text::named;

use crate::generate::Dice;
use crate::replay::{self, Unplayable};
use crate::scenario::{Scenario, Step};
use crate::{Placement, Runner, Trouble, stop, tell};

/// An outcome, and how often it came.
#[derive(Clone, Debug)]
pub struct Row {
    /// What all calls gave, in words.
    pub outcome: String,
    /// Whether the rules allow it.
    pub allowed: bool,
    /// How often it was seen.
    pub seen: u64,
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
    pub expected: Vec<(Word, String, u64)>,
    /// Runs that could not be judged, and the different reasons, in words.
    pub unjudged: (u64, Vec<String>),
    /// Whether an end was asked for before all runs were made.
    pub stopped: bool,
}

/// Why a litmus test has no result.
#[derive(Debug, thiserror::Error)]
pub enum LitmusError {
    /// Its outcomes can't all be found.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The channel is not set up as the file says.
    #[error("{0}")]
    Otherwise(String),
    /// It could not be run.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// How a litmus test is run.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// The rules that say what is allowed.
    pub platform: &'a Platform,
    /// How often.
    pub runs: u64,
    /// Whether the channel must be set up as the file says. Otherwise the rules are asked what they allow on it as it
    /// is.
    pub as_set_up: bool,
    /// Told after each run.
    pub progress: &'a dyn Fn(),
}

/// So many runs are planned at a time: as many as one generation of heirs makes.
const AT_ONCE: u64 = 32;

/// So many different reasons are kept why runs could not be judged.
const REASONS_MAX: usize = 3;

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

/// Whether the calls of a litmus file can be made on the channel, as they stand.
///
/// # Errors
///
/// Why they can't, in words.
pub fn playable(litmus: &Litmus, channel: &dyn Channel) -> Result<(), Unplayable> {
    replay::playable_as_it_stands(&litmus.run, channel)
}

/// Runs a litmus test, which the channel [can play](playable). What was seen until an end was asked for is a result,
/// too.
///
/// # Errors
///
/// There are too many outcomes, an end was asked for before they were known, the channel is set up otherwise, or the
/// system refuses something.
pub fn run(
    litmus: &Litmus,
    channel: &'static dyn Channel,
    plan: Plan<'_>,
) -> Result<Seen, LitmusError> {
    let file = litmus;
    let mut litmus = litmus.clone();
    if !plan.as_set_up {
        litmus.run.channels[0].setup =
            Setup { settings: file.run.setup().settings, ..channel.setup() };
    }
    let allowed = litmus.outcomes_unless(plan.platform, &stop::requested)?;
    let allowed = allowed.ok_or(Trouble::Stopped)?;
    let mut count = Count::new(&litmus, &allowed, plan.platform);
    let mut dice = Dice::new(1);
    let (one, kind) = (scenario(&litmus, &mut dice), channel.setup().kind);
    let can_be = |arrangement: &&Arrangement| one.can_be(**arrangement, kind);
    let arrangements: Vec<_> = channel.arrangements().iter().filter(can_be).collect();
    if arrangements.is_empty() {
        let (channel, arrangement) = (channel.name().to_owned(), channel.arrangements()[0]);
        return Err(Trouble::HeldAtStart { channel, arrangement }.into());
    }
    let actors = litmus.run.seats.len().max(1);
    for (number, arrangement) in arrangements.iter().copied().enumerate() {
        let mut left = (plan.runs + number as u64) / arrangements.len() as u64;
        let runner = Runner::new(channel, *arrangement, actors, Placement::Spread)?;
        let mut runner = if litmus.stops() { runner } else { runner.patient() };
        while left > 0 && !stop::requested() {
            let these = left.min(AT_ONCE);
            left -= these;
            let scenarios: Vec<_> = (0..these).map(|_| scenario(&litmus, &mut dice)).collect();
            let mut ended = None;
            runner.run_all(&scenarios, |_, run| {
                (plan.progress)();
                let otherwise = run.as_ref().ok().filter(|_| plan.as_set_up);
                match otherwise.and_then(|run| replay::set_up_otherwise(&file.run, run)) {
                    Some(reason) => ended = Some(LitmusError::Otherwise(reason)),
                    None => ended = count.note(run).err().or(ended.take()),
                }
            });
            match ended {
                Some(LitmusError::Trouble(Trouble::Stopped)) | None => {}
                Some(error) => return Err(error),
            }
        }
    }
    Ok(count.seen(stop::requested()))
}

/// What was seen so far.
struct Count<'a> {
    litmus: &'a Litmus,
    allowed: &'a [Outcome],
    platform: &'a Platform,
    rows: Vec<Row>,
    /// For each expectation, how often it was seen.
    expected: Vec<u64>,
    unjudged: (u64, Vec<String>),
}

impl<'a> Count<'a> {
    fn new(litmus: &'a Litmus, allowed: &'a [Outcome], platform: &'a Platform) -> Count<'a> {
        let row = |outcome: &Outcome| Row {
            outcome: litmus.tell(outcome),
            allowed: true,
            seen: 0,
            run: None,
        };
        Count {
            litmus,
            allowed,
            platform,
            rows: allowed.iter().map(row).collect(),
            expected: vec![0; litmus.expected.len()],
            unjudged: (0, Vec::new()),
        }
    }

    /// Takes note of a run, or of why there is none.
    fn note(&mut self, run: Result<Run, Trouble>) -> Result<(), LitmusError> {
        let run = match run {
            Ok(run) => run,
            Err(trouble) if trouble.is_of_one_run() => {
                self.not_judged(trouble.to_string());
                return Ok(());
            }
            Err(trouble) => return Err(trouble.into()),
        };
        let outcome = self.litmus.outcome(&run, self.allowed);
        if outcome.contains(&Fate::NotMade) {
            self.not_judged(format!("calls were left out: {}", self.litmus.tell(&outcome)));
            return Ok(());
        }
        let judgement = judge_unless(&run, self.platform, &stop::requested);
        let judgement = judgement.ok_or(Trouble::Stopped)?;
        if let Some((_, _, reason)) = tell::refused(&run, &judgement) {
            self.not_judged(reason);
            return Ok(());
        }
        let verdict = judgement.verdict.clone();
        if let Verdict::Unspecified { .. } | Verdict::Inconclusive { .. } = verdict {
            self.not_judged(match verdict {
                Verdict::Unspecified { reason, .. } => reason.to_owned(),
                _ => "too many orders of concurrent calls".to_owned(),
            });
            return Ok(());
        }
        for (count, expected) in self.expected.iter_mut().zip(&self.litmus.expected) {
            *count += u64::from(self.litmus.fits(expected, &outcome));
        }
        let (mut outcome, allowed) = (self.litmus.tell(&outcome), verdict == Verdict::Conforms);
        let is_allowed = |row: &Row| row.allowed && row.outcome == outcome;
        if let Some(deviation) = judgement.deviations.first()
            && self.rows.iter().any(is_allowed)
        {
            // These replies alone may be: what is wrong is which bytes they give, or when they came.
            let wrong = diagnosis::diagnose(&named(&run, &judgement), &judgement, deviation);
            outcome = format!("{outcome} ({wrong})");
        }
        let run = || named(&run, &judgement);
        match self.rows.iter_mut().find(|row| row.outcome == outcome && row.allowed == allowed) {
            Some(row) => {
                row.seen += 1;
                row.run.get_or_insert_with(run);
            }
            None => self.rows.push(Row { outcome, allowed, seen: 1, run: Some(run()) }),
        }
        Ok(())
    }

    fn not_judged(&mut self, reason: String) {
        self.unjudged.0 += 1;
        if self.unjudged.1.len() < REASONS_MAX && !self.unjudged.1.contains(&reason) {
            self.unjudged.1.push(reason);
        }
    }

    fn seen(self, stopped: bool) -> Seen {
        let told = |(expected, count)| {
            let expected: &Expectation = expected;
            (expected.word, self.litmus.tell_expected(expected), count)
        };
        Seen {
            expected: self.litmus.expected.iter().zip(self.expected).map(told).collect(),
            wrong: wrong(self.litmus, self.allowed),
            rows: self.rows,
            unjudged: self.unjudged,
            stopped,
        }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pipewright_model::litmus::Litmus;
    use pipewright_model::platform::LINUX;

    use super::Count;

    #[test]
    fn what_is_allowed_and_what_is_forbidden_are_told_apart_though_all_calls_give_the_same() {
        let litmus: Litmus =
            "channel pipe\nwriter: write 2\nquiet\nreader: read 2".parse().expect("a litmus file");
        let allowed = litmus.outcomes(&LINUX).expect("few orders");
        let mut count = Count::new(&litmus, &allowed, &LINUX);
        for data in ["writer[0..2]", "zero[0..2]"] {
            let run = format!("channel pipe\nwriter: write 2 -> 2\nreader: read 2 -> 2 = {data}");
            count.note(Ok(run.parse().expect("a run"))).expect("it is judged");
        }
        let seen = count.seen(false);
        let outcomes: BTreeSet<&str> = seen.rows.iter().map(|row| row.outcome.as_str()).collect();
        assert_eq!(outcomes.len(), seen.rows.len(), "{outcomes:?}");
        let forbidden: Vec<_> = seen.rows.iter().filter(|row| !row.allowed).collect();
        let [forbidden] = forbidden.as_slice() else { panic!("{outcomes:?}") };
        assert!(
            forbidden.outcome.contains("(bytes invented: reader is given zero[0..2]"),
            "{}",
            forbidden.outcome
        );
    }
}
