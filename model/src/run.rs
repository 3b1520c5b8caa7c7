//! Runs: what was called, what returned, and when nothing moved.
//!
//! A run is the common coin of the project: a case, a recorded trace, a failure and a counterexample
//! are all runs. This file holds runs as values; [`crate::text`] holds them as text.

mod builder;
mod seat;

use crate::call::{ACTORS_MAX, Actor, Call, End, Op, Reply, SendFlags};
use crate::data::{Data, NOBODYS};
use crate::ends::OpenEnds;
use crate::kind::{Discipline, Ends, Hold, Kind, MODEL_CAPACITY_BYTES};
use crate::settings::Settings;

pub use builder::{BuildError, RunBuilder};
pub use seat::{Name, Seat};

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

/// A set of actors, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Actors(pub u8);

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
        (0..8).map(Actor).filter(move |actor| self.contains(*actor))
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
}

/// A run: its set-up, who takes part, and the events in the order of the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Why the run is worth keeping: text lines before the first line, without `#`.
    pub preamble: Vec<String>,
    /// The channel.
    pub setup: Setup,
    /// Who takes part; [`Actor`] is an index into it.
    pub seats: Vec<Seat>,
    /// Names of ends; [`End`] is an index into it.
    pub end_names: Vec<Name>,
    /// What was observed.
    pub events: Vec<Event>,
    /// Remarks on events (rule ids in cases), as many as events; empty text for none.
    pub remarks: Vec<String>,
}

