//! Every channel of this machine conforms: the cases, all short paths, random scenarios in each
//! arrangement. One trial for each. What Linux does, POSIX allows, but for declared exceptions.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use pipewright_backends::{Channel, channels};
use pipewright_conformance::campaign;
use pipewright_conformance::suite::{self, Failure, LINUX, POSIX};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::rules::{CHAPTERS, by_id};
use pipewright_model::run::Run;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = channels().iter().flat_map(|channel| trials(*channel)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(channel: &'static dyn Channel) -> Vec<Trial> {
    let name = |part: &str| format!("{}::{part}", channel.name());
    let mut trials = vec![
        trial(name("cases"), move || suite::cases(channel, &LINUX)),
        trial(name("short_paths"), move || suite::paths(channel, &LINUX)),
        trial(name("cases_by_posix"), move || allowed(suite::cases(channel, &POSIX))),
        trial(name("short_paths_by_posix"), move || allowed(suite::paths(channel, &POSIX))),
    ];
    for arrangement in channel.arrangements() {
        let part = format!("random_scenarios::{arrangement:?}").to_lowercase();
        trials.push(trial(name(&part), move || suite::walks_in(*arrangement, channel, &LINUX)));
    }
    // What can't be had here is named, and passed over.
    let skip = channel.unavailable().is_some() && campaign::may_skip();
    trials.into_iter().map(|trial| trial.with_ignored_flag(skip)).collect()
}

fn trial(name: String, test: impl FnOnce() -> Result<(), Failure> + Send + 'static) -> Trial {
    Trial::test(name, || test().map_err(|failure| Failed::from(failure.to_string())))
}

/// The same result, but for runs that are explained only by what Linux does and POSIX does not allow.
fn allowed(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(Failure::Deviates(_, found)) if found.iter().all(|found| is_exception(&found.run)) => {
            Ok(())
        }
        result => result,
    }
}

fn is_exception(run: &Run) -> bool {
    let judgement = judge(run, &LINUX);
    let exceptions = CHAPTERS.iter().flat_map(|chapter| chapter.exceptions);
    let mut rules = exceptions.filter_map(|exception| by_id(exception.rule));
    judgement.verdict == Verdict::Conforms && rules.any(|rule| judgement.shown.contains(rule))
}
