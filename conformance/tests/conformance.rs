//! Every channel of this machine conforms: the cases, all short paths, random scenarios in each
//! arrangement. One trial for each. What Linux does there, POSIX allows, but for declared exceptions: the same
//! runs are judged by both.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use pipewright_backends::{Channel, channels};
use pipewright_conformance::campaign::{self, Plan};
use pipewright_conformance::cases;
use pipewright_conformance::suite::{self, Failure, LINUX, PATHS_LEN_MAX};
use pipewright_model::platform::EXCEPTED;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = channels().iter().flat_map(|channel| trials(*channel)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trials(channel: &'static dyn Channel) -> Vec<Trial> {
    let name = |part: &str| format!("{}::{part}", channel.name());
    let mut trials = vec![
        trial(name("cases"), move || {
            let cases = cases::embedded().map_err(Failure::Case)?;
            suite::check(channel, &Plan { cases, ..by_both()? }).map(drop)
        }),
        trial(name("short_paths"), move || {
            suite::check(channel, &Plan { paths_len_max: PATHS_LEN_MAX, ..by_both()? }).map(drop)
        }),
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

/// A plan by which runs are judged by both profiles, and nothing is done yet.
fn by_both() -> Result<Plan, Failure> {
    Ok(Plan { also: Some(&EXCEPTED), ..suite::nothing(&LINUX)? })
}
