//! The row of processes: runs over several channels, by processes that fork, exec, exit, are killed and waited for.

use std::cmp::Reverse;

use pipewright_backends::{Arrangement, Channel, channels};
use pipewright_model::index::RuleIndex;
use pipewright_model::kind::KINDS;
use pipewright_model::oracle::Verdict;
use pipewright_model::platform::Platform;
use pipewright_model::rules::{CHAPTERS, RULES, applicable};
use pipewright_model::step::RuleSet;

use super::found::merge;
use super::jobs::mix;
use super::names::PROCESSES;
use super::{Fault, Found, Plan, Source, Tested, note, started};
use crate::generate::plots::{PlotShape, plot, shrink_plot};
use crate::replay::channels_of;
use crate::scenario::{Plot, takes_troupe};
use crate::tell;
use crate::troupe::playable;
use crate::{Placement, Trouble, Troupe, stop};

/// Scenarios of one job.
const JOB_SCENARIOS: usize = 250;

/// The most kinds of deviations of one job of which one is made simple.
const SIMPLE_MAX: usize = 2;

/// The most runs that making one scenario simple may take.
const SHRINK_RUNS_MAX: usize = 400;

/// Sets the walks of this row apart from those of channels.
const SALT: u64 = 0x7072_6f63;

/// Which scenarios a job runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Share {
    Cases,
    /// Whether actors are spread over processors, for real races.
    Walks {
        from: usize,
        to: usize,
        spread: bool,
    },
}

