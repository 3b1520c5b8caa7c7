//! The channels of a log, each as a run of its own.

use std::collections::{HashMap, HashSet};

use pipewright_model::call::{
    self, ACTORS_MAX, Actor, Answer, ENDS_MAX, End, Errno, Op, Reply, Signal, Termination,
};
use pipewright_model::data::Data;
use pipewright_model::kind::Hold;
use pipewright_model::run::{Event, Form, Name, Seat};

use super::addresses::Sockets;
use super::calls::{Call, Calls, Outcome, Step};
use super::fcntl::has_locks;
use super::found::Found;
use super::lists::{Lists, Single};
use super::tables::{Channel, Entry, Tables, UNMADE};

/// All channels of a log.
#[derive(Clone, Debug, Default)]
pub struct Channels {
    /// Those that a run can be made of.
    pub found: Vec<Found>,
    /// Connections by an address, which are not followed: the call, and its line.
    pub connections: Vec<(String, usize)>,
    /// Pipes and pairs of sockets whose descriptors the log does not tell.
    pub hidden: usize,
    pub(super) tables: Tables,
    /// Processes and threads that the log has a line of.
    pub(super) heard: HashSet<u32>,
    /// Those whose descriptors are known: whose birth the log tells, and those that it has told of otherwise.
    born: HashSet<u32>,
    /// FIFOs, files with locks and queues by path or name.
    pub(super) paths: HashMap<String, Channel>,
    /// Names of queues that nothing had when they were removed.
    pub(super) gone: HashSet<String>,
    pub(super) sockets: Sockets,
    pub(super) polls: Lists,
    /// The epolls whose entries are of one channel, once that is known.
    pub(super) single: Single,
    /// Whether files are followed: where any is locked.
    pub(super) follows_files: bool,
    /// What a call in progress does once it returns, by its index.
    later: HashMap<usize, Vec<(Channel, Event)>>,
}

/// Makes runs of a log.
pub fn channels(log: &Calls) -> Channels {
    let ended = log.steps.iter().filter_map(|(step, _)| match step {
        Step::Exits { process, .. } | Step::Stops { process, .. } => Some(*process),
        _ => None,
    });
    let heard = log.calls.iter().map(|call| call.process).chain(ended).collect();
    let born = log.calls.iter().filter(|call| call.makes_a_process());
    let born = born.filter_map(|call| u32::try_from(call.value()?).ok());
    let born = born.chain(log.calls.first().map(|call| call.process)).collect();
    let first = Channels { heard, born, follows_files: has_locks(log), ..Channels::default() };
    let mut channels = first.clone().reads(log);
    let single = channels.polls.single();
    if !single.is_empty() {
        channels = Channels { single, ..first }.reads(log);
    }
    channels.found.retain(Found::is_told);
    if log.tells_of_successes_alone() {
        for found in &mut channels.found {
            let line = found.lines.first().copied().unwrap_or_default();
            found.run.events.clear();
            found.lines.clear();
            found.unjudged = Some((line, SUCCESSES.to_owned()));
        }
    }
    channels
}

/// Why a log without failures is not judged.
const SUCCESSES: &str = "no call of the log failed, and none was under way beside another: calls stand where they returned (strace -z), not where \
                         they began";

/// A call where it begins or returns.
#[derive(Clone, Copy)]
pub(super) struct Now<'l> {
    pub(super) call: &'l Call,
    /// Its index.
    pub(super) at: usize,
    /// The line of the log.
    pub(super) line: usize,
}

/// A descriptor: its number, and what it leads to.
pub(super) type Descriptor = (i64, Entry);

/// Calls that move data in ways that runs can't tell of.
const UNTOLD: [&str; 8] = [
    "splice",
    "tee",
    "vmsplice",
    "sendfile",
    "sendfile64",
    "copy_file_range",
    "io_uring_enter",
    "process_vm_writev",
];

