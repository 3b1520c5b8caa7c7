//! Data that move in a log: reads and writes, sends and receives.

use pipewright_model::call::{Answer, Errno, Marks, Mode, Op, SendFlags};
use pipewright_model::kind::{Discipline, SocketType};

use super::calls::{Call, Outcome};
use super::channels::{Channels, Now};
use super::tables::numbers;

impl Channels {
    pub(super) fn moves(&mut self, now: Now<'_>) {
        if self.moves_a_value(now) {
            return;
        }
        let len = match now.call.name.as_str() {
            "readv" | "writev" => lengths(now.call),
            _ => now.call.number(2),
        };
        let writes = now.call.name.starts_with("write");
        self.transfers(now, len, |len| if writes { Op::Write { len } } else { Op::Read { len } });
    }

    pub(super) fn receives(&mut self, now: Now<'_>) {
        if now.call.has_anywhere("SCM_RIGHTS") {
            return self.gives_up_on(now, 0, "takes descriptors");
        }
        let Some((_, entry)) = self.descriptor(now, 0) else { return };
        let (len, flags) = message(now.call);
        let Some(flags) = flags_of(now.call, flags, RECEIVE_FLAGS) else {
            return self.gives_up_on(now, 0, "has flags that are not followed");
        };
        let told = now.call.name == "recvmsg";
        if !told && flags.is_empty() {
            // The same as a read, which tells nothing of what was cut, either.
            return self.transfers(now, len, |len| Op::Read { len });
        }
        let of_messages = matches!(
            self.found[entry.channel].run.channels[0].setup.kind.discipline,
            Discipline::Unix(SocketType::Datagram | SocketType::Seqpacket, _)
        );
        let count = now.call.value();
        let may_be_cut = count.is_some() && count >= len && !flags.contains(SendFlags::TRUNC);
        if of_messages && may_be_cut && !told {
            return self.gives_up_on(now, 0, "does not tell whether the message was cut");
        }
        self.transfers(now, len, |len| Op::Receive { len, flags });
    }

    pub(super) fn sends(&mut self, now: Now<'_>) {
        if now.call.has_anywhere("SCM_RIGHTS") {
            self.gives_up_on(now, 0, "passes descriptors");
            return self.passes(now);
        }
        let (len, flags) = message(now.call);
        match flags_of(now.call, flags, SEND_FLAGS) {
            Some(flags) => self.transfers(now, len, |len| Op::Send { len, flags }),
            None => self.gives_up_on(now, 0, "has flags that are not followed"),
        }
    }

    /// The holders of the descriptors that are passed are unknown from here.
    fn passes(&mut self, now: Now<'_>) {
        let told = now.call.arguments.get(1).map(String::as_str).unwrap_or_default();
        let passed = told.split("cmsg_data=").skip(1);
        let passed: Vec<i64> = passed.flat_map(numbers).collect();
        let table = self.tables.of(now.call.process);
        // Where the log hides which, it may be any.
        let may_be = |number: &i64| passed.is_empty() || passed.contains(number);
        let those: Vec<usize> =
            table.iter().filter(|(n, _)| may_be(n)).map(|(_, entry)| entry.channel).collect();
        for channel in those {
            let why = "a descriptor of it is passed over a socket".to_owned();
            self.give_up(channel, now.line, why);
        }
    }

    pub(super) fn shuts_down(&mut self, now: Now<'_>) {
        let Some(here) = self.descriptor(now, 0) else { return };
        let how = match now.call.arguments.get(1).map(String::as_str) {
            Some("SHUT_RD") => Mode::Read,
            Some("SHUT_WR") => Mode::Write,
            Some("SHUT_RDWR") => Mode::ReadWrite,
            _ => return self.gives_up_on(now, 0, "does not say what"),
        };
        let answer = match &now.call.outcome {
            Outcome::Value(_) => Some(Answer::Done),
            Outcome::Error(name) => failed(name),
            Outcome::None => None,
        };
        self.on(now, here, Op::Shutdown { how }, answer);
    }

