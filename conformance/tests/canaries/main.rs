//! Canaries: broken channels, each with one fault that channels have been shipped with. Each is rejected,
//! by the rule that forbids the fault, while the sound channel passes the same scenario; and random
//! scenarios find it without being told where to look.
//!
//! What has to be sound besides: the in-process channels into which most of the faults are put.

mod epolls;
mod eventfds;
mod fifos;
mod files;
mod in_memory;
mod in_process;
mod memory;
mod pipes;
mod sockets;
mod tcp;
mod tcp_life;
mod wrapped;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use in_memory::InMemory;
use in_process::InProcess;
use libtest_mimic::{Arguments, Failed, Trial};
use pipewright_backends::Channel;
use pipewright_conformance::export::{self, Test};
use pipewright_conformance::generate::{Shape, walk};
use pipewright_conformance::suite::{self, Failure};
use pipewright_conformance::{Placement, Runner, Scenario, tell};
use pipewright_model::oracle::{Judgement, Verdict, judge};
use pipewright_model::platform::{LINUX, Platform};
use pipewright_model::rules::{RULES, by_id};
use pipewright_model::run::Run;

/// A broken channel.
#[derive(Clone, Copy)]
struct Canary {
    /// What is wrong with it.
    name: &'static str,
    broken: &'static dyn Channel,
    /// The same channel without the fault.
    sound: &'static dyn Channel,
    /// The rule by which it is rejected.
    rule: &'static str,
    /// A run of the sound channel whose scenario shows the fault; indented as it likes.
    shows: &'static str,
}

/// The most random scenarios that it may take to find a fault.
const WALKS_MAX: u64 = 2_000;

/// Faults that show only in a race, or a knot of epolls, that random scenarios hardly ever come to.
const NOT_FOUND_BY_CHANCE: &[&str] = &[
    "open_waits_on_state_not_on_event",
    "epoll_watches_in_a_circle",
    "eventfd_write_of_zero_is_no_edge",
];

