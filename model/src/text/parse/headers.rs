//! Parses the lines before the events: the channel, its settings, the actors and the ends.

use std::ops::Range;

use crate::data::NOBODYS;
use crate::kind;
use crate::run::{Seat, Setup};
use crate::settings::Setting;

use super::super::lex::{Fault, Line};
use super::{Parser, help_kinds};

impl Parser {
    pub(super) fn channel(&mut self, line: &mut Line<'_>) -> Result<(), Fault> {
        line.bump();
        line.tries(kind::KINDS.iter().map(|kind| kind.name));
        let kind = line
            .read("a kind of channel", kind::named)
            .map_err(|fault| fault.help(help_kinds()))?;
        let mut setup = Setup::new(kind);
        let mut given = Vec::new();
        while let Some(option) = line.peek() {
            if given.contains(&option) {
                return Err(Fault::new(line.place(), format!("{option:?} is given twice")));
            }
            match option {
                _ if kind.check_option(option).is_err() => {
                    let what = kind.check_option(option).err().unwrap_or_default();
                    let help = format!("leave {option:?} out");
                    return Err(Fault::new(line.place(), what).help(help));
                }
                "packet" => setup.packet = true,
                "crowded" => setup.crowded = true,
                "nonblocking" => setup.nonblock = true,
                "append" => setup.append = true,
                "capacity" => {}
                _ => {
                    line.tries(["capacity", "packet", "nonblocking", "append", "crowded"]);
                    return Err(line.expected(
                        "\"capacity\", \"packet\", \"nonblocking\", \"append\", \"crowded\" or the end of \
                         the line",
                    ));
                }
            }
            line.bump();
            given.push(option);
            if option == "capacity" {
                self.capacity_at = line.place();
                setup.capacity_bytes = line.size("a capacity in bytes")?;
            }
        }
        self.setup = Some(setup);
        Ok(())
    }

    /// Checks the capacity, when the settings are known.
    pub(super) fn check_capacity(&self, setup: &Setup) -> Result<(), Fault> {
        let page_bytes = setup.settings.get(Setting::PageSize);
        setup
            .kind
            .check_capacity(setup.capacity_bytes, page_bytes)
            .map_err(|what| Fault::new(self.capacity_at.clone(), what))
    }

    pub(super) fn setting(&mut self, line: &mut Line<'_>) -> Result<(), Fault> {
        line.bump();
        let Some(setup) = &mut self.setup else { return Ok(()) };
        let place = line.place();
        let setting = setting(line)?;
        if !setting.matters_to(setup.kind) {
            let what = format!("{} changes nothing for a {}", setting.name(), setup.kind.name);
            return Err(Fault::new(place.start..line.read_to(), what));
        }
        let place = line.place();
        let value = line.size("the value of the setting")?;
        if let Err(what) = setting.check(value) {
            return Err(Fault::new(place, what));
        }
        setup.settings = setup.settings.with(setting, value);
        Ok(())
    }

    pub(super) fn actor(&mut self, line: &mut Line<'_>) -> Result<(), Fault> {
        line.bump();
        let place = line.place();
        let name = line.name("a name for the actor")?;
        if NOBODYS.iter().any(|(taken, _)| *taken == name.as_str()) {
            let what = format!("{name} names bytes that no actor wrote, and no actor");
            return Err(Fault::new(place, what));
        }
        if self.find(name).is_some() {
            return Err(Fault::new(place, format!("there is an actor {name} already")));
        }
        let mut seat = Seat { name, ends: vec![] };
        let held = self.setup.as_ref().map_or(&[][..], |setup| setup.kind.held);
        if line.take("holds") {
            while seat.ends.is_empty() || line.peek().is_some() {
                let place = line.place();
                let (end, hold) = self.end(line)?;
                if !held.contains(&hold) {
                    let names: Vec<_> = held.iter().map(|hold| hold.letters()).collect();
                    let what = "nobody holds such an end of this kind of channel at the start";
                    let help = format!("ends held are called {}, then digits", names.join(", "));
                    return Err(Fault::new(place, what).help(help));
                }
                if seat.ends.iter().any(|(held, _)| *held == end) {
                    return Err(Fault::new(place, format!("{name} holds this end already")));
                }
                seat.ends.push((end, hold));
            }
        }
        self.seat(seat, place).map(drop)
    }

    /// Checks that no end is held which has one holder, and has it already.
    pub(super) fn check_sole(&self, seat: &Seat, place: &Range<usize>) -> Result<(), Fault> {
        let Some(kind) = self.setup.as_ref().map(|setup| setup.kind) else { return Ok(()) };
        for (_, hold) in seat.ends.iter().filter(|(_, hold)| kind.is_sole(hold.mode)) {
            let has = |other: &&Seat| other.ends.iter().any(|(_, held)| held == hold);
            if let Some(other) = self.seats.iter().find(has) {
                let (end, kind) = (hold.letters(), kind.name);
                let what =
                    format!("end {end} of a {kind} has one holder, and {} is it", other.name);
                let help = format!("let {} make the calls on {end}", other.name);
                return Err(Fault::new(place.clone(), what).help(help));
            }
        }
        Ok(())
    }

    pub(super) fn ends(&mut self, line: &mut Line<'_>) -> Result<(), Fault> {
        if !self.end_names.is_empty() {
            let what = "the \"ends\" line stands before all that names an end";
            return Err(Fault::new(line.place(), what));
        }
        line.bump();
        while self.end_names.is_empty() || line.peek().is_some() {
            let (place, before) = (line.place(), self.end_names.len());
            self.end(line)?;
            if self.end_names.len() == before {
                return Err(Fault::new(place, "this end is listed twice"));
            }
        }
        self.ends_listed = self.end_names.len();
        Ok(())
    }
}

/// The name of a setting: tokens joined by dots.
fn setting(line: &mut Line<'_>) -> Result<Setting, Fault> {
    let start = line.place().start;
    let mut name = String::new();
    while let Some(token) = line.peek() {
        name.push_str(token);
        line.bump();
        if line.peek() != Some(".") {
            break;
        }
        name.push('.');
        line.bump();
    }
    Setting::named(&name).ok_or_else(|| {
        let names: Vec<_> = Setting::all().map(Setting::name).collect();
        let place = start..line.read_to().max(start);
        let what = match name.as_str() {
            "" => "expected the name of a setting, found the end of the line".to_owned(),
            name => format!("there is no setting {name:?}"),
        };
        let meant = Fault::new(place, what).meant(&name, names.iter().copied());
        meant.help(format!("settings are {}", names.join(", ")))
    })
}
