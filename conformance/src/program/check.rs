//! `pipewright check`: the campaign, and the table.

mod system;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use pipewright_backends::Channel;
use pipewright_backends::sys::process;
use pipewright_conformance::campaign::{self, Campaign, Expected, PROCESSES, Plan, Tested};
use pipewright_conformance::report::{self, Heading};
use pipewright_conformance::{Level, Observation, Trouble, cases};
use pipewright_model::platform::Platform;

use super::input::is_path;
use super::interrupt::finish_first;
use super::numbers::{MANY, number};
use super::output::{self, Text};
use super::{Profile, Refusal, Status, channel, input, print_error};

/// Arguments of `check`.
#[derive(Args, Default)]
pub(super) struct Arguments {
    /// Channels to check, by name; all by default. `pipewright channels` lists them. `processes`
    /// stands for several channels between processes that fork, exec, exit, are killed and waited
    /// for. A system file has its calls made on real channels, in every order up to `--systems`;
    /// with processes, in the orders that claims show.
    #[arg(value_name = "CHANNEL|FILE", value_parser = row)]
    channels: Vec<String>,
    /// The rules to judge by.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
    /// Random scenarios for each channel [default: 7000, of processes 2000].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number(0..=MANY))]
    scenarios: Option<usize>,
    /// Length of the exhaustive scenarios over small alphabets, in calls: 0 to 4 [default: 3].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number(0..=4_usize))]
    paths: Option<usize>,
    /// Orders of the calls of each named system over the channel to run [default: 100]; of a system
    /// file [default: 1000].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number(0..=MANY))]
    systems: Option<usize>,
    /// Percentage of random scenarios in which a call is stopped in its middle while others make
    /// calls [default: 10].
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true, value_parser = number(0..=100_u32))]
    stops: Option<u32>,
    /// Seed of the random scenarios; the same seed gives the same scenarios.
    #[arg(long, value_name = "S", default_value_t = 0, allow_negative_numbers = true,
        value_parser = number(0..=u64::MAX))]
    seed: u64,
    /// The highest level at which to observe sleep [default: the highest that this system
    /// supports].
    #[arg(long, value_name = "LEVEL", value_enum)]
    observe: Option<Observe>,
    /// Print only deviations and what was not judged: no heading, no progress, no table.
    #[arg(short, long)]
    quiet: bool,
    /// Write the result as JSON; `-` is standard output, and the table goes to standard error.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the result as JUnit XML, one test for each channel; `-` as for `--json`.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the result as KTAP, as the kernel's own tests do, one line for each channel; `-` as
    /// for `--json`.
    #[arg(long, value_name = "FILE")]
    ktap: Option<PathBuf>,
    /// Expect the deviations in this file: status 1 if others occur, or if one of these no longer
    /// does.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write the deviations found as a file for `--expect`; `-` as for `--json`.
    #[arg(long, value_name = "FILE")]
    write_expected: Option<PathBuf>,
    /// Save each deviating run as a file in this directory.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

/// Levels of observation, as they are asked for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Observe {
    /// Sleep is proven.
    Full,
    /// Sleep is observed by its state letter: deviations that rest on it are marked unproven.
    Stat,
    /// Sleep is not observed: sequential scenarios only.
    None,
}

impl Observe {
    fn level(self) -> Level {
        match self {
            Observe::Full => Level::Full,
            Observe::Stat => Level::Stat,
            Observe::None => Level::None,
        }
    }
}

/// The name of a row: of a channel, or the one of processes; or the path of a file.
fn row(name: &str) -> Result<String, String> {
    match name {
        PROCESSES => Ok(name.to_owned()),
        path if is_path(path) => Ok(path.to_owned()),
        _ => channel(name).map(|_| name.to_owned()),
    }
}