    fn transfers(&mut self, now: Now<'_>, len: Option<i64>, op: impl FnOnce(u32) -> Op) {
        let Some(here @ (_, entry)) = self.descriptor(now, 0) else { return };
        if self.found[entry.channel].is_file() {
            return;
        }
        let Some(len) = len.and_then(|len| u32::try_from(len).ok()) else {
            // A call that the log breaks off before its length.
            if now.call.outcome != Outcome::None {
                self.gives_up_on(now, 0, "has no length");
            }
            return;
        };
        let op = op(len);
        let received = matches!(op, Op::Receive { .. });
        let longer = now.call.value().is_some_and(|count| count > i64::from(len));
        // MSG_TRUNC stands among the flags asked for, and in what came.
        let came = now
            .call
            .arguments
            .get(1)
            .is_some_and(|message| message.contains("msg_flags=MSG_TRUNC"));
        let cut = received && (longer || came);
        let answer = match &now.call.outcome {
            Outcome::Value(count) => u32::try_from(*count).ok().map(|count| match cut {
                true => Answer::Marked(count, Marks::TRUNCATED),
                false => Answer::Count(count),
            }),
            Outcome::Error(name) => match failed(name) {
                Some(answer) => Some(answer),
                None => return self.gives_up_on(now, 0, "fails with what no run tells of"),
            },
            Outcome::None => None,
        };
        self.on(now, here, op, answer);
    }
}

/// The failure of this name.
pub(super) fn failed(name: &str) -> Option<Answer> {
    let known = Errno::NAMED.iter().find(|(known, _, _)| *known == name);
    known.map(|(_, errno, _)| Answer::Fails(*errno))
}

const SEND_FLAGS: &[(&str, SendFlags)] =
    &[("MSG_DONTWAIT", SendFlags::DONTWAIT), ("MSG_NOSIGNAL", SendFlags::NOSIGNAL)];

/// `MSG_CMSG_CLOEXEC` matters to descriptors alone.
const RECEIVE_FLAGS: &[(&str, SendFlags)] = &[
    ("MSG_DONTWAIT", SendFlags::DONTWAIT),
    ("MSG_PEEK", SendFlags::PEEK),
    ("MSG_WAITALL", SendFlags::WAITALL),
    ("MSG_TRUNC", SendFlags::TRUNC),
    ("MSG_NOSIGNAL", SendFlags::NONE),
    ("MSG_CMSG_CLOEXEC", SendFlags::NONE),
];

/// How many bytes a call of sockets is about, and which of its arguments are its flags.
fn message(call: &Call) -> (Option<i64>, usize) {
    match call.name.as_str() {
        "recvmsg" | "sendmsg" => (lengths(call), 2),
        _ => (call.number(2), 3),
    }
}

/// Flags of a call of sockets; `None` where there are others.
fn flags_of(call: &Call, at: usize, known: &[(&str, SendFlags)]) -> Option<SendFlags> {
    let told = call.arguments.get(at).map_or("0", String::as_str);
    let words = told.split('|').map(str::trim).filter(|word| *word != "0");
    words.into_iter().try_fold(SendFlags::NONE, |flags, word| {
        let (_, flag) = known.iter().find(|(name, _)| *name == word)?;
        Some(flags.union(*flag))
    })
}

/// The sum of the lengths of a vector of buffers. Where the log hides them, as `[...]`, it is taken to be as many as were
/// moved, or one where a read moved none; `None` where that can't be told.
fn lengths(call: &Call) -> Option<i64> {
    let vector = call.arguments.get(1)?;
    if vector.contains("iov_len=") {
        let length = |part: &str| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<i64>().unwrap_or(0)
        };
        return Some(vector.split("iov_len=").skip(1).map(length).sum());
    }
    let reads = call.name.starts_with("re");
    match call.outcome {
        Outcome::Value(count) => Some(if reads { count.max(1) } else { count }),
        _ => reads.then_some(1),
    }
}
