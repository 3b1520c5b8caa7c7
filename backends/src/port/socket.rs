//! The calls that only sockets have, on bare descriptor numbers, each made once.
#![expect(unsafe_code, reason = "the system's calls take bare numbers and pointers")]

use std::mem::{size_of, size_of_val};
use std::net::SocketAddrV4;
use std::os::fd::{IntoRawFd, RawFd};
use std::path::PathBuf;

use nix::libc;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrLike, UnixAddr,
    setsockopt, socket, sockopt,
};
use pipewright_model::call::{Answer, Marks, Mode, SendFlags, SocketOption};

use super::calls::{counted, done, failed};
use super::clients::Clients;

/// Where a channel of sockets is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A path in the file system.
    Path(PathBuf),
    /// A Unix name that is in no file system.
    Abstract(Vec<u8>),
    /// An address and a port of TCP.
    Inet {
        /// Where those are bound who listen.
        address: SocketAddrV4,
        /// From where the others connect, if it matters.
        clients: Option<Clients>,
    },
}

/// What `socket(2)` makes, and where it is bound.
#[derive(Clone, Debug)]
pub struct Sockets {
    /// Type of the sockets.
    pub kind: SockType,
    /// The channel's address.
    pub address: Address,
}

impl Sockets {
    /// Makes a socket: its number, or −1 with `errno` set.
    pub(super) fn make(&self, nonblock: bool) -> RawFd {
        let (family, protocol) = match self.address {
            Address::Path(_) | Address::Abstract(_) => (AddressFamily::Unix, None),
            Address::Inet { .. } => (AddressFamily::Inet, Some(SockProtocol::Tcp)),
        };
        let mut flags = SockFlag::SOCK_CLOEXEC;
        flags.set(SockFlag::SOCK_NONBLOCK, nonblock);
        let made = socket(family, self.kind, flags, protocol).and_then(|made| {
            if let Address::Inet { clients, .. } = self.address {
                // As servers do: what is left of older connections doesn't keep the address.
                setsockopt(&made, sockopt::ReuseAddr, &true)?;
                setsockopt(&made, sockopt::TcpNoDelay, &true)?;
                clients.map_or(Ok(()), |clients| clients.hold(&made))?;
            }
            Ok(made)
        });
        match made {
            Ok(socket) => socket.into_raw_fd(),
            Err(errno) => {
                errno.set();
                -1
            }
        }
    }

    /// Calls `f` with the address as the system wants it.
    fn with_address(
        &self,
        f: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> Answer,
    ) -> Answer {
        let unix = match &self.address {
            Address::Path(path) => UnixAddr::new(path),
            Address::Abstract(name) => UnixAddr::new_abstract(name),
            Address::Inet { address, .. } => {
                let address = SockaddrIn::from(*address);
                return f(address.as_ptr(), address.len());
            }
        };
        match unix {
            Ok(address) => f(address.as_ptr().cast(), address.len()),
            Err(errno) => failed(errno),
        }
    }
}

fn with_address(
    sockets: Option<&Sockets>,
    f: impl FnOnce(*const libc::sockaddr, libc::socklen_t) -> Answer,
) -> Answer {
    match sockets {
        Some(sockets) => sockets.with_address(f),
        // What is no socket has no address; that it is none is for the system to say.
        None => f(std::ptr::null(), 0),
    }
}

pub(super) fn bind(number: RawFd, sockets: Option<&Sockets>) -> Answer {
    // SAFETY: pointer and length are of one address.
    with_address(sockets, |address, len| done(unsafe { libc::bind(number, address, len) }))
}

pub(super) fn connect(number: RawFd, sockets: Option<&Sockets>) -> Answer {
    // SAFETY: pointer and length are of one address.
    with_address(sockets, |address, len| done(unsafe { libc::connect(number, address, len) }))
}

pub(super) fn accept(number: RawFd, nonblock: bool) -> RawFd {
    let flags = libc::SOCK_CLOEXEC | if nonblock { libc::SOCK_NONBLOCK } else { 0 };
    // SAFETY: the address of the peer is not asked for.
    unsafe { libc::accept4(number, std::ptr::null_mut(), std::ptr::null_mut(), flags) }
}

pub(super) fn shutdown(number: RawFd, how: Mode) -> Answer {
    let how = match how {
        Mode::Read => libc::SHUT_RD,
        Mode::Write => libc::SHUT_WR,
        Mode::ReadWrite => libc::SHUT_RDWR,
    };
    // SAFETY: no memory is passed.
    done(unsafe { libc::shutdown(number, how) })
}

fn bits(flags: SendFlags) -> libc::c_int {
    let named = [
        (SendFlags::DONTWAIT, libc::MSG_DONTWAIT),
        (SendFlags::PEEK, libc::MSG_PEEK),
        (SendFlags::WAITALL, libc::MSG_WAITALL),
        (SendFlags::TRUNC, libc::MSG_TRUNC),
        (SendFlags::NOSIGNAL, libc::MSG_NOSIGNAL),
    ];
    let given = named.into_iter().filter(|(flag, _)| flags.contains(*flag));
    given.fold(0, |bits, (_, bit)| bits | bit)
}

