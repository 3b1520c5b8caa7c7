//! Parses the lines before the events: the channel, its settings, the actors and the ends.

use std::ops::Range;

use crate::call::{Disposition, Dispositions, End};
use crate::data::NOBODYS;
use crate::kind::{self, Hold};
use crate::run::{Channel, Form, Seat, Setup};
use crate::settings::Setting;

use super::super::calls::signal;
use super::super::lex::{Fault, Line};
use super::{Parser, help_kinds};

impl Parser {
    pub(super) fn channel(&mut self, line: &mut Line<'_>) -> Result<(), Fault> {
        line.bump();
        line.tries(kind::KINDS.iter().map(|kind| kind.name));
        let is_kind = |ahead: usize| line.ahead(ahead).is_some_and(|w| kind::named(w).is_some());
        let place = line.place();
        let name = if !is_kind(0) && is_kind(1) {
            Some(line.name("a name for the channel")?)
        } else {
            None
        };
        match (name, self.channels.first()) {
            (Some(name), _) if self.channels.iter().any(|other| other.name == Some(name)) => {
                return Err(Fault::new(place, format!("there is already a channel {name}")));
            }
            (Some(_), Some(Channel { name: None, .. })) | (None, Some(_)) => {
                let what = "a run of several channels names each";
                let help = "\"channel up pipe\" and \"channel down pipe\" would be two; their ends are up.r, \
                            up.w, down.r and down.w";
                return Err(Fault::new(place, what).help(help));
            }
            _ => {}
        }
        let kind = line
            .read("a kind of channel", kind::named)
            .map_err(|fault| fault.help(help_kinds()))?;
        let mut setup = Setup::new(kind);
        let mut given = Vec::new();
        let mut capacity_at = 0..0;
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
                capacity_at = line.place();
                setup.capacity_bytes = line.size("a capacity in bytes")?;
            }
        }
        self.channels.push(Channel { name, setup });
        self.capacities_at.push(capacity_at);
        Ok(())
    }

    /// Checks the capacities, when the settings are known.
    pub(super) fn check_capacities(&self) -> Result<(), Fault> {
        for (Channel { setup, .. }, at) in self.channels.iter().zip(&self.capacities_at) {
            let page_bytes = setup.settings.get(Setting::PageSize);
            setup
                .kind
                .check_capacity(setup.capacity_bytes, page_bytes)
                .map_err(|what| Fault::new(at.clone(), what))?;
        }
        Ok(())
    }

    pub(super) fn setting(&mut self, line: &mut Line<'_>) -> Result<(), Fault> {
        line.bump();
        let place = line.place();
        let setting = setting(line)?;
        if !self.channels.iter().any(|channel| setting.matters_to(channel.setup.kind)) {
            let kinds: Vec<_> =
                self.channels.iter().map(|channel| channel.setup.kind.name).collect();
            let what =
                format!("{} changes nothing for a {}", setting.name(), kinds.join(" and a "));
            return Err(Fault::new(place.start..line.read_to(), what));
        }
        let place = line.place();
        let value = line.size("the value of the setting")?;
        if let Err(what) = setting.check(value) {
            return Err(Fault::new(place, what));
        }
        for Channel { setup, .. } in &mut self.channels {
            if setting.matters_to(setup.kind) {
                setup.settings = setup.settings.with(setting, value);
            }
        }
        Ok(())
    }

    /// Takes the line of an actor, a process, a thread or an outsider.
    pub(super) fn actor(&mut self, line: &mut Line<'_>) -> Result<(), Fault> {
        let word = line.peek().unwrap_or_default();
        line.bump();
        let place = line.place();
        let name = line.name("a name for the actor")?;
        if NOBODYS.iter().any(|(taken, _)| *taken == name.as_str()) {
            let what = format!("{name} names bytes that no actor wrote, and no actor");
            return Err(Fault::new(place, what));
        }
        if self.find(name).is_some() {
            return Err(Fault::new(place, format!("there is already an actor {name}")));
        }
        let mut seat = Seat::new(name, vec![]);
        match word {
            "process" => seat.form = Form::Process,
            "outsider" => seat.form = Form::Outsider,
            "thread" => {
                line.expect("of")?;
                let place = line.place();
                let leader = self.known(line)?;
                if !matches!(self.seats[usize::from(leader.0)].form, Form::Process | Form::Actor) {
                    let what = "a thread is of a process that is declared before it";
                    return Err(Fault::new(place, what));
                }
                seat.form = Form::Thread(leader);
                return self.seat(seat, place).map(drop);
            }
            _ => {}
        }
        if line.take("holds") {
            while seat.ends.is_empty()
                || !matches!(line.peek(), None | Some("inherits" | "ignores" | "catches"))
            {
                self.held(line, &mut seat)?;
            }
        }
        while line.take("inherits") {
            self.inherited(line, &mut seat)?;
        }
        seat.signals = signals(line)?;
        self.seat(seat, place).map(drop)
    }

    /// Takes an end that an actor holds at the start.
    fn held(&mut self, line: &mut Line<'_>, seat: &mut Seat) -> Result<(), Fault> {
        let start = line.place().start;
        let (end, hold) = self.end(line)?;
        let place = start..line.read_to();
        let Some((hold, channel)) = hold else {
            let what = "a number is no name of a channel's end";
            let help = "hold the end by its name, and \"dup2 up.r as 0\" makes a number of it";
            return Err(Fault::new(place, what).help(help));
        };
        let held = self.channels[channel].setup.kind.held;
        if !held.contains(&hold) {
            let names: Vec<_> = held.iter().map(|hold| hold.letters()).collect();
            let what = "nobody holds such an end of this kind of channel at the start";
            let help = format!("ends held are called {}, then digits", names.join(", "));
            return Err(Fault::new(place, what).help(help));
        }
        if seat.ends.iter().any(|(held, _)| *held == end) {
            return Err(Fault::new(place, format!("{} already holds this end", seat.name)));
        }
        seat.ends.push((end, hold));
        Ok(())
    }

    /// Takes ends that an actor shares with one before it.
    fn inherited(&mut self, line: &mut Line<'_>, seat: &mut Seat) -> Result<(), Fault> {
        let mut ends = Vec::new();
        while ends.is_empty() || !matches!(line.peek(), None | Some("of")) {
            let start = line.place().start;
            let (end, _) = self.end(line)?;
            ends.push((end, start..line.read_to()));
        }
        line.expect("of")?;
        let from = self.known(line)?;
        for (end, place) in ends {
            if !self.open_ends.of(from).is_open(end) {
                let from = self.seats[usize::from(from.0)].name;
                let end = self.end_names[usize::from(end.0)];
                return Err(Fault::new(place, format!("{from} holds no {end}")));
            }
            let twice = seat.inherits.iter().any(|(other, _)| *other == end)
                || seat.ends.iter().any(|(other, _)| *other == end);
            if twice {
                return Err(Fault::new(place, format!("{} already has this end", seat.name)));
            }
            seat.inherits.push((end, from));
        }
        Ok(())
    }

    /// Checks that no end is held which has one holder, and has it already.
    pub(super) fn check_sole(&self, seat: &Seat, place: &Range<usize>) -> Result<(), Fault> {
        for (end, hold) in &seat.ends {
            let Some(channel) = self.channel_of(*end) else { continue };
            let kind = self.channels[channel].setup.kind;
            let is_same = |(other, held): &(End, Hold)| {
                held == hold && self.channel_of(*other) == Some(channel)
            };
            let has = |other: &&Seat| other.ends.iter().any(is_same);
            if let Some(other) = self.seats.iter().find(has).filter(|_| kind.is_sole(hold.mode)) {
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
            let (start, before) = (line.place().start, self.end_names.len());
            self.end(line)?;
            if self.end_names.len() == before {
                let place = start..line.read_to();
                return Err(Fault::new(place, "this end is listed twice"));
            }
        }
        self.ends_listed = self.end_names.len();
        Ok(())
    }
}

/// Takes what an actor has signals do at the start.
fn signals(line: &mut Line<'_>) -> Result<Dispositions, Fault> {
    let mut signals = Dispositions::NONE;
    let words = [("ignores", Disposition::Ignored), ("catches", Disposition::Caught)];
    for (word, disposition) in words {
        if !line.take(word) {
            continue;
        }
        let mut count = 0;
        while count == 0 || !matches!(line.peek(), None | Some("catches")) {
            let place = line.place();
            let signal = signal(line)?;
            if !signal.can_be_set() {
                let what = format!("{signal} can be neither ignored nor caught");
                return Err(Fault::new(place, what));
            }
            let restarts = disposition == Disposition::Caught && line.take("restarting");
            let disposition = if restarts { Disposition::Restarting } else { disposition };
            signals = signals.with(signal, disposition);
            count += 1;
        }
    }
    Ok(signals)
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
