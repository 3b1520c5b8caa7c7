//! What the kernel knows of a TCP connection, asked by sock_diag(7) for the one connection, from outside.

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

/// A socket to ask by.
#[derive(Debug)]
pub(super) struct Diag {
    socket: OwnedFd,
}

/// States of `<netinet/tcp.h>`.
mod state {
    #[cfg(test)]
    pub(super) const ESTABLISHED: u8 = 1;
    pub(super) const FIN_WAIT1: u8 = 4;
    pub(super) const FIN_WAIT2: u8 = 5;
    pub(super) const TIME_WAIT: u8 = 6;
    pub(super) const CLOSE_WAIT: u8 = 8;
    pub(super) const LAST_ACK: u8 = 9;
    pub(super) const CLOSING: u8 = 11;
}

/// `idiag_timer` of a sender whose peer has no room: it asks again from time to time.
const PROBES: u8 = 4;

/// One end of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    state: u8,
    timer: u8,
    /// Bytes sent and not acknowledged, or not sent, with the end of data.
    queued: u32,
    counts: Option<Counts>,
}

/// Bytes, of which ends of data are none but where said.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Sent, each counted once.
    sent: u64,
    /// In the queue and not sent even once, with the end of data.
    unsent: u32,
    /// Received in order, with the end of data.
    received: u64,
}

impl Row {
    /// Whether it has sent its end of data, or means to.
    fn has_finished(&self) -> bool {
        use state::{CLOSING, FIN_WAIT1, FIN_WAIT2, LAST_ACK, TIME_WAIT};
        matches!(self.state, FIN_WAIT1 | FIN_WAIT2 | CLOSING | LAST_ACK | TIME_WAIT)
    }

    /// Whether the peer's end of data has come.
    fn has_seen_the_end(&self) -> bool {
        use state::{CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT};
        matches!(self.state, CLOSE_WAIT | CLOSING | LAST_ACK | TIME_WAIT)
    }

    /// Whether all that this end has to send has come to the other, or can't before that one reads.
    fn has_sent_all_to(&self, other: &Row) -> bool {
        if self.timer == PROBES {
            return true;
        }
        let ends_match = self.has_finished() == other.has_seen_the_end();
        let (Some(sent), Some(received)) = (self.counts, other.counts) else {
            return ends_match && self.queued == 0;
        };
        let data = received.received - u64::from(other.has_seen_the_end()).min(received.received);
        ends_match && sent.unsent == 0 && sent.sent == data
    }
}

impl Diag {
    pub(super) fn new() -> io::Result<Diag> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let protocol = SockProtocol::NetlinkSockDiag;
        Ok(Diag { socket: socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)? })
    }

    /// Whether nothing is under way between these two.
    pub(super) fn nothing_under_way(&mut self, [a, b]: [SocketAddrV4; 2]) -> io::Result<bool> {
        let (a, b) = (self.row(a, b)?, self.row(b, a)?);
        Ok(match (a, b) {
            (None, None) => true,
            // One that was reset, or has ended, is in no table. If the other knows, it isn't either; one
            // that has ended first stays for a minute.
            (Some(row), None) | (None, Some(row)) => row.state == state::TIME_WAIT,
            (Some(a), Some(b)) => {
                let (ends, last) = (a.has_seen_the_end() && b.has_seen_the_end(), state::TIME_WAIT);
                let knows = |row: &Row| row.state == last;
                a.has_sent_all_to(&b) && b.has_sent_all_to(&a) && (!ends || knows(&a) && knows(&b))
            }
        })
    }

    /// What the kernel knows of the socket at `here` that is connected to `there`.
    fn row(&mut self, here: SocketAddrV4, there: SocketAddrV4) -> io::Result<Option<Row>> {
        send(self.socket.as_raw_fd(), &request(here, there), MsgFlags::empty())?;
        let mut answer = [0; 2048];
        let len = recv(self.socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        row(&answer[..len], there)
    }
}

const HEADER_BYTES: usize = 16;
const MESSAGE_BYTES: usize = 72;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const INET_DIAG_INFO: u16 = 2;

/// `struct nlmsghdr`, `struct inet_diag_req_v2`.
fn request(here: SocketAddrV4, there: SocketAddrV4) -> [u8; MESSAGE_BYTES] {
    let mut bytes = [0; MESSAGE_BYTES];
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    put(0, &(MESSAGE_BYTES as u32).to_ne_bytes());
    put(4, &SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(6, &NLM_F_REQUEST.to_ne_bytes());
    let tcp = SockProtocol::Tcp as i32 as u8;
    put(16, &[AddressFamily::Inet as i32 as u8, tcp, 1 << (INET_DIAG_INFO - 1), 0]);
    put(20, &u32::MAX.to_ne_bytes());
    put(24, &here.port().to_be_bytes());
    put(26, &there.port().to_be_bytes());
    put(28, &here.ip().octets());
    put(44, &there.ip().octets());
    // No cookie.
    put(64, &[0xff; 8]);
    bytes
}

/// `struct inet_diag_msg` and what follows it.
fn row(bytes: &[u8], there: SocketAddrV4) -> io::Result<Option<Row>> {
    let short = || io::Error::new(io::ErrorKind::InvalidData, "a short answer of sock_diag");
    let int = |at: usize| -> io::Result<u32> {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
        Ok(u32::from_ne_bytes(four.ok_or_else(short)?))
    };
    let long = |at: usize| -> io::Result<u64> {
        let eight = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok());
        Ok(u64::from_ne_bytes(eight.ok_or_else(short)?))
    };
    let kind = int(4)? as u16;
    if kind == NLMSG_ERROR {
        let number = (int(HEADER_BYTES)? as i32).wrapping_neg();
        return match nix::errno::Errno::from_raw(number) {
            nix::errno::Errno::ENOENT => Ok(None),
            errno => Err(errno.into()),
        };
    }
    let port = bytes.get(HEADER_BYTES + 6..HEADER_BYTES + 8).ok_or_else(short)?;
    if port != there.port().to_be_bytes() {
        return Ok(None);
    }
    let mut row = Row {
        state: bytes[HEADER_BYTES + 1],
        timer: bytes[HEADER_BYTES + 2],
        queued: int(HEADER_BYTES + 60)?,
        counts: None,
    };
    let mut at = HEADER_BYTES + MESSAGE_BYTES;
    while at + 4 <= bytes.len() {
        let head = int(at)?;
        let (len, kind) = ((head & 0xffff) as usize, (head >> 16) as u16);
        // What of `struct tcp_info` is asked for ends at 216.
        if kind == INET_DIAG_INFO && len >= 4 + 216 {
            let info = at + 4;
            row.counts = Some(Counts {
                sent: long(info + 200)?.wrapping_sub(long(info + 208)?),
                unsent: int(info + 144)?,
                received: long(info + 128)?,
            });
        }
        at += len.max(4).next_multiple_of(4);
    }
    // A socket that only waits for its time to pass has nothing to count.
    row.counts = row.counts.filter(|_| row.state != state::TIME_WAIT);
    Ok(Some(row))
}

#[cfg(test)]
mod tests {
    use super::{Row, state};

    #[test]
    fn an_end_of_data_must_have_come() {
        let row = |state| Row { state, ..Row::default() };
        assert!(row(state::ESTABLISHED).has_sent_all_to(&row(state::ESTABLISHED)));
        assert!(!row(state::FIN_WAIT1).has_sent_all_to(&row(state::ESTABLISHED)));
        assert!(row(state::FIN_WAIT2).has_sent_all_to(&row(state::CLOSE_WAIT)));
    }
}
