//! Two network namespaces joined by a pair of virtual links: as near to two machines as one machine gets.
//!
//! They have no names: the links are made inside of them, and they die with the last descriptor on them, so
//! that nothing is left behind however the process ends. It takes root; nothing is done by other programs.

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::OnceLock;
use std::thread;

use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use crate::sys::Calling;

/// The namespaces.
#[derive(Debug)]
pub(super) struct Veth {
    spaces: [File; 2],
}

/// The addresses of the two ends, which nobody has in earnest (RFC 5737).
pub(super) const ADDRESSES: [Ipv4Addr; 2] =
    [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];

/// The namespaces of this process, made when they are first asked for.
///
/// # Errors
///
/// With an error of the system where this process has too few descriptors; else with the reason why this machine
/// has none.
pub(super) fn veth() -> io::Result<&'static Veth> {
    static VETH: OnceLock<Result<Veth, io::Error>> = OnceLock::new();
    let made = VETH.get_or_init(|| {
        // In a thread that ends: it is left in the second of them.
        let making = thread::Builder::new().name("namespaces".into()).spawn(Veth::make);
        making.and_then(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
        })
    });
    made.as_ref().map_err(|error| match crate::sys::errno(error) {
        Some(code @ (libc::EMFILE | libc::ENFILE)) => io::Error::from_raw_os_error(code),
        _ => io::Error::other(format!(
            "it takes root, and a kernel with network namespaces and veth ({error})"
        )),
    })
}

impl Veth {
    fn make() -> io::Result<Veth> {
        let fresh = || -> io::Result<(File, Netlink)> {
            unshare(CloneFlags::CLONE_NEWNET).calling("unshare(CLONE_NEWNET)")?;
            Ok((this_space()?, Netlink::new()?))
        };
        let home = this_space()?;
        let (first, mut in_first) = fresh()?;
        let (second, mut in_second) = fresh()?;
        in_second.make_pair(&first)?;
        for (netlink, address) in [&mut in_first, &mut in_second].into_iter().zip(ADDRESSES) {
            netlink.add_address(address)?;
            netlink.bring_up(INDEX)?;
        }
        // Root of a user namespace alone may leave a network namespace of others, and never comes back.
        setns(&home, CloneFlags::CLONE_NEWNET).calling("setns, back to where it came from")?;
        Ok(Veth { spaces: [first, second] })
    }

    /// Does something in one of the namespaces: sockets made there stay there.
    ///
    /// # Panics
    ///
    /// If the thread can't go back to where it was.
    pub(super) fn within<T>(
        &self,
        side: usize,
        work: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let home = this_space()?;
        setns(&self.spaces[side], CloneFlags::CLONE_NEWNET)?;
        let done = work();
        setns(&home, CloneFlags::CLONE_NEWNET).expect("a thread may go where it came from");
        done
    }
}

/// Moves this thread to a network namespace of its own, in which the loopback interface is up: what it starts from
/// now on is there too, and ends with it.
///
/// # Errors
///
/// If the system refuses, as it does where this isn't root.
pub(super) fn enter() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    Netlink::new()?.bring_up(LOOPBACK)
}

/// The index of the loopback interface in every namespace.
const LOOPBACK: u32 = 1;

fn this_space() -> io::Result<File> {
    File::open("/proc/thread-self/ns/net")
}

/// A socket by which links are made (rtnetlink(7)), in the namespace in which it was opened.
struct Netlink {
    socket: OwnedFd,
}

const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_CREATE_EXCL: u16 = 0x600;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFF_UP: u32 = 1;

/// Bits of the address that are the same on both sides.
const PREFIX_BITS: u8 = 24;

/// The index of the link in either namespace, where some systems put links of their own at the first.
const INDEX: u32 = 1000;

const NAME: &[u8] = b"pipewright\0";

impl Netlink {
    fn new() -> io::Result<Netlink> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let protocol = SockProtocol::NetlinkRoute;
        let made = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol);
        Ok(Netlink { socket: made.calling("socket(AF_NETLINK, NETLINK_ROUTE)")? })
    }

    /// Makes a pair of links, of which one end is here and one in the other namespace.
    fn make_pair(&mut self, other: &File) -> io::Result<()> {
        let there = (other.as_raw_fd() as u32).to_ne_bytes();
        let peer = [link(0), attribute(IFLA_IFNAME, NAME), attribute(IFLA_NET_NS_FD, &there)];
        let info = [
            attribute(IFLA_INFO_KIND, b"veth\0"),
            attribute(IFLA_INFO_DATA, &attribute(VETH_INFO_PEER, &peer.concat())),
        ];
        let body =
            [link(0), attribute(IFLA_IFNAME, NAME), attribute(IFLA_LINKINFO, &info.concat())];
        self.ask(RTM_NEWLINK, NLM_F_CREATE_EXCL, &body.concat())
    }

    fn bring_up(&mut self, index: u32) -> io::Result<()> {
        self.ask(RTM_NEWLINK, 0, &link_of(index, IFF_UP))
    }

    fn add_address(&mut self, address: Ipv4Addr) -> io::Result<()> {
        // `struct ifaddrmsg`: family, length of the prefix, flags, scope, index.
        let mut body = vec![AddressFamily::Inet as i32 as u8, PREFIX_BITS, 0, 0];
        body.extend(INDEX.to_ne_bytes());
        body.extend(attribute(IFA_LOCAL, &address.octets()));
        body.extend(attribute(IFA_ADDRESS, &address.octets()));
        self.ask(RTM_NEWADDR, NLM_F_CREATE_EXCL, &body)
    }

    /// Asks for something, and waits until it is done.
    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        // `struct nlmsghdr`: length, type, flags, sequence number, port.
        let mut bytes = (body.len() as u32 + 16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((flags | NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(body);
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::empty())?;
        let mut answer = [0; 4096];
        let len = recv(self.socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        let kind = u16::from_ne_bytes([answer[4], answer[5]]);
        let number = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
        match (len >= 20 && kind == NLMSG_ERROR, number) {
            (true, 0) => Ok(()),
            (true, number) => Err(io::Error::from_raw_os_error(-number)),
            (false, _) => Err(io::Error::new(io::ErrorKind::InvalidData, "an odd answer")),
        }
    }
}

/// `struct ifinfomsg` of the link: family, type, index, flags, and which of the flags to set.
fn link(flags: u32) -> Vec<u8> {
    link_of(INDEX, flags)
}

fn link_of(index: u32, flags: u32) -> Vec<u8> {
    let words = [0, index, flags, flags];
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// `struct rtattr` and what it holds, up to the next multiple of four bytes.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = (value.len() as u16 + 4).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
