//! Runs: what was called, what returned, and when nothing moved.
//!
//! A run is the common coin of the project: a case, a recorded trace, a failure and a counterexample
//! are all runs. This file holds runs as values; [`crate::text`] holds them as text.

mod builder;
mod check;
mod parts;
mod seat;

use crate::call::{Actor, Answer, Call, End, Events, Op, Reply, Termination};
use crate::data::NOBODYS;
use crate::kind::{Discipline, Ends, Hold, Kind, MODEL_CAPACITY_BYTES};
use crate::settings::Settings;

pub use builder::{BuildError, ChannelNumber, RunBuilder};
pub use check::Malformed;
pub use parts::Part;
pub use seat::{Form, Name, Seat};

/// Which channel a run is about, and how it was set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Setup {
    /// The kind of channel.
    pub kind: &'static Kind,
    /// Capacity at the start, in bytes.
    pub capacity_bytes: u32,
    /// Whether the ends given at the start have `O_DIRECT` (packet mode).
    pub packet: bool,
    /// Whether the ends given at the start have `O_NONBLOCK`.
    pub nonblock: bool,
    /// Whether the ends given at the start have `O_APPEND`.
    pub append: bool,
    /// Whether the user holds more pipe pages than an unprivileged one may
    /// (`/proc/sys/fs/pipe-user-pages-soft`): then new pipes are small, and may not grow.
    pub crowded: bool,
    /// The settings of the system.
    pub settings: Settings,
}

impl Setup {
    /// A channel of `kind` with default settings.
    pub const fn new(kind: &'static Kind) -> Setup {
        Setup {
            kind,
            capacity_bytes: kind.capacity_default_bytes,
            packet: false,
            nonblock: false,
            append: false,
            crowded: false,
            settings: Settings::STOCK,
        }
    }

    /// Whether this is a pipe of a model, with pages of a few bytes, as no system has.
    pub fn is_of_model(&self) -> bool {
        self.kind.discipline == Discipline::Stream && self.capacity_bytes == MODEL_CAPACITY_BYTES
    }

    /// The same on a system whose settings nobody has changed.
    pub fn stock(&self) -> Setup {
        Setup { settings: Settings::STOCK, ..self.clone() }
    }
}

/// A `poll(2)` on several ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PollSet {
    /// The ends, with the events asked for of each.
    pub ends: Vec<(End, Events)>,
    /// Whether it waits for ever.
    pub wait: bool,
}

/// A channel of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Channel {
    /// Its name, where the run names its channels.
    pub name: Option<Name>,
    /// How it was set up.
    pub setup: Setup,
}

/// A set of actors, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Actors(pub u32);

impl Actors {
    /// Nobody.
    pub const NONE: Actors = Actors(0);

    /// The set with `actor` added.
    pub fn with(self, actor: Actor) -> Actors {
        Actors(self.0 | 1 << actor.0)
    }

    /// The set without `actor`.
    pub fn without(self, actor: Actor) -> Actors {
        Actors(self.0 & !(1 << actor.0))
    }

    /// Whether `actor` is in the set.
    pub fn contains(self, actor: Actor) -> bool {
        self.0 & (1 << actor.0) != 0
    }

    /// Whether nobody is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in order.
    pub fn iter(self) -> impl Iterator<Item = Actor> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let first = (rest != 0).then(|| Actor(rest.trailing_zeros() as u8))?;
            rest &= rest - 1;
            Some(first)
        })
    }
}

impl FromIterator<Actor> for Actors {
    fn from_iter<I: IntoIterator<Item = Actor>>(actors: I) -> Actors {
        actors.into_iter().fold(Actors::NONE, Actors::with)
    }
}

/// Something observed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A call began. Each actor has at most one call open.
    Call(Call),
    /// The open call of this actor returned.
    Return(Actor, Reply),
    /// Nothing moved: every open call slept, at the same time; these actors' calls were open.
    Quiet(Actors),
    /// The open call of this actor has stopped: the system is about to copy the byte at this position of the
    /// call's buffer, and waits for it to be there.
    Stops(Actor, u32),
    /// The byte is about to be there: until now the call was stopped.
    GoesOn(Actor),
    /// The process of this actor ends, where a signal ends it be it in the midst of a call. Nothing more is seen of it.
    Exits(Actor, Termination),
}

/// A run: its set-up, who takes part, and the events in the order of the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Why the run is worth keeping: text lines before the first line, without `#`.
    pub preamble: Vec<String>,
    /// The channels, at least one; where there are several each has a name.
    pub channels: Vec<Channel>,
    /// The actors; [`Actor`] is an index into them.
    pub seats: Vec<Seat>,
    /// Names of ends; [`End`] is an index into it.
    pub end_names: Vec<Name>,
    /// Polls on several ends, which [`Op::PollSet`] names.
    pub polls: Vec<PollSet>,
    /// What they found, by end, which [`Answer::Polled`] names.
    pub polled: Vec<Vec<Events>>,
    /// What was observed.
    pub events: Vec<Event>,
    /// Remarks on events (rule ids in cases), as many as events; empty text for none.
    pub remarks: Vec<String>,
}

