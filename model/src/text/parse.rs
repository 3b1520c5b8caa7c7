//! Parses runs: a line, a production of the grammar. Stops at the first fault.

mod headers;
mod litmus;
mod named;
mod replies;
pub(super) mod script;
mod words;

use std::ops::Range;

use crate::call::{ACTORS_MAX, Actor, Call, End, Events, Op};
use crate::ends::OpenEnds;
use crate::litmus::{Expectation, Wanted};
use crate::run::{Actors, Channel, Event, Form, Name, PollSet, Run, Seat};

use super::calls::{self, Names};
use super::lex::{Fault, Line};
use super::values::{EVENTS, events};
use super::{ParseError, ends};
use litmus::{HELP_EXPECTED, NO_REPLIES};
use replies::renumber_told;
use words::{HELP_EVENT, HELP_LITMUS, KEYWORDS, check_call, exits, goes_on, help_kinds, stop};

/// A run, and where in the text its events stand.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The run.
    pub run: Run,
    /// The place of each event, as a range of bytes of the text.
    pub places: Vec<Range<usize>>,
}

impl Parsed {
    /// The line of each event in the text that was parsed, from 1.
    pub fn lines(&self, text: &str) -> Vec<usize> {
        let starts: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        let line = |place: &Range<usize>| starts.partition_point(|start| *start <= place.start) + 1;
        self.places.iter().map(line).collect()
    }
}

/// Parses the text of a run.
///
/// # Errors
///
/// The first thing that is wrong with it; a run that [`Run::check`] refuses, at the event's place.
pub fn parse(text: &str) -> Result<Parsed, ParseError> {
    parsed(text).map_err(|fault| ParseError::new(text, fault))
}

fn parsed(text: &str) -> Result<Parsed, Fault> {
    read(text, Parser::default()).map(|(parsed, _)| parsed)
}

fn read(text: &str, mut parser: Parser) -> Result<(Parsed, Vec<Expectation>), Fault> {
    if text.starts_with('\u{feff}') {
        let fault = Fault::new(0..'\u{feff}'.len_utf8(), "the text begins with a byte order mark");
        return Err(fault.help("save it as UTF-8 without byte order mark"));
    }
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let (content, comment) = match raw.split_once('#') {
            Some((content, comment)) => (content, Some(comment)),
            None => (raw, None),
        };
        let mut line = Line::new(start, content);
        match comment {
            Some(comment) if line.is_empty() => parser.comment(comment),
            _ if line.is_empty() => {}
            _ => parser.line(&mut line, comment.unwrap_or("").trim())?,
        }
        start += raw.len();
    }
    let end = text.trim_end().len();
    parser.finish(end..end)
}

#[derive(Default)]
struct Parser {
    preamble: Vec<String>,
    channels: Vec<Channel>,
    /// Where the capacity of each stands, if it is given.
    capacities_at: Vec<Range<usize>>,
    seats: Vec<Seat>,
    /// In the order of their appearance, but those of the `ends` line first.
    end_names: Vec<Name>,
    ends_listed: usize,
    open_ends: OpenEnds,
    polls: Vec<PollSet>,
    polled: Vec<Vec<Events>>,
    events: Vec<Event>,
    remarks: Vec<String>,
    places: Vec<Range<usize>>,
    /// Of a litmus file: what is expected, so far.
    expected: Option<Vec<Expectation>>,
}

impl Parser {
    fn comment(&mut self, comment: &str) {
        if self.channels.is_empty() {
            let text = comment.strip_prefix(' ').unwrap_or(comment);
            self.preamble.push(text.trim_end().into());
        }
    }

