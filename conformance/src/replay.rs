//! What can't be played again as a run file says, and why: nothing is dropped in silence.

use std::iter::Peekable;
use std::vec::IntoIter;

use pipewright_backends::Channel;
use pipewright_backends::sys::desk::BYTES_MAX;
use pipewright_model::call::{Actor, Answer, Call, End, Op, Reply};
use pipewright_model::kind::Kind;
use pipewright_model::run::{Event, Run, Setup};
use pipewright_model::settings::Setting;
use pipewright_model::text;

use crate::Scenario;
use crate::scenario::Step;

/// Why what a file says can't be played on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unplayable {
    /// The channel lacks the ends or the name that it takes: another channel is to be chosen.
    Elsewhere(String),
    /// A call that can't be made as it stands.
    Call {
        /// The event of the run that is the call.
        event: usize,
        /// Why, with the call, in words.
        reason: String,
    },
}

/// A channel of this machine that is set up so, or can be; `None` where none is.
pub fn channel_set_up(setup: &Setup) -> Option<&'static dyn Channel> {
    let all = pipewright_backends::channels();
    let exactly = all.iter().copied().find(|channel| channel.setup().stock() == setup.stock());
    let alike = || all.iter().filter(|channel| channel.setup().kind == setup.kind);
    // Whoever plays wants channels that live as long as the program; few are made so.
    let made = || alike().find_map(|channel| channel.set_up(setup)).map(|made| &*Box::leak(made));
    exactly.or_else(made)
}

/// The channels of this machine that are set up as a run says; `None` where one can't be.
pub fn channels_of(run: &Run) -> Option<Vec<&'static dyn Channel>> {
    run.channels.iter().map(|channel| channel_set_up(&channel.setup)).collect()
}

/// Whether the calls of a run can be made on the channel, as a whole and each.
///
/// # Errors
///
/// Why they can't, in words.
pub fn playable(run: &Run, channel: &dyn Channel) -> Result<(), Unplayable> {
    let (scenario, kind) = (Scenario::of(run), run.setup().kind);
    if scenario.on(channel.setup().kind, kind).is_none() {
        return Err(elsewhere(&scenario, kind, channel));
    }
    unplayable(run, channel).map_or(Ok(()), Err)
}

/// The same of calls whose actors, ends and lengths must stay as they are: those of a litmus file.
///
/// # Errors
///
/// Why they can't be made, in words.
pub fn playable_as_it_stands(run: &Run, channel: &dyn Channel) -> Result<(), Unplayable> {
    let (scenario, kind) = (Scenario::of(run), run.setup().kind);
    if !scenario.stands_on(channel.setup().kind, kind) {
        return Err(elsewhere(&scenario, kind, channel));
    }
    // What returns in a litmus file stands for nothing.
    let mut calls = Run::new(run.setup().clone(), run.seats.clone(), run.end_names.clone());
    let made = || run.events.iter().enumerate().filter(|(_, e)| matches!(e, Event::Call(_)));
    made().for_each(|(_, call)| calls.push(call.clone()));
    match unplayable(&calls, channel) {
        None => Ok(()),
        Some(Unplayable::Call { event, reason }) => {
            let event = made().nth(event).map_or(event, |(index, _)| index);
            Err(Unplayable::Call { event, reason })
        }
        Some(elsewhere) => Err(elsewhere),
    }
}

fn elsewhere(scenario: &Scenario, kind: &Kind, channel: &dyn Channel) -> Unplayable {
    let why = match scenario.opens() {
        true => format!("its calls open a {} by name", kind.name),
        false => format!("its actors hold ends of a {}", kind.name),
    };
    Unplayable::Elsewhere(format!(
        "{why}, which {} does not have; choose another --channel",
        channel.name()
    ))
}

/// Why some call of the run can't be made on the channel, if so.
pub fn unplayable(run: &Run, channel: &dyn Channel) -> Option<Unplayable> {
    run.events.iter().enumerate().find_map(|(index, event)| {
        let Event::Call(call) = event else { return None };
        let len = call.op.offers().or(call.op.asks()).unwrap_or(0);
        let why = if len as usize > BYTES_MAX {
            format!("a call on a real channel is of at most {BYTES_MAX} bytes")
        } else if !channel.offers(&call.op) {
            format!("{} does not have `{}`", channel.name(), call.op.word())
        } else {
            return None;
        };
        let reason = format!("`{}`: {why}", text::event(run, index));
        Some(Unplayable::Call { event: index, reason })
    })
}

