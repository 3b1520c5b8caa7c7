//! The cases as documents: each reads, conforms, and names the rule behind every reply. And as scenarios:
//! each goes on a channel of this machine as it says. Two trials a case.
//!
//! With `UPDATE=1` the cases are printed anew, with the rules that explain them.

#[path = "common/no_case.rs"]
mod no_case;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use no_case::{NEVER_SHOWN, NOT_MODELLED};
use pipewright_backends::sys::stop;
use pipewright_backends::{Channel, Fifo, Pipe, SharedMemory, Unix, channels};
use pipewright_conformance::cases::{self, Case};
use pipewright_conformance::generate::follow;
use pipewright_conformance::scenario::takes_troupe;
use pipewright_conformance::troupe::playable;
use pipewright_conformance::{Placement, Plot, Runner, Scenario, Troupe, tell};
use pipewright_model::call::{ACTORS_MAX, Answer, Mode, Op, Signal};
use pipewright_model::index::RuleIndex;
use pipewright_model::kind::{Discipline, Ends, FIFO, PIPE};
use pipewright_model::oracle::{Allowed, Judgement, Verdict, judge};
use pipewright_model::platform::{EXCEPTED, LINUX};
use pipewright_model::rule::Force;
use pipewright_model::rules::{CHAPTERS, RULES, by_id};
use pipewright_model::run::{Event, Run, Seat, Setup};
use pipewright_model::step::RuleSet;
use pipewright_model::text;

/// The most lines in which a case says why it is there.
const REASON_LINES_MAX: usize = 3;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let paths = match cases::paths(&dir()) {
        Ok(paths) => paths,
        Err(error) => {
            eprintln!("failed to find the cases: {error}");
            return ExitCode::FAILURE;
        }
    };
    if std::env::var_os("UPDATE").is_some()
        && let Err(error) = paths.iter().try_for_each(|path| update(path))
    {
        eprintln!("failed to update the cases: {error}");
        return ExitCode::FAILURE;
    }
    let mut trials = Vec::new();
    for path in paths {
        let name = cases::name(&path);
        let file = path.clone();
        trials.push(Trial::test(format!("{name} as a document"), move || check_file(&file)));
        trials.push(Trial::test(format!("{name} on a real channel"), move || play(&path)));
    }
    trials.push(Trial::test("every_rule_of_linux_is_shown_by_some_case", all_rules_are_shown));
    trials.push(Trial::test("what_pipes_show_holds_for_open_fifos", pipes_hold_for_fifos));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

/// Prints a case anew, with the rules that explain it; one that is no run or deviates stays as it is.
fn update(path: &Path) -> std::io::Result<()> {
    let Ok(mut case) = cases::load(path) else { return Ok(()) };
    let judgement = judge(&case.run, &LINUX);
    if judgement.verdict != Verdict::Conforms {
        return Ok(());
    }
    let remarks = remarks(&case.run, &judgement);
    for (given, expected) in case.run.remarks.iter_mut().zip(remarks) {
        *given = expected.map_or_else(|| std::mem::take(given), str::to_owned);
    }
    std::fs::write(path, case.run.to_string())
}

fn check_file(path: &Path) -> Result<(), Failed> {
    let case = cases::load(path)?;
    let judgement = judge(&case.run, &LINUX);
    if judgement.verdict != Verdict::Conforms {
        return Err(telling(&case, &judgement).into());
    }
    let remarks = remarks(&case.run, &judgement);
    check_document(&case)?;
    check_remarks(&case, &remarks, &judgement)?;
    // What Linux does otherwise than POSIX is declared, with the reason.
    match judge(&case.run, &EXCEPTED) {
        Judgement { verdict: Verdict::Conforms | Verdict::Unspecified { .. }, .. } => Ok(()),
        judgement => Err(format!("POSIX forbids it: {}", telling(&case, &judgement)).into()),
    }
}

