//! TCP over the loopback interface: two sockets connected to each other.
//!
//! Nothing listens but for the moment in which the connection is made, on a port of 127.0.0.1 that the
//! kernel picks. What is under way is asked of the kernel by sock_diag(7), which needs no descriptor
//! of the connection, so that a close is a close.

mod diag;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, accept4, bind, connect, getpeername,
    getsockname, listen, setsockopt, socket, sockopt,
};
use pipewright_model::call::{End, Mode, Op, SendFlags, SocketOption};
use pipewright_model::kind::{Hold, Side, TCP};
use pipewright_model::run::{Seat, Setup};

use crate::channel::{Arrangement, Channel, Instance, Port, Queues, Seen};
use crate::pipe::Handout;
use crate::port::FdPort;
use diag::Diag;

/// A way to make a TCP connection.
#[derive(Debug)]
pub struct Tcp {
    /// Its name in reports.
    pub name: &'static str,
    /// Whether both ends have `O_NONBLOCK`.
    pub nonblock: bool,
    /// The addresses of connections made and not asked for yet.
    made: &'static Mutex<Option<HashMap<PathBuf, Addresses>>>,
}

/// The two addresses of a connection.
type Addresses = [SocketAddrV4; 2];

static MADE: Mutex<Option<HashMap<PathBuf, Addresses>>> = Mutex::new(None);

impl Tcp {
    /// Over the loopback interface.
    pub const LOOPBACK: Tcp = Tcp { name: "tcp", nonblock: false, made: &MADE };
    /// With `O_NONBLOCK`.
    pub const NONBLOCKING: Tcp = Tcp { name: "tcp-nonblocking", nonblock: true, ..Tcp::LOOPBACK };
}

impl Channel for Tcp {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup { nonblock: self.nonblock, ..Setup::new(&TCP) }
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads, Arrangement::Inherited, Arrangement::Passed]
    }

    fn offers(&self, op: &Op) -> bool {
        match op {
            // It is connected from the start, by an address that is no path; ends are not passed over it.
            Op::Socket { .. } | Op::Bind | Op::Listen { .. } | Op::Connect | Op::Accept { .. } => {
                false
            }
            Op::SendEnd { .. } | Op::ReceiveEnd { .. } => false,
            Op::Send { flags, .. } => !flags.contains(SendFlags::ADDRESSED),
            Op::SetOption { option: SocketOption::Linger, value } => *value <= 0,
            Op::SetOption { option, .. } => *option == SocketOption::Error,
            Op::GetOption { option } => *option == SocketOption::Error,
            Op::Lock { .. } | Op::Flock { .. } => false,
            op => !op.is_by_name(),
        }
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let ends = connected(self.nonblock)?;
        let addresses = [address(&ends[0])?, address(&ends[1])?];
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get_or_insert_default().insert(place.to_owned(), addresses);
        drop(made);
        let sides = [Side::A, Side::B].map(|side| Hold { mode: Mode::ReadWrite, side });
        let handouts = sides.into_iter().zip(ends);
        let mut handouts: Vec<Handout> =
            handouts.map(|(hold, end)| Handout::new(hold, end, seats)).collect();
        let mut port = |seat: &Seat| -> io::Result<Box<dyn Port>> {
            let mut ends = Vec::with_capacity(seat.ends.len());
            for (end, hold) in &seat.ends {
                let handout = handouts.iter_mut().find(|handout| handout.hold == *hold);
                let handout = handout.ok_or(io::ErrorKind::InvalidInput)?;
                ends.push((*end, handout.next()?));
            }
            Ok(Box::new(TcpPort::new(place, ends)))
        };
        let ports = seats.iter().map(&mut port).collect::<io::Result<_>>()?;
        Ok(Instance { setup: self.setup(), ports, keeper: None })
    }

    fn queues(&self, place: &Path) -> io::Result<Option<Queues>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(addresses) = made.as_mut().and_then(|made| made.remove(place)) else {
            return Ok(None);
        };
        drop(made);
        let mut diag = Diag::new()?;
        Ok(Some(Box::new(move || diag.nothing_under_way(addresses))))
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(TcpPort::new(place, ends)))
    }
}

/// Two sockets connected to each other.
fn connected(nonblock: bool) -> io::Result<[OwnedFd; 2]> {
    let make = || socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
    let listener = make()?;
    setsockopt(&listener, sockopt::ReuseAddr, &true)?;
    bind(listener.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0))?;
    listen(&listener, Backlog::new(8)?)?;
    let a = make()?;
    connect(a.as_raw_fd(), &getsockname::<SockaddrIn>(listener.as_raw_fd())?)?;
    // Anybody on this machine may have been faster.
    let b = loop {
        let b = accepted(&listener)?;
        if getpeername::<SockaddrIn>(b.as_raw_fd()).ok().map(SocketAddrV4::from)
            == Some(address(&a)?)
        {
            break b;
        }
    };
    for end in [&a, &b] {
        setsockopt(end, sockopt::TcpNoDelay, &true)?;
        if nonblock {
            rustix::io::ioctl_fionbio(end, true)?;
        }
    }
    Ok([a, b])
}

#[expect(unsafe_code, reason = "nix gives the number of what it accepts, and owns nothing")]
fn accepted(listener: &OwnedFd) -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    let number = accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC)?;
    // SAFETY: the descriptor was just made, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn address(end: &OwnedFd) -> io::Result<SocketAddrV4> {
    Ok(SocketAddrV4::from(getsockname::<SockaddrIn>(end.as_raw_fd())?))
}

/// A port of sockets that resets what is left of its connections when it is dropped after use, as nobody
/// looks at them any more: else each would take up a port of the machine for a minute.
struct TcpPort {
    port: FdPort,
    used: bool,
}

impl TcpPort {
    fn new(place: &Path, ends: Vec<(End, OwnedFd)>) -> TcpPort {
        TcpPort { port: FdPort::new(place, ends), used: false }
    }
}

impl Port for TcpPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        self.used = true;
        self.port.call(end, op, bytes)
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        self.port.descriptors()
    }
}

impl Drop for TcpPort {
    fn drop(&mut self) {
        // A port that made no call may have been passed on: what it set would hold for others.
        if self.used {
            let none = nix::libc::linger { l_onoff: 1, l_linger: 0 };
            for (_, end) in self.port.descriptors() {
                // Where it fails, a port is taken up for a minute.
                let _ = setsockopt(&end.as_fd(), sockopt::Linger, &none);
            }
        }
    }
}
