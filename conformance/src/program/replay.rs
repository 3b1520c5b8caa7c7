//! `pipewright replay` and `pipewright judge`: run files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use pipewright_backends::sys::stop;
use pipewright_backends::{Arrangement, Channel};
use pipewright_conformance::replay::{self, Unplayable};
use pipewright_conformance::scenario::takes_troupe;
use pipewright_conformance::tell::{self, deviations_at, explained, modelled, unheld};
use pipewright_conformance::why::Pattern;
use pipewright_conformance::{Placement, Plot, Runner, Scenario, Trouble, Troupe, troupe};
use pipewright_model::asleep::{Moment, Present};
use pipewright_model::oracle::{self, Judgement, Verdict};
use pipewright_model::platform::Platform;
use pipewright_model::run::{Event, Run, Setup};
use pipewright_model::text;

use super::check::afford_one;
use super::input::{Located, load_as};
use super::interrupt::{at_once, finish_first};
use super::{Profile, Refusal, Status, channel, print, print_error};

/// Arguments of `replay`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The run file (a case, or a saved failure); `-` is standard input.
    file: PathBuf,
    /// The channel to run it on; by default the one that is set up as the file says.
    #[arg(long, value_name = "C", value_parser = |name: &str| channel(name).map(|_| name.to_owned()))]
    channel: Option<String>,
    /// How actors share the channel; by default the channel's first arrangement.
    #[arg(long, value_enum)]
    arrangement: Option<Sharing>,
    /// The rules to judge by.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// Arguments of `judge`.
#[derive(Args)]
pub(super) struct JudgeArguments {
    /// The run file, or a log of `strace -f`; `-` is standard input, for a run.
    file: PathBuf,
    /// The rules to judge by.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
    /// For a log: the directory for the run of each channel, one file each.
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
}

/// [`Arrangement`] as an argument.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sharing {
    /// Threads of one process.
    Threads,
    /// Processes that inherited the ends.
    Inherited,
    /// Processes that were passed the ends over a socket.
    Passed,
    /// Processes that opened the ends by path.
    Opened,
}

impl From<Sharing> for Arrangement {
    fn from(sharing: Sharing) -> Arrangement {
        match sharing {
            Sharing::Threads => Arrangement::Threads,
            Sharing::Inherited => Arrangement::Inherited,
            Sharing::Passed => Arrangement::Passed,
            Sharing::Opened => Arrangement::Opened,
        }
    }
}

/// Runs a file's calls again.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    replayed(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn replayed(arguments: &Arguments) -> Result<Status, Refusal> {
    let Located { run: file, lines, places } = load_as(&arguments.file)?;
    afford_one()?;
    if takes_troupe(&file) {
        return by_troupe(arguments, &file, &lines);
    }
    let channel = match &arguments.channel {
        Some(name) => channel(name)?,
        None => match fitting(file.setup())? {
            Ok(channel) => channel,
            Err(reason) => return not_replayed(&reason),
        },
    };
    let can_be = replay::playable(&file, channel);
    if let Err(Unplayable::Elsewhere(reason)) = &can_be {
        return Err(Refusal::new(format!("{}: {reason}", arguments.file.display())));
    }
    let scenario = Scenario::of(&file).on(channel.setup().kind, file.setup().kind);
    let scenario = scenario.unwrap_or_else(|| Scenario::of(&file));
    // A stop may have been lost on the way: to a channel of another kind, say.
    if let Some(reason) = Scenario::of(&file).stops().then(|| no_stops(channel)).flatten() {
        print_error(&format!(
            "{}: calls of this file stop in their middle: {reason}",
            channel.name()
        ));
        return Ok(Status::NotJudged);
    }
    if let Err(Unplayable::Call { event, reason }) = can_be {
        return not_replayed(&format!("{}: {reason}", places.told(&arguments.file, event)));
    }
    let arrangement = arguments.arrangement.map_or(channel.arrangements()[0], Arrangement::from);
    let actors = scenario.seats.len().max(1);
    finish_first();
    let played = Runner::new(channel, arrangement, actors, Placement::Anywhere)
        .and_then(|mut runner| runner.run(&scenario));
    let run = match seen(played, channel.name())? {
        Ok(run) => run,
        Err(status) => return Ok(status),
    };
    if let (None, Some(reason)) = (&arguments.channel, replay::set_up_otherwise(&file, &run)) {
        return not_replayed(&reason);
    }
    compared(arguments, &file, &lines, &scenario, &run)
}

/// The run that was played, once actors and places are gone; how the program ends where there is none.
fn seen(played: Result<Run, Trouble>, channel: &str) -> Result<Result<Run, Status>, Refusal> {
    // What is left to do is judged and told.
    let played = if at_once() { Err(Trouble::Stopped) } else { played };
    Ok(match played {
        Err(trouble) if trouble.is_of_channel() => {
            print_error(&format!("{channel}: not supported here: {trouble}"));
            Err(Status::NotJudged)
        }
        Err(Trouble::Stopped) => {
            print_error("stopped; nothing is left behind");
            Err(Status::Stopped)
        }
        run => Ok(run?),
    })
}