    fn line(&mut self, line: &mut Line<'_>, remark: &str) -> Result<(), Fault> {
        let keyword = if line.ahead(1) == Some(":") { None } else { line.peek() };
        match keyword {
            Some("channel") if !self.channels.is_empty() && self.expected.is_some() => {
                return Err(Fault::new(line.place(), "a litmus file is about one channel"));
            }
            Some("channel") if !self.end_names.is_empty() || !self.seats.is_empty() => {
                let what = "\"channel\" lines stand before all others";
                return Err(Fault::new(line.place(), what));
            }
            Some("channel") => self.channel(line)?,
            _ if self.channels.is_empty() => {
                line.tries(["channel"]);
                return Err(line.expected("\"channel KIND\" first").help(help_kinds()));
            }
            Some(word @ ("setting" | "actor" | "process" | "thread" | "outsider" | "ends"))
                if !self.events.is_empty() =>
            {
                let what = format!("\"{word}\" lines stand before the first event");
                return Err(Fault::new(line.place(), what));
            }
            Some("setting") => self.setting(line)?,
            Some("actor" | "process" | "thread" | "outsider") => self.actor(line)?,
            Some("ends") => self.ends(line)?,
            Some("quiet") => self.quiet(line, remark)?,
            Some("allowed" | "forbidden" | "lax") if self.expected.is_some() => {
                self.expectation(line, remark)?;
            }
            Some(word @ ("allowed" | "forbidden" | "lax")) => {
                let what = format!("\"{word}\" stands in litmus files");
                return Err(Fault::new(line.place(), what).help(HELP_LITMUS));
            }
            _ => self.event(line, remark)?,
        }
        line.end()
    }

    fn quiet(&mut self, line: &mut Line<'_>, remark: &str) -> Result<(), Fault> {
        let start = line.place().start;
        line.bump();
        let mut actors = Actors::NONE;
        while line.peek().is_some() {
            if !actors.is_empty() {
                line.expect(",")?;
            }
            actors = actors.with(self.known(line)?);
        }
        self.push(Event::Quiet(actors), remark, start..line.read_to());
        Ok(())
    }

    fn event(&mut self, line: &mut Line<'_>, remark: &str) -> Result<(), Fault> {
        let place = line.place();
        let expects = self.expected.is_some();
        let keywords = || KEYWORDS.iter().filter(move |(_, litmus)| expects || !litmus);
        line.tries(keywords().map(|(word, _)| *word));
        let name = line
            .name("an event")
            .map_err(|fault| if fault.help.is_some() { fault } else { fault.help(HELP_EVENT) })?;
        if line.peek() != Some(":") {
            let what = format!("expected an event, found \"{name}\"");
            let meant = Fault::new(place.clone(), what);
            let meant = meant.meant(name.as_str(), keywords().map(|(word, _)| *word));
            // Who leaves the actor out says a call.
            if meant.help.is_some() && !Op::CALLS.contains(&name.as_str()) {
                return Err(meant);
            }
        }
        line.expect(":").map_err(|fault| fault.help(HELP_EVENT))?;
        if self.expected.as_ref().is_some_and(|expected| !expected.is_empty()) {
            let what = "calls stand before the first expectation";
            return Err(Fault::new(place, what));
        }
        if line.peek() == Some("->") && self.expected.is_some() {
            return Err(Fault::new(line.place(), NO_REPLIES).help(HELP_EXPECTED));
        }
        if line.take("->") {
            let Some(actor) = self.find(name) else {
                return Err(self.no_call_of(name, place));
            };
            return self.reply_of(actor, line, remark, place.start);
        }
        if let Some("stops" | "goes") = line.peek() {
            let Some(actor) = self.find(name) else {
                return Err(self.no_call_of(name, place));
            };
            let event = if line.take("goes") { goes_on(actor, line)? } else { stop(actor, line)? };
            let place = place.start..line.read_to();
            let goes_on = matches!(event, Event::GoesOn(_));
            self.push(event, remark, place.clone());
            if goes_on {
                self.over(actor, place);
            }
            return Ok(());
        }
        check_call(line)?;
        let kind = self.channels[0].setup.kind;
        let word = line.peek().unwrap_or_default();
        if let Some(what) = kind.has_no_name_for(word)
            && !self.is_named()
        {
            return Err(Fault::new(line.place(), what).help(kind.help_without_name(word)));
        }
        let actor = match self.find(name) {
            Some(actor) => actor,
            None => self.seat_undeclared(name, line.peek(), place.clone())?,
        };
        if line.peek() == Some("exit") {
            let event = exits(actor, line)?;
            self.open_ends.exits(actor);
            self.push(event, remark, place.start..line.read_to());
            return Ok(());
        }
        let call = self.call(line, actor)?;
        let at_once = line.peek() == Some("->");
        if at_once && self.expected.is_some() {
            return Err(Fault::new(line.place(), NO_REPLIES).help(HELP_EXPECTED));
        }
        let stops = line.peek() == Some("stops");
        line.tries(["stops"]);
        self.open_ends.call(&call);
        let call_remark = if at_once || stops { "" } else { remark };
        self.push(Event::Call(call), call_remark, place.start..line.read_to());
        if at_once {
            let start = line.place().start;
            line.bump();
            return self.reply_of(actor, line, remark, start);
        }
        if stops {
            let start = line.place().start;
            let event = stop(actor, line)?;
            self.push(event, remark, start..line.read_to());
        } else {
            self.over(actor, place.start..line.read_to());
        }
        Ok(())
    }

