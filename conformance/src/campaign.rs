//! The campaign: many scenarios on real channels, judged.
//!
//! Work is cut into jobs (a channel, an arrangement, a share of the scenarios), which threads take in order,
//! one thread a processor. Which scenarios there are depends on the plan alone, never on how jobs fall.

mod expected;
mod fault;
mod found;
mod jobs;
mod lacking;
mod names;
mod processes;
mod renewed;
mod tested;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use pipewright_backends::Channel;
use pipewright_model::call::Op;
use pipewright_model::oracle::{Judgement, Verdict, judge_unless};
use pipewright_model::platform::Platform;
use pipewright_model::rule::Rule;
use pipewright_model::rules::{RULES, applicable};
use pipewright_model::run::Run;
use pipewright_model::step::RuleSet;
use pipewright_model::text::named;

use crate::cases::Case;
use crate::generate::STOPPING_PERCENT;
use crate::stop;
use crate::tell;
use crate::{Observation, Placement, Runner, Scenario, Trouble};

pub use expected::{Entry, Expected, ExpectedError};
pub use fault::Fault;
pub use found::Found;
pub use lacking::Lacking;
pub use names::PROCESSES;
pub use renewed::renewed;
pub use tested::{KINDS_MAX, Tested};

pub(crate) use found::told_once;

use jobs::{Job, Share, jobs, scenarios};

/// What a campaign does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The profile by which runs are judged, and scenarios drawn.
    pub platform: &'static Platform,
    /// Another profile by which runs are judged that conform to the first.
    pub also: Option<&'static Platform>,
    /// Random scenarios for each channel.
    pub scenarios: usize,
    /// The same seed gives the same scenarios.
    pub seed: u64,
    /// The most calls of a random scenario.
    pub steps_max: usize,
    /// In how many of a hundred random scenarios calls are stopped in their middle; where it is not 0, some paths are
    /// run with a stop, too.
    pub stopping_percent: u32,
    /// All paths through the alphabets of up to this many calls are run too; 0 for none.
    pub paths_len_max: usize,
    /// The most scenarios of each named system over a channel of this kind to run too; 0 for none.
    pub system_paths_max: usize,
    /// Cases to run too.
    pub cases: Vec<Case>,
    /// Random scenarios over several channels, by processes that come and go: a row of its own; `None` for none.
    pub processes: Option<usize>,
    /// Deviations that are expected.
    pub expected: Expected,
    /// The processors to use, a thread each.
    pub cores: Vec<usize>,
}

impl Plan {
    /// What the profiles say of a run: the first, unless the run conforms to it and not to the other. `None` if an end
    /// is asked for before that is known.
    fn judge(&self, run: &Run) -> Option<Judgement> {
        let judgement = judge_unless(run, self.platform, &stop::requested)?;
        let Some(other) = self.also.filter(|_| judgement.verdict == Verdict::Conforms) else {
            return Some(judgement);
        };
        let second = judge_unless(run, other, &stop::requested)?;
        Some(if second.verdict == Verdict::Deviates { second } else { judgement })
    }

    /// About a million calls on all channels.
    pub const SCENARIOS_DEFAULT: usize = 7_000;

    /// The same of processes, which take longer to make.
    pub const PROCESSES_DEFAULT: usize = 2_000;

    /// A campaign with the default amount of work on these processors.
    pub fn new(platform: &'static Platform, cores: Vec<usize>) -> Plan {
        Plan {
            platform,
            also: None,
            scenarios: Plan::SCENARIOS_DEFAULT,
            seed: 0,
            steps_max: 20,
            stopping_percent: STOPPING_PERCENT,
            paths_len_max: 3,
            system_paths_max: 100,
            cases: Vec::new(),
            processes: None,
            expected: Expected::default(),
            cores,
        }
    }
}

