//! From a snapshot to the graph of waits: what each sleeping call waits for, who holds what would end it.
//!
//! It reads nothing. What it can't exclude gets a party of its own, which is free: so a wait is for ever only where all
//! that could end it was seen.

mod ends;
mod signals;

use std::collections::BTreeMap;

use pipewright_model::waits::{Freedom, Graph, Index, Party, Wait, Way as Ends};

use super::snapshot::{
    Address, Asleep, Call, Children, Doing, FileId, Object, Process, Snapshot, Socket, Watched, Way,
};

use signals::{bit, guardians, wakes, wakes_itself};

/// The graph of waits of a snapshot, and what stands behind its parties.
#[derive(Clone, Debug)]
pub struct Picture<'s> {
    /// What it was made from.
    pub snapshot: &'s Snapshot,
    /// The process that asks.
    pub caller: i32,
    /// The graph.
    pub graph: Graph,
    /// What each party is, by number.
    pub labels: Vec<Label>,
    /// What each thread that sleeps waits for.
    pub waits: BTreeMap<Index, Detail>,
}

/// What a party of the graph is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Label {
    /// A thread of a process, by their numbers.
    Thread(i32, i32),
    /// Something outside, in a clause.
    Other(String),
}

/// What a thread waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The call, as the manual names it.
    pub call: &'static str,
    /// The rule by which it sleeps, where there is one.
    pub rule: Option<&'static str>,
    /// On what.
    pub on: On,
    /// What may end it besides, whatever it is on, each a clause.
    pub besides: Vec<String>,
}

impl Detail {
    fn of(call: &'static str, rule: Option<&'static str>, on: On) -> Detail {
        Detail { call, rule, on, besides: Vec::new() }
    }
}

/// What a wait is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// A channel by a descriptor.
    End(End),
    /// A file that is locked.
    Lock {
        /// The descriptor.
        fd: i32,
        /// The file.
        path: String,
        /// Descriptors by which locks are held that exclude this one.
        holders: Vec<Holder>,
        /// Whether the caller holds one of them.
        own: bool,
    },
    /// A FIFO that is to be opened.
    Open {
        /// Its path.
        path: String,
        /// For what.
        way: Way,
        /// Which file that is.
        file: Option<FileId>,
    },
    /// Children, by number.
    Children(Vec<i32>),
    /// Any of these.
    Events(Vec<End>),
    /// A signal that lets it go on.
    Stopped,
    /// Nothing that is followed, in a clause.
    Nothing(String),
}

/// A descriptor that is waited on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Its number.
    pub fd: i32,
    /// What it refers to, in a few words: "pipe 12".
    pub what: String,
    /// What it waits for there.
    pub wants: Wants,
    /// The other side, as far as somebody holds it.
    pub holders: Vec<Holder>,
    /// Whether somebody has this side of it as standard error.
    pub is_error: bool,
    /// Others who could end the wait, each a clause.
    pub others: Vec<String>,
}

/// What is waited for at a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Data, from a pipe, a FIFO, a socket, a queue.
    Data(Channel),
    /// Room for data.
    Room(Channel),
    /// A connection to accept.
    Connection,
    /// To be accepted.
    Acceptance,
    /// Something else.
    Other,
}

/// Sorts of channels, as far as sentences differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A pipe or FIFO: it has ends.
    Stream,
    /// A connected socket: it has a peer.
    Socket,
    /// A message queue: it has neither.
    Queue,
}

/// A process that holds something, by which descriptors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub process: i32,
    /// The numbers.
    pub numbers: Vec<i32>,
}

/// What can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Pipe(u64),
    File(FileId),
    Socket(u64),
}

impl Key {
    fn of(object: &Object) -> Option<Key> {
        match object {
            Object::Pipe(inode) => Some(Key::Pipe(*inode)),
            Object::Socket(inode) => Some(Key::Socket(*inode)),
            Object::Fifo(id, ..) | Object::Queue(id, ..) => Some(Key::File(*id)),
            _ => None,
        }
    }
}

