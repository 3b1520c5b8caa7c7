//! `pipewright check FILE.system`: the orders of a system's calls, made on real channels and judged.

use std::path::Path;

use pipewright_backends::Channel;
use pipewright_conformance::generate::of_system;
use pipewright_conformance::replay::channels_of;
use pipewright_conformance::troupe::playable;
use pipewright_conformance::{Placement, Plot, Runner, Scenario, Trouble, Troupe, stop, tell};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::Platform;
use pipewright_model::run::Run;
use pipewright_model::system::System;
use pipewright_model::verify::verify;

use crate::program::input::{load_searched, script_of};
use crate::program::output::Text;
use crate::program::{Refusal, Status};

/// The most states that are searched for what the claims show.
const STATES_MAX: usize = 10_000_000;

/// What came of the runs of a system.
#[derive(Default)]
struct Found {
    conform: usize,
    deviate: usize,
    /// Runs that were not had, or not judged, and why the last was not.
    unjudged: usize,
    why: String,
}

/// Checks a system: every order of its calls up to so many, each call settled before the next; and the shortest run of
/// each claim.
pub(super) fn check(
    path: &Path,
    orders_max: usize,
    platform: &Platform,
    text: Text,
) -> Result<Status, Refusal> {
    let system = System::of(&script_of(path, load_searched(path)?)?);
    let mut found = Found::default();
    let report = verify(&system, STATES_MAX);
    let shown = report.found.iter().filter_map(|found| found.shown.as_ref());
    let ways: Vec<Run> = shown.map(|way| system.run(way)).collect();
    let orders = match system.setup() {
        Some(setup) => {
            let orders = of_system(&system, orders_max).into_iter().map(|order| order.scenario);
            let mut scenarios: Vec<Scenario> = orders.collect();
            let count = scenarios.len();
            scenarios.extend(ways.iter().map(Scenario::of));
            let channel = channels_of(&system.names()).and_then(|all| all.first().copied());
            let channel = channel.ok_or_else(|| {
                Refusal::new(format!(
                    "{}: this machine has no channel of the kind {} that is set up so",
                    path.display(),
                    setup.kind.name
                ))
            })?;
            over_one(channel, &scenarios, platform, text, &mut found)?;
            count
        }
        None => {
            by_processes(&ways, platform, text, &mut found)?;
            0
        }
    };
    let Found { conform, deviate, unjudged, why } = &found;
    let mut told = format!("{}: ", system.name);
    told += &match orders {
        0 => format!("{} runs that the claims show", ways.len()),
        orders => format!("{orders} orders of calls and {} runs that the claims show", ways.len()),
    };
    told += &format!(": {conform} conform, {deviate} deviate, {unjudged} not judged\n");
    if *unjudged > 0 {
        told += &format!("not judged: {why}\n");
    }
    text.print(&told)?;
    Ok(match (deviate, conform) {
        (1.., _) => Status::Deviates,
        (0, 0) => Status::NotJudged,
        _ => Status::Conforms,
    })
}

/// Plays scenarios on one channel.
fn over_one(
    channel: &'static dyn Channel,
    scenarios: &[Scenario],
    platform: &Platform,
    text: Text,
    found: &mut Found,
) -> Result<(), Refusal> {
    let actors = scenarios.iter().map(|scenario| scenario.seats.len()).max().unwrap_or(1);
    let arrangement = channel.arrangements()[0];
    let mut runner = Runner::new(channel, arrangement, actors, Placement::Anywhere)?;
    let mut printed = Ok(());
    runner.run_all(scenarios, |_, run| {
        if printed.is_ok() {
            printed = found.take(run, platform, text);
        }
    });
    printed
}

/// Plays runs by processes that fork, exit and are killed.
fn by_processes(
    ways: &[Run],
    platform: &Platform,
    text: Text,
    found: &mut Found,
) -> Result<(), Refusal> {
    let mut troupe = Troupe::new(Placement::Anywhere)?;
    for way in ways.iter().take_while(|_| !stop::requested()) {
        let plot = Plot::of(way);
        let Some(channels) = channels_of(way) else {
            found.leave_out("this machine has no channel that is set up so");
            continue;
        };
        match playable(&plot, &channels) {
            Ok(()) => found.take(troupe.run(&plot, &channels), platform, text)?,
            Err(why) => found.leave_out(&why),
        }
    }
    Ok(())
}

impl Found {
    fn leave_out(&mut self, why: &str) {
        self.unjudged += 1;
        self.why = why.to_owned();
    }

    /// Judges what was seen; a deviation is printed.
    fn take(
        &mut self,
        run: Result<Run, Trouble>,
        platform: &Platform,
        text: Text,
    ) -> Result<(), Refusal> {
        let run = match run {
            Ok(run) => run,
            Err(trouble) => {
                self.leave_out(&trouble.to_string());
                return Ok(());
            }
        };
        let judgement = judge(&run, platform);
        match judgement.verdict {
            Verdict::Conforms => self.conform += 1,
            Verdict::Deviates => {
                self.deviate += 1;
                text.print(&format!("{run}\n{}\n", tell::deviations(&run, &judgement)))?;
            }
            Verdict::Unspecified { .. } => self.leave_out("the rules leave it unspecified"),
            Verdict::Inconclusive { .. } => self.leave_out("too many orders explain it"),
        }
        Ok(())
    }
}
