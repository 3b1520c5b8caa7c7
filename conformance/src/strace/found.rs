//! A channel of a log: what was seen of it, as a run.

use std::collections::HashMap;

use pipewright_model::call::{ACTORS_MAX, Actor, End};
use pipewright_model::kind::Hold;
use pipewright_model::run::{Actors, Event, Run, Seat};

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
    /// Who has run another program while it held an end, each with the number of events before.
    pub(super) execs: Vec<(usize, u32)>,
    pub(super) actors: HashMap<u32, Actor>,
    pub(super) ends: HashMap<(i64, Hold), End>,
    /// Whether anybody may open it who knows its path.
    pub(super) has_path: bool,
    /// Whether it was opened by a descriptor: O_NONBLOCK is then not the same for all of an end.
    pub(super) is_opened_again: bool,
    /// Waits for a child by a process that is seated here: who, and the number of events where it began and ended.
    pub(super) waits: Vec<(Actor, usize, usize)>,
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
            is_opened_again: false,
            waits: Vec::new(),
        }
    }

    /// What was seen, and that all calls that have not returned sleep at its end; `None` where none is left.
    pub fn at_rest(&self) -> Option<Run> {
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
        run.push(Event::Quiet(open));
        (!open.is_empty()).then_some(run)
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
