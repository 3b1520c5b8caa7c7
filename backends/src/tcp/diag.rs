//! What the kernel knows of a TCP connection, asked by sock_diag(7) for the one connection, from outside.

mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use crate::sys::Calling;
use wire::{HEADER_BYTES, Message, message, request, request_all};

const SEND: &str = "send(AF_NETLINK, NETLINK_SOCK_DIAG)";
const RECV: &str = "recv(AF_NETLINK, NETLINK_SOCK_DIAG)";

/// A socket to ask by.
#[derive(Debug)]
pub(super) struct Diag {
    socket: OwnedFd,
}

/// States of `<netinet/tcp.h>`.
mod state {
    #[cfg(test)]
    pub(super) const ESTABLISHED: u8 = 1;
    pub(super) const SYN_SENT: u8 = 2;
    pub(super) const SYN_RECV: u8 = 3;
    pub(super) const FIN_WAIT1: u8 = 4;
    pub(super) const FIN_WAIT2: u8 = 5;
    pub(super) const TIME_WAIT: u8 = 6;
    pub(super) const CLOSE_WAIT: u8 = 8;
    pub(super) const LAST_ACK: u8 = 9;
    pub(super) const LISTEN: u8 = 10;
    pub(super) const CLOSING: u8 = 11;
    pub(super) const NEW_SYN_RECV: u8 = 12;
    /// All but those that are over: a bit each.
    pub(super) const LIVING: u32 = 0x1fff & !(1 << 0 | 1 << TIME_WAIT | 1 << 7);
}

/// `idiag_timer` of a sender that has data, none of them under way: it tries again from time to time. Mostly its peer
/// has no room; but what could not be sent for a reason of its own waits for this timer too
/// (Linux net/ipv4/tcp_output.c, `tcp_check_probe_timer`).
const PROBES: u8 = 4;

/// One end of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    state: u8,
    timer: u8,
    /// Bytes sent and not acknowledged, or not sent, with the end of data; of a socket that listens how many
    /// connections may wait, besides one.
    queued: u32,
    /// Bytes not read; of a socket that listens how many connections wait.
    unread: u32,
    counts: Option<Counts>,
    /// For how many bytes the peer has room, as far as this end has been told; since Linux 5.4.
    window: Option<u32>,
    memory: Option<Memory>,
}

/// Bytes of the kernel's memory.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// Taken by what this end has to send, until it is acknowledged.
    to_send: u32,
    /// How much that may be.
    to_send_max: u32,
}

/// Bytes, of which ends of data are none but where said.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Sent, each counted once.
    sent: u64,
    /// In the queue and not sent even once, with the end of data.
    unsent: u32,
    /// Packets sent and not acknowledged.
    unacknowledged: u32,
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
            // Once all is read, the next try finds room, though nobody tells of it before. A part that fits is
            // nothing to wait for: how much of what does not fit arrives is left open.
            return self.window.is_none_or(|bytes| bytes < self.queued) && other.unread > 0;
        }
        let ends_match = self.has_finished() == other.has_seen_the_end();
        let (Some(sent), Some(received)) = (self.counts, other.counts) else {
            return ends_match && self.queued == 0;
        };
        let data = received.received - u64::from(other.has_seen_the_end()).min(received.received);
        let acknowledged = sent.unacknowledged == 0 || !self.may_be_waited_for();
        ends_match && sent.unsent == 0 && sent.sent == data && acknowledged
    }

    /// Whether somebody may wait for room to send, which comes with an acknowledgement (Linux include/net/sock.h,
    /// `sk_stream_is_writeable`). A peer that has got all may put that off for a while; it is under way until then.
    fn may_be_waited_for(&self) -> bool {
        self.memory.is_none_or(|Memory { to_send, to_send_max }| {
            to_send_max.saturating_sub(to_send) < (to_send / 2).max(1)
        })
    }
}

