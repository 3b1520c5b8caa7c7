//! Scenarios without workers: one thread plays all actors in turn.
//!
//! For scenarios of which no call waits: there is nobody to see it sleep, nor to wake it. In exchange it
//! costs little more than the calls themselves.

use std::path::PathBuf;

use pipewright_backends::{Channel, Instance, Seen};
use pipewright_model::call::{ACTORS_MAX, Reply};
use pipewright_model::kind::Ends;
use pipewright_model::run::{Event, Run};
use tempfile::TempDir;

use crate::places::places;
use crate::play::{Part, given};
use crate::pool::no_fork;
use crate::scenario::Scenario;
use crate::trouble::Trouble;
use pipewright_backends::sys::bytes::{op_len, prepare};

/// Carries out scenarios on one channel in the calling thread.
pub struct Solo {
    channel: &'static dyn Channel,
    place: PathBuf,
    bytes: Vec<u8>,
    run: Run,
    /// Holds the place.
    _places: TempDir,
}

impl Solo {
    /// Scenarios on this channel.
    ///
    /// # Errors
    ///
    /// If no temporary directory can be made.
    pub fn new(channel: &'static dyn Channel) -> Result<Solo, Trouble> {
        let places = places(channel)?;
        let place = places.path().join("solo");
        let run = Run::new(channel.setup(), Vec::new(), Vec::new());
        Ok(Solo { channel, place, bytes: Vec::new(), run, _places: places })
    }

    /// Carries out one scenario. What it gives back lasts until the next.
    ///
    /// A call that waits never returns, and nor does this.
    ///
    /// # Errors
    ///
    /// [`Trouble::Short`] if the channel can't be made, [`Trouble::TooManyActors`].
    pub fn run(&mut self, scenario: &Scenario) -> Result<&Run, Trouble> {
        let (wanted, most) = (scenario.seats.len(), ACTORS_MAX);
        if wanted > most {
            return Err(Trouble::TooManyActors { wanted, most });
        }
        let _guard = no_fork();
        let Instance { setup, mut ports, keeper } = self
            .channel
            .create(&self.place, &scenario.seats)
            .map_err(Trouble::while_doing("make a channel"))?;
        drop(keeper);
        self.run.channels[0].setup = setup;
        self.run.seats.clone_from(&scenario.seats);
        self.run.end_names.clone_from(&scenario.end_names);
        self.run.events.clear();
        self.run.remarks.clear();
        let mut parts = Part::of(&scenario.seats);
        for step in &scenario.steps {
            let index = usize::from(step.call.actor.0);
            let (Some(port), part) = (ports.get_mut(index), &mut parts[index]) else { continue };
            let call = step.call;
            if !part.makes_sense(call, scenario.end_names.len()) {
                continue;
            }
            self.run.push(Event::Call(call));
            let len = op_len(call.op);
            if self.bytes.len() < len {
                self.bytes.resize(len, 0);
            }
            let bytes = &mut self.bytes[..len];
            prepare(call.actor, call.op, part.written, bytes);
            let Seen { answer, signal } = port.call(call.end, call.op, bytes);
            part.learn(call, answer);
            let data = given(self.run.setup().kind, call.op, answer, bytes);
            self.run.push(Event::Return(call.actor, Reply { answer, signal, data }));
        }
        drop(ports);
        if self.run.setup().kind.ends != Ends::Shared {
            self.channel.remove(&self.place);
        }
        debug_assert_eq!(self.run.check(), Ok(()));
        Ok(&self.run)
    }
}