impl Run {
    /// A run in which nothing has happened yet.
    pub fn new(setup: Setup, seats: Vec<Seat>, end_names: Vec<Name>) -> Run {
        let channels = vec![Channel { name: None, setup }];
        Run {
            preamble: vec![],
            channels,
            seats,
            end_names,
            polls: vec![],
            polled: vec![],
            events: vec![],
            remarks: vec![],
        }
    }

    /// The set-up of its channel; of several the first's.
    ///
    /// # Panics
    ///
    /// If it has none: there is no such run.
    pub fn setup(&self) -> &Setup {
        &self.channels[0].setup
    }

    /// The channel to which an end of this name leads, as an index; `None` for the number of a descriptor.
    pub fn channel_of(&self, end: End) -> Option<usize> {
        channel_of(&self.channels, &self.end_names, end)
    }

    /// The index of the channel called so.
    pub fn channel_named(&self, name: &str) -> Option<usize> {
        channel_named(&self.channels, name)
    }

    /// Appends an event without a remark.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
        self.remarks.push(String::new());
    }

    /// Name of an actor; a question mark where it has none.
    pub fn actor_name(&self, actor: Actor) -> &str {
        match self.seats.get(actor.0 as usize) {
            Some(seat) => seat.name.as_str(),
            None => NOBODYS.iter().find(|(_, known)| *known == actor).map_or("?", |(name, _)| name),
        }
    }

    /// A reply without its data, as the run's text has it: of a poll on several ends, or of an epoll, what was found of each.
    pub fn words_of(&self, reply: &Reply) -> String {
        let found: Vec<String> = match reply.answer {
            Answer::Told(told) => {
                let entry = |(end, events)| format!("{} {events}", self.end_name(end));
                told.iter().map(entry).collect()
            }
            Answer::Polled(index) => {
                let polled = self.polled.get(usize::from(index)).into_iter().flatten();
                polled.map(ToString::to_string).collect()
            }
            _ => return reply.to_string(),
        };
        format!("[{}]", found.join(", "))
    }

    /// Name of an end; a question mark where it has none.
    pub fn end_name(&self, end: End) -> &str {
        self.end_names.get(end.0 as usize).map_or("?", Name::as_str)
    }

    /// The kind of channel to which an end leads; of a number the first's.
    pub fn kind_of(&self, end: End) -> &'static Kind {
        self.channels[self.channel_of(end).unwrap_or(0)].setup.kind
    }

    /// The set without an actor and the threads of its process.
    fn without_threads(&self, actors: Actors, actor: Actor) -> Actors {
        let leader = self.leader(actor);
        actors.iter().filter(|other| self.leader(*other) != leader).collect()
    }

    /// Whose table of descriptors an actor uses.
    pub fn leader(&self, actor: Actor) -> Actor {
        match self.seats.get(usize::from(actor.0)).map(|seat| seat.form) {
            Some(Form::Thread(leader) | Form::Poller { leader, .. }) => leader,
            _ => actor,
        }
    }

    /// What ends are for that the channel has from its making and that nobody holds: they count as closed. None
    /// where nobody holds anything, and ends are made during the run.
    pub fn unheld(&self) -> Vec<Hold> {
        let Kind { ends, held, .. } = self.setup().kind;
        let by_name = match ends {
            Ends::Shared | Ends::Own => false,
            Ends::Opened => true,
            Ends::Connected => self.seats.iter().all(|seat| seat.ends.is_empty()),
        };
        let is_held = |hold: &Hold| {
            self.seats.iter().flat_map(|seat| &seat.ends).any(|(_, other)| other == hold)
        };
        held.iter().copied().filter(|hold| !by_name && !is_held(hold)).collect()
    }
}

/// The ends that a call names, be they several of these that it polls.
pub fn ends_called<'p>(polls: &'p [PollSet], call: &Call) -> impl Iterator<Item = End> + use<'p> {
    let set = match call.op {
        Op::PollSet { set } => polls.get(usize::from(set)),
        _ => None,
    };
    call.ends().chain(set.into_iter().flat_map(|set| &set.ends).map(|(end, _)| *end))
}

/// The channel to which an end of this name leads, as an index; `None` for the number of a descriptor.
pub(crate) fn channel_of(channels: &[Channel], names: &[Name], end: End) -> Option<usize> {
    let name = names.get(usize::from(end.0))?;
    match name.parts() {
        (Some(channel), _) => channel_named(channels, channel),
        (None, _) => (!name.is_number()).then_some(0),
    }
}

fn channel_named(channels: &[Channel], name: &str) -> Option<usize> {
    let is_it = |channel: &Channel| channel.name.is_some_and(|own| own.as_str() == name);
    channels.iter().position(is_it)
}