/// The graph of waits of this snapshot. `caller` is the process that asks; it ends nobody.
pub fn picture(snapshot: &Snapshot, caller: i32) -> Picture<'_> {
    let mut maker = Maker::new(snapshot, caller);
    for process in snapshot.processes.values() {
        maker.process = process.id;
        for thread in &process.threads {
            let index = maker.threads[&(process.id, thread.id)];
            let (party, detail) = maker.party(process, &thread.doing);
            maker.parties[index] = party;
            maker.waits.insert(index, detail);
        }
    }
    let mut graph = Graph::default();
    for party in maker.parties {
        graph.push(party);
    }
    Picture { snapshot, caller, graph, labels: maker.labels, waits: maker.waits }
}

struct Maker<'s> {
    snapshot: &'s Snapshot,
    caller: i32,
    /// The process whose waits are looked at.
    process: i32,
    parties: Vec<Party>,
    labels: Vec<Label>,
    threads: BTreeMap<(i32, i32), Index>,
    /// Parties that are no threads, by why they are free and their clause.
    others: BTreeMap<(Freedom, String), Index>,
    holders: BTreeMap<(Key, Way), Vec<Holder>>,
    children: BTreeMap<i32, Vec<i32>>,
    waits: BTreeMap<Index, Detail>,
}

/// The ways in which a wait may end, as they are found.
type Ways = Vec<Ends>;