/// The text is in canonical form, gives its reason, and stands in the folder of a chapter.
fn check_document(case: &Case) -> Result<(), Failed> {
    let printed = case.run.to_string();
    let again: Run = printed.parse().map_err(|error| format!("as printed: {error}\n{printed}"))?;
    if again != case.run {
        return Err(format!("what is printed reads otherwise:\n{printed}").into());
    }
    if printed != case.text {
        return Err(format!("UPDATE=1 rewrites it in canonical form:\n{printed}").into());
    }
    let reason = &case.run.preamble;
    if !(1..=REASON_LINES_MAX).contains(&reason.len()) || reason.iter().any(String::is_empty) {
        return Err(format!("it opens with 1 to {REASON_LINES_MAX} lines of reason").into());
    }
    if !CHAPTERS.iter().any(|chapter| chapter.name == case.chapter()) {
        return Err(format!("there is no chapter {:?}", case.chapter()).into());
    }
    Ok(())
}

/// Every reply and every call that sleeps names its rule, and no other remark names one wrongly.
fn check_remarks(
    case: &Case,
    expected: &[Option<&str>],
    judgement: &Judgement,
) -> Result<(), Failed> {
    for (index, (event, remark)) in case.run.events.iter().zip(&case.run.remarks).enumerate() {
        let wrong = |what: String| -> Result<(), Failed> {
            Err(format!("{:?}: {what}", text::event(&case.run, index)).into())
        };
        match (event, expected[index], by_id(remark)) {
            (_, Some(rule), _) if rule == remark => {}
            (_, Some(rule), _) => wrong(format!("the remark is {remark:?}, the rule {rule}"))?,
            // Where several rules could explain it, what comes later in the run may tell which it was.
            (Event::Return(..), None, Some(rule)) if judgement.shown.contains(rule) => {}
            (Event::Return(..), None, _) => wrong("several rules explain it".into())?,
            (_, None, Some(rule)) if !judgement.shown.contains(rule) => {
                wrong(format!("{remark} is not shown"))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// For each event the rule that its remark is to name: of a return the one that explains it, of a
/// call that is seen to sleep the one by which it may.
fn remarks(run: &Run, judgement: &Judgement) -> Vec<Option<&'static str>> {
    let id = |rule: RuleIndex| RULES[usize::from(rule)].id;
    let event = |(index, event): (usize, &Event)| match event {
        Event::Return(..) => judgement.explained[index].map(id),
        Event::Call(call) if sleeps(run, index) => {
            let word = call.op.word();
            let waits = |rule: &RuleIndex| id(*rule).ends_with(&format!(".{word}.waits"));
            judgement.shown.iter().find(waits).map(id)
        }
        Event::Call(_)
        | Event::Quiet(_)
        | Event::Stops(..)
        | Event::GoesOn(_)
        | Event::Exits(..) => None,
    };
    run.events.iter().enumerate().map(event).collect()
}

/// Whether the call that begins at this event is open when all is quiet.
fn sleeps(run: &Run, call: usize) -> bool {
    let Event::Call(begun) = run.events[call] else { return false };
    for event in &run.events[call..] {
        match event {
            Event::Return(actor, _) if *actor == begun.actor => return false,
            Event::Quiet(_) => return true,
            _ => {}
        }
    }
    false
}

/// How often the model is asked whether a case could have gone another way.
const FOLLOWED: u64 = 64;

/// On a channel set up as the case says, it goes as the rules allow; and exactly as the case says, where
/// the rules leave no other way. A case of a pipe goes as the rules allow on a FIFO too.
fn play(path: &Path) -> Result<(), Failed> {
    let case = cases::load(path)?;
    if takes_troupe(&case.run) {
        return play_by_troupe(&case);
    }
    let scenario = Scenario::of(&case.run);
    let run = played(case.run.setup(), &scenario)?;
    let follow = |seed| follow(&LINUX, case.run.setup(), &scenario, seed).run;
    let expected = replies(&case.run);
    let no_other_way = (0..FOLLOWED).all(|seed| replies(&follow(seed)) == expected);
    // Whether the user of this machine holds too many pages is not ours to choose.
    let set_up_so = run.setup() == case.run.setup();
    if scenario.stops() && stop::unavailable().is_none() {
        go_as_told(&case.run, &scenario)?;
    }
    if set_up_so && no_other_way && replies(&run) != expected {
        return Err(format!("it goes otherwise:\n{run}").into());
    }
    let Setup { packet, kind, .. } = *case.run.setup();
    if kind == &PIPE && !packet && !sets_shared_description(&case.run) {
        played(&Setup { kind: &FIFO, ..case.run.setup().clone() }, &scenario)?;
    }
    Ok(())
}

/// Over several channels, or with processes that come and go, it goes as the case says.
fn play_by_troupe(case: &Case) -> Result<(), Failed> {
    let plot = Plot::of(&case.run);
    let channels = case.run.channels.iter().map(|channel| real(&channel.setup));
    let channels: Option<Vec<_>> = channels.collect();
    let channels = channels.ok_or("no channel of this machine is set up like one of these")?;
    if playable(&plot, &channels).is_err() {
        // Nothing here can play it.
        return Ok(());
    }
    let run = Troupe::new(Placement::Anywhere)?.run(&plot, &channels)?;
    let judgement = judge(&run, &LINUX);
    if judgement.verdict != Verdict::Conforms {
        return Err(format!("{run}\n{}", tell::deviations(&run, &judgement)).into());
    }
    let ends = |run: &Run| {
        let exits = run.events.iter().filter(|event| matches!(event, Event::Exits(..)));
        exits.cloned().collect::<Vec<_>>()
    };
    // Calls that race may come to something else.
    let races = plot.scenario.steps.iter().any(|step| !step.settle);
    let same = replies(&run) == replies(&case.run) && ends(&run) == ends(&case.run);
    if same || races { Ok(()) } else { Err(format!("it goes otherwise:\n{run}").into()) }
}

/// A call that stops leaves the kernel no other way: on every channel set up so it conforms, and on one it goes
/// exactly as told.
fn go_as_told(told: &Run, scenario: &Scenario) -> Result<(), Failed> {
    let same = |channel: &&&dyn Channel| {
        channel.setup().stock() == told.setup().stock() && channel.unavailable().is_none()
    };
    let stops = |run: &Run| run.events.iter().any(|event| matches!(event, Event::Stops(..)));
    let mut seen = String::new();
    let mut as_told = false;
    for channel in channels().iter().filter(same) {
        let run = played_on(*channel, scenario)?;
        as_told |= stops(&run) && replies(&run) == replies(told);
        seen += &format!("{}:\n{run}", channel.name());
    }
    if as_told { Ok(()) } else { Err(format!("it goes otherwise:\n{seen}").into()) }
}

/// A run of the scenario on a real channel, which conforms.
fn played(setup: &Setup, scenario: &Scenario) -> Result<Run, Failed> {
    played_on(real(setup).ok_or("no channel of this machine is set up like this")?, scenario)
}

fn played_on(channel: &'static dyn Channel, scenario: &Scenario) -> Result<Run, Failed> {
    let actors = scenario.seats.len();
    let arrangement = channel.arrangements()[0];
    let mut runner = Runner::new(channel, arrangement, actors, Placement::Anywhere)?;
    let run = runner.run(scenario)?;
    let judgement = judge(&run, &LINUX);
    match judgement.verdict {
        Verdict::Conforms => Ok(run),
        _ => Err(format!("{run}\n{}", tell::deviations(&run, &judgement)).into()),
    }
}

/// A channel of this machine set up like this.
fn real(setup: &Setup) -> Option<&'static dyn Channel> {
    let same = |channel: &&&dyn Channel| {
        channel.setup().stock() == Setup { crowded: false, ..setup.stock() }
    };
    if let Some(channel) = channels().iter().find(same) {
        return Some(*channel);
    }
    let Setup { kind, capacity_bytes, packet, nonblock, .. } = *setup;
    let capacity_bytes = Some(capacity_bytes).filter(|bytes| *bytes != kind.capacity_default_bytes);
    match kind {
        kind if kind.ends == Ends::Shared && kind.discipline == Discipline::Stream => {
            Some(Box::leak(Box::new(Pipe {
                kind,
                name: kind.name,
                nonblock,
                packet,
                capacity_bytes,
            })))
        }
        kind if matches!(kind.discipline, Discipline::Unix(..)) => {
            Some(Box::leak(Box::new(Unix { kind, name: kind.name, nonblock })))
        }
        kind if kind == &FIFO && !packet => {
            Some(Box::leak(Box::new(Fifo { name: "fifo", nonblock, capacity_bytes })))
        }
        kind if kind.discipline == Discipline::Ring => {
            let waits = kind == SharedMemory::WAITING.kind;
            let ring = if waits { SharedMemory::WAITING } else { SharedMemory::POLLED };
            let capacity_bytes = setup.capacity_bytes;
            Some(Box::leak(Box::new(SharedMemory { capacity_bytes, ..ring })))
        }
        _ => None,
    }
}

/// What each actor was given, in order; which bytes is left to the oracle.
fn replies(run: &Run) -> [Vec<(Answer, Option<Signal>)>; ACTORS_MAX] {
    let mut replies = [const { Vec::new() }; ACTORS_MAX];
    for event in &run.events {
        if let Event::Return(actor, reply) = event {
            replies[usize::from(actor.0)].push((reply.answer, reply.signal));
        }
    }
    replies
}

/// A judgement that is not as it should be, in words.
fn telling(case: &Case, judgement: &Judgement) -> String {
    let mut told = format!("{}: {:?}\n", case.path.display(), judgement.verdict);
    for deviation in &judgement.deviations {
        told += &format!("  {}\n", text::event(&case.run, deviation.event));
        for allowed in &deviation.allowed {
            let id = RULES[usize::from(allowed.rule())].id;
            told += &match allowed {
                Allowed::Returns(_, reply, _) => format!("    allowed: {reply} by {id}\n"),
                Allowed::Sleeps(..) => format!("    allowed: to sleep by {id}\n"),
            };
        }
    }
    told
}

fn all_rules_are_shown() -> Result<(), Failed> {
    let mut shown = RuleSet::default();
    for case in cases::load_all(&dir())? {
        shown = shown.union(judge(&case.run, &LINUX).shown);
    }
    let mut wrong = Vec::new();
    for (index, rule) in RULES.iter().enumerate() {
        let not_on_linux = CHAPTERS.iter().any(|chapter| chapter.not_on_linux.contains(&rule.id));
        let never = NEVER_SHOWN.contains(&rule.id)
            || NOT_MODELLED.iter().any(|(id, _)| *id == rule.id)
            || not_on_linux;
        match (shown.contains(index as RuleIndex), never) {
            (true, true) => wrong.push(format!("{} is shown after all", rule.id)),
            (false, false) => wrong.push(format!("{} is shown by no case", rule.id)),
            // What Linux does instead of a must is an exception, which is declared.
            (false, true) if rule.force == Force::Must && !not_on_linux => {
                wrong.push(format!("{} is a must and can't be excused", rule.id));
            }
            _ => {}
        }
    }
    let listed = CHAPTERS.iter().flat_map(|chapter| chapter.not_on_linux);
    let unknown = listed.filter(|id| by_id(id).is_none());
    wrong.extend(unknown.map(|id| format!("there is no rule {id}")));
    for (id, run) in NOT_MODELLED {
        let judgement = judge(&run.parse()?, &LINUX);
        if !matches!(judgement.verdict, Verdict::Unspecified { .. }) {
            wrong.push(format!("{id}: {:?}", judgement.verdict));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Once open, a FIFO is a pipe: every case of a pipe conforms with a FIFO in its place, unless it sets
/// O_NONBLOCK of an end that two actors hold. They share a pipe's description, and have two of a FIFO.
fn pipes_hold_for_fifos() -> Result<(), Failed> {
    let mut held = 0;
    for mut case in cases::load_all(&dir())? {
        let of_one = !takes_troupe(&case.run);
        if !of_one || case.run.setup().kind != &PIPE || sets_shared_description(&case.run) {
            continue;
        }
        case.run.channels[0].setup.kind = &FIFO;
        let judgement = judge(&case.run, &LINUX);
        if judgement.verdict != Verdict::Conforms {
            return Err(format!("with a FIFO: {}", telling(&case, &judgement)).into());
        }
        held += 1;
    }
    if held > 50 { Ok(()) } else { Err(format!("only {held} cases of pipes are left").into()) }
}

fn sets_shared_description(run: &Run) -> bool {
    let holders = |mode: Mode| {
        let holds = |seat: &&Seat| seat.ends.iter().any(|(_, held)| held.mode == mode);
        run.seats.iter().filter(holds).count()
    };
    let shared = holders(Mode::Read) > 1 || holders(Mode::Write) > 1;
    let sets =
        |event: &Event| matches!(event, Event::Call(call) if matches!(call.op, Op::SetNonblock(_)));
    shared && run.events.iter().any(sets)
}
