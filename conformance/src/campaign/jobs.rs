//! What is run: the cases, paths, systems and walks of a plan, cut into jobs.

use std::sync::OnceLock;

use pipewright_backends::{Arrangement, Channel};
use pipewright_model::call::Op;
use pipewright_model::kind::KINDS;
use pipewright_model::run::Setup;
use pipewright_model::system::System;
use pipewright_model::systems;

use crate::campaign::{Plan, Source};
use crate::generate::alphabet::ALPHABETS;
use crate::generate::{Order, Paths, Shape, of_system, stopped, walk};
use crate::scenario::{by_name, is_by_name, takes_troupe};
use crate::sequential::is_sequential;
use crate::{Observation, Scenario};

/// Scenarios of one job.
const JOB_SCENARIOS: usize = 250;

/// Which scenarios a job runs.
#[derive(Clone, Debug)]
pub(super) enum Share {
    Cases,
    Paths(usize),
    System(usize),
    Walks { from: usize, to: usize, shared: bool },
}

pub(super) struct Job {
    pub(super) channel: usize,
    pub(super) arrangement: Arrangement,
    pub(super) share: Share,
    /// Whether actors are spread over processors, for real races.
    pub(super) spread: bool,
}

/// The jobs of a plan.
pub(super) fn jobs(channels: &[&'static dyn Channel], plan: &Plan) -> Vec<Job> {
    let mut jobs = Vec::new();
    let available = |(_, channel): &(usize, &&dyn Channel)| channel.unavailable().is_none();
    for (index, channel) in channels.iter().enumerate().filter(available) {
        let arrangements = channel.arrangements();
        let mut add = |arrangement, share, spread| {
            jobs.push(Job { channel: index, arrangement, share, spread });
        };
        for arrangement in arrangements {
            if !plan.cases.is_empty() {
                add(*arrangement, Share::Cases, false);
            }
        }
        // Who holds ends at the start can't be where all is made by name.
        let kind = channel.setup().kind;
        let way = |turn: usize, held: bool| {
            let can_be = arrangements.iter().filter(|way| !held || !is_by_name(**way, kind));
            let ways: Vec<_> = can_be.collect();
            *ways[turn % ways.len()]
        };
        for (alphabet, _) in suiting(plan, *channel) {
            let held = ALPHABETS[alphabet].seats.iter().any(|seat| !seat.is_empty());
            add(way(alphabet, held), Share::Paths(alphabet), false);
        }
        for (number, named) in named_systems().iter().enumerate() {
            let is_of = |setup: &Setup| setup.kind == kind;
            if named.0.setup().is_some_and(is_of) && plan.system_paths_max > 0 {
                let held = named.0.processes.iter().any(|process| !process.seat.ends.is_empty());
                add(way(number, held), Share::System(number), false);
            }
        }
        for (number, from) in (0..plan.scenarios).step_by(JOB_SCENARIOS).enumerate() {
            let to = (from + JOB_SCENARIOS).min(plan.scenarios);
            // Arrangements take turns; every other round is shared, every fourth spread.
            let round = number / arrangements.len();
            let share = Share::Walks { from, to, shared: round % 2 == 0 };
            add(arrangements[number % arrangements.len()], share, number % 4 == 3);
        }
    }
    jobs
}

fn cases<'a>(
    plan: &'a Plan,
    channel: &'a dyn Channel,
) -> impl Iterator<Item = (Source, Scenario)> + 'a {
    let kind = channel.setup().kind;
    let of_one = plan.cases.iter().filter(|case| !takes_troupe(&case.run));
    of_one.filter_map(move |case| {
        let scenario = Scenario::of(&case.run).on(kind, case.run.setup().kind)?;
        Some((Source::Case(case.name.clone()), scenario))
    })
}

fn suiting(plan: &Plan, channel: &dyn Channel) -> Vec<(usize, &'static str)> {
    let setup = channel.setup();
    let alphabets = ALPHABETS.iter().enumerate();
    let suiting =
        alphabets.filter(|(_, alphabet)| alphabet.suits(&setup) && plan.paths_len_max > 0);
    suiting.map(|(index, alphabet)| (index, alphabet.name)).collect()
}