impl Channels {
    /// What becomes of them in a log.
    fn reads(mut self, log: &Calls) -> Channels {
        for (step, line) in &log.steps {
            let now = |at: &usize| Now { call: &log.calls[*at], at: *at, line: *line };
            match step {
                Step::Begins(at) => {
                    self.comes(log.calls[*at].process, *line);
                    self.begins(now(at));
                }
                Step::Ends(at) => self.ends(now(at)),
                Step::Exits { process, status } => self.exits(*process, *status, *line),
                Step::Stops { process, by, stopped } => self.stops(*process, *by, *stopped, *line),
            }
        }
        self
    }

    /// A process that nobody was seen to make may hold whatever there is.
    fn comes(&mut self, process: u32, line: usize) {
        if self.born.insert(process) {
            for channel in 0..self.found.len() {
                let why = format!(
                    "{process} may have it, too, and no line of the log tells where it came from; trace all calls"
                );
                self.give_up(channel, line, why);
            }
        }
    }

    fn begins(&mut self, now: Now<'_>) {
        let call = now.call;
        if matches!(&call.outcome, Outcome::Error(name) if is_interrupted(name)) {
            // It has moved nothing, and is made again or given up.
            return;
        }
        match call.name.as_str() {
            _ if call.makes_a_process() => self.forks(now),
            "execve" | "execveat" if call.value() == Some(0) => self.execs(now),
            "close" if call.outcome != Outcome::Error("EBADF".to_owned()) => {
                if let Some(number) = call.number(0) {
                    self.closes(now, number);
                }
            }
            "close_range" if call.value() == Some(0) => self.closes_range(now),
            "dup" | "dup2" | "dup3" => self.dups(now),
            "fcntl" | "fcntl64" | "ioctl" => self.controls(now),
            "open" | "openat" | "openat2" | "creat" => self.opens(now),
            "read" | "readv" | "write" | "writev" => self.moves(now),
            "recv" | "recvfrom" | "recvmsg" => self.receives(now),
            "send" | "sendto" | "sendmsg" => self.sends(now),
            "recvmmsg" | "sendmmsg" | "mq_notify" => {
                self.gives_up_on(now, 0, "is not followed");
            }
            "setsockopt" => {
                self.prepares(now);
                self.sets_option(now);
            }
            "getsockopt" => self.gets_option(now),
            "listen" => self.listens(now),
            "connect" => self.connects(now),
            "accept" | "accept4" => self.accepts(now),
            "flock" => self.locks(now),
            "epoll_ctl" if call.value() == Some(0) => self.controls_epoll(now),
            "epoll_pwait2" => self.gives_up_on(now, 0, "is not followed"),
            "poll" | "ppoll" | "select" | "pselect6" | "epoll_wait" | "epoll_pwait" => {
                self.polls(now)
            }
            "mq_open" if call.value().is_some() => self.opens(now),
            "mq_timedsend"
            | "mq_timedreceive"
            | "mq_timedsend_time64"
            | "mq_timedreceive_time64" => {
                self.sends_or_takes_a_message(now);
            }
            "mq_getsetattr" => self.sets_attributes(now),
            "shutdown" => self.shuts_down(now),
            "wait4" | "waitpid" | "waitid" => self.waits(now),
            name if UNTOLD.contains(&name) => {
                (0..call.arguments.len())
                    .for_each(|argument| self.gives_up_on(now, argument, "moves its data"));
            }
            _ => {}
        }
    }

