//! Where the ends are that connect: at ports that can be told from the channel's place, so that the kernel can be asked
//! for each by its address.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;

use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::sys::Calling;

/// How many there are for a place. A connection that has ended may take up one for a minute.
const PORTS: u16 = 32;

/// Of `<linux/in.h>`: among which ports the kernel picks one for this socket; since Linux 6.3.
const IP_LOCAL_PORT_RANGE: libc::c_int = 51;

/// The same as a call: the first port, and above it the last one shifted by 16 bits.
#[expect(unsafe_code, reason = "nix does not know this option")]
fn set_ports(socket: &impl AsFd, bounds: u32) -> nix::Result<()> {
    let number = socket.as_fd().as_raw_fd();
    let len = size_of_val(&bounds) as libc::socklen_t;
    let value = (&raw const bounds).cast();
    // SAFETY: the value is as long as it is said to be.
    let done =
        unsafe { libc::setsockopt(number, libc::IPPROTO_IP, IP_LOCAL_PORT_RANGE, value, len) };
    nix::errno::Errno::result(done).map(drop)
}

/// The ports from which sockets of one place connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clients {
    first: u16,
}

impl Clients {
    /// Those of the place with this hash, the same whoever asks; nothing where a kernel can't be told.
    pub(crate) fn of(hash: u64) -> Option<Clients> {
        let (first, last) = ports_of_the_system()?;
        let places = (last - first + 1) / PORTS;
        let place = (hash >> 40) % u64::from(places.max(1));
        (places > 0).then_some(Clients { first: first + place as u16 * PORTS })
    }

    /// Has a socket that connects do so from one of them.
    pub(crate) fn hold(self, socket: &impl AsFd) -> nix::Result<()> {
        let last = self.first + (PORTS - 1);
        set_ports(socket, u32::from(last) << 16 | u32::from(self.first))
    }

    /// Where those are who connect to `server`.
    pub(crate) fn addresses(self, server: SocketAddrV4) -> io::Result<Vec<SocketAddrV4>> {
        // Nothing is sent: it is asked which way it would go.
        let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).calling("bind")?;
        probe.connect(server).map_err(unreachable).calling("connect")?;
        let std::net::IpAddr::V4(from) = probe.local_addr()?.ip() else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        Ok((0..PORTS).map(|nth| SocketAddrV4::new(from, self.first + nth)).collect())
    }
}

/// Why an address of this machine leads nowhere, where the error alone would not help.
pub(crate) fn unreachable(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => {
            io::Error::other(format!("{error}; is the loopback interface up? `ip link set lo up`"))
        }
        _ => error,
    }
}

/// The first and the last of the ports that the kernel picks from, if it can be told which of them to pick.
fn ports_of_the_system() -> Option<(u16, u16)> {
    static PORTS: OnceLock<Option<(u16, u16)>> = OnceLock::new();
    *PORTS.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
        let mut bounds = text.split_whitespace().map(|bound| bound.parse::<u16>().ok());
        let (first, last) = (bounds.next()??, bounds.next()??);
        let flags = SockFlag::SOCK_CLOEXEC;
        let probe = socket(AddressFamily::Inet, SockType::Stream, flags, None).ok()?;
        let can_be_told = set_ports(&probe, 0).is_ok();
        (can_be_told && first > 0 && first <= last).then_some((first, last))
    })
}
