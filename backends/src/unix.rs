//! Unix sockets: a pair of `socketpair(2)`, and sockets made, bound and connected by calls.
//!
//! An actor that holds an end at the start has one of the pair. The channel's address is a path of
//! its own, or an abstract name made of that path.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{AccessFlags, access};
use pipewright_model::call::{End, Mode, Op, SocketOption};
use pipewright_model::kind::{
    Discipline, Hold, Kind, Naming, Side, SocketType, UNIX_DATAGRAM, UNIX_SEQPACKET, UNIX_STREAM,
    UNIX_STREAM_ABSTRACT,
};
use pipewright_model::run::{Seat, Setup};

use crate::channel::{Arrangement, Channel, Instance, Port};
use crate::pipe::Handout;
use crate::port::{Address, FdPort, Sockets};
use crate::sys::Calling;
use crate::sys::settings::setup;

/// The longest temporary directory in which sockets can have their names: `sun_path` has 107 bytes, and the place in
/// the directory takes some.
const DIRECTORY_BYTES_MAX: usize = 70;

/// A way to make Unix sockets.
#[derive(Clone, Copy, Debug)]
pub struct Unix {
    /// Its name in reports.
    pub name: &'static str,
    /// Their type, and where they have their names.
    pub kind: &'static Kind,
    /// Whether the pair has `O_NONBLOCK`.
    pub nonblock: bool,
}

impl Unix {
    /// Streams, with a path.
    pub const STREAM: Unix = Unix { name: "unix-stream", kind: &UNIX_STREAM, nonblock: false };
    /// The same, with `O_NONBLOCK`.
    pub const STREAM_NONBLOCKING: Unix =
        Unix { name: "unix-stream-nonblocking", nonblock: true, ..Unix::STREAM };
    /// Streams, with a name in no file system.
    pub const STREAM_ABSTRACT: Unix =
        Unix { name: "unix-stream-abstract", kind: &UNIX_STREAM_ABSTRACT, nonblock: false };
    /// Messages between two that are connected.
    pub const SEQPACKET: Unix =
        Unix { name: "unix-seqpacket", kind: &UNIX_SEQPACKET, nonblock: false };
    /// Messages.
    pub const DATAGRAM: Unix =
        Unix { name: "unix-datagram", kind: &UNIX_DATAGRAM, nonblock: false };

    fn sockets(&self, place: &Path) -> io::Result<Sockets> {
        let Discipline::Unix(kind, naming) = self.kind.discipline else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let address = match naming {
            Naming::Path => Address::Path(place.to_owned()),
            Naming::Abstract => Address::Abstract(place.as_os_str().as_bytes().to_vec()),
        };
        let kind = match kind {
            SocketType::Stream => SockType::Stream,
            SocketType::Seqpacket => SockType::SeqPacket,
            SocketType::Datagram => SockType::Datagram,
        };
        Ok(Sockets { kind, address })
    }

    fn port(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::new(place, ends).with_sockets(self.sockets(place)?)))
    }
}

impl Channel for Unix {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup { nonblock: self.nonblock, ..setup(self.kind) }
    }

    fn copies_in_kernel(&self) -> bool {
        true
    }

    fn set_up(&self, setup: &Setup) -> Option<Box<dyn Channel>> {
        let channel = Unix { nonblock: setup.nonblock, ..*self };
        (channel.setup().stock() == setup.stock()).then(|| Box::new(channel) as Box<_>)
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads, Arrangement::Inherited, Arrangement::Passed, Arrangement::Opened]
    }

    fn offers(&self, op: &Op) -> bool {
        !matches!(
            op,
            Op::Lock { .. }
                | Op::Flock { .. }
                | Op::SetOption { option: SocketOption::Linger, .. }
                | Op::GetOption { option: SocketOption::Linger }
        )
    }

    fn directory(&self) -> io::Result<Option<PathBuf>> {
        let usual = std::env::temp_dir();
        if usual.as_os_str().len() <= DIRECTORY_BYTES_MAX {
            return Ok(None);
        }
        let short = Path::new("/tmp");
        if access(short, AccessFlags::W_OK | AccessFlags::X_OK).is_ok() {
            return Ok(Some(short.to_owned()));
        }
        Err(io::Error::other(format!(
            "the names of sockets have at most 107 bytes, and {} has {}: set TMPDIR to a shorter path",
            usual.display(),
            usual.as_os_str().len()
        )))
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let mut flags = SockFlag::SOCK_CLOEXEC;
        flags.set(SockFlag::SOCK_NONBLOCK, self.nonblock);
        let kind = self.sockets(place)?.kind;
        let (a, b) =
            socketpair(AddressFamily::Unix, kind, None, flags).calling("socketpair(AF_UNIX)")?;
        let hold = |side| Hold { mode: Mode::ReadWrite, side };
        let mut handouts =
            [Handout::new(hold(Side::A), a, seats), Handout::new(hold(Side::B), b, seats)];
        let mut port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
            let mut ends = Vec::with_capacity(seat.ends.len());
            for (end, hold) in &seat.ends {
                let handout = handouts.iter_mut().find(|handout| handout.hold == *hold);
                let handout = handout.ok_or(io::ErrorKind::InvalidInput)?;
                ends.push((*end, handout.next()?));
            }
            self.port(place, ends)
        };
        let ports = seats.iter().map(&mut port).collect::<io::Result<_>>()?;
        Ok(Instance { setup: self.setup(), ports, keeper: None })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        self.port(place, ends)
    }

    fn of_table(&self, place: &Path) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(FdPort::of_table(place).with_sockets(self.sockets(place)?)))
    }

    fn join(&self, place: &Path, ends: &[(End, Hold)]) -> io::Result<Box<dyn Port>> {
        match ends {
            [] => self.port(place, vec![]),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}
