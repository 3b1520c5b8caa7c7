//! One run in words: what deviates in it and what would have been allowed, what it rests on, why it is not judged.

use std::fmt::Write as _;

use pipewright_backends::sys::refusal;
use pipewright_model::call::{Actor, Op, Reply};
use pipewright_model::data::Data;
use pipewright_model::diagnosis::diagnose;
use pipewright_model::kind::{Hold, MODEL_CAPACITY_BYTES, MODEL_PAGE_BYTES};
use pipewright_model::oracle::{Allowed, Deviation, Judgement};
use pipewright_model::rules::RULES;
use pipewright_model::run::{Event, Run, Setup};
use pipewright_model::text;

use crate::scenario::{Plot, Scenario};
use crate::trouble::Trouble;

/// The deviations of a run, each with what was allowed instead and by which rules; with lines of the run as it is
/// printed.
pub fn deviations(run: &Run, judgement: &Judgement) -> String {
    if judgement.deviations.is_empty() {
        return String::new();
    }
    deviations_at(run, judgement, &lines(run))
}

/// The same of a run whose events stand in these lines.
pub fn deviations_at(run: &Run, judgement: &Judgement, lines: &[usize]) -> String {
    let mut told = String::new();
    for deviation in &judgement.deviations {
        told.push_str(&deviation_of(run, judgement, deviation, lines));
    }
    told
}

fn deviation_of(
    run: &Run,
    judgement: &Judgement,
    deviation: &Deviation,
    lines: &[usize],
) -> String {
    let line = text::event(run, deviation.event);
    let mut told = format!("no rule allows `{}`", line.trim());
    if let Some(number) = lines.get(deviation.event) {
        let _ = write!(told, " (line {number})");
    }
    if deviation.after_another {
        told.push_str(", though after an earlier deviation this is a guess");
    }
    told.push_str(match (deviation.allowed.is_empty(), run.events.get(deviation.event)) {
        (true, Some(Event::Stops(..))) => ", and then its reply\n",
        (true, _) => "; nothing else was allowed either\n",
        (false, _) => "; allowed instead:\n",
    });
    told.push_str(&alternatives(run, &deviation.allowed));
    let _ = writeln!(told, "  {}", diagnose(run, judgement, deviation));
    told
}

/// What was allowed instead: a few, each with its rule, whose sentence comes once.
fn alternatives(run: &Run, allowed: &[Allowed]) -> String {
    const SHOWN_MAX: usize = 4;
    let shown = if allowed.len() > SHOWN_MAX { SHOWN_MAX - 1 } else { allowed.len() };
    let mut told = String::new();
    for (index, one) in allowed[..shown].iter().enumerate() {
        let rule = RULES[usize::from(one.rule())];
        let _ = write!(told, "  {:24} {}", allowed_text(run, one), rule.id);
        let again = allowed[..index].iter().any(|before| before.rule() == one.rule());
        let _ = if again { writeln!(told) } else { writeln!(told, ": {}", rule.says) };
    }
    if shown < allowed.len() {
        let _ = writeln!(told, "  and {} more", allowed.len() - shown);
    }
    told
}

/// The run with the rule that explains each return as its remark.
pub fn explained(run: &Run, judgement: &Judgement) -> Run {
    let mut run = run.clone();
    for (index, rule) in judgement.explained.iter().enumerate() {
        if let (Some(rule), Some(Event::Return(..))) = (rule, run.events.get(index)) {
            run.remarks[index] = RULES[usize::from(*rule)].id.to_owned();
        }
    }
    // A violated rule explains nothing.
    for deviation in &judgement.deviations {
        if let Some(remark) = run.remarks.get_mut(deviation.event) {
            "deviates".clone_into(remark);
        }
    }
    run
}

/// A line that names the ends which the channel has and nobody holds: what a run says of their other side rests on
/// it. Empty where there is none.
pub fn unheld(run: &Run) -> String {
    let ends: Vec<_> = run.unheld().into_iter().map(Hold::letters).collect();
    match ends.as_slice() {
        [] => String::new(),
        [end] => format!(
            "nobody holds {end}, so it counts as closed from the start; `actor NAME holds {end}` would declare a \
             holder\n"
        ),
        ends => format!(
            "nobody holds {}, so they count as closed from the start; `actor NAME holds {}` would declare a \
             holder\n",
            ends.join(" and "),
            ends.join(" ")
        ),
    }
}

