//! A channel whose epolls have a fault: calls and replies of a real one, bent.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use pipewright_backends::{Arrangement, Channel, Instance, Port, Queues, Seen, Sleep};
use pipewright_model::call::{Answer, End, Events, Op, Told, Trigger};
use pipewright_model::run::{Seat, Setup};

/// How a call of a port is made instead.
pub(super) type Bend = fn(&mut BentPort, End, Op, &mut [u8]) -> Seen;

/// A channel whose epolls have a fault.
pub(super) struct Bent {
    pub(super) name: &'static str,
    pub(super) real: &'static dyn Channel,
    pub(super) bend: Bend,
}

impl Channel for Bent {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        self.real.setup()
    }

    fn arrangements(&self) -> &[Arrangement] {
        self.real.arrangements()
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let mut instance = self.real.create(place, seats)?;
        instance.ports = instance.ports.into_iter().map(|port| self.wrap(port)).collect();
        Ok(instance)
    }

    fn queues(&self, place: &Path, by_name: bool) -> io::Result<Option<Queues>> {
        self.real.queues(place, by_name)
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(self.wrap(self.real.adopt(place, ends)?))
    }
}

impl Bent {
    fn wrap(&self, real: Box<dyn Port>) -> Box<dyn Port> {
        Box::new(BentPort { real, bend: self.bend, entries: BTreeMap::new(), told: Vec::new() })
    }
}

/// The port, with what was registered: by the epoll and the target.
pub(super) struct BentPort {
    pub(super) real: Box<dyn Port>,
    pub(super) bend: Bend,
    pub(super) entries: BTreeMap<(End, End), (Events, Trigger)>,
    /// Ends that were told to be readable, and have not been seen empty since.
    pub(super) told: Vec<End>,
}

impl BentPort {
    pub(super) fn real(&mut self, end: End, op: Op) -> Seen {
        self.real.call(end, op, &mut [])
    }

    /// The entries of a reply changed, or left out.
    pub(super) fn told(
        &mut self,
        seen: Seen,
        change: impl FnMut((End, Events)) -> Option<(End, Events)>,
    ) -> Seen {
        let Answer::Told(told) = seen.answer else { return seen };
        let told: Told = told.iter().filter_map(change).collect();
        match told.is_empty() {
            true => Seen::answer(Answer::Ready(Events::NONE)),
            false => Seen::answer(Answer::Told(told)),
        }
    }
}

impl Port for BentPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let seen = (self.bend)(self, end, op, bytes);
        if seen.answer == Answer::Done {
            match op {
                Op::EpollAdd { target, events, trigger }
                | Op::EpollModify { target, events, trigger } => {
                    self.entries.insert((end, target), (events, trigger));
                }
                Op::EpollDelete { target } => _ = self.entries.remove(&(end, target)),
                _ => {}
            }
        }
        seen
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        self.real.descriptors()
    }

    fn sleeps_in(&self, end: End, op: Op) -> Option<Sleep> {
        match op {
            // It may sleep on another.
            Op::EpollWait { .. } => None,
            _ => self.real.sleeps_in(end, op),
        }
    }
}