    fn reply_of(
        &mut self,
        actor: Actor,
        line: &mut Line<'_>,
        remark: &str,
        start: usize,
    ) -> Result<(), Fault> {
        let reply = self.reply(line)?;
        self.open_ends.returned(actor, reply.answer);
        self.push(Event::Return(actor, reply), remark, start..line.read_to());
        Ok(())
    }

    fn push(&mut self, event: Event, remark: &str, place: Range<usize>) {
        self.events.push(event);
        self.remarks.push(remark.into());
        self.places.push(place);
    }

    fn call(&mut self, line: &mut Line<'_>, actor: Actor) -> Result<Call, Fault> {
        let word = line.peek().unwrap_or_default();
        line.bump();
        let (end, op) = calls::parse(word, line, &mut Caller { parser: self, actor })?;
        Ok(Call { actor, end, op })
    }

    fn find(&self, name: Name) -> Option<Actor> {
        self.seats.iter().position(|seat| seat.name == name).map(|index| Actor(index as u8))
    }

    /// Takes the name of an actor that has a seat.
    fn known(&self, line: &mut Line<'_>) -> Result<Actor, Fault> {
        let place = line.place();
        let name = line.name("an actor")?;
        self.find(name).ok_or_else(|| {
            let mut known: Vec<&str> = self.seats.iter().map(|seat| seat.name.as_str()).collect();
            line.tried_before().for_each(|word| known.push(word));
            Fault::new(place, format!("no actor is called {name} so far"))
                .meant(name.as_str(), known)
                .help(format!("\"actor {name}\" after the \"channel\" line would declare it"))
        })
    }

    /// The fault that no actor of this name has made a call, at this place.
    fn no_call_of(&self, name: Name, place: Range<usize>) -> Fault {
        let seated = self.seats.iter().map(|seat| seat.name.as_str());
        let fault = Fault::new(place, format!("{name} has made no call"));
        fault
            .meant(name.as_str(), seated)
            .help(format!("\"{name}: read 5\" on a line before would be one"))
    }

    fn seat(&mut self, seat: Seat, place: Range<usize>) -> Result<Actor, Fault> {
        self.check_sole(&seat, &place)?;
        if self.seats.len() == ACTORS_MAX {
            return Err(Fault::new(place, format!("a run has at most {ACTORS_MAX} actors")));
        }
        let actor = Actor(self.seats.len() as u8);
        self.open_ends.seat(actor, &seat);
        self.seats.push(seat);
        Ok(actor)
    }

    fn seat_undeclared(
        &mut self,
        name: Name,
        op: Option<&str>,
        place: Range<usize>,
    ) -> Result<Actor, Fault> {
        let kind = self.channels[0].setup.kind;
        let by_name = matches!(op, Some("open" | "unlink" | "socket"));
        let forks = self.seats.iter().any(|seat| seat.form == Form::Forked);
        let given = ends::undeclared(kind, name.as_str(), by_name);
        let Some(held) = given.filter(|_| !forks && !self.is_named()) else {
            let end = kind.held.first().map_or("r", |hold| hold.letters());
            let of = self.channels[0].name.map_or(String::new(), |name| format!("{name}."));
            let word = if of.is_empty() { "actor" } else { "process" };
            let help =
                format!("\"{word} {name} holds {of}{end}\" after the \"channel\" line says so");
            let what = format!("the ends of {name} are not known");
            let seated = self.seats.iter().map(|seat| seat.name.as_str());
            let fault =
                Fault::new(place, what).meant(name.as_str(), seated.chain(ends::usual(kind)));
            return Err(fault.help(help));
        };
        let mut seat = Seat::new(name, vec![]);
        for hold in held {
            let line = Line::new(place.start, name.as_str());
            seat.ends.push((self.end_called(hold.letters(), &line)?, *hold));
        }
        self.seat(seat, place)
    }

