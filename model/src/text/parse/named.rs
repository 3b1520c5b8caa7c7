//! Parses names of ends: letters, with a channel's name before them where there are several, and numbers.

use crate::call::{Actor, ENDS_MAX, End};
use crate::kind::Hold;
use crate::run::Name;

use super::super::ends;
use super::super::lex::{Fault, Line};
use super::Parser;

impl Parser {
    pub(super) fn end_or_implied(
        &mut self,
        line: &mut Line<'_>,
        actor: Actor,
        counts: bool,
    ) -> Result<End, Fault> {
        let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        // Where channels have no names a number is a descriptor once a call has made one of it.
        let is_made = |word: &str| self.end_names.iter().any(|name| name.as_str() == word);
        let can_be = |word: &str| is_number(word) && (self.is_named() || is_made(word));
        let numbered =
            line.peek().is_some_and(can_be) && (!counts || line.ahead(1).is_some_and(is_number));
        let named = line.peek().is_some_and(|word| ends::hold_of(word).is_some());
        if named || numbered || line.ahead(1) == Some(".") {
            return Ok(self.end(line)?.0);
        }
        let held = self.open_ends.of(actor);
        held.only().ok_or_else(|| {
            let names: Vec<_> =
                held.open().map(|end| self.end_names[end.0 as usize].as_str()).collect();
            let actor = &self.seats[actor.0 as usize].name;
            let help = match names.as_slice() {
                [] => format!("{actor} has none open here"),
                names => format!("{actor} has {} open here", names.join(" and ")),
            };
            line.expected("an end").help(help)
        })
    }

    /// Takes the name of an end; what it is for and of which channel, unless it is a number.
    pub(super) fn end(
        &mut self,
        line: &mut Line<'_>,
    ) -> Result<(End, Option<(Hold, usize)>), Fault> {
        if let Some(number) = line.peek().and_then(Name::of_number) {
            let end = self.end_of(number, line)?;
            line.bump();
            return Ok((end, None));
        }
        let start = line.place().start;
        let mut channel = 0;
        if self.is_named() {
            let place = line.place();
            let name = line.name("an end, as CHANNEL.END")?;
            channel = self.channels.iter().position(|other| other.name == Some(name)).ok_or_else(
                || {
                    let names: Vec<_> = self.channels.iter().filter_map(|c| c.name).collect();
                    let help = format!(
                        "ends are called by their channel, as {}.{}",
                        names[0],
                        self.channels[0].setup.kind.held.first().map_or("r", |hold| hold.letters())
                    );
                    Fault::new(place, format!("no channel is called {name}"))
                        .meant(name.as_str(), names.iter().map(Name::as_str))
                        .help(help)
                },
            )?;
            line.expect(".")?;
        }
        let named = line.peek().filter(|word| Name::new(word).is_some());
        let Some((word, hold)) = named.and_then(|word| Some((word, ends::hold_of(word)?))) else {
            let names = ends::names_for(self.channels[channel].setup.kind).join(", ");
            let help = format!("ends are called {names}, then digits");
            return Err(line.expected("an end").help(help));
        };
        let end = Name::new(word).and_then(|end| Name::of_end(self.channels[channel].name, end));
        let Some(name) = end else {
            let what = "the name of an end has at most 24 letters with its channel's";
            return Err(Fault::new(start..line.place().end, what));
        };
        let end = self.end_of(name, line)?;
        line.bump();
        Ok((end, Some((hold, channel))))
    }

    /// Whether the run names its channels.
    pub(super) fn is_named(&self) -> bool {
        self.channels.first().is_some_and(|channel| channel.name.is_some())
    }

    /// The channel to which an end of this name leads; `None` for a number.
    pub(super) fn channel_of(&self, end: End) -> Option<usize> {
        match self.end_names.get(usize::from(end.0))?.parts() {
            (Some(name), _) => self
                .channels
                .iter()
                .position(|channel| channel.name.is_some_and(|own| own.as_str() == name)),
            (None, end) => (!end.starts_with(|c: char| c.is_ascii_digit())).then_some(0),
        }
    }

    pub(super) fn end_called(&mut self, name: &str, line: &Line<'_>) -> Result<End, Fault> {
        if self.is_named() {
            let what = "which channel is meant is not said";
            let help = format!("add \"as CHANNEL.{name}\"");
            return Err(Fault::new(line.place(), what).help(help));
        }
        let name = Name::new(name).ok_or_else(|| line.expected("an end"))?;
        self.end_of(name, line)
    }

    pub(super) fn end_of(&mut self, name: Name, line: &Line<'_>) -> Result<End, Fault> {
        let index = match self.end_names.iter().position(|known| *known == name) {
            Some(index) => index,
            None if self.end_names.len() == ENDS_MAX => {
                let what = format!("a run has at most {ENDS_MAX} names of ends");
                return Err(Fault::new(line.place(), what));
            }
            None => {
                self.end_names.push(name);
                self.end_names.len() - 1
            }
        };
        Ok(End(index as u8))
    }
}
