//! What is allowed, and goes wrong one day.

use std::collections::{BTreeMap, BTreeSet};

use pipewright_model::call::{Actor, Answer, ENDS_MAX, End, Op};
use pipewright_model::ends::OpenEnds;
use pipewright_model::kind::{Discipline, Ends, SocketType};
use pipewright_model::run::Event;

use super::found::Found;

/// Something in how a channel is used that makes programs hang or lose data; the gravest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hazard {
    /// Processes that hold a write end and never write, while others wait for the end of file: it comes when they end.
    HeldWriteEnd(Vec<u32>),
    /// A process waits for a child before it reads what the child writes: it works for as long as that fits.
    WaitBeforeDrain(Vec<u32>),
    /// Several processes read from one pipe: who gets which bytes is left to chance.
    SeveralReaders(Vec<u32>),
    /// O_NONBLOCK was changed on a description that several processes share.
    SharedNonblock(Vec<u32>),
    /// A new program was given a descriptor that it never used.
    LeakedOverExec(Vec<u32>),
}

impl Found {
    /// The hazards of this channel, the gravest first.
    pub fn hazards(&self) -> Vec<Hazard> {
        let setup = &self.run.channels[0].setup;
        let by_address = self.has_path && setup.kind.ends == Ends::Connected;
        if by_address || matches!(setup.kind.discipline, Discipline::File | Discipline::Queue) {
            return Vec::new();
        }
        let made = |is: fn(&Op) -> bool| -> BTreeSet<Actor> {
            let of = |event: &Event| match event {
                Event::Call(call) if is(&call.op) => Some(self.run.leader(call.actor)),
                _ => None,
            };
            self.run.events.iter().filter_map(of).collect()
        };
        let readers = self.several_readers();
        let nonblocking = self.shared_nonblock();
        let held = self.held_write_end(&made(|op| matches!(op, Op::Write { .. })));
        let late = self.waits_before_drain().into_iter().collect();
        let leaked = self.leaked_over_exec();
        let told = |actors: &BTreeSet<Actor>, hazard: fn(Vec<u32>) -> Hazard| {
            (!actors.is_empty()).then(|| hazard(self.threads_of(actors)))
        };
        let all = [
            told(&held, Hazard::HeldWriteEnd),
            told(&late, Hazard::WaitBeforeDrain),
            told(&readers, Hazard::SeveralReaders),
            told(&nonblocking, Hazard::SharedNonblock),
            told(&leaked, Hazard::LeakedOverExec),
        ];
        all.into_iter().flatten().collect()
    }

    /// Processes that read from one side of a stream, where they are several. Of messages each is somebody's, and so is
    /// each byte where all read one at a time, as the tokens of a job server.
    fn several_readers(&self) -> BTreeSet<Actor> {
        let is_stream = matches!(
            self.run.channels[0].setup.kind.discipline,
            Discipline::Stream | Discipline::Unix(SocketType::Stream, _)
        );
        let mut by_side: BTreeMap<&str, BTreeSet<Actor>> = BTreeMap::new();
        for event in self.run.events.iter().filter(|_| is_stream) {
            if let Event::Call(call) = event
                && matches!(call.op, Op::Read { len: 2.. } | Op::Receive { len: 2.., .. })
            {
                let reader = self.run.leader(call.actor);
                by_side.entry(self.letters(call.end)).or_default().insert(reader);
            }
        }
        by_side.into_values().filter(|readers| readers.len() > 1).flatten().collect()
    }

    /// A change of O_NONBLOCK on a description through which another process transfers data
    /// afterwards. Descriptions opened by path are shared only by forks, which cannot be told apart
    /// here.
    fn shared_nonblock(&self) -> BTreeSet<Actor> {
        let mut changed: BTreeSet<(&str, Actor)> = BTreeSet::new();
        let mut others = BTreeSet::new();
        for event in self.run.events.iter().filter(|_| !self.has_path) {
            let Event::Call(call) = event else { continue };
            let (by, side) = (self.run.leader(call.actor), self.letters(call.end));
            if matches!(call.op, Op::SetNonblock(_)) {
                changed.insert((side, by));
            } else if call.op.offers().is_some()
                || matches!(call.op, Op::Read { .. } | Op::Receive { .. })
            {
                let shared = changed.iter().filter(|(on, who)| *on == side && *who != by);
                others.extend(shared.map(|(_, who)| *who));
            }
        }
        others
    }

    /// What an end is for: its name without its number.
    fn letters(&self, end: End) -> &str {
        self.run.end_name(end).trim_end_matches(|c: char| c.is_ascii_digit())
    }

    pub(super) fn reads(&self, end: End) -> bool {
        !self.letters(end).starts_with('w')
    }

