//! Deviations by what is wrong: of each kind one, with the simplest run that could be found.

use std::cmp::Reverse;

use pipewright_backends::Arrangement;
use pipewright_model::oracle::{Judgement, Verdict, judge};
use pipewright_model::platform::{EXCEPTED, LINUX, Platform};
use pipewright_model::rules::{CHAPTERS, Exception, by_id};
use pipewright_model::run::{Event, Run};
use pipewright_model::text::named;

use super::{Fault, Plan, Source};
use crate::generate::shrink;
use crate::{Runner, Scenario, stop};

/// The most kinds of deviations of one job of which one is made simple.
const SIMPLE_MAX: usize = 3;

/// The most runs that making one scenario simple may take.
const SHRINK_RUNS_MAX: usize = 400;

/// Scenarios whose runs deviate by the same fault, with the smallest run of them.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is wrong, in short.
    pub fault: Fault,
    /// How many runs showed it.
    pub runs: usize,
    /// Where the scenario came from, before it was made simple.
    pub source: Source,
    /// How its actors shared the channel.
    pub arrangement: Arrangement,
    /// The run, as simple as could be found.
    pub run: Run,
    /// What the oracle says of it.
    pub judgement: Judgement,
    /// Why it is expected, if it is.
    pub expected: Option<String>,
    /// Whether it rests on sleep that was seen and not proven: see [`Observation`](crate::Observation).
    pub unproven: bool,
}

/// One of each fault, the most frequent made simple: `all` with the numbers of their scenarios.
pub(crate) fn told_once(
    all: impl Iterator<Item = (usize, Found)>,
    scenarios: &[Scenario],
    runner: &mut Runner,
    plan: &Plan,
) -> Vec<Found> {
    let mut kinds = Vec::new();
    for (number, (index, mut found)) in by_fault(all).into_iter().enumerate() {
        if number < SIMPLE_MAX {
            simplify(&mut found, runner, plan, &scenarios[index]);
        }
        found.run = named(&found.run, &found.judgement);
        merge(&mut kinds, found);
    }
    kinds
}

/// One of each fault with the number of its scenario, the most frequent first.
fn by_fault(all: impl Iterator<Item = (usize, Found)>) -> Vec<(usize, Found)> {
    let mut kinds: Vec<(usize, Found)> = Vec::new();
    for (index, found) in all {
        match kinds.iter_mut().find(|(_, kind)| kind.fault == found.fault) {
            Some((at, kind)) => {
                if kind.add(found) {
                    *at = index;
                }
            }
            None => kinds.push((index, found)),
        }
    }
    kinds.sort_by_key(|(_, kind)| Reverse(kind.runs));
    kinds
}

pub(super) fn merge(kinds: &mut Vec<Found>, found: Found) {
    match kinds.iter_mut().find(|kind| kind.fault == found.fault) {
        Some(kind) => {
            kind.add(found);
        }
        None => kinds.push(found),
    }
}

impl Found {
    /// One run that deviates, as it was seen.
    pub fn new(run: Run, judgement: Judgement, source: Source, arrangement: Arrangement) -> Found {
        let fault = Fault::of(&run, &judgement);
        let unproven = false;
        Found { fault, runs: 1, source, arrangement, run, judgement, expected: None, unproven }
    }

    /// The exception by which Linux is known to do so though POSIX does not allow it, if that is all that is wrong.
    pub fn exception(&self) -> Option<&'static Exception> {
        let by_linux = judge(&self.run, &LINUX);
        let both = judge(&self.run, &EXCEPTED).verdict;
        let declared = by_linux.verdict == Verdict::Conforms
            && matches!(both, Verdict::Conforms | Verdict::Unspecified { .. });
        let explains = |exception: &&Exception| {
            by_id(exception.rule).is_some_and(|rule| {
                let needed = || judge(&self.run, &LINUX.without(rule)).verdict != Verdict::Conforms;
                by_linux.shown.contains(rule) || needed()
            })
        };
        CHAPTERS.iter().flat_map(|chapter| chapter.exceptions).filter(|_| declared).find(explains)
    }

    /// Whether the run deviates only by what is said of sleep: it would not, had nobody been seen to sleep.
    pub(super) fn rests_on_quiet(&self, platform: &Platform) -> bool {
        let mut blind = self.run.clone();
        blind.remarks.clear();
        blind.events.retain(|event| !matches!(event, Event::Quiet(_)));
        blind.remarks.resize(blind.events.len(), String::new());
        judge(&blind, platform).verdict != Verdict::Deviates
    }

    /// Counts other runs of the same fault, and keeps the smaller run; true if that is the other.
    pub(super) fn add(&mut self, other: Found) -> bool {
        let runs = self.runs + other.runs;
        let smaller = other.run.events.len() < self.run.events.len();
        if smaller {
            *self = other;
        }
        self.runs = runs;
        smaller
    }
}

/// Looks for the simplest run that still deviates in the same call by the same reply, by running simpler
/// scenarios.
fn simplify(found: &mut Found, runner: &mut Runner, plan: &Plan, scenario: &Scenario) {
    let mut left = SHRINK_RUNS_MAX;
    shrink(scenario.clone(), |candidate| {
        if left == 0 || stop::requested() {
            return false;
        }
        left -= 1;
        let Ok(run) = runner.run(candidate) else { return false };
        let Some(judgement) = plan.judge(&run) else { return false };
        let fault = Fault::of(&run, &judgement);
        let is_same = fault.call == found.fault.call && fault.reply == found.fault.reply;
        let deviates = judgement.verdict == Verdict::Deviates && is_same;
        if deviates {
            found.fault = fault;
            found.run = run;
            found.judgement = judgement;
        }
        deviates
    });
}