    /// Numbers the ends, and checks the run.
    fn finish(mut self, end: Range<usize>) -> Result<(Parsed, Vec<Expectation>), Fault> {
        if self.channels.is_empty() {
            let what = "expected \"channel KIND\", found the end of the text";
            return Err(Fault::new(end, what).help(help_kinds()));
        }
        self.check_capacities()?;
        let appeared = self.end_names.clone();
        self.end_names[self.ends_listed..].sort_unstable();
        let renumber = |end: &mut End| {
            let name = appeared.get(end.0 as usize);
            let place = self.end_names.iter().position(|known| Some(known) == name);
            end.0 = place.map_or(end.0, |place| place as u8);
        };
        for seat in &mut self.seats {
            seat.ends.iter_mut().for_each(|(end, _)| renumber(end));
            seat.inherits.iter_mut().for_each(|(end, _)| renumber(end));
        }
        self.polls.iter_mut().flat_map(|set| &mut set.ends).for_each(|(end, _)| renumber(end));
        let expected = self.expected.iter_mut().flatten().flat_map(|expected| &mut expected.fates);
        for (_, wanted) in expected {
            if let Wanted::Reply(reply) = wanted {
                renumber_told(reply, renumber);
            }
        }
        for event in &mut self.events {
            match event {
                Event::Call(call) if call.ends().next().is_none() => {}
                Event::Call(call) => {
                    renumber(&mut call.end);
                    call.op = call.op.map_ends(|mut end| {
                        renumber(&mut end);
                        end
                    });
                }
                Event::Return(_, reply) => renumber_told(reply, renumber),
                Event::Quiet(_) | Event::Stops(..) | Event::GoesOn(_) | Event::Exits(..) => {}
            }
        }
        let run = Run {
            preamble: self.preamble,
            channels: self.channels,
            seats: self.seats,
            end_names: self.end_names,
            polls: self.polls,
            polled: self.polled,
            events: self.events,
            remarks: self.remarks,
        };
        match run.check() {
            Ok(()) => Ok((Parsed { run, places: self.places }, self.expected.unwrap_or_default())),
            Err(malformed) => {
                let place = self.places.get(malformed.index).cloned().unwrap_or(end);
                let fault = Fault::new(place, malformed.what);
                Err(match malformed.help {
                    Some(help) => fault.help(help),
                    None => fault,
                })
            }
        }
    }
}

/// Names ends for the calls of one actor.
struct Caller<'p> {
    parser: &'p mut Parser,
    actor: Actor,
}

impl Names for Caller<'_> {
    fn end(&mut self, line: &mut Line<'_>) -> Result<End, Fault> {
        self.parser.end(line).map(|(end, _)| end)
    }

    fn end_called(&mut self, name: &str, line: &Line<'_>) -> Result<End, Fault> {
        self.parser.end_called(name, line)
    }

    fn end_or_implied(&mut self, line: &mut Line<'_>, counts: bool) -> Result<End, Fault> {
        self.parser.end_or_implied(line, self.actor, counts)
    }

    fn poll_set(&mut self, line: &mut Line<'_>) -> Result<u8, Fault> {
        let mut ends = Vec::new();
        while ends.is_empty() || line.take(",") {
            let (end, _) = self.parser.end(line)?;
            ends.push((end, events(line, EVENTS)?));
        }
        line.expect("]")?;
        let wait = line.take("wait");
        let index = self.parser.polls.len();
        let Ok(set) = u8::try_from(index) else {
            return Err(Fault::new(line.place(), "a run has at most 256 polls on several ends"));
        };
        self.parser.polls.push(PollSet { ends, wait });
        Ok(set)
    }

    fn child_made(&mut self, line: &mut Line<'_>) -> Result<Actor, Fault> {
        let place = line.place();
        let name = line.name("a name for the process")?;
        if let Some(actor) = self.parser.find(name) {
            return Ok(actor);
        }
        let seat = Seat { form: Form::Forked, ..Seat::new(name, vec![]) };
        self.parser.seat(seat, place)
    }

    fn child(&mut self, line: &mut Line<'_>) -> Result<Actor, Fault> {
        self.parser.known(line)
    }
}