impl Run {
    /// A run in which nothing has happened yet.
    pub fn new(setup: Setup, seats: Vec<Seat>, end_names: Vec<Name>) -> Run {
        Run { preamble: vec![], setup, seats, end_names, events: vec![], remarks: vec![] }
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

    /// Name of an end; a question mark where it has none.
    pub fn end_name(&self, end: End) -> &str {
        self.end_names.get(end.0 as usize).map_or("?", Name::as_str)
    }

    /// Checks what every run must keep: a call only by an idle actor, a return only of an open call that is
    /// not stopped, `quiet` with exactly the actors whose calls are open, none of them stopped, a stop within
    /// the buffer of an open call, once a call; actors and ends that exist, no end made that is open
    /// already; a call by name only where the kind of channel has one.
    ///
    /// # Errors
    ///
    /// The first event that breaks this, with what is wrong, in lower case and without a full stop.
    pub fn check(&self) -> Result<(), Malformed> {
        let mut open = Actors::NONE;
        let mut ends = OpenEnds::at_start(&self.seats);
        let mut stops = Stops::default();
        for (index, event) in self.events.iter().enumerate() {
            let bad = |what: String| Err(Malformed { index, what, help: None });
            if let Err(what) = stops.follow(self, event, open) {
                return bad(what);
            }
            match event {
                Event::Call(call) => {
                    if call.actor.0 as usize >= self.seats.len() {
                        return bad(format!("there is no actor {}", call.actor.0));
                    }
                    if call.op.is_nobodys() {
                        return bad("nobody makes deliveries".into());
                    }
                    if let Some(what) = self.setup.kind.has_no_name_for(call.op.word()) {
                        return Err(Malformed {
                            index,
                            what,
                            help: Some(self.setup.kind.help_without_name()),
                        });
                    }
                    if call.ends().any(|end| end.0 as usize >= self.end_names.len()) {
                        return bad("a call names an end that has no name".into());
                    }
                    if open.contains(call.actor) {
                        let name = self.actor_name(call.actor);
                        return Err(Malformed {
                            index,
                            what: format!(
                                "{name} makes a call while its call before has not returned"
                            ),
                            help: Some(format!(
                                "an actor makes one call at a time: \"{name}: -> 2\" is the return of the one \
                                 before; another actor can call meanwhile"
                            )),
                        });
                    }
                    if let Some(end) = ends.of(call.actor).in_the_way(call) {
                        return Err(self.is_open_already(index, call.actor, end));
                    }
                    ends.call(call);
                    open = open.with(call.actor);
                }
                Event::Return(actor, reply) => {
                    if !open.contains(*actor) {
                        let name = self.actor_name(*actor);
                        return Err(Malformed {
                            index,
                            what: format!("{name} returns from a call that it has not made"),
                            help: Some(format!("\"{name}: read 5\" on a line before would be one")),
                        });
                    }
                    if let Some(what) = self.names_other_bytes(index, *actor, reply) {
                        let help = Some("name as many bytes as it gets, or none".into());
                        return Err(Malformed { index, what, help });
                    }
                    ends.returned(*actor, reply.answer);
                    open = Actors(open.0 & !(1 << actor.0));
                }
                Event::Quiet(actors) if *actors != open => {
                    let names: Vec<_> = open.iter().map(|actor| self.actor_name(actor)).collect();
                    return bad(match names.as_slice() {
                        [] => "no call is open here".into(),
                        names => format!("the calls open here are of {}", names.join(", ")),
                    });
                }
                Event::Quiet(_) | Event::Stops(..) | Event::GoesOn(_) => {}
            }
        }
        Ok(())
    }

    /// Where a reply tells of more or fewer bytes than it counts: with MSG_TRUNC more may be counted.
    fn names_other_bytes(&self, index: usize, actor: Actor, reply: &Reply) -> Option<String> {
        let named: u64 = match &reply.data {
            Data::Unknown => return None,
            Data::Named(names) => names.iter().map(|segment| u64::from(segment.len)).sum(),
            Data::Bytes(bytes) => bytes.len() as u64,
        };
        let count = reply.answer.count()?;
        let op = self.events[..index].iter().rev().find_map(|event| match event {
            Event::Call(call) if call.actor == actor => Some(call.op),
            _ => None,
        });
        let counts_more =
            matches!(op, Some(Op::Receive { flags, .. }) if flags.contains(SendFlags::TRUNC));
        let fits = named == u64::from(count) || counts_more && named < u64::from(count);
        (!fits).then(|| {
            format!("{} gets {count}, and {named} bytes are named", self.actor_name(actor))
        })
    }

    fn is_open_already(&self, index: usize, actor: Actor, end: End) -> Malformed {
        let (actor, end) = (self.actor_name(actor), self.end_name(end));
        let letters = end.trim_end_matches(|c: char| c.is_ascii_digit());
        let number: u32 = end[letters.len()..].parse().unwrap_or(1);
        let another = number.saturating_add(1);
        Malformed {
            index,
            what: format!("{actor} has {end} open already"),
            help: Some(format!(
                "close {end} first, or make another end, such as {letters}{another}"
            )),
        }
    }

    /// What ends are for that the channel has from its making and that nobody holds: they count as closed. None
    /// where nobody holds anything, and ends are made during the run.
    pub fn unheld(&self) -> Vec<Hold> {
        let Kind { ends, held, .. } = self.setup.kind;
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

/// Which calls may stop and which have, along a run.
#[derive(Default)]
struct Stops {
    /// The bytes of each actor's open call, as long as it has not stopped.
    len: [u32; ACTORS_MAX],
    stopped: Actors,
}

impl Stops {
    /// Takes note of an event; what is wrong with it, if it is.
    fn follow(&mut self, run: &Run, event: &Event, open: Actors) -> Result<(), String> {
        match event {
            Event::Call(Call { actor, op, .. }) => {
                if let Some(len) = self.len.get_mut(usize::from(actor.0)) {
                    *len = op.offers().or(op.asks()).unwrap_or(0);
                }
            }
            Event::Stops(actor, at) => {
                let name = run.actor_name(*actor);
                if !open.contains(*actor) {
                    return Err(format!("{name} stops in a call that it has not made"));
                }
                let len = std::mem::take(&mut self.len[usize::from(actor.0)]);
                if *at >= len {
                    return Err(match len {
                        0 => format!(
                            "a call stops once, and only where it copies bytes; {name}'s does not"
                        ),
                        _ => format!("{name}'s call has {len} bytes, counted from 0"),
                    });
                }
                self.stopped = self.stopped.with(*actor);
            }
            Event::GoesOn(actor) if !self.stopped.contains(*actor) => {
                return Err(format!("{} is not stopped", run.actor_name(*actor)));
            }
            Event::GoesOn(actor) => {
                self.stopped = Actors(self.stopped.0 & !Actors::NONE.with(*actor).0);
            }
            Event::Return(actor, _) if self.stopped.contains(*actor) => {
                let name = run.actor_name(*actor);
                return Err(format!("{name}'s call is stopped, and must go on before it returns"));
            }
            Event::Quiet(_) => {
                if let Some(actor) = self.stopped.iter().next() {
                    let name = run.actor_name(actor);
                    return Err(format!("nothing is quiet while {name}'s call is stopped"));
                }
            }
            Event::Return(..) => {}
        }
        Ok(())
    }
}

/// Why a run is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {what}")]
pub struct Malformed {
    /// Index of the event.
    pub index: usize,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it, where that can be told.
    pub help: Option<String>,
}
