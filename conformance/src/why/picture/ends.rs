//! What a wait on a descriptor, a lock or a name may end by.

use pipewright_model::waits::{Freedom, Index, Need, Way as Ends};

use super::{
    Address, Channel, End, FileId, Holder, Key, Maker, Object, On, Process, Socket, Wants, Watched,
    Way, Ways, add_holder,
};
use crate::why::snapshot::{Descriptor, HeldLock, LockSort, SocketSort};

/// The rule, the ways and the wait of a descriptor.
type Found = (Option<&'static str>, Ways, End);

impl<'s> Maker<'s> {
    /// What a transfer by this descriptor waits for.
    pub(super) fn end(&mut self, process: &'s Process, fd: i32, way: Way) -> Found {
        match descriptor(process, fd) {
            Some(descriptor) => self.of_object(fd, &descriptor.object, way),
            None => self.not_followed(fd, "a descriptor that could not be read", Freedom::Awake),
        }
    }

    /// The same of a descriptor that is watched for events: also for errors and hang-ups, which come from the other side.
    pub(super) fn watched(&mut self, process: &'s Process, watched: &Watched) -> (Ways, End) {
        let found = descriptor(process, watched.fd);
        // An epoll may watch what was meanwhile closed under this number, and is open under another.
        let found = found.filter(|found| {
            watched.inode.is_none()
                || inode(&found.object).is_none_or(|own| Some(own) == watched.inode)
        });
        let Some(found) = found else {
            let text = "a descriptor that could not be read";
            let (_, ways, end) = self.not_followed(watched.fd, text, Freedom::Awake);
            return (ways, end);
        };
        let way = if watched.output && !watched.input { Way::Out } else { Way::In };
        let can = |way| match way {
            Way::In => found.reads,
            Way::Out => found.writes,
        };
        let way = if can(way) { way } else { way.turned() };
        let (_, mut ways, end) = self.of_object(watched.fd, &found.object, way);
        if watched.input == watched.output && can(way.turned()) {
            ways.extend(self.of_object(watched.fd, &found.object, way.turned()).1);
        }
        (ways, end)
    }

    fn of_object(&mut self, fd: i32, object: &Object, way: Way) -> Found {
        let stream = match way {
            Way::In => "stream.read.waits",
            Way::Out => "stream.write.waits",
        };
        match object {
            Object::Pipe(inode) => {
                let key = Key::Pipe(*inode);
                let holders = self.holders(key, way.turned());
                let end = end(fd, format!("pipe {inode}"), wants(way, Channel::Stream), holders);
                self.held(stream, key, way, end)
            }
            Object::Fifo(id, path, gone) => {
                let holders = self.holders(Key::File(*id), way.turned());
                let mut end = end(fd, format!("FIFO {path}"), wants(way, Channel::Stream), holders);
                self.by_name(&mut end, path, *gone);
                self.held(stream, Key::File(*id), way, end)
            }
            Object::Queue(id, path, gone) => {
                let rule = match way {
                    Way::In => "queue.read.waits",
                    Way::Out => "queue.write.waits",
                };
                let holders = self.holders(Key::File(*id), way.turned());
                let what = format!("message queue {path}");
                let mut end = end(fd, what, wants(way, Channel::Queue), holders);
                self.by_name(&mut end, path, *gone);
                // Nobody need have it open: a queue has no end.
                let found = self.held(rule, Key::File(*id), way, end);
                if found.2.holders.is_empty() { (Some(rule), found.1, found.2) } else { found }
            }
            Object::Socket(inode) => self.socket(fd, *inode, way),
            Object::Terminal(path) => {
                let who = format!("nothing is typed at the terminal {path}");
                self.not_followed(fd, &who, Freedom::Outsider)
            }
            Object::Timer(true) => self.not_followed(fd, "a timer that is set", Freedom::TimeOut),
            Object::Timer(false) => self.not_followed(fd, "a timer", Freedom::Awake),
            Object::Epoll => self.not_followed(fd, "an epoll in an epoll", Freedom::Awake),
            Object::Process(id) => self.end_of_process(fd, *id),
            Object::File(_, what) | Object::Other(what) => {
                self.not_followed(fd, &format!("{what}, which is not followed"), Freedom::Awake)
            }
        }
    }

    /// A way by parties that hold the other side, and by all that were not seen.
    fn held(&mut self, rule: &'static str, key: Key, way: Way, mut end: End) -> Found {
        let mut by = self.threads_of(end.holders.iter().map(|holder| holder.process));
        if end.holders.is_empty()
            && end.wants != Wants::Room(Channel::Queue)
            && end.wants != Wants::Data(Channel::Queue)
        {
            // Otherwise the call would have returned.
            let who = format!("a holder of {} that was not seen", end.what);
            by.push(self.note(&mut end, Freedom::Awake, who));
        }
        by.extend(self.beside_holders(key, way, &mut end));
        let same_side = self.holders(key, way);
        end.is_error =
            way == Way::Out && same_side.iter().any(|holder| holder.numbers.contains(&2));
        for (freedom, who) in named(&end) {
            by.push(self.other(freedom, who));
        }
        (Some(rule), vec![Ends::of("acts", by)], end)
    }

    /// What may hold the other side, and was not seen.
    fn beside_holders(&mut self, key: Key, way: Way, end: &mut End) -> Vec<Index> {
        let mut by: Vec<Index> = Vec::new();
        for clause in self.unseen(Some(key)) {
            by.push(self.other(Freedom::Unreadable, clause));
        }
        let processes = &self.snapshot.processes;
        let from_outside = |holder: &Holder| {
            processes.get(&holder.process).is_some_and(|process| process.parent == 0)
        };
        let sides = [way, way.turned()].map(|side| self.holders(key, side));
        if self.snapshot.nested && sides.iter().flatten().any(from_outside) {
            let who = format!("somebody outside this container, from where {} comes", end.what);
            by.push(self.note(end, Freedom::Unreadable, who));
        }
        by
    }

    fn note(&mut self, end: &mut End, freedom: Freedom, who: String) -> Index {
        end.others.push(who.clone());
        self.other(freedom, who)
    }

    /// A name in a file system is open to all.
    fn by_name(&mut self, end: &mut End, path: &str, gone: bool) {
        if !gone {
            end.others.push(format!("{ANYBODY} {path}"));
        }
    }

    fn not_followed(&mut self, fd: i32, what: &str, freedom: Freedom) -> Found {
        let end = End {
            fd,
            what: what.to_owned(),
            wants: Wants::Other,
            holders: Vec::new(),
            is_error: false,
            others: Vec::new(),
        };
        let by = self.other(freedom, what);
        (None, vec![Ends::of("acts", [by])], end)
    }

    fn end_of_process(&mut self, fd: i32, id: i32) -> Found {
        let mut by = self.threads_of([id]);
        if by.is_empty() {
            by.push(self.other(Freedom::Awake, format!("process {id}, which has ended")));
        }
        let holders = vec![Holder { process: id, numbers: Vec::new() }];
        let end = end(fd, format!("process {id}"), Wants::Other, holders);
        (None, vec![Ends::of("ends", by)], end)
    }

    fn socket(&mut self, fd: i32, inode: u64, way: Way) -> Found {
        let snapshot = self.snapshot;
        let Some(socket) = snapshot.sockets.get(&inode) else {
            let what = format!("socket {inode}, which is of a sort that is not followed");
            return self.not_followed(fd, &what, Freedom::Outsider);
        };
        if socket.listens {
            let address = socket.address.as_ref().map(Address::to_string).unwrap_or_default();
            let mut end =
                end(fd, format!("{address}, where it listens"), Wants::Connection, Vec::new());
            let who = format!("anybody who connects to {address}");
            let by = self.note(&mut end, Freedom::Outsider, who);
            return (Some("socket.accept.waits"), vec![Ends::of("connects", [by])], end);
        }
        let rule = match (socket.sort, way) {
            (SocketSort::UnixStream, Way::In) => "unix.any.waits-for-data",
            (SocketSort::UnixStream, Way::Out) => "unix.any.waits-for-room",
            (SocketSort::Tcp, Way::In) => "tcp.any.read-waits",
            (SocketSort::Tcp, Way::Out) => "tcp.any.write-waits",
            (_, Way::In) => "message.any.waits-for-message",
            (_, Way::Out) => "message.any.waits-for-receiver",
        };
        let mut holders = Vec::new();
        for peer in self.peers(inode, socket, way) {
            for holder in self.holders(Key::Socket(peer), Way::Out) {
                for number in holder.numbers {
                    add_holder(&mut holders, holder.process, number);
                }
            }
        }
        let what = match (socket.sort, &socket.address) {
            (SocketSort::Tcp, Some(there)) => format!("TCP socket {inode}, connected to {there},"),
            _ => format!("Unix socket {inode}"),
        };
        let mut end = end(fd, what, wants(way, Channel::Socket), holders);
        let mut by = self.beside_peers(inode, socket, way, &mut end);
        let (_, ways, end) = self.held(rule, Key::Socket(inode), way, end);
        by.extend(ways.into_iter().flat_map(|way| way.needs).flat_map(|need| need.by));
        (Some(rule), vec![Ends::of("acts", by)], end)
    }

    /// The sockets by which data come, or to which they go.
    fn peers(&self, inode: u64, socket: &Socket, way: Way) -> Vec<u64> {
        let mut peers = Vec::from_iter(socket.peer);
        if socket.sort == SocketSort::UnixDatagram && way == Way::In {
            let others = self.snapshot.sockets.iter();
            let connected = others.filter(|(_, other)| other.peer == Some(inode));
            peers.extend(
                connected.map(|(other, _)| *other).filter(|other| Some(*other) != socket.peer),
            );
        }
        peers
    }

    /// Others than the holders of the peer who may end a wait on a socket.
    fn beside_peers(&mut self, inode: u64, socket: &Socket, way: Way, end: &mut End) -> Vec<Index> {
        let mut by = Vec::new();
        let peer = socket.peer.and_then(|peer| self.snapshot.sockets.get(&peer));
        match socket.time_out {
            Some(false) => {}
            Some(true) => {
                by.push(self.note(end, Freedom::TimeOut, format!("a time-out of socket {inode}")));
            }
            None => {
                let who = format!("a time-out of socket {inode}, which can't be seen");
                by.push(self.other(Freedom::Unreadable, who));
            }
        }
        match socket.sort {
            SocketSort::Tcp => {
                let in_flight = match (way, peer) {
                    (Way::In, Some(peer)) => peer.sending > 0,
                    (Way::Out, Some(peer)) => peer.unread == 0,
                    (_, None) => false,
                };
                if in_flight {
                    by.push(self.note(end, Freedom::Outsider, "data in flight".to_owned()));
                }
                if let (None, Some(there)) = (socket.peer, &socket.address) {
                    let who = format!("{there}, which is no process of this machine that was seen");
                    by.push(self.note(end, Freedom::Outsider, who));
                }
            }
            SocketSort::UnixDatagram if way == Way::In => {
                if let Some(address) = &socket.address {
                    let who = format!("anybody who sends to {address}");
                    by.push(self.note(end, Freedom::Outsider, who));
                }
            }
            _ => {}
        }
        by
    }

    pub(super) fn connect(
        &mut self,
        process: &'s Process,
        fd: i32,
        address: Option<&Address>,
    ) -> (Option<&'static str>, Ways, On) {
        let sockets = &self.snapshot.sockets;
        let own = descriptor(process, fd).and_then(|found| match found.object {
            Object::Socket(inode) => sockets.get(&inode),
            _ => None,
        });
        let Some(address) = address else {
            let (_, ways, end) =
                self.not_followed(fd, "an address that could not be read", Freedom::Outsider);
            return (Some("connection.connect.waits"), ways, On::End(end));
        };
        let is_there = |socket: &Socket| {
            socket.listens && socket.address.as_ref().is_some_and(|own| is_at(own, address))
        };
        let listeners: Vec<u64> = sockets
            .iter()
            .filter(|(_, socket)| is_there(socket))
            .map(|(inode, _)| *inode)
            .collect();
        let holders = listeners.iter().flat_map(|inode| self.holders(Key::Socket(*inode), Way::In));
        let holders: Vec<Holder> = holders.collect();
        let time_out = own.and_then(|own| own.time_out);
        let mut end = end(fd, address.to_string(), Wants::Acceptance, holders);
        let key = Key::Socket(listeners.first().copied().unwrap_or_default());
        if matches!(address, Address::Internet(_)) {
            let text = "the time-out after which TCP gives up".to_owned();
            let by = self.note(&mut end, Freedom::Outsider, text);
            let (rule, mut ways, end) = self.held("connection.connect.waits", key, Way::Out, end);
            ways.push(Ends::of("gives up", [by]));
            return (rule, ways, On::End(end));
        }
        let mut ways = Ways::new();
        if time_out != Some(false) {
            let by = self.other(Freedom::Unreadable, "a time-out of the socket (SO_SNDTIMEO)");
            ways.push(Ends::of("gives up", [by]));
        }
        let (rule, more, end) = self.held("unix.connect.waits", key, Way::Out, end);
        ways.extend(more);
        (rule, ways, On::End(end))
    }

    pub(super) fn open(
        &mut self,
        path: &str,
        file: Option<FileId>,
        way: Way,
    ) -> (Option<&'static str>, Ways, On) {
        let on = On::Open { path: path.to_owned(), way, file };
        // A device or a file of a server: the kernel waits for something else.
        let Some(_) = file else {
            let on = On::Nothing(format!("sleeps in open of {path}, which is not followed"));
            return (None, Ways::new(), on);
        };
        let by = self.other(Freedom::Outsider, format!("{ANYBODY} {path}"));
        (Some("fifo.open.waits"), vec![Ends::of("opens it", [by])], on)
    }

    /// A lock: whole-file where `of_description` is not given, else of a range.
    pub(super) fn lock(
        &mut self,
        process: &'s Process,
        fd: i32,
        of_description: Option<bool>,
        exclusive: bool,
    ) -> (Option<&'static str>, Ways, On) {
        let rule = match of_description {
            None => "lock.flock.waits",
            Some(false) => "lock.process-lock.waits",
            Some(true) => "lock.lock.waits",
        };
        let file = descriptor(process, fd).and_then(|found| file_of(&found.object));
        let Some((id, path)) = file else {
            let by = self.other(Freedom::Awake, "a descriptor that could not be read");
            let on = On::Lock { fd, path: "?".to_owned(), holders: Vec::new(), own: false };
            return (Some(rule), vec![Ends::of("unlocks it", [by])], on);
        };
        let excludes = |held: &HeldLock, by: &Process| {
            let same_sort = (held.sort == LockSort::Flock) == of_description.is_none();
            // A process's own locks of ranges never exclude its calls.
            let own = by.id == process.id && held.sort == LockSort::OfProcess;
            same_sort && (exclusive || held.exclusive) && !(own && of_description == Some(false))
        };
        let (mut needs, mut holders) = (Vec::new(), Vec::new());
        for other in self.snapshot.processes.values() {
            for held in other.descriptors.iter().flatten() {
                let is_file = file_of(&held.object).is_some_and(|(own, _)| own == id);
                let same = other.id == process.id && held.number == fd;
                if is_file && !same && held.locks.iter().any(|lock| excludes(lock, other)) {
                    add_holder(&mut holders, other.id, held.number);
                }
            }
        }
        let own = holders.iter().any(|holder| holder.process == process.id);
        // Descriptors of several processes may be one lock: then any of them ends it.
        let mut by = self.threads_of(holders.iter().map(|holder| holder.process));
        for clause in self.unseen(None) {
            by.push(self.other(Freedom::Unreadable, clause));
        }
        if holders.is_empty() {
            by.push(self.other(Freedom::Awake, format!("a lock of {path} that was not seen")));
        }
        needs.push(Need { by });
        let ways = vec![Ends { event: "unlocks it", needs }];
        (Some(rule), ways, On::Lock { fd, path: path.to_owned(), holders, own })
    }
}

const ANYBODY: &str = "anybody who opens";

/// Those who are named in `others` because anybody may come by a name.
fn named(end: &End) -> impl Iterator<Item = (Freedom, String)> {
    let others = end.others.iter().filter(|who| who.starts_with(ANYBODY)).cloned();
    others.map(|who| (Freedom::Outsider, who)).collect::<Vec<_>>().into_iter()
}

fn end(fd: i32, what: String, wants: Wants, holders: Vec<Holder>) -> End {
    End { fd, what, wants, holders, is_error: false, others: Vec::new() }
}

fn wants(way: Way, channel: Channel) -> Wants {
    match way {
        Way::In => Wants::Data(channel),
        Way::Out => Wants::Room(channel),
    }
}

fn descriptor(process: &Process, fd: i32) -> Option<&Descriptor> {
    process.descriptors.as_ref()?.iter().find(|descriptor| descriptor.number == fd)
}

fn inode(object: &Object) -> Option<u64> {
    match object {
        Object::Pipe(inode) | Object::Socket(inode) => Some(*inode),
        Object::Fifo(id, ..) | Object::Queue(id, ..) | Object::File(id, _) => Some(id.inode),
        _ => None,
    }
}

fn file_of(object: &Object) -> Option<(FileId, &str)> {
    match object {
        Object::File(id, path) | Object::Fifo(id, path, _) => Some((*id, path)),
        _ => None,
    }
}

/// Whether a socket with the first address is reached by the second.
fn is_at(own: &Address, asked: &Address) -> bool {
    match (own, asked) {
        (Address::Path(_, Some(own)), Address::Path(_, Some(asked))) => {
            // The kernel tells 32 bits of the number.
            own.device == asked.device && own.inode as u32 == asked.inode as u32
        }
        (Address::Internet(own), Address::Internet(asked)) => {
            own.port() == asked.port() && (own.ip() == asked.ip() || own.ip().is_unspecified())
        }
        _ => own == asked,
    }
}