/// A line that says of a pipe of a model how it differs from real ones. Empty where it is none.
pub fn modelled(run: &Run) -> String {
    match run.setup().is_of_model() {
        false => String::new(),
        true => format!(
            "a pipe of {MODEL_CAPACITY_BYTES} bytes is one of a model: its pages and PIPE_BUF are of \
             {MODEL_PAGE_BYTES} bytes; no system has it, and what is asked for is rounded up to a page: \
             `capacity 4096` is the smallest\n"
        ),
    }
}

/// A run with more orders than could be followed, and where that was.
pub fn unjudged(run: &Run, at: usize) -> String {
    let line = line_number(run, at).map(|line| format!(", at line {line}")).unwrap_or_default();
    format!("too many orders{line}:\n\n{}", indent(&run.to_string()).trim_end())
}

/// A scenario of which there is no run, its calls in order, and why.
pub fn not_run(setup: &Setup, scenario: &Scenario, trouble: &Trouble) -> String {
    let Scenario { seats, end_names, steps } = scenario;
    let mut run = Run::new(setup.clone(), seats.clone(), end_names.clone());
    steps.iter().for_each(|step| run.push(Event::Call(step.call)));
    format!("{trouble}; the calls in order:\n\n{}", indent(&run.to_string()).trim_end())
}

/// A scenario over several channels of which there is no run, its steps in order, and why.
pub fn not_played(plot: &Plot, trouble: &Trouble) -> String {
    let mut run = plot.begin(plot.channels.clone());
    plot.scenario.steps.iter().for_each(|step| {
        run.push(match step.call.op {
            Op::Exit { status } => Event::Exits(step.call.actor, status),
            _ => Event::Call(step.call),
        });
    });
    format!("{trouble}; the calls in order:\n\n{}", indent(&run.to_string()).trim_end())
}

/// The line of an event in the run's own text, from 1.
pub(crate) fn line_number(run: &Run, event: usize) -> Option<usize> {
    lines(run).get(event).copied()
}

/// The lines of all events in the run's own text, from 1; none where that can't be read.
pub fn lines(run: &Run) -> Vec<usize> {
    let text = run.to_string();
    text::parse(&text).map(|parsed| parsed.lines(&text)).unwrap_or_default()
}

pub(crate) fn allowed_text(run: &Run, allowed: &Allowed) -> String {
    match allowed {
        Allowed::Sleeps(actor, _) => format!("{} sleeps", run.actor_name(*actor)),
        Allowed::Returns(actor, reply, _) => {
            format!("{}: -> {}", run.actor_name(*actor), reply_text(run, *actor, reply))
        }
    }
}

fn reply_text(run: &Run, _: Actor, reply: &Reply) -> String {
    let mut told = text::reply(run, reply);
    if let Data::Named(segments) = &reply.data {
        told.push_str(" =");
        for segment in segments {
            let name = run.actor_name(segment.actor);
            let _ = write!(told, " {name}[{}..{}]", segment.from, segment.to());
        }
    }
    told
}

pub(crate) fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// The call by which a run leaves the rules where the system refuses it whatever the channel is: the event, the actor, and
/// why it says nothing of the channel.
pub fn refused(run: &Run, judgement: &Judgement) -> Option<(usize, Actor, String)> {
    let event = judgement.deviations.first()?.event;
    let Event::Return(actor, reply) = run.events.get(event)? else { return None };
    let why = refusal(reply.answer)?;
    let word = call_before(run, event, *actor);
    Some((event, *actor, format!("`{word}` gives {reply}: {why}")))
}

/// The word for the last call that an actor began before this event.
pub(crate) fn call_before(run: &Run, event: usize, actor: Actor) -> String {
    let before = run.events.iter().take(event);
    let begun = |event: &Event| matches!(event, Event::Call(call) if call.actor == actor);
    let Some(index) = before.rev().position(begun).map(|back| event - 1 - back) else {
        return String::new();
    };
    let line = text::event(run, index);
    let word = line.split(": ").nth(1).and_then(|call| call.split_whitespace().next());
    word.unwrap_or_default().to_owned()
}
