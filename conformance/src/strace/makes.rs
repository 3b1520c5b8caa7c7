//! Channels that come to be in a log: pipes, pairs of sockets, FIFOs, and who opens these.

use std::collections::HashMap;

use pipewright_model::call::{Actor, Answer, End, Mode, Op, OpenFlags};
use pipewright_model::kind::{
    FIFO, Hold, Kind, PIPE, Side, UNIX_DATAGRAM, UNIX_SEQPACKET, UNIX_STREAM,
};
use pipewright_model::run::{Form, Name, Run, Setup};

use super::calls::{Call, Outcome};
use super::channels::{Channels, Now, letters, seat, too_many_ends};
use super::found::Found;
use super::queues::queue;
use super::tables::{Entry, UNMADE, numbers};
use super::transfers::failed;

impl Channels {
    pub(super) fn makes_pipe(&mut self, now: Now<'_>) {
        let mut setup = Setup::new(&PIPE);
        setup.nonblock = now.call.has_flag(1, "O_NONBLOCK");
        setup.packet = now.call.has_flag(1, "O_DIRECT");
        let close_on_exec = now.call.has_flag(1, "O_CLOEXEC");
        self.makes_two(now, 0, setup, [Hold::READ, Hold::WRITE], close_on_exec);
    }

    pub(super) fn makes_pair(&mut self, now: Now<'_>) {
        let call = now.call;
        let of_type: [(&str, &'static Kind); 3] = [
            ("SOCK_STREAM", &UNIX_STREAM),
            ("SOCK_SEQPACKET", &UNIX_SEQPACKET),
            ("SOCK_DGRAM", &UNIX_DATAGRAM),
        ];
        let Some((_, kind)) = of_type.iter().find(|(name, _)| call.has_flag(1, name)) else {
            return;
        };
        let mut setup = Setup::new(kind);
        setup.nonblock = call.has_flag(1, "SOCK_NONBLOCK");
        let side = |side| Hold { mode: Mode::ReadWrite, side };
        let sides = [side(Side::A), side(Side::B)];
        self.makes_two(now, 3, setup, sides, call.has_flag(1, "SOCK_CLOEXEC"));
    }

    /// A channel with two descriptors, which the argument tells.
    fn makes_two(
        &mut self,
        now: Now<'_>,
        argument: usize,
        setup: Setup,
        holds: [Hold; 2],
        close_on_exec: bool,
    ) {
        let pair = now.call.arguments.get(argument).map(|pair| numbers(pair));
        let Some([first, second]) = pair.and_then(|pair| <[i64; 2]>::try_from(pair).ok()) else {
            self.hidden += 1;
            return;
        };
        self.makes(now, setup, &[(first, holds[0]), (second, holds[1])], close_on_exec);
    }

    /// A channel with these descriptors.
    pub(super) fn makes(
        &mut self,
        now: Now<'_>,
        setup: Setup,
        numbered: &[(i64, Hold)],
        close_on_exec: bool,
    ) {
        let leader = self.tables.leader(now.call.process);
        let numbers: Vec<_> = numbered.iter().map(|(number, _)| number.to_string()).collect();
        let (kind, numbers, line) = (setup.kind.name, numbers.join("|"), now.line);
        let name = format!("{kind} {numbers} of {leader}, made at line {line}");
        let mut seat = seat(leader, Form::Process);
        let ends = || numbered.iter().enumerate().map(|(at, named)| (*named, End(at as u8)));
        seat.ends = ends().map(|((_, hold), end)| (end, hold)).collect();
        let name_of =
            |(number, hold): &(i64, Hold)| Name::new(&format!("{}{number}", letters(*hold)));
        let names = numbered.iter().filter_map(name_of).collect();
        let channel = self.found.len();
        self.found.push(Found {
            threads: vec![leader],
            actors: HashMap::from([(leader, Actor(0))]),
            ends: ends().collect(),
            ..Found::new(name, Run::new(setup, vec![seat], names))
        });
        for (number, hold) in numbered.iter().copied() {
            let entry = Entry { channel, hold, close_on_exec };
            self.tables.of(now.call.process).insert(number, entry);
            if close_on_exec {
                self.at_once(now, (number, entry), Op::SetCloseOnExec(true));
            }
        }
    }

    pub(super) fn makes_fifo(&mut self, now: Now<'_>) {
        let mode = if now.call.name == "mknod" { 1 } else { 2 };
        if !now.call.has_flag(mode, "S_IFIFO") {
            return;
        }
        let Some(path) = self.path(now, mode - 1) else { return };
        let name = format!("fifo {path}, made at line {}", now.line);
        let run = Run::new(Setup::new(&FIFO), Vec::new(), Vec::new());
        self.paths.insert(path, self.found.len());
        self.found.push(Found::named(name, run));
    }

    /// A name is gone, or another's: who opens it from now on opens something else.
    pub(super) fn removes(&mut self, now: Now<'_>) {
        let at = usize::from(now.call.name.ends_with("at") || now.call.name.ends_with("at2"));
        let Some(path) = self.path(now, at) else { return };
        self.loses_its_address(&path);
        let channel = self.paths.remove(&path);
        if !now.call.name.starts_with("rename") {
            if let Some(channel) = channel {
                self.loses_its_name(now, channel);
            }
            return;
        }
        if let Some(path) = self.path(now, if at == 0 { 1 } else { 3 }) {
            // What was called so before has lost its name.
            self.paths.remove(&path);
            self.loses_its_address(&path);
            self.paths.extend(channel.map(|channel| (path, channel)));
        }
    }

    pub(super) fn goes_to(&mut self, now: Now<'_>) {
        let process = now.call.process;
        let place = match now.call.name.as_str() {
            "chdir" => self.path(now, 0),
            // With -yy it is told.
            _ => now.call.arguments.first().and_then(|argument| led_to(argument)),
        };
        self.tables.goes_to(process, place);
    }

    pub(super) fn opens(&mut self, now: Now<'_>) {
        if let Some(old) = self.own_descriptor(now) {
            return self.opens_again(now, old);
        }
        if now.call.name == "mq_open" {
            self.makes_queue(now);
        } else if let Some(path) = self.path(now, usize::from(now.call.name.starts_with("openat")))
        {
            self.makes_file(now, &path);
        }
        let Some((entry, nonblock)) = self.opened(now) else { return };
        if self.found[entry.channel].is_file() && now.call.value().is_none() {
            return;
        }
        let nonblock = nonblock && !self.found[entry.channel].is_file();
        let Hold { mode, .. } = entry.hold;
        let flags = if nonblock { OpenFlags::NONBLOCK } else { OpenFlags::NONE };
        let op = Op::Open { mode, flags };
        let answer = match &now.call.outcome {
            Outcome::Value(_) => Some(Answer::Done),
            Outcome::Error(name) => failed(name),
            Outcome::None => None,
        };
        if answer.is_none() && now.call.outcome != Outcome::None {
            let why = format!("{} fails with what no run tells of", now.call.name);
            return self.give_up(entry.channel, now.line, why);
        }
        // One that makes no descriptor, or not yet, is told of by a number that no descriptor has.
        let number = now.call.value().unwrap_or_else(|| {
            let process = now.call.process;
            let is_thread = self.tables.leader(process) != process;
            UNMADE + if is_thread { i64::from(process) } else { 0 }
        });
        self.on(now, (number, entry), op, answer);
    }

    /// The descriptor that a path names, as `/dev/fd/63` does.
    fn own_descriptor(&self, now: Now<'_>) -> Option<i64> {
        let path = self.path(now, usize::from(now.call.name.starts_with("openat")))?;
        let of_standard = [("/dev/stdin", 0), ("/dev/stdout", 1), ("/dev/stderr", 2)]
            .into_iter()
            .find(|known| known.0 == path);
        let number = || {
            let process = self.tables.leader(now.call.process);
            let places =
                ["/dev/fd/".to_owned(), "/proc/self/fd/".into(), format!("/proc/{process}/fd/")];
            places.iter().find_map(|place| path.strip_prefix(place.as_str())?.parse().ok())
        };
        of_standard.map(|known| known.1).or_else(number)
    }

    /// A pipe is opened by a descriptor that leads to it: another description, which differs from a copy in
    /// O_NONBLOCK alone.
    fn opens_again(&mut self, now: Now<'_>, old: i64) {
        let Some(entry) = self.tables.get(now.call.process, old) else { return };
        let Some(new) = now.call.value() else { return };
        let has = |flag| now.call.has_anywhere(flag);
        if access(now.call) != entry.hold.mode || has("O_NONBLOCK") {
            return self.give_up(
                entry.channel,
                now.line,
                "it is opened again by a descriptor".into(),
            );
        }
        self.found[entry.channel].is_opened_again = true;
        self.copies(now, (old, new), has("O_CLOEXEC"));
    }

    pub(super) fn has_opened(&mut self, now: Now<'_>) {
        let Some(number) = now.call.value() else { return };
        let Some((entry, _)) = self.opened(now) else { return };
        if self.end(entry.channel, number, entry.hold).is_none() {
            return self.give_up(entry.channel, now.line, too_many_ends());
        }
        self.tables.of(now.call.process).insert(number, entry);
        if entry.close_on_exec {
            self.at_once(now, (number, entry), Op::SetCloseOnExec(true));
        }
    }

    /// What the descriptor that a call opens leads to, and whether it has O_NONBLOCK.
    fn opened(&self, now: Now<'_>) -> Option<(Entry, bool)> {
        let call = now.call;
        let at = usize::from(call.name.starts_with("openat"));
        let is_queue = call.name == "mq_open";
        let path = if is_queue { queue(call) } else { self.path(now, at) };
        let channel = *self.paths.get(&path?)?;
        let has = |flag| call.has_anywhere(flag);
        let hold = Hold::of(access(call));
        let entry = Entry { channel, hold, close_on_exec: is_queue || has("O_CLOEXEC") };
        Some((entry, has("O_NONBLOCK")))
    }

    /// A path that a call gives, from the root as far as that is known; `None` where it can't be told.
    fn path(&self, now: Now<'_>, argument: usize) -> Option<String> {
        let arguments = &now.call.arguments;
        let given = arguments.get(argument)?.strip_prefix('"')?.strip_suffix('"')?;
        if given.starts_with('/') {
            return Some(plain(given));
        }
        if argument == 0 {
            return self.whole_path(now.call.process, given);
        }
        let place = match argument.checked_sub(1).and_then(|before| arguments.get(before)) {
            // `AT_FDCWD`, or with -yy what it is.
            Some(at) if at.starts_with("AT_FDCWD") => led_to(at),
            Some(at) => Some(led_to(at)?),
            None => None,
        };
        let place = place.or_else(|| self.tables.place(now.call.process))?;
        Some(if place.is_empty() { plain(given) } else { plain(&format!("{place}/{given}")) })
    }

    /// A path from the root, as far as it is known where a process is.
    pub(super) fn whole_path(&self, process: u32, given: &str) -> Option<String> {
        let place = self.tables.place(process)?;
        let is_whole = given.starts_with('/') || place.is_empty();
        Some(if is_whole { plain(given) } else { plain(&format!("{place}/{given}")) })
    }
}

/// The access mode that a call opens with.
fn access(call: &Call) -> Mode {
    match (call.has_anywhere("O_RDWR"), call.has_anywhere("O_WRONLY") || call.name == "creat") {
        (true, _) => Mode::ReadWrite,
        (_, true) => Mode::Write,
        _ => Mode::Read,
    }
}

/// What stands in `<>` behind a descriptor, with -yy.
fn led_to(descriptor: &str) -> Option<String> {
    let (_, place) = descriptor.split_once('<')?;
    place.starts_with('/').then(|| place.trim_end_matches('>').to_owned())
}

/// A path without `.`, `..` and double slashes.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if path.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}