    fn ends(&mut self, now: Now<'_>) {
        if now.call.name.starts_with("accept") && now.call.value().is_some() {
            self.counts_accepted(now);
        }
        for (channel, event) in self.later.remove(&now.at).unwrap_or_default() {
            self.push(channel, event, now.line);
        }
        let call = now.call;
        let is_under_way = call.outcome == Outcome::Error("EINPROGRESS".to_owned());
        match call.name.as_str() {
            "pipe" | "pipe2" if call.value() == Some(0) => self.makes_pipe(now),
            "socketpair" if call.value() == Some(0) => self.makes_pair(now),
            "mknod" | "mknodat" if call.value() == Some(0) => self.makes_fifo(now),
            "unlink" | "unlinkat" | "rename" | "renameat" | "renameat2"
                if call.value() == Some(0) =>
            {
                self.removes(now);
            }
            "chdir" | "fchdir" if call.value() == Some(0) => self.goes_to(now),
            "open" | "openat" | "openat2" | "creat" | "mq_open" => self.has_opened(now),
            "mq_unlink" => self.removes_queue(now),
            "socket" => self.makes_socket(now),
            "epoll_create" | "epoll_create1" => self.makes_epoll(now),
            "eventfd" | "eventfd2" => self.makes_counter(now),
            "epoll_ctl" if call.value() == Some(0) => self.registers(now),
            "bind" if call.value() == Some(0) => self.binds(now),
            "getsockname" => self.tells_its_address(now),
            "accept" | "accept4" if call.value().is_some() => match self.descriptor(now, 0) {
                Some(_) => self.has_accepted(now),
                None => self.is_not_followed(now),
            },
            "connect"
                if (call.value() == Some(0) || is_under_way)
                    && self.descriptor(now, 0).is_none() =>
            {
                self.is_not_followed(now);
            }
            "wait4" | "waitpid" | "waitid" => self.has_waited(now),
            _ => {}
        }
    }

    fn is_not_followed(&mut self, now: Now<'_>) {
        self.connections.push((now.call.name.clone(), now.line));
    }

    fn exits(&mut self, process: u32, status: Termination, line: usize) {
        if self.tables.leader(process) != process {
            return;
        }
        for channel in 0..self.found.len() {
            if let Some(actor) = self.found[channel].actors.get(&process).copied() {
                self.push(channel, Event::Exits(actor, status), line);
            }
        }
        self.tables.gone(process);
    }

    /// The descriptor that an argument of a call is, where it leads to a channel.
    pub(super) fn descriptor(&self, now: Now<'_>, argument: usize) -> Option<Descriptor> {
        let number = now.call.number(argument)?;
        Some((number, self.tables.get(now.call.process, number)?))
    }

    /// The channel that a descriptor leads to is not judged from here, as this call does something that no run tells of.
    pub(super) fn gives_up_on(&mut self, now: Now<'_>, argument: usize, what: &str) {
        let here = self.descriptor(now, argument);
        if let Some((_, entry)) = here.filter(|(_, entry)| !self.found[entry.channel].is_file()) {
            self.give_up(entry.channel, now.line, format!("{} {what}", now.call.name));
        }
    }

    /// A call on a descriptor, which returns later, if it does.
    pub(super) fn on(
        &mut self,
        now: Now<'_>,
        (number, entry): Descriptor,
        op: Op,
        answer: Option<Answer>,
    ) {
        let Some(by) = self.actor(entry.channel, now.call.process, now.line) else { return };
        let Some(end) = self.end(entry.channel, number, entry.hold) else {
            return self.give_up(entry.channel, now.line, too_many_ends());
        };
        match answer {
            Some(answer) => self.call(entry.channel, now, (by, end, op), answer),
            None => {
                let made = call::Call { actor: by, end, op };
                self.push(entry.channel, Event::Call(made), now.line);
            }
        }
    }

    /// What is done within another call, and is no call of its own.
    pub(super) fn at_once(&mut self, now: Now<'_>, (number, entry): Descriptor, op: Op) {
        let Some(by) = self.actor(entry.channel, now.call.process, now.line) else { return };
        let Some(end) = self.end(entry.channel, number, entry.hold) else {
            return self.give_up(entry.channel, now.line, too_many_ends());
        };
        self.push(entry.channel, Event::Call(call::Call { actor: by, end, op }), now.line);
        let reply = Reply { answer: Answer::Done, signal: None, data: Data::Unknown };
        self.push(entry.channel, Event::Return(by, reply), now.line);
    }

