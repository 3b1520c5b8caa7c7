//! How a system is written down: its channels, who takes part, what is asked.

use crate::call::{Actor, End};
use crate::kind::Hold;
use crate::platform::LINUX;
use crate::run::{Channel, Form, Name, Seat, Setup};
use crate::verify::Property;

use super::program::{self, Do, Program};
use super::{Family, Keeps, Process, System};

impl System {
    /// A system without processes over one channel, on Linux.
    pub fn new(
        name: &'static str,
        family: Family,
        says: &'static str,
        setup: impl Into<Setup>,
    ) -> System {
        let channels = vec![Channel { name: None, setup: setup.into() }];
        System {
            name,
            family,
            says,
            platform: LINUX,
            channels,
            processes: Vec::new(),
            end_names: Vec::new(),
            endless: false,
            properties: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// A system without processes over channels with these names, on Linux. An end is called by its channel too, as
    /// `up.r`.
    ///
    /// # Panics
    ///
    /// If a name is none ([`Name::new`]), or there is no channel.
    pub fn of_channels<S: Into<Setup>>(
        name: &'static str,
        family: Family,
        says: &'static str,
        channels: impl IntoIterator<Item = (&'static str, S)>,
    ) -> System {
        let channel =
            |(name, setup): (&str, S)| Channel { name: Some(named(name)), setup: setup.into() };
        let channels: Vec<Channel> = channels.into_iter().map(channel).collect();
        let first = channels.first().expect("a channel").setup.clone();
        System { channels, ..System::new(name, family, says, first) }
    }

    /// With a process that holds these ends (named as in runs, with spaces between) and does this.
    ///
    /// # Panics
    ///
    /// If a name is none ([`Name::new`]), or that of an end does not tell what the end is for ([`Hold::named`]), or the
    /// system is [of a file](System::of).
    #[must_use]
    pub fn process(self, name: &str, ends: &'static str, body: impl Into<Vec<Do>>) -> System {
        let has_lives = self.has_lives() || self.channels[0].name.is_some();
        let form = if has_lives { Form::Process } else { Form::Actor };
        self.actor(name, form, ends, body.into())
    }

    /// With a process that does this once it has been [forked](program::fork).
    ///
    /// # Panics
    ///
    /// If the name is none ([`Name::new`]).
    #[must_use]
    pub fn forked(self, name: &str, body: impl Into<Vec<Do>>) -> System {
        self.with_lives().actor(name, Form::Forked, "", body.into())
    }

    /// With another thread of a process, which does this.
    ///
    /// # Panics
    ///
    /// If the name is none ([`Name::new`]), or there is no such process.
    #[must_use]
    pub fn thread(self, name: &str, of: &str, body: impl Into<Vec<Do>>) -> System {
        let names: Vec<Name> = self.processes.iter().map(|process| process.seat.name).collect();
        let leader = Actor(program::index(&names, of));
        self.with_lives().actor(name, Form::Thread(leader), "", body.into())
    }

    /// Tells of the lives of all processes.
    fn with_lives(mut self) -> System {
        for process in &mut self.processes {
            if process.seat.form == Form::Actor {
                process.seat.form = Form::Process;
            }
        }
        self
    }

    fn actor(mut self, name: &str, form: Form, ends: &'static str, body: Vec<Do>) -> System {
        let seat = Seat { form, ..Seat::new(named(name), Vec::new()) };
        let program = Program::default();
        let is_of_file = self.processes.iter().any(|process| process.body.is_none());
        assert!(!is_of_file, "a system of a file is complete");
        self.processes.push(Process { seat, program, keeps: Keeps::Nothing, body: Some(body) });
        let held = ends.split_whitespace();
        let mut used: Vec<&str> = held.clone().collect();
        let bodies = || self.processes.iter().filter_map(|process| process.body.as_ref());
        bodies().for_each(|body| program::ends_of(body, &mut used));
        let mut names: Vec<Name> = used.into_iter().map(end_named).collect();
        names.extend(&self.end_names);
        names.sort_unstable();
        names.dedup();
        self.renumber(&names);
        let end = |name: &str| {
            let end = names.iter().position(|known| known.as_str() == name).unwrap_or_default();
            let letters = name.rsplit('.').next().unwrap_or(name);
            (End(end as u8), Hold::named(letters).expect("an end's name tells what it is for"))
        };
        if let Some(process) = self.processes.last_mut() {
            process.seat.ends = held.map(end).collect();
        }
        self.lay_out();
        self
    }

    /// Takes new names of ends, among which are the old.
    fn renumber(&mut self, names: &[Name]) {
        for process in &mut self.processes {
            for (end, _) in &mut process.seat.ends {
                let name = self.end_names[usize::from(end.0)];
                end.0 = names.iter().position(|known| *known == name).unwrap_or_default() as u8;
            }
        }
        self.end_names = names.to_vec();
    }

    /// Lays all programs out. One that names a process that is yet to come waits for it.
    fn lay_out(&mut self) {
        let names: Vec<Name> = self.processes.iter().map(|process| process.seat.name).collect();
        let bodies = || self.processes.iter().filter_map(|process| process.body.as_ref());
        let all_known = bodies().all(|body| program::knows(body, &names));
        for process in self.processes.iter_mut().filter(|_| all_known) {
            let forked = process.seat.form == Form::Forked;
            if let Some(body) = &process.body {
                process.program = Program::new(forked, body, &self.end_names, &names);
            }
        }
    }

    /// With what the last process keeps of the data that it is given.
    ///
    /// # Panics
    ///
    /// If there is no process yet.
    #[must_use]
    pub fn keeps(mut self, keeps: Keeps) -> System {
        self.processes.last_mut().expect("a process").keeps = keeps;
        self
    }

    /// With these questions.
    #[must_use]
    pub fn asks(mut self, properties: impl Into<Vec<Property<System>>>) -> System {
        self.properties = properties.into();
        self
    }

    /// With these properties known not to hold.
    #[must_use]
    pub fn breaks(mut self, names: &[&'static str]) -> System {
        self.broken = names.to_vec();
        self
    }
}

fn named(name: &str) -> Name {
    Name::new(name).unwrap_or_else(|| panic!("{name} is no name"))
}

/// The name of an end, with its channel's before a dot, or the number of a descriptor.
fn end_named(name: &str) -> Name {
    let whole = match name.split_once('.') {
        Some((channel, end)) => Name::of_end(Some(named(channel)), named(end)),
        None => Name::of_number(name).or_else(|| Name::new(name)),
    };
    whole.unwrap_or_else(|| panic!("{name} is no name of an end"))
}
