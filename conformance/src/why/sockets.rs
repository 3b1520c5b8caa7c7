//! The kernel's tables of sockets: Unix sockets and their peers by sock_diag(7), TCP connections as `/proc` lists them.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};
use procfs::net::{TcpNetEntry, TcpState};

use super::call::shown;
use super::snapshot::{Address, FileId, Socket, SocketSort};

type Sockets = BTreeMap<u64, Socket>;

const HEADER_BYTES: usize = 16;
const MESSAGE_BYTES: usize = 16;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// What is asked for: the name, its file, the peer, who waits to be accepted, the lengths of queues.
const SHOW: u32 = 1 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4;
const LISTENS: u8 = 10;

/// All Unix sockets of this network namespace.
pub(super) fn unix() -> io::Result<Sockets> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let asking =
        socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkSockDiag)?;
    send(asking.as_raw_fd(), &request(), MsgFlags::empty())?;
    let (mut sockets, mut accepted_by) = (Sockets::new(), Vec::new());
    let mut answer = vec![0; 65_536];
    loop {
        let len = recv(asking.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        let mut rest = &answer[..len];
        while rest.len() >= HEADER_BYTES {
            let len = number(rest, 0).unwrap_or_default() as usize;
            let (one, more) = rest.split_at(len.clamp(HEADER_BYTES, rest.len()));
            match number(one, 4).unwrap_or_default() as u16 {
                NLMSG_DONE => {
                    wait_to_be_accepted(&mut sockets, &accepted_by);
                    return Ok(sockets);
                }
                NLMSG_ERROR => {
                    let errno = number(one, HEADER_BYTES).unwrap_or_default() as i32;
                    return Err(io::Error::from_raw_os_error(errno.wrapping_neg()));
                }
                _ => {
                    let entry = entry(&one[HEADER_BYTES..]);
                    if let Some((inode, socket, waiting)) = entry {
                        accepted_by.extend(waiting.into_iter().map(|peer| (peer, inode)));
                        sockets.insert(inode, socket);
                    }
                }
            }
            rest = more.get(len.next_multiple_of(4) - len..).unwrap_or_default();
        }
    }
}