/// Where a scenario came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A case, by name.
    Case(String),
    /// A path through an alphabet: its name, and the number of the path.
    Path(&'static str, usize),
    /// An order of the calls of a named system, by its number.
    System(&'static str, usize),
    /// A random walk that every channel is given, by number.
    Shared(usize),
    /// A random walk for channels set up like this one, by number.
    Own(usize),
}

/// What a campaign came to.
#[derive(Debug)]
pub struct Campaign {
    /// A row a channel, in the order in which they were asked for.
    pub tested: Vec<Tested>,
    /// What ended it before all was done: a stop, or a machine that can run nothing any more.
    pub ended_by: Option<Trouble>,
}

/// How often it is tried to start the workers of one job.
const STARTS_MAX: usize = 10;

/// Runs the plan on the channels. `progress` is told how many scenarios were done since it was told last,
/// from several threads.
///
/// # Errors
///
/// What ended it before all was done: see [`run`].
pub fn check(
    channels: &[&'static dyn Channel],
    plan: &Plan,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Tested>, Trouble> {
    let Campaign { tested, ended_by } = run(channels, plan, &|_, done| progress(done));
    ended_by.map_or(Ok(tested), Err)
}

/// The same, with what is known where it ends before all is done. `progress` is told the name of the row, too.
///
/// What keeps the machine from running anything at all (a lack of descriptors, of /proc) ends it. What keeps a
/// channel from being made is in that channel's row, and the others go on. A run that failed for itself (an
/// actor died, nothing moved) is counted as inconclusive.
pub fn run(
    channels: &[&'static dyn Channel],
    plan: &Plan,
    progress: &(dyn Fn(&str, usize) + Sync),
) -> Campaign {
    let mut tested: Vec<Tested> =
        channels.iter().map(|channel| nothing_yet(*channel, plan)).collect();
    for (channel, row) in channels.iter().zip(&mut tested) {
        let Some(reason) = channel.unavailable() else { continue };
        if !may_skip() {
            let channel = channel.name().to_owned();
            return Campaign { tested, ended_by: Some(Trouble::Unavailable { channel, reason }) };
        }
        row.lacking.note(0, reason);
    }
    let watched = Observation::here() != Observation::None;
    let mut jobs: Vec<Work> = jobs(channels, plan).into_iter().map(Work::Channel).collect();
    if plan.processes.is_some() {
        tested.push(processes::nothing_yet(plan));
        match (tested.last_mut(), watched) {
            (Some(row), false) => row.lacking.note(0, "nobody is seen to sleep here".to_owned()),
            _ => jobs.extend(processes::jobs(plan).into_iter().map(Work::Processes)),
        }
    }
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<Tested, Trouble>)>> = Mutex::new(Vec::new());
    let threads = thread::scope(|threads| {
        let start = |core: &usize| {
            let (core, jobs, next, results) = (*core, &jobs, &next, &results);
            let work = move || {
                while !stop::requested() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let began = Instant::now();
                    let mut result = job.run(channels, plan, core, progress);
                    if let Ok(tested) = &mut result {
                        tested.took = began.elapsed();
                    }
                    let failed = result.is_err();
                    results.lock().unwrap_or_else(|e| e.into_inner()).push((index, result));
                    if failed {
                        next.fetch_add(jobs.len(), Ordering::Relaxed);
                    }
                }
            };
            thread::Builder::new().spawn_scoped(threads, work).map(drop)
        };
        // One thread takes all jobs if need be.
        let started: Vec<_> = plan.cores.iter().map(start).collect();
        started.into_iter().reduce(Result::or).unwrap_or(Ok(()))
    });
    let mut results = results.into_inner().unwrap_or_else(|e| e.into_inner());
    results.sort_by_key(|(index, _)| *index);
    let no_thread = threads.map_err(Trouble::while_doing("start a thread")).err();
    let mut ended_by = no_thread.or(stop::requested().then_some(Trouble::Stopped));
    let mut left: Vec<bool> = jobs.iter().map(|_| true).collect();
    for (index, result) in results {
        match result {
            Ok(seen) => {
                left[index] = false;
                tested[jobs[index].row(channels)].add(seen);
            }
            Err(trouble) => {
                let channel = tested[jobs[index].row(channels)].channel.clone();
                ended_by = Some(Trouble::At { channel, trouble: Box::new(trouble) });
            }
        }
    }
    for (job, _) in jobs.iter().zip(left).filter(|(_, left)| *left) {
        tested[job.row(channels)].stopped = true;
    }
    tested.iter_mut().for_each(|row| row.compare(&plan.expected, plan.platform));
    Campaign { tested, ended_by }
}

/// A share of the work of a campaign.
enum Work {
    Channel(Job),
    Processes(processes::Share),
}

impl Work {
    fn run(
        &self,
        channels: &[&'static dyn Channel],
        plan: &Plan,
        core: usize,
        progress: &(dyn Fn(&str, usize) + Sync),
    ) -> Result<Tested, Trouble> {
        match self {
            Work::Channel(job) => {
                let channel = channels[job.channel];
                run_job(channel, plan, job, core, &|done| progress(channel.name(), done))
            }
            Work::Processes(share) => {
                processes::run_job(plan, *share, core, &|done| progress(PROCESSES, done))
            }
        }
    }

    /// Its row: that of processes is the last.
    fn row(&self, channels: &[&'static dyn Channel]) -> usize {
        match self {
            Work::Channel(job) => job.channel,
            Work::Processes(_) => channels.len(),
        }
    }
}

/// Whether a channel that can't be had here may be skipped: on the machines that check every change (`CI=true`)
/// everything must be there.
pub fn may_skip() -> bool {
    std::env::var_os("CI").is_none_or(|value| value != "true")
}

/// How many scenarios the plan has for these channels.
pub fn count(channels: &[&'static dyn Channel], plan: &Plan) -> usize {
    let of = |job: &Job| match job.share {
        Share::Walks { from, to, .. } => to - from,
        Share::Cases | Share::Paths(_) | Share::System(_) => {
            scenarios(plan, channels[job.channel], job).len()
        }
    };
    let processes = if plan.processes.is_some() { processes::count(plan) } else { 0 };
    jobs(channels, plan).iter().map(of).sum::<usize>() + processes
}

/// The rules that can apply to a channel. One on which no sockets are made has no calls that lead to a connection.
fn applicable_to(channel: &dyn Channel, platform: &Platform) -> RuleSet {
    let setup = channel.setup();
    let connects = |rule: &Rule| {
        rule.chapter() == "connection"
            || matches!(rule.call(), "socket" | "bind" | "listen" | "accept" | "connect")
    };
    let makes = channel.offers(&Op::Socket { nonblock: false });
    let rules = applicable(platform, &setup);
    rules.iter().filter(|rule| makes || !connects(RULES[usize::from(*rule)])).collect()
}

fn nothing_yet(channel: &dyn Channel, plan: &Plan) -> Tested {
    let applicable = applicable_to(channel, plan.platform);
    Tested::new(channel.name().to_owned(), Some(channel.setup()), applicable)
}

fn run_job(
    channel: &'static dyn Channel,
    plan: &Plan,
    job: &Job,
    core: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Tested, Trouble> {
    let (sources, scenarios): (Vec<_>, Vec<_>) = scenarios(plan, channel, job).into_iter().unzip();
    let actors = scenarios.iter().map(|scenario| scenario.seats.len()).max().unwrap_or(1).max(1);
    let placement = if job.spread { Placement::Spread } else { Placement::Core(core) };
    let mut tested = nothing_yet(channel, plan);
    let mut deviating = Vec::new();
    let mut stopped = None;
    let start = || Runner::new(channel, job.arrangement, actors, placement);
    let mut runner = match started(&mut tested, start) {
        Err(trouble) if trouble.is_of_channel() => {
            tested.lacking.note(scenarios.len(), trouble.to_string());
            progress(scenarios.len());
            return Ok(tested);
        }
        started => started?,
    };
    let mut done = 0;
    runner.run_all(&scenarios, |index, run| {
        progress(1);
        match run {
            // A run that was stopped, or that is not judged for that, counts as one of those that were not made.
            Err(Trouble::Stopped) => return,
            _ => done += 1,
        }
        match run {
            Ok(run) => {
                let Some(judgement) = plan.judge(&run) else {
                    done -= 1;
                    return;
                };
                if tested.lacking.explains(&run, &judgement) {
                    return;
                }
                if note(&mut tested, &scenarios[index], &run, &judgement) {
                    deviating.push((index, run, judgement));
                }
            }
            Err(trouble) if trouble.is_of_one_run() => {
                tested.could_not_judge(&tell::not_run(
                    &channel.setup(),
                    &scenarios[index],
                    &trouble,
                ));
            }
            Err(trouble) if trouble.is_of_channel() => {
                tested.lacking.note(1, trouble.to_string());
            }
            Err(trouble) => stopped = stopped.take().or(Some(trouble)),
        }
    });
    if let Some(trouble) = stopped {
        return Err(trouble);
    }
    tested.stopped = done < scenarios.len() && stop::requested();
    let found = deviating.into_iter().map(|(index, run, judgement)| {
        (index, Found::new(run, judgement, sources[index].clone(), job.arrangement))
    });
    tested.found = told_once(found, &scenarios, &mut runner, plan);
    Ok(tested)
}

/// A runner or a troupe; where a worker dies before it has done anything, that is noted, and others are started.
fn started<T>(tested: &mut Tested, start: impl Fn() -> Result<T, Trouble>) -> Result<T, Trouble> {
    for _ in 1..STARTS_MAX {
        match start() {
            Err(trouble) if trouble.is_of_one_run() => tested.could_not_judge(&trouble.to_string()),
            started => return started,
        }
    }
    start()
}

/// Adds one judgement; true if it deviates.
fn note(tested: &mut Tested, scenario: &Scenario, run: &Run, judgement: &Judgement) -> bool {
    tested.scenarios += 1;
    tested.steps += scenario.steps.len();
    match judgement.verdict {
        Verdict::Conforms => tested.shown = tested.shown.union(judgement.shown),
        Verdict::Unspecified { .. } => tested.unspecified += 1,
        Verdict::Inconclusive { at } => {
            tested.inconclusive.0 += 1;
            tested.inconclusive.1.push(tell::unjudged(&named(run, judgement), at));
        }
        Verdict::Deviates => {
            tested.deviating += 1;
            return true;
        }
    }
    false
}
