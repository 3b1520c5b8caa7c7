//! What is sent to sock_diag(7), and what it answers: `<linux/netlink.h>`, `<linux/inet_diag.h>`, `<linux/tcp.h>`.

use std::io;
use std::net::SocketAddrV4;

use nix::sys::socket::{AddressFamily, SockProtocol};

use super::{Counts, Entry, Memory, Row, state};

/// What the kernel has to say.
pub(super) enum Message {
    Row(Entry),
    /// There is no such socket.
    None,
    /// That was all.
    End,
}

pub(super) const HEADER_BYTES: usize = 16;
const MESSAGE_BYTES: usize = 72;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_SKMEMINFO: u16 = 7;

/// `struct nlmsghdr`, `struct inet_diag_req_v2`: one connection.
pub(super) fn request(here: SocketAddrV4, there: SocketAddrV4) -> [u8; MESSAGE_BYTES] {
    let mut bytes = request_for(NLM_F_REQUEST, u32::MAX);
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    put(24, &here.port().to_be_bytes());
    put(26, &there.port().to_be_bytes());
    put(28, &here.ip().octets());
    put(44, &there.ip().octets());
    bytes
}

/// The same: all living sockets.
pub(super) fn request_all() -> [u8; MESSAGE_BYTES] {
    request_for(NLM_F_REQUEST | NLM_F_DUMP, state::LIVING)
}

fn request_for(flags: u16, states: u32) -> [u8; MESSAGE_BYTES] {
    let mut bytes = [0; MESSAGE_BYTES];
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    put(0, &(MESSAGE_BYTES as u32).to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &flags.to_ne_bytes());
    let tcp = SockProtocol::Tcp as i32 as u8;
    let more = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_SKMEMINFO - 1);
    put(16, &[AddressFamily::Inet as i32 as u8, tcp, more, 0]);
    put(20, &states.to_ne_bytes());
    // No cookie.
    put(64, &[0xff; 8]);
    bytes
}

/// `struct inet_diag_msg` and what follows it.
pub(super) fn message(bytes: &[u8]) -> io::Result<Message> {
    let short = || io::Error::new(io::ErrorKind::InvalidData, "a short answer of sock_diag");
    let four = |at: usize| -> io::Result<[u8; 4]> {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
        four.ok_or_else(short)
    };
    let int = |at: usize| four(at).map(u32::from_ne_bytes);
    let long = |at: usize| -> io::Result<u64> {
        let eight = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok());
        Ok(u64::from_ne_bytes(eight.ok_or_else(short)?))
    };
    let kind = int(4)? as u16;
    if kind == NLMSG_DONE {
        return Ok(Message::End);
    }
    if kind == NLMSG_ERROR {
        let number = (int(HEADER_BYTES)? as i32).wrapping_neg();
        return match nix::errno::Errno::from_raw(number) {
            nix::errno::Errno::ENOENT => Ok(Message::None),
            errno => Err(errno.into()),
        };
    }
    let address = |port: usize, at: usize| -> io::Result<SocketAddrV4> {
        let [high, low, ..] = four(port)?;
        Ok(SocketAddrV4::new(four(at)?.into(), u16::from_be_bytes([high, low])))
    };
    let here = address(HEADER_BYTES + 4, HEADER_BYTES + 8)?;
    let there = address(HEADER_BYTES + 6, HEADER_BYTES + 24)?;
    let mut row = Row {
        state: bytes[HEADER_BYTES + 1],
        timer: bytes[HEADER_BYTES + 2],
        queued: int(HEADER_BYTES + 60)?,
        unread: int(HEADER_BYTES + 56)?,
        counts: None,
        window: None,
        memory: None,
    };
    let mut at = HEADER_BYTES + MESSAGE_BYTES;
    while at + 4 <= bytes.len() {
        let head = int(at)?;
        let (len, kind) = ((head & 0xffff) as usize, (head >> 16) as u16);
        // What of `struct tcp_info` is there on any kernel ends at 216.
        let info = at + 4;
        if kind == INET_DIAG_INFO && len >= 4 + 232 {
            row.window = Some(int(info + 228)?);
        }
        if kind == INET_DIAG_INFO && len >= 4 + 216 {
            row.counts = Some(Counts {
                sent: long(info + 200)?.wrapping_sub(long(info + 208)?),
                unsent: int(info + 144)?,
                unacknowledged: int(info + 24)?,
                received: long(info + 128)?,
            });
        }
        // `SK_MEMINFO_SNDBUF` and `SK_MEMINFO_WMEM_QUEUED` of `<linux/sock_diag.h>`.
        if kind == INET_DIAG_SKMEMINFO && len >= 4 + 24 {
            let [to_send_max, to_send] = [int(info + 12)?, int(info + 20)?];
            row.memory = Some(Memory { to_send, to_send_max });
        }
        at += len.max(4).next_multiple_of(4);
    }
    // A socket that only waits for its time to pass has nothing to count.
    row.counts = row.counts.filter(|_| row.state != state::TIME_WAIT);
    Ok(Message::Row(Entry { here, there, row }))
}