/// Checks, reports, and says how it went.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    checked(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn checked(arguments: &Arguments) -> Result<Status, Refusal> {
    if let Some(observe) = arguments.observe {
        Observation::ask_for(observe.level()).map_err(Refusal::new)?;
    }
    let expected = arguments.expect.as_deref().map_or(Ok(Expected::default()), expected)?;
    // Whatever is to be written is opened first: better to fail now than when there is something to lose.
    let options = [
        ("--json", arguments.json.as_ref()),
        ("--junit", arguments.junit.as_ref()),
        ("--ktap", arguments.ktap.as_ref()),
        ("--write-expected", arguments.write_expected.as_ref()),
    ];
    let inputs: Vec<_> = arguments.expect.iter().map(|path| ("--expect", path.as_path())).collect();
    let mut outputs = output::open(&options, &inputs)?;
    let text = outputs.text;
    if let Some(dir) = &arguments.save {
        let failed = |e| Refusal::new(format!("failed to make directory {}: {e}", dir.display()));
        fs::create_dir_all(dir).map_err(failed)?;
        if let Some(path) = outputs.within(dir, "case") {
            return Err(Refusal::new(format!(
                "--save writes files *.case to {}, where {} is another result; give one of them another place",
                dir.display(),
                path.display()
            )));
        }
    }
    let platform = arguments.profile.platform_here();
    if arguments.channels.iter().any(|name| is_path(name)) {
        return systems_of_files(arguments, platform, text);
    }
    let channels = chosen(&arguments.channels);
    let cores =
        process::cores().map_err(|e| Refusal::new(format!("failed to list processors: {e}")))?;
    let mut plan = Plan::new(platform, affordable(cores)?);
    plan.seed = arguments.seed;
    plan.scenarios = arguments.scenarios.unwrap_or(Plan::SCENARIOS_DEFAULT);
    plan.paths_len_max = arguments.paths.unwrap_or(plan.paths_len_max);
    plan.system_paths_max = arguments.systems.unwrap_or(plan.system_paths_max);
    plan.stopping_percent = arguments.stops.unwrap_or(plan.stopping_percent);
    plan.cases = cases::embedded()?;
    plan.expected = expected;
    let processes =
        arguments.channels.is_empty() || arguments.channels.iter().any(|name| name == PROCESSES);
    let walks = arguments.scenarios.unwrap_or(Plan::PROCESSES_DEFAULT);
    plan.processes = processes.then_some(walks);

    finish_first();
    let heading = Heading::here(platform.name, plan.seed).with_settings_of(&channels);
    let bar = if arguments.quiet {
        ProgressBar::hidden()
    } else {
        text.print(&heading.to_string())?;
        bar(campaign::count(&channels, &plan) as u64, "scenarios")
    };
    let progress = |row: &str, done: usize| {
        bar.set_message(row.to_owned());
        bar.inc(done as u64);
    };
    let Campaign { tested, ended_by } = campaign::run(&channels, &plan, &progress);
    bar.finish_and_clear();
    match &ended_by {
        None | Some(Trouble::Stopped) => {}
        Some(trouble) if tested.iter().all(is_empty) => return ended(trouble, Status::Conforms),
        Some(_) => {}
    }
    tell(text, &tested, arguments.quiet)?;
    if let Some(trouble) = ended_by.as_ref().filter(|trouble| !matches!(trouble, Trouble::Stopped))
    {
        text.print(&format!(
            "\n{trouble}\nRows marked *stopped* lack some or all of their scenarios for that.\n"
        ))?;
    }
    outputs
        .write(0, || Ok(serde_json::to_string_pretty(&report::json(&heading, &tested))? + "\n"))?;
    outputs.write(1, || Ok(report::junit(&heading, &tested)?))?;
    outputs.write(2, || Ok(report::ktap(&heading, &tested)))?;
    outputs.write(3, || Ok(renewed(&heading, &plan.expected, &tested)))?;
    if let Some(dir) = &arguments.save {
        save(dir, &tested)?;
    }
    if tested.iter().any(|row| !row.found.is_empty()) {
        let kept = match &arguments.save {
            Some(dir) => format!("These runs are saved in {}", dir.display()),
            None => "--save DIR saves these runs".to_owned(),
        };
        text.print(&format!(
            "\n{kept}: `pipewright replay FILE` runs one again, `draw` shows it as a picture, `explore` \
             goes through what else could have been.\n"
        ))?;
    }
    let status = status(&tested, !arguments.channels.is_empty());
    ended_by.map_or(Ok(status), |trouble| ended(&trouble, status))
}

/// The deviations that a file expects.
fn expected(path: &Path) -> Result<Expected, Refusal> {
    let (name, text) = input::text_of(path, "a file of expected deviations", "make it smaller")?;
    Expected::parse(&text).map_err(|error| Refusal::new(format!("{name}:{error}")))
}

/// The file of what to expect next time.
fn renewed(heading: &Heading, expected: &Expected, tested: &[Tested]) -> String {
    format!(
        "# Deviations that are expected: `pipewright check --expect FILE` fails where others occur, or where one of these no\n\
         # longer does, unless it is marked `sometimes = true`. `why` says why the system does so.\n\
         # Written on {}, profile {}, seed {}.\n{}",
        heading.kernel,
        heading.profile,
        heading.seed,
        campaign::renewed(expected, tested)
    )
}

/// Descriptors that one processor's work takes at most, with some to spare.
const DESCRIPTORS_EACH: u64 = 160;

/// Descriptors that are taken however many processors work.
const DESCRIPTORS_ALWAYS: u64 = 32;

/// As many of these processors as there are descriptors for, of which this process takes as many as it may have.
fn affordable(mut cores: Vec<usize>) -> Result<Vec<usize>, Refusal> {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(cores) };
    let wanted = hard.min(DESCRIPTORS_ALWAYS + DESCRIPTORS_EACH * cores.len() as u64);
    let raised = soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok();
    let limit = if raised { wanted } else { soft };
    let affordable = limit.saturating_sub(DESCRIPTORS_ALWAYS) / DESCRIPTORS_EACH;
    if affordable == 0 {
        let least = DESCRIPTORS_ALWAYS + DESCRIPTORS_EACH;
        return Err(Refusal::new(format!(
            "this takes {least} descriptors, and this process may have {limit}: raise the limit (ulimit -n)"
        )));
    }
    cores.truncate(usize::try_from(affordable).unwrap_or(usize::MAX));
    Ok(cores)
}