/// Tells of the run that was played, and where it is not as the file says.
fn compared(
    arguments: &Arguments,
    file: &Run,
    lines: &[usize],
    scenario: &Scenario,
    run: &Run,
) -> Result<Status, Refusal> {
    let platform = arguments.profile.platform_here();
    if let Some((_, _, reason)) = tell::refused(run, &oracle::judge(run, platform)) {
        print(&format!("{run}\nnot judged: {reason}\n"))?;
        return Ok(Status::NotJudged);
    }
    let status = told(run, &tell::lines(run), platform)?;
    for (step, what) in replay::made_otherwise(file, scenario, run) {
        let line = line_of_step(file, lines, step);
        print(&format!("made otherwise than in the file: {line}{what}\n"))?;
    }
    for (event, what) in replay::seen_otherwise(file, scenario, run) {
        let line = lines.get(event).map(|line| format!("line {line}: ")).unwrap_or_default();
        print(&format!("seen otherwise than in the file: {line}{what}\n"))?;
    }
    let unlike = replay::left_out(scenario, run);
    match unlike.or_else(|| replay::not_stopped(scenario, run)) {
        None => Ok(status),
        Some((step, reason)) => {
            let line = line_of_step(file, lines, step);
            Ok(status.and(not_replayed(&format!("{line}{reason}"))?))
        }
    }
}

/// Plays a run of several channels, or of processes and threads.
fn by_troupe(arguments: &Arguments, file: &Run, lines: &[usize]) -> Result<Status, Refusal> {
    let options = [
        ("--channel", arguments.channel.is_some()),
        ("--arrangement", arguments.arrangement.is_some()),
    ];
    if let Some((option, _)) = options.iter().find(|(_, given)| *given) {
        return Err(Refusal::new(format!(
            "{}: {option} is for runs of one channel by actors that are no processes of the run; the file names its \
             channels and who shares them",
            arguments.file.display()
        )));
    }
    let mut channels = Vec::new();
    for channel in &file.channels {
        match fitting(&channel.setup)? {
            Ok(channel) => channels.push(channel),
            Err(reason) => return not_replayed(&reason),
        }
    }
    let plot = Plot::of(file);
    if let Err(reason) = troupe::playable(&plot, &channels) {
        return not_replayed(&reason);
    }
    finish_first();
    let played =
        Troupe::new(Placement::Anywhere).and_then(|mut troupe| troupe.run(&plot, &channels));
    let names: Vec<_> = channels.iter().map(|channel| channel.name()).collect();
    let run = match seen(played, &names.join(", "))? {
        Ok(run) => run,
        Err(status) => return Ok(status),
    };
    if let Some(reason) = replay::set_up_otherwise(file, &run) {
        return not_replayed(&reason);
    }
    compared(arguments, file, lines, &plot.scenario, &run)
}

/// In which line of the file the call of this step of its scenario stands, before what is told of it.
fn line_of_step(file: &Run, lines: &[usize], step: usize) -> String {
    let is_step = |event: &Event| matches!(event, Event::Call(_) | Event::Exits(..));
    let calls = file.events.iter().zip(lines).filter(|(event, _)| is_step(event));
    calls.map(|(_, line)| format!("line {line}: ")).nth(step).unwrap_or_default()
}

/// Says why what the file says was not done, or not all of it.
pub(super) fn not_replayed(reason: &str) -> Result<Status, Refusal> {
    print(&format!("not replayed as the file says: {reason}\n"))?;
    Ok(Status::NotJudged)
}

/// Why calls on a channel can't be stopped in their middle, where they can't.
pub(super) fn no_stops(channel: &dyn Channel) -> Option<&'static str> {
    match channel.copies_in_kernel() {
        true => stop::unavailable(),
        false => Some("its calls do not copy in the kernel"),
    }
}

/// Judges a file as it stands.
pub(super) fn judge(arguments: &JudgeArguments) -> Result<Status, String> {
    if let Some(log) = super::input::log(&arguments.file) {
        let judged =
            super::log::judge(&log, arguments.profile.platform(), arguments.save.as_deref());
        return judged.map_err(|refusal| refusal.text().to_owned());
    }
    let is_a_run = "--save is for logs of strace: a run is a file already; leave it out";
    load_as(&arguments.file)
        .and_then(|Located { run, lines, .. }| match arguments.save {
            Some(_) => Err(Refusal::new(is_a_run)),
            None => told(&run, &lines, arguments.profile.platform()),
        })
        .map_err(|refusal| refusal.text().to_owned())
}