fn paths<'a>(
    plan: &'a Plan,
    channel: &dyn Channel,
    alphabet: usize,
) -> impl Iterator<Item = (Source, Scenario)> + 'a {
    let alphabet = ALPHABETS[alphabet];
    let page_bytes = plan.platform.page_bytes;
    let stops = channel.copies_in_kernel() && plan.stopping_percent > 0;
    Paths::new(plan.platform, &channel.setup(), alphabet, plan.paths_len_max).enumerate().flat_map(
        move |(number, scenario)| {
            // Some are run a second time, with a call that stops.
            let again = (stops && number % STOPPED_PATHS == 0)
                .then(|| stopped(&scenario, page_bytes))
                .flatten();
            let source = Source::Path(alphabet.name, number);
            let first = (source.clone(), scenario);
            [Some(first), again.map(|scenario| (source, scenario))].into_iter().flatten()
        },
    )
}

/// Of so many paths one is run with a stop, too.
const STOPPED_PATHS: usize = 5;

/// The named systems, each with its scenarios.
fn named_systems() -> &'static [(System, OnceLock<Vec<Order>>)] {
    static SYSTEMS: OnceLock<Vec<(System, OnceLock<Vec<Order>>)>> = OnceLock::new();
    let all = || systems::systems().into_iter().map(|system| (system, OnceLock::new())).collect();
    SYSTEMS.get_or_init(all)
}

/// More scenarios of one system than this are not asked for.
const SYSTEM_PATHS_MAX: usize = 1_000;

fn of_named(plan: &Plan, system: usize) -> impl Iterator<Item = (Source, Scenario)> {
    let (system, scenarios) = &named_systems()[system];
    let all = scenarios.get_or_init(|| of_system(system, SYSTEM_PATHS_MAX));
    let some = all.iter().take(plan.system_paths_max).enumerate();
    some.map(|(number, order)| (Source::System(system.name, number), order.scenario.clone()))
}

fn walks<'a>(
    plan: &'a Plan,
    channel: &dyn Channel,
    range: std::ops::Range<usize>,
    shared: bool,
    by_name: Option<bool>,
) -> impl Iterator<Item = (Source, Scenario)> + 'a {
    // What every channel is given is drawn for the first kind, set up plainly.
    let kind = channel.setup().kind;
    let setup = if shared { Setup::new(KINDS[0]) } else { channel.setup() };
    let salt = if shared { 0 } else { hash(channel.name()) };
    let by_name = by_name.filter(|_| !shared);
    let mut shape = Shape { by_name, ..Shape::new(plan.platform, setup) };
    shape.steps_max = plan.steps_max;
    shape.stopping_percent = plan.stopping_percent;
    let seed = mix(plan.seed ^ salt);
    range.filter_map(move |number| {
        let source = if shared { Source::Shared(number) } else { Source::Own(number) };
        let scenario = walk(&shape, mix(seed.wrapping_add(number as u64)));
        Some((source, scenario.on(kind, shape.setup.kind)?))
    })
}

/// The scenarios of a job, without the calls that the channel lacks.
pub(super) fn scenarios(
    plan: &Plan,
    channel: &'static dyn Channel,
    job: &Job,
) -> Vec<(Source, Scenario)> {
    let kind = channel.setup().kind;
    let mut scenarios: Vec<(Source, Scenario)> = match job.share {
        Share::Cases => cases(plan, channel).collect(),
        Share::Paths(alphabet) => paths(plan, channel, alphabet).collect(),
        Share::System(system) => of_named(plan, system).collect(),
        Share::Walks { from, to, shared } => {
            let by_name = by_name(job.arrangement, channel);
            walks(plan, channel, from..to, shared && by_name != Some(true), by_name).collect()
        }
    };
    // Who can't make a socket has nothing to call on.
    let can_make = channel.offers(&Op::Socket { nonblock: false });
    scenarios.retain(|(_, scenario)| {
        let makes = scenario.steps.iter().any(|step| matches!(step.call.op, Op::Socket { .. }));
        scenario.can_be(job.arrangement, kind) && (can_make || !makes)
    });
    for (_, scenario) in &mut scenarios {
        scenario.retain(|step| channel.offers(&step.call.op));
    }
    if Observation::here() == Observation::None {
        // A call that sleeps would never be seen to.
        for step in scenarios.iter_mut().flat_map(|(_, scenario)| &mut scenario.steps) {
            (step.settle, step.stop) = (true, None);
        }
        let setup = channel.setup();
        scenarios.retain(|(_, scenario)| is_sequential(scenario, &setup, plan.platform));
    }
    scenarios
}

/// Spreads the bits of a number (splitmix64).
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number for a name, the same on every machine.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| mix(hash ^ u64::from(byte)))
}
