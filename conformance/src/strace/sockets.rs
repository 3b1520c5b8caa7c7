//! Sockets of a log that are connected by an address: all that lead to one address are one channel.
//!
//! A connection is followed where both of its sides are in the log: whoever binds the address, and whoever connects to it.
//! Sockets of datagrams are not.

use pipewright_model::call::{self, Answer, Op, SocketOption};
use pipewright_model::kind::{Hold, Kind, TCP, UNIX_SEQPACKET, UNIX_STREAM, UNIX_STREAM_ABSTRACT};
use pipewright_model::run::{Run, Setup};

use super::addresses::{Family, Fresh};
use super::calls::{Call, Outcome};
use super::channels::{Channels, Now, too_many_ends};
use super::found::Found;
use super::tables::{Channel, Entry, UNMADE};
use super::transfers::failed;

/// Options of sockets that change nothing that a run tells of.
const HARMLESS: [&str; 16] = [
    "SO_REUSEADDR",
    "SO_REUSEPORT",
    "SO_KEEPALIVE",
    "SO_BROADCAST",
    "SO_PASSCRED",
    "SO_PEERCRED",
    "TCP_NODELAY",
    "TCP_CORK",
    "TCP_QUICKACK",
    "TCP_KEEPIDLE",
    "TCP_KEEPINTVL",
    "TCP_KEEPCNT",
    "TCP_USER_TIMEOUT",
    "IPV6_V6ONLY",
    "IP_TOS",
    "IPV6_TCLASS",
];

impl Channels {
    /// `socket(2)` has made one.
    pub(super) fn makes_socket(&mut self, now: Now<'_>) {
        let call = now.call;
        self.tables.of(call.process);
        let (Some(number), Some(table)) = (call.value(), self.tables.table_of(call.process)) else {
            return;
        };
        let family = match call.arguments.first().map(String::as_str) {
            Some("AF_UNIX" | "AF_LOCAL") => Family::Unix,
            Some("AF_INET" | "AF_INET6") => Family::Inet,
            _ => return,
        };
        let is_stream = call.has_flag(1, "SOCK_STREAM");
        let is_unix = family == Family::Unix;
        let has_messages = is_unix && call.has_flag(1, "SOCK_SEQPACKET");
        if !(is_stream || has_messages) {
            return;
        }
        let fresh = Fresh {
            family,
            is_stream,
            nonblock: call.has_flag(1, "SOCK_NONBLOCK"),
            close_on_exec: call.has_flag(1, "SOCK_CLOEXEC"),
            is_changed: false,
        };
        self.sockets.fresh.insert((table, number), fresh);
    }

    fn fresh(&mut self, now: Now<'_>) -> Option<&mut Fresh> {
        let table = self.tables.table_of(now.call.process)?;
        self.sockets.fresh.get_mut(&(table, now.call.number(0)?))
    }

    /// A number is let go of, or becomes something else.
    pub(super) fn forgets(&mut self, process: u32, number: i64) {
        if let Some(table) = self.tables.table_of(process) {
            self.sockets.fresh.remove(&(table, number));
            self.polls.of.remove(&(table, number));
        }
    }

    /// What is done to a socket before it leads anywhere.
    pub(super) fn prepares(&mut self, now: Now<'_>) {
        let call = now.call;
        let Some(fresh) = self.fresh(now).filter(|_| call.value() == Some(0)) else { return };
        match (call.name.as_str(), call.arguments.get(1).map(String::as_str).unwrap_or_default()) {
            ("setsockopt", _) => fresh.is_changed |= !is_harmless(call),
            (_, "F_SETFL") => fresh.nonblock = call.has_flag(2, "O_NONBLOCK"),
            (_, "FIONBIO") => fresh.nonblock = is_one(call),
            (_, "F_SETFD") => fresh.close_on_exec = call.has_flag(2, "FD_CLOEXEC"),
            (_, "FIOCLEX") => fresh.close_on_exec = true,
            _ => {}
        }
    }

    pub(super) fn sets_option(&mut self, now: Now<'_>) {
        if !is_harmless(now.call) {
            self.gives_up_on(now, 0, "sets an option that is not followed");
        }
    }

    /// `SO_ERROR` takes the error that is pending.
    pub(super) fn gets_option(&mut self, now: Now<'_>) {
        let Some(here) = self.descriptor(now, 0) else { return };
        let call = now.call;
        if call.value() != Some(0) || !call.has_flag(2, "SO_ERROR") {
            return;
        }
        let told = call.arguments.get(3).map(|told| told.trim_matches(['[', ']']));
        if told != Some("0") {
            return self.gives_up_on(now, 0, "tells an error");
        }
        let op = Op::GetOption { option: SocketOption::Error };
        self.on(now, here, op, Some(Answer::Count(0)));
    }