    fn threads_of(&self, actors: &BTreeSet<Actor>) -> Vec<u32> {
        let thread = |actor: &Actor| self.threads.get(usize::from(actor.0)).copied();
        actors.iter().filter_map(thread).collect()
    }

    /// Whose write ends alone keep the end of file from a read that is called, though they never write: who has
    /// written, or will, holds none then.
    fn held_write_end(&self, writers: &BTreeSet<Actor>) -> BTreeSet<Actor> {
        let mut ends = OpenEnds::at_start(&self.run.seats);
        let mut idle = BTreeSet::new();
        for (at, event) in self.run.events.iter().enumerate() {
            follow(&mut ends, event);
            let Event::Call(call) = event else { continue };
            // A read that gets bytes has not waited for the end.
            let waits = matches!(call.op, Op::Read { .. }) && !self.gets_bytes(at, call.actor);
            if !waits || writers.is_empty() {
                continue;
            }
            let holders: BTreeSet<Actor> =
                self.actors().filter(|actor| self.holds_write(&ends, *actor)).collect();
            if holders.is_disjoint(writers) {
                let reader = self.run.leader(call.actor);
                let keeps = |holder: &Actor| {
                    *holder != reader
                        && !self.closes_later(at, *holder)
                        && !self.waits_for_others(*holder)
                };
                idle.extend(holders.into_iter().filter(keeps));
            }
        }
        idle
    }

    /// Whether somebody closes a write end after an event, and does not keep it until it exits.
    fn closes_later(&self, at: usize, actor: Actor) -> bool {
        self.run.events[at..].iter().any(|event| match event {
            Event::Call(call) => {
                self.run.leader(call.actor) == actor
                    && matches!(call.op, Op::Close | Op::Exec)
                    && self.run.end_name(call.end).starts_with('w')
            }
            _ => false,
        })
    }

    /// Whether the call of an event returns bytes.
    fn gets_bytes(&self, at: usize, actor: Actor) -> bool {
        let returned = self.run.events[at..].iter().find_map(|event| match event {
            Event::Return(other, reply) if *other == actor => Some(reply.answer),
            _ => None,
        });
        matches!(returned, Some(Answer::Count(1..) | Answer::Fails(_)))
    }

    /// A program that got an end over exec, with a number above the standard ones, and neither uses
    /// nor closes it.
    fn leaked_over_exec(&self) -> BTreeSet<Actor> {
        let leaked = |(from, process): &(usize, u32)| {
            let actor = self.actor_of(*process)?;
            let mut ends = OpenEnds::at_start(&self.run.seats);
            self.run.events.iter().take(*from).for_each(|event| follow(&mut ends, event));
            // The exec itself, where it closes something.
            let rest = self.run.events.get(*from..).unwrap_or_default();
            let own = rest.iter().find(|event| match event {
                Event::Call(call) => call.actor == actor,
                Event::Return(other, _) => *other == actor,
                _ => false,
            });
            own.filter(|event| matches!(event, Event::Return(..)))
                .into_iter()
                .for_each(|event| follow(&mut ends, event));
            let number = |end: End| {
                let name =
                    self.run.end_name(end).trim_start_matches(|c: char| c.is_ascii_alphabetic());
                name.parse::<i64>().ok()
            };
            let mut open = (0..ENDS_MAX as u8).map(End).filter(|end| ends.of(actor).is_open(*end));
            let is_standard = |end: End| number(end).is_some_and(|number| number <= 2);
            let leaks = open.any(|end| !is_standard(end));
            let uses = |event: &Event| matches!(event, Event::Call(call) if self.run.leader(call.actor) == actor);
            let used = self.run.events.get(*from..).is_some_and(|rest| rest.iter().any(uses));
            (leaks && !used).then_some(actor)
        };
        self.execs.iter().filter_map(leaked).collect()
    }

    /// Those that are no threads of others.
    pub(super) fn actors(&self) -> impl Iterator<Item = Actor> + '_ {
        let all = (0..self.run.seats.len() as u8).map(Actor);
        all.filter(|actor| self.run.leader(*actor) == *actor)
    }

    fn holds_write(&self, ends: &OpenEnds, actor: Actor) -> bool {
        let writes = |end: &End| self.run.end_name(*end).starts_with('w');
        (0..ENDS_MAX as u8).map(End).filter(writes).any(|end| ends.of(actor).is_open(end))
    }
}

pub(super) fn follow(ends: &mut OpenEnds, event: &Event) {
    match event {
        Event::Call(call) => ends.call(call),
        Event::Return(actor, reply) => ends.returned(*actor, reply.answer),
        Event::Exits(actor, _) => ends.exits(*actor),
        _ => {}
    }
}
