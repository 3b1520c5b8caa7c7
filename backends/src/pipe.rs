//! The unnamed pipe of `pipe2(2)`.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::OFlag;
use pipewright_model::call::{End, Mode};
use pipewright_model::kind::PIPE;
use pipewright_model::run::{Seat, Setup};

use crate::channel::{Arrangement, Channel, Instance, Port};
use crate::port::{FdPort, capacity_bytes, set_capacity_bytes};

/// A way to make an unnamed pipe.
#[derive(Clone, Copy, Debug)]
pub struct Pipe {
    /// Its name in reports.
    pub name: &'static str,
    /// Whether both ends have `O_NONBLOCK`.
    pub nonblock: bool,
    /// Whether both ends have `O_DIRECT`: one read takes one packet.
    pub packet: bool,
    /// The capacity asked for, in bytes, where it isn't the default.
    pub capacity_bytes: Option<u32>,
}

impl Pipe {
    /// As `pipe(2)` makes it.
    pub const PLAIN: Pipe =
        Pipe { name: "pipe", nonblock: false, packet: false, capacity_bytes: None };
    /// With `O_NONBLOCK`.
    pub const NONBLOCKING: Pipe = Pipe { name: "pipe-nonblocking", nonblock: true, ..Pipe::PLAIN };
    /// Of one page.
    pub const SMALL: Pipe = Pipe { name: "pipe-small", capacity_bytes: Some(4096), ..Pipe::PLAIN };
    /// With `O_DIRECT`.
    pub const PACKET: Pipe = Pipe { name: "pipe-packet", packet: true, ..Pipe::PLAIN };
}

impl Channel for Pipe {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup {
            kind: &PIPE,
            capacity_bytes: self.capacity_bytes.unwrap_or(Setup::CAPACITY_DEFAULT_BYTES),
            packet: self.packet,
            nonblock: self.nonblock,
            crowded: false,
        }
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads, Arrangement::Inherited, Arrangement::Passed]
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let mut flags = OFlag::O_CLOEXEC;
        flags.set(OFlag::O_NONBLOCK, self.nonblock);
        flags.set(OFlag::O_DIRECT, self.packet);
        let (read, write) = nix::unistd::pipe2(flags)?;
        let crowded = capacity_bytes(&read)? < Setup::CAPACITY_DEFAULT_BYTES;
        if let Some(bytes) = self.capacity_bytes {
            set_capacity_bytes(&read, bytes)?;
        }
        let setup = Setup { capacity_bytes: capacity_bytes(&read)?, crowded, ..self.setup() };
        let holders =
            |mode| seats.iter().flat_map(|seat| &seat.ends).filter(move |end| end.1 == mode);
        let mut read = Handout { original: Some(read), holders: holders(Mode::Read).count() };
        let mut write = Handout { original: Some(write), holders: holders(Mode::Write).count() };
        // An end that nobody holds is closed from the start.
        read.close_if_unheld();
        write.close_if_unheld();
        let mut port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
            let mut ends = Vec::with_capacity(seat.ends.len());
            for (end, mode) in &seat.ends {
                let fd = match mode {
                    Mode::Read => read.next()?,
                    Mode::Write => write.next()?,
                    Mode::ReadWrite => return Err(no_such_end()),
                };
                ends.push((*end, fd));
            }
            Ok(Box::new(FdPort::new(place, ends)))
        };
        let ports = seats.iter().map(&mut port).collect::<io::Result<_>>()?;
        Ok(Instance { setup, ports, keeper: None })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::new(place, ends)))
    }
}

fn no_such_end() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a pipe has no end for both reading and writing")
}

/// Hands out descriptors of one open file description: copies, and the original to the last holder.
struct Handout {
    original: Option<OwnedFd>,
    holders: usize,
}

impl Handout {
    fn close_if_unheld(&mut self) {
        if self.holders == 0 {
            self.original = None;
        }
    }

    fn next(&mut self) -> io::Result<OwnedFd> {
        self.holders -= 1;
        match &self.original {
            Some(original) if self.holders > 0 => original.try_clone(),
            _ => self.original.take().ok_or_else(no_such_end),
        }
    }
}