pub(super) fn send(
    number: RawFd,
    bytes: &[u8],
    flags: SendFlags,
    sockets: Option<&Sockets>,
) -> Answer {
    let send = |address, len| {
        let (from, count) = (bytes.as_ptr().cast(), bytes.len());
        // SAFETY: pointers and lengths are of one slice and of one address, or of none.
        counted(unsafe { libc::sendto(number, from, count, bits(flags), address, len) })
    };
    match flags.contains(SendFlags::ADDRESSED) {
        true => with_address(sockets, send),
        false => send(std::ptr::null(), 0),
    }
}

pub(super) fn receive(number: RawFd, bytes: &mut [u8], flags: SendFlags) -> Answer {
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: the structure is valid as zeros.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    // SAFETY: the message has one part, which is of one slice, borrowed mutably.
    let count = unsafe { libc::recvmsg(number, &raw mut message, bits(flags)) };
    marked(count, &message, false)
}

fn marked(count: isize, message: &libc::msghdr, end: bool) -> Answer {
    let mut marks = if end { Marks::END } else { Marks::NONE };
    if message.msg_flags & libc::MSG_TRUNC != 0 {
        marks = marks.union(Marks::TRUNCATED);
    }
    if message.msg_flags & libc::MSG_CTRUNC != 0 {
        marks = marks.union(Marks::END_LOST);
    }
    match counted(count) {
        Answer::Count(count) if !marks.is_empty() => Answer::Marked(count, marks),
        answer => answer,
    }
}

/// Room for one descriptor among the ancillary data of a message.
#[repr(C, align(8))]
struct Control([u8; 24]);

pub(super) fn send_descriptor(number: RawFd, bytes: &[u8], passed: RawFd) -> Answer {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control([0; 24]);
    // SAFETY: the structure is valid as zeros.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    // SAFETY: the macro computes with the number only.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as u32) } as _;
    // SAFETY: the control buffer has room for a header and one number, and is aligned for them.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(passed);
    }
    // SAFETY: the message has one part, which is of one slice, and outlives the call.
    counted(unsafe { libc::sendmsg(number, &raw const message, 0) })
}

/// What `recvmsg` gave, and the descriptor that came.
pub(super) fn receive_descriptor(number: RawFd, bytes: &mut [u8]) -> (Answer, Option<RawFd>) {
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut control = Control([0; 24]);
    // SAFETY: the structure is valid as zeros.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the message has one part, which is of one slice, borrowed mutably.
    let count = unsafe { libc::recvmsg(number, &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    let mut received = None;
    if count >= 0 {
        // SAFETY: the kernel has filled in the headers, if there are any.
        let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
        // SAFETY: a header that is not null lies in the control buffer.
        if let Some(header) = unsafe { header.as_ref() }
            && (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS)
        {
            // SAFETY: a message of this type carries at least one number.
            received = Some(unsafe { libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned() });
        }
    }
    (marked(count, &message, received.is_some()), received)
}

pub(super) fn set_option(number: RawFd, option: SocketOption, value: i32) -> Answer {
    let set = |name: libc::c_int, value: *const libc::c_void, len: usize| {
        // SAFETY: pointer and length are of one value, which outlives the call.
        done(unsafe { libc::setsockopt(number, libc::SOL_SOCKET, name, value, len as u32) })
    };
    let time = |tv_sec: i32, tv_usec: i32| {
        let time = libc::timeval { tv_sec: tv_sec.into(), tv_usec: tv_usec.into() };
        set(libc::SO_RCVTIMEO, (&raw const time).cast(), size_of_val(&time))
    };
    let int = |name| set(name, (&raw const value).cast(), size_of_val(&value));
    match option {
        SocketOption::SendBuffer => int(libc::SO_SNDBUF),
        SocketOption::ReceiveBuffer => int(libc::SO_RCVBUF),
        SocketOption::Error => int(libc::SO_ERROR),
        SocketOption::ReceiveTimeoutUs => time(0, value),
        SocketOption::ReceiveTimeoutS => time(value, 0),
        SocketOption::Linger => {
            let linger = libc::linger { l_onoff: (value >= 0).into(), l_linger: value.max(0) };
            set(libc::SO_LINGER, (&raw const linger).cast(), size_of_val(&linger))
        }
    }
}

pub(super) fn option(number: RawFd, option: SocketOption) -> Answer {
    let name = match option {
        SocketOption::SendBuffer => libc::SO_SNDBUF,
        SocketOption::ReceiveBuffer => libc::SO_RCVBUF,
        SocketOption::ReceiveTimeoutUs | SocketOption::ReceiveTimeoutS => libc::SO_RCVTIMEO,
        SocketOption::Linger => libc::SO_LINGER,
        SocketOption::Error => libc::SO_ERROR,
    };
    // Two words are enough for every one of them.
    let mut value = [0_i64; 2];
    let mut len = size_of_val(&value) as libc::socklen_t;
    let place = (&raw mut value).cast();
    // SAFETY: pointer and length are of one array.
    let got = unsafe { libc::getsockopt(number, libc::SOL_SOCKET, name, place, &raw mut len) };
    if got < 0 {
        return done(got);
    }
    let ints = [value[0] as i32, (value[0] >> 32) as i32];
    Answer::Count(match option {
        SocketOption::ReceiveTimeoutS => value[0] as u32,
        SocketOption::ReceiveTimeoutUs => value[1] as u32,
        SocketOption::Linger if ints[0] == 0 => u32::MAX,
        SocketOption::Linger => ints[1] as u32,
        _ => ints[0] as u32,
    })
}