    /// `bind(2)` has given a socket its address.
    pub(super) fn binds(&mut self, now: Now<'_>) {
        if let Some((_, entry)) = self.descriptor(now, 0) {
            return self.give_up(entry.channel, now.line, "it is bound to one more address".into());
        }
        let Some(fresh) = self.fresh(now).copied() else { return };
        let Some((address, is_abstract)) = self.address(now) else { return };
        let kind: &'static Kind = match (fresh.family, fresh.is_stream, is_abstract) {
            (Family::Inet, ..) => &TCP,
            (Family::Unix, true, false) => &UNIX_STREAM,
            (Family::Unix, true, true) => &UNIX_STREAM_ABSTRACT,
            (Family::Unix, false, false) => &UNIX_SEQPACKET,
            (Family::Unix, false, true) => return,
        };
        let name = format!("{} at {address}, bound at line {}", kind.name, now.line);
        let channel = self.found.len();
        let before = self.sockets.addresses.insert(address, channel);
        if let Some(before) = before.filter(|before| self.tables.any_leads_to(*before)) {
            self.give_up(before, now.line, "another socket has its address, too".to_owned());
        }
        let run = Run::new(Setup::new(kind), Vec::new(), Vec::new());
        self.found.push(Found::named(name, run));
        self.leads_to(now, channel, fresh);
        if let Some(here) = self.descriptor(now, 0) {
            self.at_once(now, here, Op::Bind);
        }
    }

    /// A socket of which the log has told until now is one of a channel from here.
    fn leads_to(&mut self, now: Now<'_>, channel: Channel, fresh: Fresh) {
        let Some(number) = now.call.number(0) else { return };
        self.forgets(now.call.process, number);
        let close_on_exec = fresh.close_on_exec;
        let entry = Entry { channel, hold: Hold::SOCKET, close_on_exec };
        let Some(actor) = self.actor(channel, now.call.process, now.line) else { return };
        let Some(end) = self.end(channel, number, Hold::SOCKET) else {
            return self.give_up(channel, now.line, too_many_ends());
        };
        let op = Op::Socket { nonblock: fresh.nonblock };
        self.is_over(channel, call::Call { actor, end, op }, now.line);
        self.tables.of(now.call.process).insert(number, entry);
        if close_on_exec {
            self.at_once(now, (number, entry), Op::SetCloseOnExec(true));
        }
        if fresh.is_changed {
            self.give_up(channel, now.line, "a socket has options that are not followed".into());
        }
    }

    /// A socket that was bound to any port tells which it has.
    pub(super) fn tells_its_address(&mut self, now: Now<'_>) {
        let here = self.descriptor(now, 0).filter(|_| now.call.value() == Some(0));
        let Some((_, entry)) = here else { return };
        if let Some((address, _)) = self.address(now) {
            self.sockets.addresses.entry(address).or_insert(entry.channel);
        }
    }

    pub(super) fn listens(&mut self, now: Now<'_>) {
        let Some(here) = self.descriptor(now, 0) else { return };
        let backlog = now.call.number(1).unwrap_or(0).clamp(0, u16::MAX.into());
        let op = Op::Listen { backlog: u16::try_from(backlog).unwrap_or(u16::MAX) };
        self.on(now, here, op, answer(now.call));
    }

    pub(super) fn connects(&mut self, now: Now<'_>) {
        let address = self.address(now).map(|(address, _)| address);
        let to = address.and_then(|address| self.at(&address));
        let here = self.descriptor(now, 0);
        match (here, to) {
            (Some((_, entry)), to) if to.is_some_and(|to| to != entry.channel) => {
                let why = "a socket of it connects to another address";
                return self.give_up(entry.channel, now.line, why.to_owned());
            }
            (None, Some(to)) => {
                let Some(fresh) = self.fresh(now).copied() else { return };
                self.leads_to(now, to, fresh);
            }
            _ => {}
        }
        let Some(here @ (_, entry)) = self.descriptor(now, 0) else { return };
        let fails = matches!(&now.call.outcome, Outcome::Error(name) if name != "EINPROGRESS");
        if !fails {
            self.found[entry.channel].connections.0 += 1;
        }
        let answer = answer(now.call);
        if answer.is_none() && now.call.outcome != Outcome::None {
            return self.gives_up_on(now, 0, "fails with what no run tells of");
        }
        self.on(now, here, Op::Connect, answer);
    }

    pub(super) fn accepts(&mut self, now: Now<'_>) {
        let Some(here @ (_, entry)) = self.descriptor(now, 0) else { return };
        let call = now.call;
        let process = call.process;
        let number = call.value().unwrap_or_else(|| {
            let is_thread = self.tables.leader(process) != process;
            UNMADE + if is_thread { i64::from(process) } else { 0 }
        });
        let Some(new) = self.end(entry.channel, number, Hold::SOCKET) else {
            return self.give_up(entry.channel, now.line, too_many_ends());
        };
        let op = Op::Accept { new, nonblock: call.has_flag(3, "SOCK_NONBLOCK") };
        let answer = answer(call);
        if answer.is_none() && call.outcome != Outcome::None {
            return self.gives_up_on(now, 0, "fails with what no run tells of");
        }
        self.on(now, here, op, answer);
    }

    /// As many connections are accepted as were begun, where all is in the log.
    pub(super) fn counts_accepted(&mut self, now: Now<'_>) {
        let Some((_, entry)) = self.descriptor(now, 0) else { return };
        let connections = &mut self.found[entry.channel].connections;
        connections.1 += 1;
        if connections.1 > connections.0 {
            self.gives_up_on(now, 0, "takes a connection whose other side is not in the log");
        }
    }

    pub(super) fn has_accepted(&mut self, now: Now<'_>) {
        let here = self.descriptor(now, 0);
        let (Some((_, entry)), Some(number)) = (here, now.call.value()) else { return };
        let close_on_exec = now.call.has_flag(3, "SOCK_CLOEXEC");
        let entry = Entry { close_on_exec, ..entry };
        self.forgets(now.call.process, number);
        self.tables.of(now.call.process).insert(number, entry);
        if close_on_exec {
            self.at_once(now, (number, entry), Op::SetCloseOnExec(true));
        }
    }

    /// The path of a Unix socket is gone.
    pub(super) fn loses_its_address(&mut self, path: &str) {
        self.sockets.addresses.remove(path);
    }

    /// The channel at an address: of this machine a socket may be bound to all of its addresses.
    fn at(&self, address: &str) -> Option<Channel> {
        let exact = || self.sockets.addresses.get(address).copied();
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let is_here = host.starts_with("127.")
            || matches!(host, "::1" | "::ffff:127.0.0.1" | "0.0.0.0" | "::");
        let of_all = || {
            let all = ["0.0.0.0", "::"].into_iter().filter(|_| is_here && !port.is_empty());
            let mut all = all.map(|host| format!("{host}:{port}"));
            all.find_map(|address| self.sockets.addresses.get(&address).copied())
        };
        exact().or_else(of_all)
    }

    /// The address that a call gives or tells, and whether it is an abstract name.
    fn address(&self, now: Now<'_>) -> Option<(String, bool)> {
        let told = now.call.arguments.get(1)?;
        let port = |word: &str| {
            let (_, rest) = told.split_once(word)?;
            Some(rest.split(')').next()?.to_owned())
        };
        if told.contains("sa_family=AF_INET6") {
            let (_, rest) = told.split_once("inet_pton(AF_INET6, \"")?;
            let host = rest.split('"').next()?;
            return Some((format!("{host}:{}", port("sin6_port=htons(")?), false));
        }
        if told.contains("sa_family=AF_INET") {
            let (_, rest) = told.split_once("inet_addr(\"")?;
            let host = rest.split('"').next()?;
            return Some((format!("{host}:{}", port("sin_port=htons(")?), false));
        }
        let (_, path) = told.split_once("sun_path=")?;
        let is_abstract = path.starts_with('@');
        let (_, path) = path.split_once('"')?;
        let path = path.rsplit_once('"').map_or(path, |(path, _)| path);
        match is_abstract {
            true => Some((format!("@{path}"), true)),
            false => Some((self.whole_path(now.call.process, path)?, false)),
        }
    }
}

fn answer(call: &Call) -> Option<Answer> {
    match &call.outcome {
        Outcome::Value(_) => Some(Answer::Done),
        Outcome::Error(name) => failed(name),
        Outcome::None => None,
    }
}

fn is_harmless(call: &Call) -> bool {
    call.arguments.get(2).is_some_and(|option| HARMLESS.contains(&option.as_str()))
}

fn is_one(call: &Call) -> bool {
    call.arguments.get(2).is_some_and(|told| told.trim_matches(['[', ']']) == "1")
}
