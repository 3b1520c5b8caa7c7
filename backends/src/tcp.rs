//! TCP over the loopback interface: two sockets connected to each other, and sockets made, bound and
//! connected by calls.
//!
//! For the connection that is there from the start something listens but for the moment in which it is made,
//! on a port of 127.0.0.1 that the kernel picks. The address at which sockets are bound by calls is made of the
//! channel's place, so that every process finds it: one of the sixteen million of the loopback interface.
//!
//! What is under way is asked of the kernel by sock_diag(7), which needs no descriptor of the connection, so that
//! a close is a close.

mod diag;
#[cfg(test)]
mod tests;
mod veth;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, accept4, bind, connect, getpeername,
    getsockname, listen, setsockopt, socket, sockopt,
};
use pipewright_model::call::{End, Mode, Op, SendFlags, SocketOption};
use pipewright_model::kind::{Hold, Side, TCP};
use pipewright_model::run::{Seat, Setup};
use pipewright_model::settings::Settings;

use crate::channel::{Arrangement, Channel, Instance, Port, Queues, Seen, Sleep};
use crate::pipe::Handout;
use crate::port::{Address, Clients, FdPort, Sockets, unreachable};
use crate::sys::settings::{self, setup};
use crate::sys::{Calling, errno};
use diag::{Diag, Named};

/// A way to make a TCP connection.
#[derive(Debug)]
pub struct Tcp {
    /// Its name in reports.
    pub name: &'static str,
    /// Whether both ends have `O_NONBLOCK`.
    pub nonblock: bool,
    /// Whether its ends are in two network namespaces joined by virtual links. What is made by calls would have
    /// to know where: there are no such calls then.
    pub veth: bool,
    /// The addresses of connections made and not asked for yet.
    made: &'static Mutex<Option<HashMap<PathBuf, Addresses>>>,
}

/// The two addresses of a connection.
type Addresses = [SocketAddrV4; 2];

/// The call that makes a socket, as errors name it.
const SOCKET: &str = "socket(AF_INET, SOCK_STREAM)";

static MADE: Mutex<Option<HashMap<PathBuf, Addresses>>> = Mutex::new(None);

impl Tcp {
    /// Over the loopback interface.
    pub const LOOPBACK: Tcp = Tcp { name: "tcp", nonblock: false, veth: false, made: &MADE };
    /// With `O_NONBLOCK`.
    pub const NONBLOCKING: Tcp = Tcp { name: "tcp-nonblocking", nonblock: true, ..Tcp::LOOPBACK };
    /// Between two network namespaces. Needs root.
    pub const VETH: Tcp = Tcp { name: "tcp-veth", veth: true, ..Tcp::LOOPBACK };
}

/// The addresses of the two network namespaces of [`Tcp::VETH`].
pub const NAMESPACES: [Ipv4Addr; 2] = veth::ADDRESSES;

/// Does something in one of the two network namespaces of [`Tcp::VETH`]: processes started there stay there.
///
/// # Errors
///
/// If there are none, which takes root, or if what is done fails.
pub fn within_namespace<T>(side: usize, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    veth::veth().map_err(io::Error::other)?.within(side, work)
}

/// Moves this thread, and what it starts from now on, to a network namespace of its own, whose settings are nobody
/// else's and whose loopback interface is up.
///
/// # Errors
///
/// If the system refuses, as it does where this isn't root.
pub fn enter_namespace() -> io::Result<()> {
    veth::enter()
}

