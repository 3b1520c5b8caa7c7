//! Parses litmus files: calls without replies, and what is expected of them.

use std::ops::Range;
use std::str::FromStr;

use crate::call::{Actor, Answer, Reply};
use crate::litmus::{Expectation, Litmus, Wanted, Word};
use crate::run::Event;

use super::super::ParseError;
use super::super::lex::{Fault, Line};
use super::{Parsed, Parser, read};

impl FromStr for Litmus {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Litmus, ParseError> {
        let parser = Parser { expected: Some(Vec::new()), ..Parser::default() };
        let (Parsed { run, places }, expected) =
            read(text, parser).map_err(|fault| ParseError::new(text, fault))?;
        if run.is_of_processes() {
            let what =
                "a litmus file is about one channel, and actors that are there from the start";
            return Err(ParseError::new(text, Fault::new(0..0, what)));
        }
        Ok(Litmus { run, places, expected })
    }
}

impl Parser {
    /// Takes what is expected of the replies of some calls.
    pub(super) fn expectation(&mut self, line: &mut Line<'_>, remark: &str) -> Result<(), Fault> {
        let word = [Word::Allowed, Word::Forbidden, Word::Lax];
        let word =
            line.read("an expectation", |token| word.into_iter().find(|w| w.word() == token))?;
        let mut fates = Vec::new();
        while fates.is_empty() || line.take(",") {
            let place = line.place();
            let actor = self.known(line)?;
            let number = fates.iter().filter(|(other, _)| *other == actor).count();
            let calls = self.events.iter().filter(|event| is_call_of(event, actor)).count();
            if number == calls {
                let name = &self.seats[usize::from(actor.0)].name;
                let makes = match calls {
                    0 => "no call".to_owned(),
                    1 => "one call".to_owned(),
                    calls => format!("{calls} calls"),
                };
                let fault = Fault::new(place, format!("{name} makes {makes}"));
                return Err(
                    fault.help("an expectation names each call once, those of an actor in order")
                );
            }
            line.expect("->")?;
            line.tries(["any", "asleep"]);
            let wanted = match line.peek() {
                Some("any") => Wanted::Any,
                Some("asleep") => Wanted::Asleep,
                _ => Wanted::Reply(self.reply(line)?),
            };
            if !matches!(wanted, Wanted::Reply(_)) {
                line.bump();
            }
            fates.push((actor, wanted));
        }
        let remark = remark.to_owned();
        self.expected.get_or_insert_default().push(Expectation { word, fates, remark });
        Ok(())
    }

    /// Of a litmus file: a call is over as soon as it is made, whatever it gives.
    pub(super) fn over(&mut self, actor: Actor, place: Range<usize>) {
        if self.expected.is_some() {
            self.open_ends.returned(actor, Answer::Done);
            self.push(Event::Return(actor, Reply::new(Answer::Done)), "", place);
        }
    }
}

fn is_call_of(event: &Event, actor: Actor) -> bool {
    matches!(event, Event::Call(call) if call.actor == actor)
}

pub(super) const NO_REPLIES: &str = "the calls of a litmus file stand without replies";

pub(super) const HELP_EXPECTED: &str =
    "\"allowed writer -> 2, reader -> asleep\" after the calls tells what they may give";
