//! The counter of `eventfd(2)`.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::sys::eventfd::{EfdFlags, EventFd};
use pipewright_model::call::{End, Op};
use pipewright_model::kind::{EVENTFD, EVENTFD_SEMAPHORE, Hold, Kind};
use pipewright_model::run::{Seat, Setup};

use crate::channel::{Arrangement, Channel, Instance, Port};
use crate::pipe::{Handout, no_such_end};
use crate::port::FdPort;
use crate::sys::Calling;
use crate::sys::settings::setup;

/// A way to make an eventfd.
#[derive(Clone, Copy, Debug)]
pub struct Eventfd {
    /// Its name in reports.
    pub name: &'static str,
    /// What it is: a counter, or a semaphore.
    pub kind: &'static Kind,
    /// Whether it has `O_NONBLOCK`.
    pub nonblock: bool,
}

impl Eventfd {
    /// A counter of which a read takes all.
    pub const PLAIN: Eventfd = Eventfd { name: "eventfd", kind: &EVENTFD, nonblock: false };
    /// With `EFD_NONBLOCK`.
    pub const NONBLOCKING: Eventfd =
        Eventfd { name: "eventfd-nonblocking", nonblock: true, ..Eventfd::PLAIN };
    /// With `EFD_SEMAPHORE`.
    pub const SEMAPHORE: Eventfd =
        Eventfd { name: "eventfd-semaphore", kind: &EVENTFD_SEMAPHORE, ..Eventfd::PLAIN };
}

impl Channel for Eventfd {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup { nonblock: self.nonblock, ..setup(self.kind) }
    }

    fn set_up(&self, setup: &Setup) -> Option<Box<dyn Channel>> {
        let Setup { kind, nonblock, packet, append, .. } = *setup;
        (kind == self.kind && !packet && !append)
            .then(|| Box::new(Eventfd { nonblock, ..*self }) as Box<_>)
    }

    fn offers(&self, op: &Op) -> bool {
        // All eventfds of a machine are one inode, so that their locks exclude each other.
        !matches!(op, Op::Lock { .. } | Op::ProcessLock { .. } | Op::Flock { .. })
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads, Arrangement::Inherited, Arrangement::Passed]
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let mut flags = EfdFlags::EFD_CLOEXEC;
        flags.set(EfdFlags::EFD_NONBLOCK, self.nonblock);
        flags.set(EfdFlags::EFD_SEMAPHORE, self.kind == &EVENTFD_SEMAPHORE);
        let made = EventFd::from_value_and_flags(0, flags).calling("eventfd")?;
        let mut handout = Handout::new(Hold::BOTH, made.into(), seats);
        let mut port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
            let mut ends = Vec::with_capacity(seat.ends.len());
            for (end, hold) in &seat.ends {
                if *hold != Hold::BOTH {
                    return Err(no_such_end());
                }
                ends.push((*end, handout.next()?));
            }
            Ok(Box::new(FdPort::new(place, ends)))
        };
        let ports = seats.iter().map(&mut port).collect::<io::Result<_>>()?;
        Ok(Instance { setup: self.setup(), ports, keeper: None })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::new(place, ends)))
    }

    fn of_table(&self, place: &Path) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::of_table(place)))
    }
}