impl Channel for Tcp {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        static VETH: OnceLock<Settings> = OnceLock::new();
        let here = setup(&TCP);
        let there = || {
            let read = veth::veth().and_then(|veth| veth.within(0, || Ok(settings::read())));
            read.map_or(here.settings, |read| read.of_kind(&TCP))
        };
        let settings = if self.veth { *VETH.get_or_init(there) } else { here.settings };
        Setup { nonblock: self.nonblock, settings, ..here }
    }

    fn copies_in_kernel(&self) -> bool {
        true
    }

    fn arrangements(&self) -> &[Arrangement] {
        let all = &[
            Arrangement::Threads,
            Arrangement::Inherited,
            Arrangement::Passed,
            Arrangement::Opened,
        ];
        if self.veth { &all[..3] } else { all }
    }

    fn unavailable(&self) -> Option<String> {
        // That there are too few descriptors is told when there is something to do.
        let lacking = |error: &io::Error| errno(error).is_none();
        self.veth.then(veth::veth)?.err().filter(lacking).map(|error| error.to_string())
    }

    fn offers(&self, op: &Op) -> bool {
        match op {
            // Its address is no path; ends are not passed over it.
            Op::Open { .. } | Op::Unlink => false,
            Op::Socket { .. } | Op::Bind | Op::Listen { .. } | Op::Connect | Op::Accept { .. } => {
                !self.veth
            }
            Op::SendEnd { .. } | Op::ReceiveEnd { .. } => false,
            Op::Send { flags, .. } => !flags.contains(SendFlags::ADDRESSED),
            Op::SetOption { option: SocketOption::Linger, value } => *value <= 0,
            Op::SetOption { option, .. } | Op::GetOption { option } => matches!(
                option,
                SocketOption::Error
                    | SocketOption::ReceiveTimeoutS
                    | SocketOption::ReceiveTimeoutUs
            ),
            Op::Lock { .. } | Op::Flock { .. } => false,
            _ => true,
        }
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        if seats.iter().all(|seat| seat.ends.is_empty()) {
            let none = |_: &Seat| Box::new(TcpPort::new(place, vec![])) as Box<dyn Port>;
            let ports = seats.iter().map(none).collect();
            return Ok(Instance { setup: self.setup(), ports, keeper: None });
        }
        let ends = self.connected()?;
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

    fn queues(&self, place: &Path, by_name: bool) -> io::Result<Option<Queues>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses = made.as_mut().and_then(|made| made.remove(place));
        drop(made);
        let mut diags = [self.within(0, Diag::new)?, self.within(1, Diag::new)?];
        let mut named = match by_name {
            true => {
                let address = free_address(place)?;
                let clients = clients_of(place).map(|clients| clients.addresses(address));
                Some(Named::new(address, clients.transpose()?))
            }
            false => None,
        };
        Ok(Some(Box::new(move |connecting| {
            let pair = addresses.map_or(Ok(true), |pair| diag::nothing_under_way(&mut diags, pair));
            let by_name = |named: &mut Named| named.nothing_under_way(&mut diags[0], connecting);
            Ok(pair? && named.as_mut().map_or(Ok(true), by_name)?)
        })))
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(TcpPort::new(place, ends)))
    }

    fn join(&self, place: &Path, ends: &[(End, Hold)]) -> io::Result<Box<dyn Port>> {
        match ends {
            [] => self.adopt(place, vec![]),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

/// The address at which sockets of this place are bound: the same whoever asks.
fn address_of(place: &Path) -> SocketAddrV4 {
    let hash = fnv1a(place.as_os_str().as_bytes()).to_ne_bytes();
    // Apart from what is usual, and below the ports that the kernel picks.
    let port = u16::from_ne_bytes([hash[3], hash[4]]) % 16_384 + 10_000;
    SocketAddrV4::new(Ipv4Addr::new(127, hash[0] % 254 + 1, hash[1], hash[2]), port)
}

/// From where sockets of this place connect.
fn clients_of(place: &Path) -> Option<Clients> {
    Clients::of(fnv1a(place.as_os_str().as_bytes()))
}

/// FNV-1a of 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    // Its high bits are the good ones.
    hash ^ hash >> 32
}

/// The same, where nobody listens.
fn free_address(place: &Path) -> io::Result<SocketAddrV4> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let probe = socket(AddressFamily::Inet, SockType::Stream, flags, None).calling(SOCKET)?;
    setsockopt(&probe, sockopt::ReuseAddr, &true).calling("setsockopt(SO_REUSEADDR)")?;
    let address = address_of(place);
    bind(probe.as_raw_fd(), &SockaddrIn::from(address))
        .map_err(|errno| unreachable(errno.into()))
        .calling("bind")?;
    Ok(address)
}

impl Tcp {
    /// Does something where one of the two ends is.
    fn within<T>(&self, side: usize, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.veth {
            true => veth::veth()?.within(side, work),
            false => work(),
        }
    }

    /// Two sockets connected to each other.
    fn connected(&self) -> io::Result<[OwnedFd; 2]> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let make = || socket(AddressFamily::Inet, SockType::Stream, flags, None).calling(SOCKET);
        let [_, address_b] = if self.veth { veth::ADDRESSES } else { [Ipv4Addr::LOCALHOST; 2] };
        let listener: OwnedFd = self.within(1, make)?;
        setsockopt(&listener, sockopt::ReuseAddr, &true).calling("setsockopt(SO_REUSEADDR)")?;
        let any_port = SockaddrIn::from(SocketAddrV4::new(address_b, 0));
        bind(listener.as_raw_fd(), &any_port).calling("bind")?;
        listen(&listener, Backlog::new(8)?).calling("listen")?;
        let a = self.within(0, make)?;
        let there = getsockname::<SockaddrIn>(listener.as_raw_fd()).calling("getsockname")?;
        connect(a.as_raw_fd(), &there)
            .map_err(|errno| unreachable(errno.into()))
            .calling("connect")?;
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
            setsockopt(end, sockopt::TcpNoDelay, &true).calling("setsockopt(TCP_NODELAY)")?;
            setsockopt(end, sockopt::ReuseAddr, &true).calling("setsockopt(SO_REUSEADDR)")?;
            if self.nonblock {
                rustix::io::ioctl_fionbio(end, true)?;
            }
        }
        Ok([a, b])
    }
}

#[expect(unsafe_code, reason = "nix gives the number of what it accepts, and owns nothing")]
fn accepted(listener: &OwnedFd) -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd;
    let number = accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC).calling("accept4")?;
    // SAFETY: the descriptor was just made, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn address(end: &OwnedFd) -> io::Result<SocketAddrV4> {
    let name = getsockname::<SockaddrIn>(end.as_raw_fd()).calling("getsockname")?;
    Ok(SocketAddrV4::from(name))
}

/// A port of sockets that resets what is left of its connections when it is dropped after use, as nobody
/// looks at them any more: else each would take up a port of the machine for a minute.
struct TcpPort {
    port: FdPort,
    used: bool,
}

impl TcpPort {
    fn new(place: &Path, ends: Vec<(End, OwnedFd)>) -> TcpPort {
        let address = Address::Inet { address: address_of(place), clients: clients_of(place) };
        let sockets = Sockets { kind: SockType::Stream, address };
        TcpPort { port: FdPort::new(place, ends).with_sockets(sockets), used: false }
    }
}

impl Port for TcpPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        self.used = true;
        self.port.call(end, op, bytes)
    }

    fn sleeps_in(&self, end: End, op: Op) -> Option<Sleep> {
        self.port.sleeps_in(end, op)
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
