//! The sleeping calls, in sentences.

use std::fmt::Write as _;

use super::{BySignal, Deed, Moment, Sleeper};
use crate::call::{Actor, Call, Op};
use crate::kind::Hold;
use crate::rules::RULES;
use crate::run::{Actors, Event, Name, Run};
use crate::text;

/// What is known of a run's actors from elsewhere, as from other channels that they use.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// Those whose wait is for ever; `None`: what the moment itself says.
    pub for_ever: Option<Actors>,
    /// In which calls actors sleep there.
    pub sleep_in: Vec<(Actor, String)>,
    /// What could end the wait of an actor from outside, a clause each.
    pub from_outside: Vec<(Actor, String)>,
}

impl Moment {
    /// What is for ever, in a sentence; empty where nothing is.
    pub fn verdict(&self, run: &Run) -> String {
        let of_knot = |knot: Vec<Actor>| {
            let names: Vec<&str> = knot.iter().map(|actor| run.actor_name(*actor)).collect();
            match names.as_slice() {
                [one] => format!("{one} waits for what can't come"),
                [others @ .., last] => {
                    format!("{} and {last} wait for each other", others.join(", "))
                }
                [] => String::new(),
            }
        };
        self.knots().into_iter().map(of_knot).collect::<Vec<_>>().join("; ")
    }

    /// The call that an actor sleeps in, in words; empty where it does not sleep.
    pub fn call_of(&self, run: &Run, actor: Actor) -> String {
        let here = self.sleepers.iter().find(|sleeper| sleeper.actor == actor);
        here.map_or_else(String::new, |sleeper| words(run, sleeper.call))
    }

    /// A sentence for each call asleep, a line each: those that sleep for ever first.
    pub fn sentences(&self, run: &Run) -> String {
        self.sentences_with(run, &Elsewhere::default())
    }

    /// The same with what is known from elsewhere.
    pub fn sentences_with(&self, run: &Run, elsewhere: &Elsewhere) -> String {
        let for_ever = |sleeper: &Sleeper| match elsewhere.for_ever {
            Some(those) => those.contains(sleeper.actor),
            None => self.is_for_ever(sleeper.actor),
        };
        let mut told = String::new();
        let mut sleepers: Vec<&Sleeper> = self.sleepers.iter().collect();
        sleepers.sort_by_key(|sleeper| !for_ever(sleeper));
        for sleeper in sleepers {
            let name = run.actor_name(sleeper.actor);
            let rule = RULES[usize::from(sleeper.rule)].id;
            let how_long = if for_ever(sleeper) { " for ever" } else { "" };
            let call = words(run, sleeper.call);
            let enders = self.enders(run, sleeper, elsewhere);
            // Writing to a string never fails.
            let _ = writeln!(told, "{name} sleeps{how_long} in `{call}` ({rule}): {enders}");
        }
        told
    }