/// A fault that shows only if one actor is faster than another is looked for so often.
const ATTEMPTS_MAX: usize = 1_000;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let canaries: Vec<Canary> = [
        wrapped::canaries(),
        pipes::canaries(),
        fifos::canaries(),
        eventfds::canaries(),
        epolls::canaries(),
        files::canaries(),
        memory::canaries(),
        sockets::canaries(),
        tcp::canaries(),
        tcp_life::canaries(),
    ]
    .concat();
    let mut trials = vec![trial("no_two_canaries_are_the_same".into(), {
        let canaries = canaries.clone();
        move || are_different(&canaries)
    })];
    trials.push(trial("the_page_of_broken_channels_is_up_to_date".into(), {
        let canaries = canaries.clone();
        move || page_is_up_to_date(&canaries)
    }));
    let broken: Vec<Canary> = canaries.iter().take(3).copied().collect();
    trials.push(trial("each_fault_is_told_once".into(), move || are_told_once(&broken)));
    for canary in canaries {
        let name = |test: &str| format!("{}::{test}", canary.name);
        trials.push(trial(name("is_rejected_by_its_rule"), move || is_rejected(canary)));
        if !NOT_FOUND_BY_CHANCE.contains(&canary.name) {
            trials.push(trial(name("is_found_by_random_scenarios"), move || is_found(canary)));
        }
    }
    for sound in [&InProcess::PIPE, &InProcess::SMALL, &InProcess::PACKET, &InProcess::FIFO] {
        for (part, test) in PARTS {
            let name = format!("{}::{part}", sound.name);
            trials.push(trial(name, move || test(sound, &LINUX).map_err(|f| f.to_string())));
        }
    }
    for sound in [&InMemory::POLLED, &InMemory::GUARDED, &InMemory::RING, &InMemory::WAITING] {
        for (part, test) in PARTS {
            let name = format!("{}::{part}", sound.name);
            trials.push(trial(name, move || test(sound, &LINUX).map_err(|f| f.to_string())));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

type Part = fn(&'static dyn Channel, &'static Platform) -> Result<(), Failure>;

const PARTS: [(&str, Part); 3] =
    [("cases", suite::cases), ("short_paths", suite::paths), ("random_scenarios", suite::walks)];

fn trial(name: String, test: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(name, || test().map_err(Failed::from))
}

/// The scenario shows it, the first event that deviates is one that the rule forbids, and the sound
/// channel passes.
fn is_rejected(canary: Canary) -> Result<(), String> {
    let lines: Vec<&str> = canary.shows.lines().map(str::trim).collect();
    let text = lines.join("\n") + "\n";
    let expected: Run = text.parse().map_err(|error| format!("{error}\n{text}"))?;
    passes(&expected)?;
    if *expected.setup() != canary.broken.setup() || *expected.setup() != canary.sound.setup() {
        return Err("the channels are not set up as the run says".into());
    }
    let rule = by_id(canary.rule).ok_or_else(|| format!("there is no rule {}", canary.rule))?;
    let scenario = Scenario::of(&expected);
    passes(&run(&mut runner(canary.sound)?, &scenario)?)?;
    let (run, judgement) = deviation(canary.broken, &scenario)?;
    match judgement.deviations.first() {
        Some(first) if first.allowed.iter().any(|allowed| allowed.rule() == rule) => Ok(()),
        _ => {
            let told = tell::deviations(&run, &judgement);
            Err(format!("not rejected by {}:\n{run}\n{told}", RULES[usize::from(rule)].id))
        }
    }
}

fn passes(run: &Run) -> Result<(), String> {
    let judgement = judge(run, &LINUX);
    match judgement.verdict {
        Verdict::Conforms => Ok(()),
        _ => Err(format!("the sound channel: {run}\n{}", tell::deviations(run, &judgement))),
    }
}

fn deviation(
    broken: &'static dyn Channel,
    scenario: &Scenario,
) -> Result<(Run, Judgement), String> {
    let mut runner = runner(broken)?;
    // A scenario in which every step settles runs the same way every time.
    let attempts = if scenario.steps.iter().all(|step| step.settle) { 1 } else { ATTEMPTS_MAX };
    let mut last = None;
    for _ in 0..attempts {
        let run = run(&mut runner, scenario)?;
        let judgement = judge(&run, &LINUX);
        if judgement.verdict == Verdict::Deviates {
            return Ok((run, judgement));
        }
        last = Some(run);
    }
    Err(format!("it does not deviate:\n{}", last.map_or_else(String::new, |run| run.to_string())))
}

/// Some random scenario for channels set up like it shows it.
fn is_found(canary: Canary) -> Result<(), String> {
    let shape = Shape::new(&LINUX, canary.broken.setup());
    let mut runner = runner(canary.broken)?;
    for seed in 0..WALKS_MAX {
        let run = run(&mut runner, &walk(&shape, seed))?;
        if judge(&run, &LINUX).verdict == Verdict::Deviates {
            return Ok(());
        }
    }
    Err(format!("not found in {WALKS_MAX} random scenarios"))
}

/// Runs that deviate alike are told by one of them.
fn are_told_once(broken: &[Canary]) -> Result<(), String> {
    for Canary { name, broken, .. } in broken {
        let found = match suite::walks(*broken, &LINUX) {
            Err(Failure::Deviates(_, found)) => found,
            other => return Err(format!("{name}: it does not deviate: {other:?}")),
        };
        let twice = found
            .iter()
            .enumerate()
            .find(|(at, one)| found[..*at].iter().any(|other| other.fault == one.fault));
        if let Some((_, twice)) = twice {
            return Err(format!("{name}: {} is told twice", twice.fault));
        }
        if found.iter().all(|one| one.runs == 1) {
            return Err(format!("{name}: no fault is seen more than once"));
        }
    }
    Ok(())
}

fn runner(channel: &'static dyn Channel) -> Result<Runner, String> {
    let arrangement = channel.arrangements()[0];
    Runner::new(channel, arrangement, 4, Placement::Anywhere).map_err(|error| error.to_string())
}

fn run(runner: &mut Runner, scenario: &Scenario) -> Result<Run, String> {
    runner.run(scenario).map_err(|error| error.to_string())
}

/// As many of these faults the tests of one thread must find.
const FOUND_BY_ONE_THREAD_MIN: usize = 30;

/// Whether one of the tests that `pipewright export` writes finds the fault: its calls are made one after another, and
/// nothing is seen but their returns.
fn is_found_by_one_thread(canary: &Canary, tests: &[Test]) -> Result<bool, String> {
    let setup = canary.broken.setup();
    let of_this = tests.iter().filter(|test| test.sequence.run.setup().stock() == setup.stock());
    let mut runner = runner(canary.broken)?;
    for test in of_this {
        let scenario = Scenario::of(&test.sequence.run);
        let fits = scenario.seats.len() <= 4
            && scenario.steps.iter().all(|step| canary.broken.offers(&step.call.op))
            && scenario.can_be(canary.broken.arrangements()[0], setup.kind);
        if fits && test.sequence.rejects(&run(&mut runner, &scenario)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What stands in the documents of the broken channels; with `UPDATE=1` it is written.
fn page_is_up_to_date(canaries: &[Canary]) -> Result<(), String> {
    let mut page = String::from(
        "# Broken channels\n\n\
         Each has one fault that channels have been shipped with. A test runs it on real actors and sees it rejected *by the rule \
         expected*, while the sound channel passes the same scenario in the same test; and random scenarios find it without being \
         told where to look. So it is known that a verdict can be bad, and not only that it is good. Generated from \
         `conformance/tests/canaries/`; after a change there: `UPDATE=1 cargo test --test canaries up_to_date`.\n\n",
    );
    let tests = export::tests(&LINUX).map_err(|error| error.to_string())?;
    let mut rows = String::new();
    let mut count = 0;
    for canary in canaries {
        let Canary { name, broken, rule, .. } = canary;
        let found = is_found_by_one_thread(canary, &tests)?;
        count += usize::from(found);
        let chapter = rule.split('.').next().unwrap_or_default();
        let kind = broken.setup().kind.name;
        let found = if found { " \\*" } else { "" };
        rows += &format!("| `{name}` | [`{rule}`]({chapter}.md#{rule}) | {kind}{found} |\n");
    }
    if count < FOUND_BY_ONE_THREAD_MIN {
        return Err(format!("the tests of one thread find {count} faults"));
    }
    page += &format!(
        "The tests that [one thread makes](portable.md), with nobody to watch it, find {count} of these {}: those marked \\*.\n\n\
         | what is wrong | rejected by | kind |\n| --- | --- | --- |\n{rows}",
        canaries.len()
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/canaries.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).map_err(|error| error.to_string())?;
    }
    match fs::read_to_string(&path) {
        Ok(is) if is == page => Ok(()),
        _ => Err("docs/canaries.md is out of date; UPDATE=1 writes it anew".into()),
    }
}

fn are_different(canaries: &[Canary]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for canary in canaries {
        for part in [canary.name, canary.shows] {
            if !seen.insert(part) {
                return Err(format!("there is another {part}"));
            }
        }
    }
    Ok(())
}