    pub(super) fn call(
        &mut self,
        channel: Channel,
        now: Now<'_>,
        (actor, end, op): (Actor, End, Op),
        answer: Answer,
    ) {
        let broken = now.call.sigpipe && answer == Answer::Fails(Errno::EPIPE);
        let reply =
            Reply { answer, signal: broken.then_some(Signal::Sigpipe), data: Data::Unknown };
        let later = self.later.entry(now.at).or_default();
        // Of one call that is several on a channel all but the last are over at once.
        let before = later.iter().position(|(other, _)| *other == channel);
        let before = before.map(|position| later.remove(position));
        if let Some((channel, event)) = before {
            self.push(channel, event, now.line);
        }
        self.push(channel, Event::Call(call::Call { actor, end, op }), now.line);
        self.later.entry(now.at).or_default().push((channel, Event::Return(actor, reply)));
    }

    pub(super) fn push(&mut self, channel: Channel, event: Event, line: usize) {
        let found = &mut self.found[channel];
        if found.unjudged.is_none() {
            found.run.push(event);
            found.lines.push(line);
        }
    }

    pub(super) fn give_up(&mut self, channel: Channel, line: usize, why: String) {
        self.found[channel].unjudged.get_or_insert((line, why));
    }

    /// The actor that a thread is on a channel.
    pub(super) fn actor(&mut self, channel: Channel, process: u32, line: usize) -> Option<Actor> {
        if let Some(actor) = self.found[channel].actors.get(&process) {
            return Some(*actor);
        }
        let leader = self.tables.leader(process);
        let found = &mut self.found[channel];
        let of = match found.actors.get(&leader).copied() {
            // Anybody may come who knows the path.
            None if found.has_path => found.sits(leader, seat(leader, Form::Process)),
            None => {
                let why = format!("process {process} holds it, and how it got it is not known");
                self.give_up(channel, line, why);
                return None;
            }
            known => known,
        };
        let sits = match of {
            Some(of) if process != leader => found.sits(process, seat(process, Form::Thread(of))),
            of => of,
        };
        if sits.is_none() {
            self.give_up(channel, line, too_many());
        }
        sits
    }

    /// The end that a descriptor is on a channel; `None` where there are too many.
    pub(super) fn end(&mut self, channel: Channel, number: i64, hold: Hold) -> Option<End> {
        let found = &mut self.found[channel];
        if let Some(end) = found.ends.get(&(number, hold)) {
            return Some(*end);
        }
        if found.run.end_names.len() >= ENDS_MAX {
            return None;
        }
        let name = match number {
            UNMADE => Name::new(letters(hold))?,
            number => Name::new(&format!("{}{number}", letters(hold)))?,
        };
        found.run.end_names.push(name);
        let end = End(found.run.end_names.len() as u8 - 1);
        found.ends.insert((number, hold), end);
        Some(end)
    }
}

/// The letters that the names of such ends begin with.
pub(super) fn letters(hold: Hold) -> &'static str {
    let named = Hold::NAMED.iter().find(|(_, other)| *other == hold);
    named.map_or("e", |(letters, _)| letters)
}

pub(super) fn seat(process: u32, form: Form) -> Seat {
    let name = Name::new(&format!("p{process}")).unwrap_or_else(|| unreachable!("a short name"));
    Seat { form, ..Seat::new(name, Vec::new()) }
}

pub(super) fn too_many() -> String {
    format!("more than {ACTORS_MAX} processes and threads hold it")
}

pub(super) fn too_many_ends() -> String {
    format!("more than {ENDS_MAX} numbers of descriptors lead to it")
}

/// Whether a call ended by a signal before it moved anything.
fn is_interrupted(error: &str) -> bool {
    error == "EINTR" || error.starts_with("ERESTART")
}