/// Sees to it that one processor's work has its descriptors.
pub(super) fn afford_one() -> Result<(), Refusal> {
    affordable(vec![0]).map(drop)
}

/// The channels with these names, each once; all where there is none.
fn chosen(names: &[String]) -> Vec<&'static dyn Channel> {
    if names.is_empty() {
        return pipewright_backends::channels().to_vec();
    }
    let first = |(index, name): &(usize, &String)| !names[..*index].contains(name);
    let names = names.iter().enumerate().filter(first).map(|(_, name)| name);
    names.filter_map(|name| pipewright_backends::named(name)).collect()
}

/// Checks systems of files, and nothing else.
fn systems_of_files(
    arguments: &Arguments,
    platform: &Platform,
    text: Text,
) -> Result<Status, Refusal> {
    if let Some(name) = arguments.channels.iter().find(|name| !is_path(name)) {
        return Err(Refusal::new(format!(
            "{name} is a channel: files of systems are checked by themselves, and channels by another command"
        )));
    }
    let Arguments { json, junit, ktap, save, expect, write_expected, .. } = arguments;
    if [json, junit, ktap, save, expect, write_expected].into_iter().any(Option::is_some) {
        return Err(Refusal::new(
            "results are written of channels alone: leave these options out to check a file of a system",
        ));
    }
    finish_first();
    let most = arguments.systems.unwrap_or(ORDERS_DEFAULT);
    let mut status = Status::Conforms;
    for file in &arguments.channels {
        status = status.and(system::check(Path::new(file), most, platform, text)?);
    }
    Ok(status)
}

/// Orders of the calls of a system of a file that are made, unless it is said otherwise.
const ORDERS_DEFAULT: usize = 1000;

/// Whether nothing is known of a channel.
fn is_empty(row: &Tested) -> bool {
    row.scenarios == 0 && row.inconclusive.0 == 0
}

/// What ended the campaign before all was done.
fn ended(trouble: &Trouble, status: Status) -> Result<Status, Refusal> {
    match trouble {
        Trouble::Stopped => {
            print_error("stopped; nothing is left behind");
            Ok(status.and(Status::Stopped))
        }
        trouble => Err(trouble.into()),
    }
}

/// What the word means that stands in the table.
const UNSPECIFIED: &str = "
Unspecified: from some call on, the rules leave open what such a run does, so it is judged up to there
alone. `pipewright judge` names the call and the reason.
";

fn tell(to: Text, tested: &[Tested], quiet: bool) -> Result<(), Refusal> {
    let mut text = String::new();
    if !quiet {
        text = report::table(tested) + "\n" + report::not_shown(tested);
    }
    if !quiet && tested.iter().any(|row| row.unspecified > 0) {
        text.push_str(UNSPECIFIED);
    }
    for row in tested {
        let lacking = report::lacking(row);
        if !lacking.is_empty() {
            text.push_str(&format!("\n{lacking}"));
        }
        for absent in report::absent(row) {
            text.push_str(&format!(
                "\n{absent}\nTake it out of the file of expected deviations.\n"
            ));
        }
        for found in row.told() {
            text.push_str(&format!("\n{}", report::found(&row.channel, found)));
        }
        if row.found.len() > row.told().len() {
            let more = row.found.len() - row.told().len();
            text.push_str(&format!("\n{}: {more} more kinds of deviations\n", row.channel));
        }
        for reason in &row.inconclusive.1 {
            text.push_str(&format!("\n{}: a run could not be judged: {reason}\n", row.channel));
        }
    }
    to.print(&text)
}

/// What a machine lacks is no fault, unless it was asked for by name, or all that there is.
fn status(tested: &[Tested], named: bool) -> Status {
    let named = named || tested.iter().all(|row| row.verdict() == "not supported");
    let of = |row: &Tested| match row.verdict() {
        "deviates" | "not as expected" => Status::Deviates,
        "unproven" | "inconclusive" | "unspecified" | "stopped" => Status::NotJudged,
        _ if named && !row.lacking.reasons.is_empty() => Status::NotJudged,
        _ => Status::Conforms,
    };
    tested.iter().map(of).fold(Status::Conforms, Status::and)
}

fn save(dir: &Path, tested: &[Tested]) -> Result<(), Refusal> {
    for row in tested {
        for (number, found) in row.told().iter().enumerate() {
            let path = dir.join(format!("{}-{}.case", row.channel, number + 1));
            fs::write(&path, report::saved(&row.channel, found)).map_err(|error| {
                Refusal::new(format!("failed to write {}: {error}", path.display()))
            })?;
        }
    }
    Ok(())
}

/// A bar that fills with so many of what is done, called `what`.
pub(super) fn bar(len: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(len);
    let style = format!("{{bar:30}} {{pos}}/{{len}} {what}, {{eta}} left: {{msg}}");
    let style = ProgressStyle::with_template(&style);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
