//! The words that lines begin with, those after an actor's name, and what helps where none of them stands.

use crate::call::{Actor, Op, Sig, Termination};
use crate::kind;
use crate::run::Event;

use super::super::lex::{Fault, Line, number};

/// Checks that the word of a call is next.
pub(super) fn check_call(line: &mut Line<'_>) -> Result<(), Fault> {
    let words = Op::CALLS;
    if line.peek().is_some_and(|word| words.contains(&word) || word == "exit") {
        return Ok(());
    }
    line.tries(words.iter().copied().chain(["stops", "goes", "exit"]));
    let help = format!("calls are {}", words.join(", "));
    Err(line.expected("a call or \"->\"").help(help))
}

/// Takes where an open call stops.
pub(super) fn stop(actor: Actor, line: &mut Line<'_>) -> Result<Event, Fault> {
    line.expect("stops")?;
    line.expect("at")?;
    Ok(Event::Stops(actor, line.size("the position of a byte in the call's buffer")?))
}

/// Takes how a process ends.
pub(super) fn exits(actor: Actor, line: &mut Line<'_>) -> Result<Event, Fault> {
    line.expect("exit")?;
    if line.peek().is_none() {
        return Ok(Event::Exits(actor, Termination::SUCCESS));
    }
    Ok(Event::Exits(actor, termination(line)?))
}

/// Takes how a process ends: its status, or the signal that ends it.
pub(super) fn termination(line: &mut Line<'_>) -> Result<Termination, Fault> {
    line.tries(Sig::NAMED.iter().map(|(name, _)| *name));
    line.read("a status from 0 to 255 or a signal as SIGTERM", |token| match Sig::named(token) {
        Some(signal) => Some(Termination::Signal(signal)),
        None => u8::try_from(number(token)?).ok().map(Termination::Exit),
    })
}

/// Takes the rest of the words that a call goes on.
pub(super) fn goes_on(actor: Actor, line: &mut Line<'_>) -> Result<Event, Fault> {
    line.expect("on")?;
    Ok(Event::GoesOn(actor))
}

/// The words that lines begin with but those of events, each with whether it is of litmus files alone.
pub(super) const KEYWORDS: [(&str, bool); 11] = [
    ("channel", false),
    ("setting", false),
    ("actor", false),
    ("process", false),
    ("thread", false),
    ("outsider", false),
    ("ends", false),
    ("quiet", false),
    ("allowed", true),
    ("forbidden", true),
    ("lax", true),
];

pub(super) const HELP_LITMUS: &str =
    "a litmus file is run by `pipewright litmus FILE`; a run tells the replies of its calls";

pub(super) const HELP_EVENT: &str = "an event reads \"writer: write 2 -> 2\" or \"quiet writer\"";

pub(super) fn help_kinds() -> String {
    let names: Vec<_> = kind::KINDS.iter().map(|kind| kind.name).collect();
    format!("the kinds are {}", names.join(", "))
}