/// How a channel of the run that was played was set up other than the file says, if one was. Settings of the system
/// matter where the file names some.
pub fn set_up_otherwise(file: &Run, played: &Run) -> Option<String> {
    let mut both = file.channels.iter().zip(&played.channels);
    both.find_map(|(file, played)| channel_set_up_otherwise(&file.setup, &played.setup))
}

fn channel_set_up_otherwise(file: &Setup, played: &Setup) -> Option<String> {
    let named = file.settings.changed();
    let differs = |(setting, value): &(Setting, u32)| played.settings.get(*setting) != *value;
    if let Some((setting, value)) = named.filter(|s| s.0.matters_to(file.kind)).find(differs) {
        let (name, here) = (setting.name(), played.settings.get(setting));
        return Some(format!(
            "it says `setting {name} {value}`, which is {here} here; set it, then replay"
        ));
    }
    (played.stock() != file.stock()).then(|| {
        format!(
            "it says `{}`, and what could be made here is `{}`; --channel replays it on a channel that is set up \
             otherwise",
            text::header(file),
            text::header(played)
        )
    })
}

/// The first call of the scenario that was to stop and did not, by its step and in words, if there is one.
pub fn not_stopped(scenario: &Scenario, played: &Run) -> Option<(usize, String)> {
    let mut calls = made(played);
    scenario.steps.iter().enumerate().find_map(|(number, step)| {
        let of = calls.get_mut(usize::from(step.call.actor.0))?;
        let Made { call, stopped, .. } = of.next_if(|made| made.call == step.call)?;
        let at = step.stop.filter(|_| !stopped)?.at;
        let call = called(played, call);
        Some((number, format!("`{call}` did not stop at {at}: it never came to that byte")))
    })
}

/// The replies that the file gives and that were not seen so, each with its event in the file, in words. The scenario is
/// that of the file, as it was played.
pub fn seen_otherwise(file: &Run, scenario: &Scenario, played: &Run) -> Vec<(usize, String)> {
    let mut calls = made(played);
    let mut otherwise = Vec::new();
    for (wanted, step) in in_order(file).into_iter().zip(&scenario.steps) {
        let Some(of) = calls.get_mut(usize::from(step.call.actor.0)) else { continue };
        let Some(seen) = of.next_if(|made| made.call == step.call) else { continue };
        let Some((event, told)) = wanted.reply else { continue };
        // What was made longer for the channel is as whole as what the file has.
        let whole = |made: &Made<'_>, reply: &Reply| {
            let len = made.call.op.offers().or(made.call.op.asks());
            len.is_some() && reply.answer.count() == len
        };
        let alike = |reply: &Reply| {
            let as_whole = whole(&wanted, told) && whole(&seen, reply);
            (as_whole || answers_alike(file, told.answer, played, reply.answer))
                && reply.signal == told.signal
        };
        match seen.reply {
            Some((_, seen)) if alike(seen) => {}
            Some((_, seen)) => {
                let (seen, told) = (text::reply(played, seen), text::reply(file, told));
                otherwise.push((event, format!("`{seen}`, the file says `{told}`")));
            }
            None => {
                let told = text::reply(file, told);
                otherwise.push((event, format!("the call sleeps, the file says `{told}`")));
            }
        }
    }
    otherwise.sort_by_key(|(event, _)| *event);
    otherwise
}

/// What the file says and was made otherwise for a channel of another kind: each step with its call, in words.
pub fn made_otherwise(file: &Run, scenario: &Scenario, played: &Run) -> Vec<(usize, String)> {
    let bare = |call: Call| call.op.map_ends(|_| End(0));
    let pairs = in_order(file).into_iter().map(|made| made.call).zip(&scenario.steps).enumerate();
    let otherwise = pairs.filter(|(_, (told, step))| bare(*told) != bare(step.call));
    let words = |(number, (told, step)): (usize, (Call, &Step))| {
        let (told, made) = (called(file, told), called(played, step.call));
        (number, format!("`{made}` in place of `{told}`"))
    };
    otherwise.map(words).collect()
}

