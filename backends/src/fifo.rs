//! The named pipe of `mkfifo(3)`.
//!
//! Ends held at the start are opened while a keeper holds the FIFO open for reading and writing: so
//! no open waits, and no reader remembers (for `POLLHUP`) that it came before any writer.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::open;
use nix::sys::stat::Mode as Permissions;
use pipewright_model::call::{End, Mode};
use pipewright_model::kind::{FIFO, Hold};
use pipewright_model::run::{Seat, Setup};

use crate::channel::{Arrangement, Channel, Instance, Port};
use crate::pipe::usual_capacity_bytes;
use crate::port::{FdPort, capacity_bytes, open_flags, set_capacity_bytes};
use crate::sys::Calling;
use crate::sys::settings::setup;

/// A way to make a named pipe.
#[derive(Clone, Copy, Debug)]
pub struct Fifo {
    /// Its name in reports.
    pub name: &'static str,
    /// Whether ends held at the start have `O_NONBLOCK`.
    pub nonblock: bool,
    /// The capacity asked for, in bytes, where it isn't the default.
    pub capacity_bytes: Option<u32>,
}

impl Fifo {
    /// As `mkfifo(3)` and `open(2)` make it.
    pub const PLAIN: Fifo = Fifo { name: "fifo", nonblock: false, capacity_bytes: None };
    /// Opened with `O_NONBLOCK`.
    pub const NONBLOCKING: Fifo = Fifo { name: "fifo-nonblocking", nonblock: true, ..Fifo::PLAIN };
    /// Of one page.
    pub const SMALL: Fifo = Fifo { name: "fifo-small", capacity_bytes: Some(4096), ..Fifo::PLAIN };

    fn open(&self, place: &Path, mode: Mode) -> io::Result<OwnedFd> {
        open(place, open_flags(mode, self.nonblock), Permissions::empty()).calling("open")
    }
}

impl Channel for Fifo {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup {
            kind: &FIFO,
            capacity_bytes: self.capacity_bytes.unwrap_or(FIFO.capacity_default_bytes),
            nonblock: self.nonblock,
            ..setup(&FIFO)
        }
    }

    fn copies_in_kernel(&self) -> bool {
        true
    }

    fn set_up(&self, setup: &Setup) -> Option<Box<dyn Channel>> {
        let Setup { kind, capacity_bytes, packet, nonblock, append, .. } = *setup;
        let asked = capacity_bytes != kind.capacity_default_bytes;
        let capacity_bytes = asked.then_some(capacity_bytes);
        (kind == &FIFO && !packet && !append)
            .then(|| Box::new(Fifo { nonblock, capacity_bytes, ..*self }) as Box<_>)
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads, Arrangement::Passed, Arrangement::Opened]
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        nix::unistd::mkfifo(place, Permissions::S_IRUSR | Permissions::S_IWUSR)
            .calling("mkfifo")?;
        let keeper =
            open(place, open_flags(Mode::ReadWrite, true), Permissions::empty()).calling("open")?;
        let crowded = capacity_bytes(&keeper)? < usual_capacity_bytes(&self.setup());
        // Linux frees a FIFO's buffer with its last end: the next to open finds default capacity.
        let forgotten = !seats.is_empty() && seats.iter().all(|seat| seat.ends.is_empty());
        if let (Some(bytes), false) = (self.capacity_bytes, forgotten) {
            set_capacity_bytes(&keeper, bytes)?;
        }
        let setup = Setup { capacity_bytes: capacity_bytes(&keeper)?, crowded, ..self.setup() };
        let port = |seat: &Seat| self.join(place, &seat.ends);
        let ports = seats.iter().map(port).collect::<io::Result<_>>()?;
        Ok(Instance { setup, ports, keeper: Some(Box::new(keeper)) })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::new(place, ends)))
    }

    fn of_table(&self, place: &Path) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::of_table(place)))
    }

    fn join(&self, place: &Path, ends: &[(End, Hold)]) -> io::Result<Box<dyn Port>> {
        let open = |(end, hold): &(End, Hold)| Ok((*end, self.open(place, hold.mode)?));
        let ends = ends.iter().map(open).collect::<io::Result<Vec<_>>>()?;
        Ok(Box::new(FdPort::new(place, ends)))
    }
}