/// Prints a run, whose events stand in these lines, with its rules, the verdict, and what was allowed instead.
fn told(run: &Run, lines: &[usize], platform: &'static Platform) -> Result<Status, Refusal> {
    let judgement = oracle::judge_naming(run, platform);
    let run = &text::named(run, &judgement);
    print(&format!("{}\n", explained(run, &judgement)))?;
    print(&asleep_before(run, lines, &judgement, platform))?;
    print(&format!("{} (profile {})\n", judgement.verdict.word(), platform.name))?;
    print(&deviations_at(run, &judgement, lines))?;
    print(&asleep(run, &judgement, platform))?;
    print(&unheld(run))?;
    print(&modelled(run))?;
    Ok(match judgement.verdict {
        Verdict::Conforms => Status::Conforms,
        Verdict::Deviates => Status::Deviates,
        Verdict::Unspecified { from, reason } => {
            print(&unspecified(run, lines, from, reason))?;
            Status::NotJudged
        }
        Verdict::Inconclusive { at } => {
            let line = lines.get(at).map(|line| format!(", at line {line}")).unwrap_or_default();
            print(&format!("too many orders of concurrent calls{line}\n"))?;
            Status::NotJudged
        }
    })
}

/// So many moments before the end are told, in which calls sleep.
const MOMENTS_MAX: usize = 6;

/// The calls that sleep in a run that conforms, and why, at each `quiet` before the end.
fn asleep_before(run: &Run, lines: &[usize], judgement: &Judgement, platform: &Platform) -> String {
    let last = run.events.len().saturating_sub(1);
    if judgement.verdict != Verdict::Conforms {
        return String::new();
    }
    let someone_sleeps =
        |event: &Event| matches!(event, Event::Quiet(actors) if actors.iter().next().is_some());
    let quiets: Vec<usize> = (0..last).filter(|at| someone_sleeps(&run.events[*at])).collect();
    let mut told = String::new();
    for at in quiets.iter().copied().take(MOMENTS_MAX) {
        let mut until = run.clone();
        until.events.truncate(at + 1);
        let line = lines.get(at).copied().unwrap_or(at + 1);
        told += &asleep_after(&until, platform, &format!("at line {line}"));
    }
    if let Some(left) = quiets.len().checked_sub(MOMENTS_MAX).filter(|left| *left > 0) {
        told += &format!("(of {left} more `quiet` nothing is told)\n");
    }
    if told.is_empty() { told } else { told + "\n" }
}

/// The calls that sleep at the end of a run that conforms, and why.
fn asleep(run: &Run, judgement: &Judgement, platform: &Platform) -> String {
    match judgement.verdict {
        Verdict::Conforms => asleep_after(run, platform, "at the end"),
        _ => String::new(),
    }
}

/// The calls that sleep after the last event of a run, and why.
fn asleep_after(run: &Run, platform: &Platform, when: &str) -> String {
    let Some(last) = run.events.len().checked_sub(1) else { return String::new() };
    let worlds = oracle::after(run, platform);
    let moment = Moment::of(run, platform, &worlds, &Present::after(run, last));
    let Some(moment) = moment.filter(|moment| !moment.sleepers.is_empty()) else {
        return String::new();
    };
    let hangs = match moment.verdict(run) {
        knots if knots.is_empty() => String::new(),
        knots => format!("it hangs: {knots}\n{}", patterns(run, &moment)),
    };
    format!("{hangs}asleep {when}:\n{}", moment.sentences(run))
}

/// The known patterns that what is for ever shows, and how they are mended.
pub(super) fn patterns(run: &Run, moment: &Moment) -> String {
    let mut told = String::new();
    for knot in moment.knots() {
        let sleepers = moment.sleepers.iter().filter(|sleeper| knot.contains(&sleeper.actor));
        let pattern = Pattern::of_sleepers(run, &sleepers.collect::<Vec<_>>());
        told += &pattern.map(Pattern::in_a_line).unwrap_or_default();
    }
    told
}

/// Where the rules end, and what that means for the run.
fn unspecified(run: &Run, lines: &[usize], from: usize, reason: &str) -> String {
    let line = lines.get(from).map(|line| format!(" (line {line})")).unwrap_or_default();
    format!(
        "from `{}`{line} on, the rules say nothing: {reason}; what follows is neither right nor wrong, so the run as \
         a whole is not judged\n",
        text::event(run, from).trim()
    )
}

/// The channel of this machine that is set up as the set-up says, or can be; why none is, where one is of its kind.
pub(super) fn fitting(setup: &Setup) -> Result<Result<&'static dyn Channel, String>, Refusal> {
    if let Some(channel) = replay::channel_set_up(setup) {
        return Ok(Ok(channel));
    }
    let is_alike = |channel: &&dyn Channel| channel.setup().kind == setup.kind;
    if !pipewright_backends::channels().iter().any(is_alike) {
        let kind = setup.kind.name;
        return Err(Refusal::new(format!("no channel is a {kind}; choose one by --channel")));
    }
    let asked = text::header(setup);
    Ok(Err(format!(
        "no channel here can be set up as `{asked}`; --channel replays it on one that is set up otherwise"
    )))
}