/// Whether two answers say the same, each in its run.
fn answers_alike(run: &Run, answer: Answer, other_run: &Run, other: Answer) -> bool {
    match (answer, other) {
        (Answer::Polled(found), Answer::Polled(other)) => {
            run.polled.get(usize::from(found)) == other_run.polled.get(usize::from(other))
        }
        // On another channel ends may have other names.
        (Answer::Told(told), Answer::Told(other)) => {
            told.iter().map(|(_, events)| events).eq(other.iter().map(|(_, events)| events))
        }
        _ => answer == other,
    }
}

/// A call of a run.
struct Made<'r> {
    call: Call,
    stopped: bool,
    /// The event with its reply, if it returned.
    reply: Option<(usize, &'r Reply)>,
}

/// The calls of a run by actor, in their order.
fn made(run: &Run) -> Vec<Peekable<IntoIter<Made<'_>>>> {
    let mut made: Vec<Vec<Made<'_>>> = run.seats.iter().map(|_| Vec::new()).collect();
    for call in in_order(run) {
        if let Some(of) = made.get_mut(usize::from(call.call.actor.0)) {
            of.push(call);
        }
    }
    made.into_iter().map(|of| of.into_iter().peekable()).collect()
}

/// The calls of a run in their order, as the steps of its scenario are.
fn in_order(run: &Run) -> Vec<Made<'_>> {
    let mut all: Vec<Made<'_>> = Vec::new();
    let mut last: Vec<Option<usize>> = vec![None; run.seats.len()];
    for (event, what) in run.events.iter().enumerate() {
        let call = match what {
            Event::Call(call) => *call,
            Event::Exits(actor, status) => {
                Call { actor: *actor, end: End(0), op: Op::Exit { status: *status } }
            }
            Event::Return(actor, _) | Event::Stops(actor, _) => {
                let Some(Some(at)) = last.get(usize::from(actor.0)) else { continue };
                match what {
                    Event::Return(_, reply) => all[*at].reply = Some((event, reply)),
                    _ => all[*at].stopped = true,
                }
                continue;
            }
            Event::Quiet(_) | Event::GoesOn(_) => continue,
        };
        if let Some(last) = last.get_mut(usize::from(call.actor.0)) {
            *last = Some(all.len());
        }
        all.push(Made { call, stopped: false, reply: None });
    }
    all
}

/// The first call of the scenario that was not made, by its step, and why, if one was not.
pub fn left_out(scenario: &Scenario, played: &Run) -> Option<(usize, String)> {
    let mut calls = made(played);
    let (number, missing) = scenario.steps.iter().enumerate().find(|(_, step)| {
        let next = calls.get_mut(usize::from(step.call.actor.0));
        next.is_none_or(|next| next.next_if(|made| made.call == step.call).is_none())
    })?;
    let actor = played.actor_name(missing.call.actor);
    let called = called(played, missing.call);
    let own = |target: Actor| played.leader(target) == played.leader(missing.call.actor);
    let why = match missing.call.op {
        Op::Signal { target, .. } if own(target) => {
            "was still in an earlier call, or has other threads, of which any may take the signal"
        }
        Op::Exit { status } if status.signal().is_some() => {
            "was not there, is stopped, or ignores or catches the signal"
        }
        op if op.is_of_process() => "was still in an earlier call, is stopped, or was not there",
        _ => "was still in an earlier call, or had the end open that it makes",
    };
    Some((number, format!("`{called}` was not made, as {actor} {why}")))
}

/// A call of the run as text, without its reply.
fn called(run: &Run, call: Call) -> String {
    let mut alone = Run { events: Vec::new(), remarks: Vec::new(), ..run.clone() };
    alone.push(match call.op {
        Op::Exit { status } => Event::Exits(call.actor, status),
        _ => Event::Call(call),
    });
    text::event(&alone, 0)
}