impl<'s> Maker<'s> {
    fn new(snapshot: &'s Snapshot, caller: i32) -> Maker<'s> {
        let mut maker = Maker {
            snapshot,
            caller,
            process: 0,
            parties: Vec::new(),
            labels: Vec::new(),
            threads: BTreeMap::new(),
            others: BTreeMap::new(),
            holders: BTreeMap::new(),
            children: BTreeMap::new(),
            waits: BTreeMap::new(),
        };
        for process in snapshot.processes.values() {
            for thread in &process.threads {
                maker.threads.insert((process.id, thread.id), maker.parties.len());
                maker.parties.push(Party::Free(Freedom::Awake));
                maker.labels.push(Label::Thread(process.id, thread.id));
            }
            maker.children.entry(process.parent).or_default().push(process.id);
            if process.tracer != 0 && process.tracer != process.parent {
                maker.children.entry(process.tracer).or_default().push(process.id);
            }
            for descriptor in process.descriptors.iter().flatten() {
                let Some(key) = Key::of(&descriptor.object) else { continue };
                let sides = [(Way::In, descriptor.reads), (Way::Out, descriptor.writes)];
                for (side, _) in sides.into_iter().filter(|(_, held)| *held) {
                    let holders = maker.holders.entry((key, side)).or_default();
                    add_holder(holders, process.id, descriptor.number);
                }
            }
        }
        maker
    }

    /// The party of something that is no thread.
    fn other(&mut self, freedom: Freedom, clause: impl Into<String>) -> Index {
        let clause = clause.into();
        let next = self.parties.len();
        let index = *self.others.entry((freedom, clause.clone())).or_insert(next);
        if index == next {
            self.parties.push(Party::Free(freedom));
            self.labels.push(Label::Other(clause));
        }
        index
    }

    /// All threads of these processes: any one may act for its process.
    fn threads_of(&self, processes: impl IntoIterator<Item = i32>) -> Vec<Index> {
        let threads = |id: i32| self.threads.range((id, i32::MIN)..=(id, i32::MAX));
        processes.into_iter().flat_map(threads).map(|(_, index)| *index).collect()
    }

    /// Clauses that say who may hold this, and was not seen.
    fn unseen(&self, key: Option<Key>) -> Vec<String> {
        let snapshot = self.snapshot;
        let mut clauses = snapshot.unseen.clone();
        let mut closed = snapshot.closed.clone();
        closed.retain(|id| self.may_hold(*id, key));
        if !closed.is_empty() {
            clauses.push(snapshot.told_closed(&closed));
        }
        clauses
    }

    /// Whether a process that can't be read may hold this, for which the process that is looked at waits.
    ///
    /// Ends are inherited. What is below the caller and not held by it was made there, and stayed there, as the caller takes
    /// in orphans. Otherwise it is the family below the topmost ancestor that can be read in which it was made, unless that
    /// one has it itself, perhaps from its parent; a process was an orphan of that family if it was started after it, and
    /// is where orphans go to. The first process of the system hands nothing on to its children of which it keeps the other side.
    fn may_hold(&self, closed: i32, key: Option<Key>) -> bool {
        let snapshot = self.snapshot;
        let has = |process: i32| {
            let sides = [Way::In, Way::Out].into_iter();
            let held = |key| sides.clone().flat_map(move |side| self.holders(key, side));
            key.is_some_and(|key| held(key).any(|holder| holder.process == process))
        };
        let own = self.process != self.caller && snapshot.is_below(self.process, self.caller);
        let known = |id: i32| snapshot.processes.get(&id).filter(|found| found.parent >= 0);
        let Some(closed) = known(closed) else { return true };
        if own && !has(self.caller) {
            return snapshot.is_below(closed.id, self.caller);
        }
        let ancestors: Vec<&Process> = snapshot.ancestors(self.process).collect();
        let readable = ancestors.iter().take_while(|one| one.descriptors.is_some()).count();
        let Some(top) = readable.checked_sub(1).map(|top| ancestors[top]) else { return true };
        let is_above = |id: i32| ancestors[readable..].iter().any(|one| one.id == id);
        let given = top.parent > 1 && has(top.id);
        let line: Vec<&Process> =
            snapshot.ancestors(closed.id).take_while(|one| !is_above(one.id)).collect();
        let since = line.last().is_some_and(|branch| branch.started >= top.started);
        given || snapshot.is_below(closed.id, top.id) || since
    }

    fn holders(&self, key: Key, side: Way) -> Vec<Holder> {
        self.holders.get(&(key, side)).cloned().unwrap_or_default()
    }

    fn party(&mut self, process: &'s Process, doing: &'s Doing) -> (Party, Detail) {
        let free = |freedom, text: &str| {
            let on = On::Nothing(text.to_owned());
            (Party::Free(freedom), Detail::of("", None, on))
        };
        match doing {
            Doing::Runs => free(Freedom::Awake, "runs"),
            Doing::Held(text) => free(Freedom::Awake, text),
            Doing::Unreadable(text) => free(Freedom::Awake, text),
            Doing::Stopped => {
                let rule = "signal.any.stopped";
                let signal = self.other(Freedom::Signal, "SIGCONT, which anybody may send");
                let ways = vec![Ends::of("goes on", [signal])];
                let detail = Detail::of("", Some(rule), On::Stopped);
                (Party::Asleep(Wait { rule, ways }), detail)
            }
            Doing::Sleeps(asleep) => self.asleep(process, asleep),
        }
    }

    fn asleep(&mut self, process: &'s Process, asleep: &'s Asleep) -> (Party, Detail) {
        let call = asleep.name;
        let (rule, mut ways, on) = match &asleep.call {
            Call::Time => {
                let on = On::Nothing(format!("sleeps in {call}, until a time that is set"));
                return (Party::Free(Freedom::TimeOut), Detail::of(call, None, on));
            }
            Call::NotFollowed => {
                let on = On::Nothing(format!("sleeps in {call}, which is not followed"));
                return (Party::Free(Freedom::Awake), Detail::of(call, None, on));
            }
            Call::Transfer(fd, way) | Call::Queue(fd, way) => {
                let (rule, ways, end) = self.end(process, *fd, *way);
                (rule, ways, On::End(end))
            }
            Call::Accept(fd) => {
                let (_, ways, end) = self.end(process, *fd, Way::In);
                (Some("socket.accept.waits"), ways, On::End(end))
            }
            Call::Connect(fd, address) => self.connect(process, *fd, address.as_ref()),
            Call::Open { path, file, way } => self.open(path, *file, *way),
            Call::Flock { fd, exclusive } => self.lock(process, *fd, None, *exclusive),
            Call::Lock { fd, of_description, exclusive } => {
                self.lock(process, *fd, Some(*of_description), *exclusive)
            }
            Call::Events(watched) => self.events(process, watched),
            Call::Children(which) => self.children(process, *which),
        };
        let mut detail = Detail::of(call, rule, on);
        let Some(rule) = rule else {
            // Nothing is stated of such a wait: whoever may end it does.
            let first = ways.iter().flat_map(|way| &way.needs).flat_map(|need| &need.by).next();
            let freedom = match first.map(|first| &self.parties[*first]) {
                Some(Party::Free(freedom)) => *freedom,
                _ => Freedom::Awake,
            };
            return (Party::Free(freedom), detail);
        };
        ways.extend(self.ways_of_process(process, &mut detail.besides));
        if let Some(clause) = wakes_itself(process, &detail.on) {
            let signal = self.other(Freedom::Unreadable, clause.clone());
            ways.push(Ends::of("wakes itself", [signal]));
            detail.besides.push(clause);
        }
        (Party::Asleep(Wait { rule, ways }), detail)
    }

    fn events(
        &mut self,
        process: &'s Process,
        watched: &[Watched],
    ) -> (Option<&'static str>, Ways, On) {
        let (mut ways, mut ends) = (Ways::new(), Vec::new());
        for watched in watched {
            let (more, end) = self.watched(process, watched);
            ways.extend(more);
            ends.push(end);
        }
        (Some("descriptor.poll.waits"), ways, On::Events(ends))
    }

    fn children(&mut self, process: &Process, which: Children) -> (Option<&'static str>, Ways, On) {
        let all = self.children.get(&process.id).cloned().unwrap_or_default();
        let is_meant = |child: &Process| match which {
            Children::Any => true,
            // A call has the numbers of its caller's namespace.
            Children::One(id) => {
                let level = process.numbers.len().saturating_sub(1);
                child.numbers.get(level).copied().unwrap_or(child.id) == id
            }
            Children::Group(0) => child.group == process.group,
            Children::Group(group) => child.group == group,
        };
        let processes = &self.snapshot.processes;
        let meant = all.into_iter().filter(|child| processes.get(child).is_some_and(is_meant));
        // One that has ended would be waited for by now, unless it is left to its tracer.
        let living: Vec<i32> = meant.filter(|child| !processes[child].threads.is_empty()).collect();
        let mut by = self.threads_of(living.iter().copied());
        if living.is_empty() {
            by.push(self.other(Freedom::Awake, "a child that was not seen"));
        }
        (Some("process.wait.waits"), vec![Ends::of("ends", by)], On::Children(living))
    }

    /// What may end any call of a process: signals that it catches, those who may end it.
    fn ways_of_process(&mut self, process: &Process, besides: &mut Vec<String>) -> Ways {
        let mut by = Vec::new();
        let mut may = |maker: &mut Maker<'s>, freedom, clause: String| {
            besides.push(clause.clone());
            maker.other(freedom, clause)
        };
        let name = format!("{} ({})", process.name, process.id);
        if process.timer {
            by.push(may(self, Freedom::Signal, format!("a timer of {name}")));
        }
        if let Some(signal) = wakes(process.caught) {
            let clause = format!("{signal}, which {name} catches, if somebody or a timer sends it");
            by.push(may(self, Freedom::Unreadable, clause));
        }
        if process.ring {
            by.push(may(self, Freedom::Awake, format!("the io_uring of {name}")));
        }
        if process.caught & bit(nix::libc::SIGCHLD) != 0 {
            let children = self.children.get(&process.id).cloned().unwrap_or_default();
            by.extend(self.threads_of(children));
        }
        if process.tracer != 0 {
            by.extend(self.threads_of([process.tracer]));
        }
        for (guardian, freedom) in guardians(self.snapshot, process, self.caller) {
            let how = match freedom {
                Freedom::TimeOut => "waits with a time-out",
                _ => "catches SIGALRM",
            };
            let guardian = &self.snapshot.processes[&guardian];
            let clause =
                format!("{} ({}), which {how} and may end {name}", guardian.name, guardian.id);
            by.push(may(self, freedom, clause));
        }
        if by.is_empty() { Ways::new() } else { vec![Ends::of("interrupts it", by)] }
    }
}

fn add_holder(holders: &mut Vec<Holder>, process: i32, number: i32) {
    match holders.iter_mut().find(|holder| holder.process == process) {
        Some(last) => last.numbers.push(number),
        None => holders.push(Holder { process, numbers: vec![number] }),
    }
}