/// `struct nlmsghdr`, `struct unix_diag_req`: all of them.
fn request() -> [u8; HEADER_BYTES + 24] {
    let mut bytes = [0; HEADER_BYTES + 24];
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    put(0, &((HEADER_BYTES + 24) as u32).to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &(NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    put(16, &[AddressFamily::Unix as i32 as u8]);
    put(20, &u32::MAX.to_ne_bytes());
    put(28, &SHOW.to_ne_bytes());
    // No cookie.
    put(32, &[0xff; 8]);
    bytes
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// `struct unix_diag_msg` and its attributes: a socket, and those that wait at it to be accepted.
fn entry(bytes: &[u8]) -> Option<(u64, Socket, Vec<u64>)> {
    const NAME: u16 = 0;
    const VFS: u16 = 1;
    const PEER: u16 = 2;
    const ICONS: u16 = 3;
    const RQLEN: u16 = 4;
    let sort = match *bytes.get(1)? {
        1 => SocketSort::UnixStream,
        2 => SocketSort::UnixDatagram,
        _ => SocketSort::UnixMessages,
    };
    let listens = *bytes.get(2)? == LISTENS;
    let inode = u64::from(number(bytes, 4)?);
    let (mut name, mut file, mut waiting) = (None, None, Vec::new());
    let mut socket =
        Socket { sort, listens, peer: None, address: None, unread: 0, sending: 0, time_out: None };
    let mut rest = bytes.get(MESSAGE_BYTES..)?;
    while let Some(head) = number(rest, 0) {
        let (len, kind) = ((head & 0xffff) as usize, (head >> 16) as u16);
        let value = rest.get(4..len.max(4))?;
        match kind {
            NAME => name = Some(value),
            // The kernel's own form of a device: 20 bits of a minor number.
            VFS => {
                let device = number(value, 4)?;
                let device = rustix::fs::makedev(device >> 20, device & 0xf_ffff);
                file = Some(FileId { device, inode: u64::from(number(value, 0)?) });
            }
            PEER => socket.peer = number(value, 0).map(u64::from).filter(|peer| *peer != 0),
            ICONS => {
                let each = value.chunks_exact(4).filter_map(|peer| number(peer, 0));
                waiting.extend(each.map(u64::from).filter(|peer| *peer != 0));
            }
            RQLEN => socket.unread = number(value, 0)?,
            _ => {}
        }
        rest = rest.get(len.max(4).next_multiple_of(4)..).unwrap_or_default();
    }
    socket.address = name.map(|name| match name.split_first() {
        Some((0, name)) => Address::Abstract(shown(name)),
        _ => Address::Path(shown(name.strip_suffix(&[0]).unwrap_or(name)), file),
    });
    Some((inode, socket, waiting))
}

/// The peer of a connection that nobody has accepted yet is the listener: by it the other end will come to be held.
fn wait_to_be_accepted(sockets: &mut Sockets, accepted_by: &[(u64, u64)]) {
    for (waiting, listener) in accepted_by {
        if let Some(socket) = sockets.get_mut(waiting) {
            socket.peer = Some(*listener);
        }
    }
}

/// The TCP sockets of one network namespace, from its two tables.
pub(super) fn tcp(entries: &[TcpNetEntry]) -> Sockets {
    let by_ends: BTreeMap<_, _> = entries
        .iter()
        .filter(|entry| entry.state != TcpState::Listen)
        .map(|entry| ((plain(entry.local_address), plain(entry.remote_address)), entry))
        .collect();
    let listener = |at: SocketAddr| {
        let listens = |entry: &&TcpNetEntry| {
            let own = plain(entry.local_address);
            let here = own.ip() == at.ip() || own.ip().is_unspecified();
            entry.state == TcpState::Listen && own.port() == at.port() && here
        };
        entries.iter().find(listens).map(|entry| entry.inode)
    };
    let socket = |entry: &TcpNetEntry| {
        let (here, there) = (plain(entry.local_address), plain(entry.remote_address));
        let listens = entry.state == TcpState::Listen;
        let peer = by_ends.get(&(there, here)).filter(|_| !listens);
        // Nobody holds what was not accepted yet.
        let peer_inode = peer.map(|peer| peer.inode).filter(|inode| *inode != 0);
        let peer_inode = peer_inode.or_else(|| peer.and_then(|_| listener(there)));
        let socket = Socket {
            sort: SocketSort::Tcp,
            listens,
            peer: peer_inode,
            address: Some(Address::Internet(if listens { here } else { there })),
            unread: entry.rx_queue,
            sending: entry.tx_queue,
            time_out: None,
        };
        (entry.inode, socket)
    };
    entries.iter().filter(|entry| entry.inode != 0).map(socket).collect()
}

/// An address of the fourth version that is written as one of the sixth, as what it is.
fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => (ip, address.port()).into(),
            None => address,
        },
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    use super::*;

    fn inode(socket: &impl AsRawFd) -> u64 {
        let link = format!("/proc/self/fd/{}", socket.as_raw_fd());
        let link = std::fs::read_link(link).unwrap().to_string_lossy().into_owned();
        link.trim_start_matches("socket:[").trim_end_matches(']').parse().unwrap()
    }

    #[test]
    fn peers_are_found_also_before_they_are_accepted() {
        let (a, b) = UnixStream::pair().unwrap();
        let name = format!("pipewright-why-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let client = UnixStream::connect_addr(&address).unwrap();
        let sockets = unix().unwrap();
        assert_eq!(sockets[&inode(&a)].peer, Some(inode(&b)));
        assert_eq!(sockets[&inode(&b)].peer, Some(inode(&a)));
        let own = &sockets[&inode(&listener)];
        assert!(own.listens);
        assert_eq!(own.address, Some(Address::Abstract(name)));
        assert_eq!(sockets[&inode(&client)].peer, Some(inode(&listener)));
    }

    #[test]
    fn what_is_cut_short_is_no_socket() {
        assert!(entry(&[]).is_none());
        assert!(entry(&[1, 1, 1, 0, 9, 0, 0]).is_none());
        let mut long = vec![0; 16];
        long.extend([255, 0, 0, 0]);
        assert!(entry(&long).is_none());
    }
}