impl Diag {
    pub(super) fn new() -> io::Result<Diag> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let protocol = SockProtocol::NetlinkSockDiag;
        let made = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol);
        Ok(Diag { socket: made.calling("socket(AF_NETLINK, NETLINK_SOCK_DIAG)")? })
    }

    /// What the kernel knows of the socket at `here` that is connected to `there`.
    fn row(&mut self, here: SocketAddrV4, there: SocketAddrV4) -> io::Result<Option<Row>> {
        Ok(self.rows(&[[here, there]])?[0])
    }

    /// Whether the socket at `here` that is connected to `there` is one that was not closed.
    #[cfg(test)]
    pub(super) fn is_open(&mut self, here: SocketAddrV4, there: SocketAddrV4) -> io::Result<bool> {
        Ok(self.row(here, there)?.is_some_and(|row| !row.has_finished()))
    }

    /// The same of many: a row for each.
    fn rows(&mut self, pairs: &[[SocketAddrV4; 2]]) -> io::Result<Vec<Option<Row>>> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        let requests: Vec<u8> =
            pairs.iter().flat_map(|[here, there]| request(*here, *there)).collect();
        send(self.socket.as_raw_fd(), &requests, MsgFlags::empty()).calling(SEND)?;
        let mut answer = [0; 2048];
        let mut row = |[here, there]: &[SocketAddrV4; 2]| -> io::Result<Option<Row>> {
            let len =
                recv(self.socket.as_raw_fd(), &mut answer, MsgFlags::empty()).calling(RECV)?;
            // Where nobody is connected it tells who listens.
            match message(&answer[..len])? {
                Message::Row(entry) if entry.here == *here && entry.there == *there => {
                    Ok(Some(entry.row))
                }
                Message::Row(_) | Message::None | Message::End => Ok(None),
            }
        };
        pairs.iter().map(&mut row).collect()
    }

    /// All living sockets of which one end is at this address.
    fn all_at(&mut self, address: SocketAddrV4) -> io::Result<Vec<Entry>> {
        send(self.socket.as_raw_fd(), &request_all(), MsgFlags::empty()).calling(SEND)?;
        let mut found = Vec::new();
        let mut answer = vec![0; 32_768];
        loop {
            let len =
                recv(self.socket.as_raw_fd(), &mut answer, MsgFlags::empty()).calling(RECV)?;
            let mut rest = &answer[..len];
            while rest.len() >= HEADER_BYTES {
                let len = u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
                let (one, more) = rest.split_at(len.clamp(HEADER_BYTES, rest.len()));
                match message(one)? {
                    Message::End => return Ok(found),
                    Message::Row(entry) if entry.is_at(address) => found.push(entry),
                    Message::Row(_) | Message::None => {}
                }
                rest = more.get(len.next_multiple_of(4) - len..).unwrap_or_default();
            }
        }
    }
}

/// Whether nothing is under way between these two, of which each is asked for where it is.
pub(super) fn nothing_under_way(
    [at_a, at_b]: &mut [Diag; 2],
    [a, b]: [SocketAddrV4; 2],
) -> io::Result<bool> {
    Ok(are_at_rest(at_a.row(a, b)?, at_b.row(b, a)?))
}

/// Whether nothing is under way between the ends of one connection.
fn are_at_rest(a: Option<Row>, b: Option<Row>) -> bool {
    match (a, b) {
        (None, None) => true,
        // One that was reset, or has ended, is in no table. If the other knows, it isn't either; one
        // that has ended first stays for a minute.
        (Some(row), None) | (None, Some(row)) => row.state == state::TIME_WAIT,
        (Some(a), Some(b)) => {
            let (ends, last) = (a.has_seen_the_end() && b.has_seen_the_end(), state::TIME_WAIT);
            let knows = |row: &Row| row.state == last;
            a.has_sent_all_to(&b) && b.has_sent_all_to(&a) && (!ends || knows(&a) && knows(&b))
        }
    }
}

/// The sockets that were made by calls, all of one place.
#[derive(Debug)]
pub(super) struct Named {
    address: SocketAddrV4,
    /// Where else its sockets can be, if that is known.
    clients: Option<Vec<SocketAddrV4>>,
    /// Ports of those whose request for a connection was dropped for sure.
    dropped: BTreeSet<u16>,
    /// The connections to the address, if there can be no others until a socket connects.
    peers: Option<BTreeSet<SocketAddrV4>>,
}

impl Named {
    pub(super) fn new(address: SocketAddrV4, clients: Option<Vec<SocketAddrV4>>) -> Named {
        Named { address, clients, dropped: BTreeSet::new(), peers: Some(BTreeSet::new()) }
    }

