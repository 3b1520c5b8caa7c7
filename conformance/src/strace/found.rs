//! A channel of a log: what was seen of it, as a run.

use std::collections::HashMap;

use pipewright_model::call::{ACTORS_MAX, Actor, Call, End, Op};
use pipewright_model::kind::{Discipline, Hold};
use pipewright_model::run::{Actors, Event, Run, Seat};

use super::lists::Polled;

/// What a log tells of a channel.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is called: the descriptors, who made it, and where.
    pub name: String,
    /// What was seen of it.
    pub run: Run,
    /// For each event the line of the log.
    pub lines: Vec<usize>,
    /// From which line on it can't be judged, and why not, where it can't.
    pub unjudged: Option<(usize, String)>,
    /// Threads by actor.
    pub threads: Vec<u32>,
    /// The processes that ran another program while they held an end, each with the number of
    /// events before.
    pub(super) execs: Vec<(usize, u32)>,
    pub(super) actors: HashMap<u32, Actor>,
    pub(super) ends: HashMap<(i64, Hold), End>,
    /// Whether anybody may open it who knows its path.
    pub(super) has_path: bool,
    /// Whether that path still leads to it.
    pub(super) is_named: bool,
    /// Of a queue: the length of its longest message.
    pub(super) message_bytes: i64,
    /// Connections that were begun and accepted, of sockets with an address.
    pub(super) connections: (usize, usize),
    /// Whether it was opened by a descriptor: O_NONBLOCK is then not the same for all of an end.
    pub(super) is_opened_again: bool,
    /// Waits for a child by processes that are seated here.
    pub(super) waits: Vec<WaitForChild>,
    /// The threads that sleep for it in a poll at the end of the log.
    pub(super) polled: Vec<Polled>,
}

/// A process waits for a child.
#[derive(Clone, Debug)]
pub(super) struct WaitForChild {
    pub(super) actor: Actor,
    /// The number of events before it began.
    pub(super) from: usize,
    /// The number of events before it returned; [`usize::MAX`] until then.
    pub(super) to: usize,
    /// Who of those here descends from it.
    pub(super) family: Vec<Actor>,
}

impl Found {
    /// A channel of which nothing was seen yet.
    pub(super) fn new(name: String, run: Run) -> Found {
        Found {
            name,
            run,
            lines: Vec::new(),
            unjudged: None,
            threads: Vec::new(),
            execs: Vec::new(),
            actors: HashMap::new(),
            ends: HashMap::new(),
            has_path: false,
            is_named: false,
            message_bytes: 0,
            connections: (0, 0),
            is_opened_again: false,
            waits: Vec::new(),
            polled: Vec::new(),
        }
    }

    /// What was seen, and that all calls that have not returned sleep at its end; `None` where none is left.
    pub fn at_rest(&self) -> Option<Run> {
        self.resting(&[])
    }

    /// The same, where those who poll sleep as well.
    pub(super) fn polled_at_rest(&self) -> Option<Run> {
        self.resting(&self.polled)
    }

    fn resting(&self, polled: &[Polled]) -> Option<Run> {
        let mut open = Actors::NONE;
        for event in &self.run.events {
            match event {
                Event::Call(call) => open = open.with(call.actor),
                Event::Return(actor, _) => open = open.without(*actor),
                Event::Exits(gone, _) => {
                    let left = open.iter().filter(|actor| self.run.leader(*actor) != *gone);
                    open = left.collect();
                }
                _ => {}
            }
        }
        let mut run = self.run.clone();
        for Polled { by, end, events, .. } in polled {
            // Who has exited since sleeps no more.
            let has_exited =
                |event: &Event| matches!(event, Event::Exits(gone, _) if *gone == run.leader(*by));
            if !open.contains(*by) && !run.events.iter().any(has_exited) {
                let op = Op::Poll { events: *events, wait: true, among: true };
                run.push(Event::Call(Call { actor: *by, end: *end, op }));
                open = open.with(*by);
            }
        }
        run.push(Event::Quiet(open));
        (!open.is_empty()).then_some(run)
    }

    /// A channel that is opened by a path, or a name.
    pub(super) fn named(name: String, run: Run) -> Found {
        Found { has_path: true, is_named: true, ..Found::new(name, run) }
    }

    /// Whether it is a file, of which the locks are followed, and not the data.
    pub(super) fn is_file(&self) -> bool {
        self.run.channels[0].setup.kind.discipline == Discipline::File
    }

    /// Whether anything of it was seen that a run can tell of: of a file a lock.
    pub(super) fn is_told(&self) -> bool {
        let locks = |event: &Event| {
            let locks =
                |op| matches!(op, Op::Flock { .. } | Op::Lock { .. } | Op::ProcessLock { .. });
            matches!(event, Event::Call(call) if locks(call.op))
        };
        !self.is_file() || self.unjudged.is_some() || self.run.events.iter().any(locks)
    }

    /// Whether an actor is in a call.
    pub(super) fn is_in_a_call(&self, actor: Actor) -> bool {
        let last = self.run.events.iter().rev().find_map(|event| match event {
            Event::Call(call) if call.actor == actor => Some(true),
            Event::Return(returned, _) if *returned == actor => Some(false),
            _ => None,
        });
        last.unwrap_or(false)
    }

    pub(super) fn actor_of(&self, process: u32) -> Option<Actor> {
        self.actors.get(&process).copied()
    }

    pub(super) fn sits(&mut self, process: u32, seat: Seat) -> Option<Actor> {
        if self.run.seats.len() >= ACTORS_MAX {
            return None;
        }
        self.run.seats.push(seat);
        self.threads.push(process);
        let actor = Actor(self.run.seats.len() as u8 - 1);
        self.actors.insert(process, actor);
        Some(actor)
    }
}