/// A scenario, with the channels on which it is played.
type Played = (Source, Plot, Vec<&'static dyn Channel>);

fn walks(plan: &Plan) -> usize {
    plan.processes.unwrap_or(0)
}

/// The jobs of a plan.
pub(super) fn jobs(plan: &Plan) -> Vec<Share> {
    let cases = (!plan.cases.is_empty()).then_some(Share::Cases);
    let walked = (0..walks(plan)).step_by(JOB_SCENARIOS).enumerate().map(|(number, from)| {
        let to = (from + JOB_SCENARIOS).min(walks(plan));
        Share::Walks { from, to, spread: number % 2 == 1 }
    });
    cases.into_iter().chain(walked).collect()
}

pub(super) fn count(plan: &Plan) -> usize {
    let cases = plan.cases.iter().filter(|case| takes_troupe(&case.run)).count();
    walks(plan) + cases
}

fn shape(plan: &Plan) -> PlotShape {
    let mut shape = PlotShape::new(plan.platform, channels());
    shape.steps_max = shape.steps_max.min(plan.steps_max.max(1) * 2);
    shape
}

fn scenarios(plan: &Plan, share: Share) -> Vec<Played> {
    match share {
        Share::Cases => {
            let cases = plan.cases.iter().filter(|case| takes_troupe(&case.run));
            let played = cases.filter_map(|case| {
                let (plot, channels) = (Plot::of(&case.run), channels_of(&case.run)?);
                playable(&plot, &channels).ok()?;
                Some((Source::Case(case.name.clone()), plot, channels))
            });
            played.collect()
        }
        Share::Walks { from, to, .. } => {
            let shape = shape(plan);
            let seed = mix(plan.seed ^ SALT);
            let walk = |number: usize| {
                let (plot, channels) = plot(&shape, mix(seed.wrapping_add(number as u64)));
                (Source::Own(number), plot, channels)
            };
            (from..to).map(walk).collect()
        }
    }
}

/// The rules that runs of processes are to show: those of chapters that hold for all channels.
fn applicable_to(platform: &'static Platform) -> RuleSet {
    let shape = PlotShape::new(platform, channels());
    let of_channels =
        shape.channels.iter().map(|(_, channel)| applicable(platform, &channel.setup()));
    let of_channels = of_channels.fold(RuleSet::default(), RuleSet::union);
    let chapter = |rule: RuleIndex| RULES[usize::from(rule)].chapter();
    let of_all = |rule: &RuleIndex| {
        CHAPTERS.iter().any(|known| known.of_all && known.name == chapter(*rule))
    };
    // Chapters that no kind of channel names are of processes alone.
    let named = |rule: RuleIndex| KINDS.iter().any(|kind| kind.chapters.contains(&chapter(rule)));
    let applies = |rule: &RuleIndex| of_channels.contains(*rule) || !named(*rule);
    (0..RULES.len() as RuleIndex).filter(of_all).filter(applies).collect()
}

pub(super) fn nothing_yet(plan: &Plan) -> Tested {
    Tested::new(PROCESSES.to_owned(), None, applicable_to(plan.platform))
}

pub(super) fn run_job(
    plan: &Plan,
    share: Share,
    core: usize,
    progress: &dyn Fn(usize),
) -> Result<Tested, Trouble> {
    let spread = matches!(share, Share::Walks { spread: true, .. });
    let placement = if spread { Placement::Spread } else { Placement::Core(core) };
    let mut tested = nothing_yet(plan);
    let mut troupe = match started(&mut tested, || Troupe::new(placement)) {
        Err(trouble) if trouble.is_of_channel() => {
            tested.lacking.note(1, trouble.to_string());
            return Ok(tested);
        }
        started => started?,
    };
    let mut deviating = Vec::new();
    for played in scenarios(plan, share) {
        let (source, plot, channels) = &played;
        let run = match troupe.run(plot, channels) {
            Err(Trouble::Stopped) => break,
            Err(trouble) if trouble.is_of_one_run() => {
                tested.could_not_judge(&tell::not_played(plot, &trouble));
                progress(1);
                continue;
            }
            Err(trouble) if trouble.is_of_channel() => {
                tested.lacking.note(1, trouble.to_string());
                progress(1);
                continue;
            }
            run => run?,
        };
        progress(1);
        let Some(judgement) = plan.judge(&run) else { break };
        if note(&mut tested, &plot.scenario, &run, &judgement) {
            let found = Found::new(run, judgement, source.clone(), Arrangement::Inherited);
            deviating.push((found, played));
        }
    }
    tested.stopped = stop::requested();
    tested.found = told_once(deviating, &mut troupe, plan);
    Ok(tested)
}

/// One of each fault, the most frequent made simple.
fn told_once(deviating: Vec<(Found, Played)>, troupe: &mut Troupe, plan: &Plan) -> Vec<Found> {
    let mut kinds: Vec<(Found, Played)> = Vec::new();
    for (found, played) in deviating {
        match kinds.iter_mut().find(|(kind, _)| kind.fault == found.fault) {
            Some((kind, of)) => {
                if kind.add(found) {
                    *of = played;
                }
            }
            None => kinds.push((found, played)),
        }
    }
    kinds.sort_by_key(|(kind, _)| Reverse(kind.runs));
    let mut told = Vec::new();
    for (number, (mut found, (_, plot, channels))) in kinds.into_iter().enumerate() {
        if number < SIMPLE_MAX {
            simplify(&mut found, troupe, plan, plot, &channels);
        }
        merge(&mut told, found);
    }
    told
}

/// Looks for the simplest run that still deviates in the same call by the same reply.
fn simplify(
    found: &mut Found,
    troupe: &mut Troupe,
    plan: &Plan,
    plot: Plot,
    channels: &[&'static dyn Channel],
) {
    let mut left = SHRINK_RUNS_MAX;
    let mut still_fails = |plot: &Plot, channels: &[&'static dyn Channel]| {
        if left == 0 || stop::requested() {
            return false;
        }
        left -= 1;
        let Ok(run) = troupe.run(plot, channels) else { return false };
        let Some(judgement) = plan.judge(&run) else { return false };
        let fault = Fault::of(&run, &judgement);
        let is_same = fault.call == found.fault.call && fault.reply == found.fault.reply;
        let deviates = judgement.verdict == Verdict::Deviates && is_same;
        if deviates {
            (found.fault, found.run, found.judgement) = (fault, run, judgement);
        }
        deviates
    };
    let shrunk = shrink_plot(plot, |plot| still_fails(plot, channels));
    let (tidy, needed) = shrunk.tidy();
    let channels: Vec<_> = needed.into_iter().map(|channel| channels[channel]).collect();
    still_fails(&tidy, &channels);
}