    /// Whether nothing is under way among them. `connecting`: somebody may have connected, or asked to be, since it
    /// was last so.
    pub(super) fn nothing_under_way(
        &mut self,
        diag: &mut Diag,
        connecting: bool,
    ) -> io::Result<bool> {
        match &self.peers {
            Some(peers) if !connecting => {
                let both = peers.iter().flat_map(|peer| self.both_ways(*peer));
                let rows = diag.rows(&both.collect::<Vec<_>>())?;
                Ok(rows.chunks(2).all(|rows| are_at_rest(rows[0], rows[1])))
            }
            _ => {
                let entries = self.entries(diag)?;
                Ok(self.look(entries))
            }
        }
    }

    fn both_ways(&self, peer: SocketAddrV4) -> [[SocketAddrV4; 2]; 2] {
        [[self.address, peer], [peer, self.address]]
    }

    /// All living sockets.
    ///
    /// To list them the kernel goes through a table of hundreds of thousands of rows, as a rule, which takes
    /// milliseconds; by their addresses it finds them at once.
    fn entries(&self, diag: &mut Diag) -> io::Result<Vec<Entry>> {
        let Some(clients) = &self.clients else { return diag.all_at(self.address) };
        let listener = [self.address, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)];
        let mut pairs = vec![listener, [self.address; 2]];
        pairs.extend(clients.iter().flat_map(|client| self.both_ways(*client)));
        let rows = diag.rows(&pairs)?;
        let entry = |([here, there], row): ([SocketAddrV4; 2], Option<Row>)| {
            row.filter(|row| row.state != state::TIME_WAIT).map(|row| Entry { here, there, row })
        };
        Ok(pairs.into_iter().zip(rows).filter_map(entry).collect())
    }

    /// The same, of all living sockets of the place.
    ///
    /// A request that is not answered was dropped, or is on its way. It was dropped if it was once seen
    /// where no more connections may wait; if not, it is waited for until the system asks again.
    fn look(&mut self, entries: Vec<Entry>) -> bool {
        let mut pairs: BTreeMap<SocketAddrV4, [Option<Row>; 2]> = BTreeMap::new();
        let listener = entries.iter().find(|entry| entry.row.state == state::LISTEN);
        let full = listener.is_some_and(|entry| entry.row.unread > entry.row.queued);
        let (mut at_rest, mut requests) = (true, false);
        for Entry { here, there, row } in entries {
            requests |=
                matches!(row.state, state::SYN_RECV | state::NEW_SYN_RECV | state::SYN_SENT);
            match row.state {
                state::LISTEN => {}
                state::SYN_RECV | state::NEW_SYN_RECV => at_rest = false,
                state::SYN_SENT if full => _ = self.dropped.insert(here.port()),
                state::SYN_SENT => at_rest &= self.dropped.contains(&here.port()),
                // Connected to itself.
                _ if here == there => _ = pairs.insert(here, [Some(row); 2]),
                _ if here == self.address => pairs.entry(there).or_default()[0] = Some(row),
                _ => pairs.entry(here).or_default()[1] = Some(row),
            }
        }
        self.peers = (!requests).then(|| pairs.keys().copied().collect());
        at_rest && pairs.into_values().all(|[server, client]| are_at_rest(server, client))
    }
}

/// A socket, with the addresses of its two ends.
#[derive(Clone, Copy, Debug)]
struct Entry {
    here: SocketAddrV4,
    there: SocketAddrV4,
    row: Row,
}

impl Entry {
    fn is_at(&self, address: SocketAddrV4) -> bool {
        self.here == address || self.there == address
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Write;
    use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};

    use super::{Counts, Diag, Memory, Named, PROBES, Row, state};

    #[test]
    fn an_end_of_data_must_have_come() {
        let row = |state| Row { state, ..Row::default() };
        assert!(row(state::ESTABLISHED).has_sent_all_to(&row(state::ESTABLISHED)));
        assert!(!row(state::FIN_WAIT1).has_sent_all_to(&row(state::ESTABLISHED)));
        assert!(row(state::FIN_WAIT2).has_sent_all_to(&row(state::CLOSE_WAIT)));
    }