    /// The actors that could end it, by which calls, and what they do.
    fn enders(&self, run: &Run, sleeper: &Sleeper, elsewhere: &Elsewhere) -> String {
        let mut alone: Vec<(Actor, Vec<String>)> = Vec::new();
        let mut clauses: Vec<String> = Vec::new();
        for way in &sleeper.ways {
            if let [(by, deed)] = way.as_slice() {
                let deed = deed_in_words(&named(run, sleeper, deed), deed);
                match alone.iter_mut().find(|(other, _)| other == by) {
                    Some((_, deeds)) if deeds.len() >= DEEDS_MAX || deeds.contains(&deed) => {}
                    Some((_, deeds)) => deeds.push(deed),
                    None => alone.push((*by, vec![deed])),
                }
            }
        }
        for (by, deeds) in alone {
            let (name, deeds) = (run.actor_name(by), deeds.join(", "));
            clauses.push(format!("{name} could end it ({deeds}){}", self.does(run, by, elsewhere)));
        }
        for way in sleeper.ways.iter().filter(|way| way.len() > 1) {
            let each = way.iter().map(|(by, deed)| {
                format!(
                    "{} ({}){}",
                    run.actor_name(*by),
                    deed_in_words(&named(run, sleeper, deed), deed),
                    self.does(run, *by, elsewhere)
                )
            });
            let each: Vec<String> = each.collect();
            clauses.push(format!("{} could end it together", each.join(" and ")));
        }
        let own: Vec<&str> = sleeper.own.iter().map(|end| run.end_name(*end)).collect();
        let of_it = |(actor, _): &&(Actor, String)| *actor == sleeper.actor;
        let from_outside = elsewhere.from_outside.iter().filter(of_it);
        clauses.extend(from_outside.map(|(_, clause)| clause.clone()));
        if clauses.is_empty() {
            let left = if own.is_empty() { "nobody is left" } else { "nobody else is left" };
            clauses.push(format!("{left} who could end it"));
        }
        clauses.extend(sleeper.by_signal.map(|by| match by {
            BySignal::Continues => "its process is stopped, until SIGCONT comes".to_owned(),
            BySignal::Interrupts => "a signal that it catches could interrupt it".to_owned(),
        }));
        if !own.is_empty() {
            clauses.push(format!("its own process holds {}", own.join(" and ")));
        }
        clauses.join("; ")
    }

    /// What keeps an actor from doing anything: it sleeps, or its process is stopped.
    fn does(&self, run: &Run, actor: Actor, elsewhere: &Elsewhere) -> String {
        let here = self.sleepers.iter().find(|sleeper| sleeper.actor == actor);
        let there = || elsewhere.sleep_in.iter().find(|(other, _)| *other == actor);
        let call = here.map(|sleeper| words(run, sleeper.call));
        match call.or_else(|| there().map(|(_, call)| call.clone())) {
            Some(call) => format!(" but sleeps in `{call}`"),
            None if self.halted.contains(actor) => " but is stopped, until SIGCONT comes".into(),
            None => String::new(),
        }
    }
}

/// Of so many things that somebody could do each is named.
const DEEDS_MAX: usize = 2;

const EXIT: &str = "exit";

/// The words of a call, without the actor's name.
fn words(run: &Run, call: Call) -> String {
    let mut one = Run { events: Vec::new(), remarks: Vec::new(), ..run.clone() };
    one.push(Event::Call(call));
    let line = text::event(&one, 0);
    line.split_once(':').map_or(line.as_str(), |(_, call)| call).trim().to_owned()
}

/// The run, in which what somebody would open to end a sleep has a name: that of such an end of the channel slept on.
fn named(run: &Run, sleeper: &Sleeper, deed: &Deed) -> Run {
    let mut named = Run { events: Vec::new(), remarks: Vec::new(), ..run.clone() };
    let Deed::Calls(calls) = deed else { return named };
    for Call { end, op, .. } in calls {
        let letters = match op {
            Op::Open { mode, .. } => Hold::of(*mode).letters(),
            Op::Socket { .. } => Hold::SOCKET.letters(),
            _ => continue,
        };
        let channel =
            run.channel_of(sleeper.call.end).and_then(|channel| run.channels[channel].name);
        let name = Name::new(letters).and_then(|name| Name::of_end(channel, name));
        let at = usize::from(end.0);
        if let Some(name) = name {
            let missing = (at + 1).saturating_sub(named.end_names.len());
            named.end_names.extend(std::iter::repeat_n(name, missing));
            named.end_names[at] = name;
        }
    }
    named
}

fn deed_in_words(run: &Run, deed: &Deed) -> String {
    match deed {
        Deed::Exit => EXIT.to_owned(),
        Deed::Calls(calls) => {
            let call = |call: &Call| {
                let line = words(run, *call);
                // How many bytes makes no difference.
                match line.rsplit_once(' ') {
                    Some((call, len)) if len.bytes().all(|byte| byte.is_ascii_digit()) => {
                        call.to_owned()
                    }
                    _ => line,
                }
            };
            calls.iter().map(call).collect::<Vec<_>>().join(" and ")
        }
    }
}
