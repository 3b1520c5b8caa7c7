//! The unnamed pipe of `pipe2(2)`, and two of them.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::OFlag;
use pipewright_model::call::End;
use pipewright_model::kind::{Hold, Kind, PIPE, PIPE_PAIR, Side};
use pipewright_model::run::{Seat, Setup};
use pipewright_model::settings::Setting;

use crate::channel::{Arrangement, Channel, Instance, Port};
use crate::port::{FdPort, capacity_bytes, set_capacity_bytes};
use crate::sys::Calling;
use crate::sys::settings::setup;

/// A way to make an unnamed pipe, or one for each way.
#[derive(Clone, Copy, Debug)]
pub struct Pipe {
    /// Its name in reports.
    pub name: &'static str,
    /// What it is: a pipe, or a pair.
    pub kind: &'static Kind,
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
        Pipe { name: "pipe", kind: &PIPE, nonblock: false, packet: false, capacity_bytes: None };
    /// With `O_NONBLOCK`.
    pub const NONBLOCKING: Pipe = Pipe { name: "pipe-nonblocking", nonblock: true, ..Pipe::PLAIN };
    /// Of one page.
    pub const SMALL: Pipe = Pipe { name: "pipe-small", capacity_bytes: Some(4096), ..Pipe::PLAIN };
    /// With `O_DIRECT`.
    pub const PACKET: Pipe = Pipe { name: "pipe-packet", packet: true, ..Pipe::PLAIN };
    /// Two pipes, one for each way.
    pub const PAIR: Pipe = Pipe { name: "pipe-pair", kind: &PIPE_PAIR, ..Pipe::PLAIN };
}

impl Channel for Pipe {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup {
            capacity_bytes: self.capacity_bytes.unwrap_or(self.kind.capacity_default_bytes),
            packet: self.packet,
            nonblock: self.nonblock,
            ..setup(self.kind)
        }
    }

    fn copies_in_kernel(&self) -> bool {
        true
    }

    fn set_up(&self, setup: &Setup) -> Option<Box<dyn Channel>> {
        let Setup { kind, capacity_bytes, packet, nonblock, append, .. } = *setup;
        let asked = capacity_bytes != kind.capacity_default_bytes;
        let capacity_bytes = asked.then_some(capacity_bytes);
        (kind == self.kind && !append)
            .then(|| Box::new(Pipe { nonblock, packet, capacity_bytes, ..*self }) as Box<_>)
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads, Arrangement::Inherited, Arrangement::Passed]
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let mut flags = OFlag::O_CLOEXEC;
        flags.set(OFlag::O_NONBLOCK, self.nonblock);
        flags.set(OFlag::O_DIRECT, self.packet);
        let mut setup = self.setup();
        let mut handouts = Vec::with_capacity(self.kind.held.len());
        // What one side writes the other reads.
        let pipes: &[(Side, Side)] = match self.kind.sides {
            2 => &[(Side::B, Side::A), (Side::A, Side::B)],
            _ => &[(Side::Only, Side::Only)],
        };
        let make = |_| nix::unistd::pipe2(flags).calling("pipe2");
        let made = pipes.iter().map(make).collect::<io::Result<Vec<_>>>()?;
        let read_ends: Vec<_> = made.iter().map(|(read, _)| read).collect();
        (setup.capacity_bytes, setup.crowded) = self.even(&setup, &read_ends)?;
        for ((reads, writes), (read, write)) in pipes.iter().zip(made) {
            handouts.push(Handout::new(Hold { side: *reads, ..Hold::READ }, read, seats));
            handouts.push(Handout::new(Hold { side: *writes, ..Hold::WRITE }, write, seats));
        }
        let mut port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
            let mut ends = Vec::with_capacity(seat.ends.len());
            for (end, hold) in &seat.ends {
                let handout = handouts.iter_mut().find(|handout| handout.hold == *hold);
                ends.push((*end, handout.ok_or_else(no_such_end)?.next()?));
            }
            Ok(Box::new(FdPort::new(place, ends)))
        };
        let ports = seats.iter().map(&mut port).collect::<io::Result<_>>()?;
        Ok(Instance { setup, ports, keeper: None })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::new(place, ends)))
    }

    fn of_table(&self, place: &Path) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::of_table(place)))
    }
}

impl Pipe {
    /// Gives new pipes one capacity, and says which, and whether the user has too many pipes for more. Of two, only
    /// the second may be beyond what the user may have: then the first is made as small.
    fn even(&self, setup: &Setup, pipes: &[&OwnedFd]) -> io::Result<(u32, bool)> {
        let mut least = u32::MAX;
        for pipe in pipes {
            least = least.min(capacity_bytes(pipe)?);
        }
        let crowded = least < usual_capacity_bytes(setup);
        let common = self.capacity_bytes.or(crowded.then_some(least));
        for pipe in pipes {
            if let Some(bytes) = common
                && capacity_bytes(pipe)? != bytes
            {
                set_capacity_bytes(pipe, bytes)?;
            }
        }
        Ok((capacity_bytes(pipes[0])?, crowded))
    }
}

pub(crate) fn no_such_end() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "this channel has no such end")
}

/// What the capacity of a pipe is that nobody has resized, whose user may have it, in bytes.
pub(crate) fn usual_capacity_bytes(setup: &Setup) -> u32 {
    const STOCK_BYTES: u32 = Setting::PageSize.stock();
    setup.kind.capacity_default_bytes / STOCK_BYTES * setup.settings.get(Setting::PageSize)
}

/// Hands out descriptors of one open file description: copies, and the original to the last holder.
pub(crate) struct Handout {
    pub(crate) hold: Hold,
    original: Option<OwnedFd>,
    holders: usize,
}

impl Handout {
    /// For all who hold such an end. One that nobody holds is closed from the start.
    pub(crate) fn new(hold: Hold, original: OwnedFd, seats: &[Seat]) -> Handout {
        let held = seats.iter().flat_map(|seat| &seat.ends).filter(|end| end.1 == hold);
        let holders = held.count();
        Handout { hold, original: (holders > 0).then_some(original), holders }
    }

    pub(crate) fn next(&mut self) -> io::Result<OwnedFd> {
        self.holders -= 1;
        match &self.original {
            Some(original) if self.holders > 0 => {
                original.try_clone().calling("fcntl(F_DUPFD_CLOEXEC)")
            }
            _ => self.original.take().ok_or_else(no_such_end),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::Pipe;
    use crate::channel::Channel;
    use crate::port::{capacity_bytes, set_capacity_bytes};

    #[test]
    fn where_one_of_two_pipes_is_small_for_its_user_both_are() -> io::Result<()> {
        for small in [0, 1] {
            let pipes = [nix::unistd::pipe()?.0, nix::unistd::pipe()?.0];
            let pipes = [&pipes[0], &pipes[1]];
            let usual = capacity_bytes(pipes[0])?;
            let setup = Pipe::PAIR.setup();
            assert_eq!(Pipe::PAIR.even(&setup, &pipes)?, (usual, false));
            set_capacity_bytes(pipes[small], 8192)?;
            assert_eq!(Pipe::PAIR.even(&setup, &pipes)?, (8192, true));
            assert_eq!((capacity_bytes(pipes[0])?, capacity_bytes(pipes[1])?), (8192, 8192));
        }
        Ok(())
    }
}