    #[test]
    fn who_tries_again_has_sent_all_only_if_the_peer_has_no_room() {
        let tries = |window| Row { timer: PROBES, queued: 9, window, ..Row::default() };
        let reader = |unread| Row { unread, ..Row::default() };
        assert!(tries(Some(0)).has_sent_all_to(&reader(9)));
        assert!(tries(None).has_sent_all_to(&reader(9)));
        assert!(tries(Some(8)).has_sent_all_to(&reader(9)));
        assert!(!tries(Some(9)).has_sent_all_to(&reader(9)), "there is room");
        assert!(!tries(Some(0)).has_sent_all_to(&reader(0)), "there is room, untold");
    }

    #[test]
    fn what_has_come_is_acknowledged_where_somebody_may_wait_for_room() {
        let sender = |unacknowledged, memory| {
            let counts = Some(Counts { sent: 9, unacknowledged, ..Counts::default() });
            Row { counts, memory, ..Row::default() }
        };
        let counts = Some(Counts { received: 9, ..Counts::default() });
        let receiver = Row { counts, ..Row::default() };
        let taken = |to_send| Some(Memory { to_send, to_send_max: 60 });
        assert!(sender(0, taken(60)).has_sent_all_to(&receiver));
        assert!(sender(1, taken(40)).has_sent_all_to(&receiver), "nobody waits");
        assert!(!sender(1, taken(41)).has_sent_all_to(&receiver), "poll may wait");
        assert!(!sender(1, taken(61)).has_sent_all_to(&receiver));
        assert!(!sender(1, None).has_sent_all_to(&receiver), "untold");
    }

    #[test]
    fn those_who_are_known_are_found_by_their_addresses() {
        let v4 = |address: SocketAddr| -> SocketAddrV4 { address.to_string().parse().unwrap() };
        let listener = TcpListener::bind("127.3.2.1:0").unwrap();
        let address = v4(listener.local_addr().unwrap());
        let client = TcpStream::connect(address).unwrap();
        let here = v4(client.local_addr().unwrap());
        let mut diag = Diag::new().unwrap();
        let others = (1..9).map(|port| SocketAddrV4::new(*here.ip(), port));
        let listed = [None, Some(others.chain([here]).collect())].map(|clients| {
            let mut named = Named::new(address, clients);
            while !named.nothing_under_way(&mut diag, true).unwrap() {}
            assert_eq!(named.peers, Some(BTreeSet::from([here])));
            assert!(named.nothing_under_way(&mut diag, false).unwrap());
            let entries = named.entries(&mut diag).unwrap();
            let states = entries.iter().map(|entry| (entry.here, entry.there, entry.row.state));
            states.collect::<BTreeSet<_>>()
        });
        let nobody = "0.0.0.0:0".parse().unwrap();
        let all = BTreeSet::from([
            (address, nobody, state::LISTEN),
            (address, here, state::ESTABLISHED),
            (here, address, state::ESTABLISHED),
        ]);
        assert_eq!(listed, [all.clone(), all]);
        drop((client, listener));
    }

    /// Told by Linux since 5.4.
    #[test]
    fn the_window_closes_as_the_peer_does_not_read() {
        let listener = TcpListener::bind("127.3.2.2:0").unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            unreachable!("bound to an IPv4 address")
        };
        let mut client = TcpStream::connect(address).unwrap();
        let here: SocketAddrV4 = client.local_addr().unwrap().to_string().parse().unwrap();
        let (_server, _) = listener.accept().unwrap();
        let mut diag = Diag::new().unwrap();
        let mut named = Named::new(address, Some(vec![here]));
        let mut sender = || {
            while !named.nothing_under_way(&mut diag, true).unwrap() {}
            let entries = named.entries(&mut diag).unwrap();
            entries.iter().find(|entry| entry.here == here).expect("a connection").row
        };
        let open = sender();
        assert!(open.window.expect("a window") > 1 && !open.may_be_waited_for(), "{open:?}");
        client.set_nonblocking(true).unwrap();
        while client.write(&[b'x'; 65_536]).is_ok() {}
        let full = sender();
        assert!(full.window.expect("a window") < full.queued, "{full:?}, before {open:?}");
        assert!(full.memory.is_some() && full.may_be_waited_for(), "{full:?}");
    }
}
