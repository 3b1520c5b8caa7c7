//! The tables of the program: its tests, their calls, and what each may give, as C.

use std::fmt::Write as _;

use pipewright_backends::sys::desk::BYTES_MAX;
use pipewright_model::call::{
    Answer, Call, End, Errno, Mode, Op, OpenFlags, Reply, SocketOption, Whence,
};
use pipewright_model::data::{ANY, Data, ZERO};
use pipewright_model::index::RuleIndex;
use pipewright_model::kind::{Discipline, MESSAGE_BYTES, MESSAGE_QUEUE, Side, SocketType};
use pipewright_model::platform::Platform;
use pipewright_model::rules::RULES;
use pipewright_model::run::{Event, Run};
use pipewright_model::text;

use super::{Test, make};
use crate::sequential::Step;

/// Seconds after which a call that does not return is interrupted.
const SECONDS_MAX: u32 = 5;

/// What the tables are made of.
pub(super) fn head(platform: &Platform) -> String {
    let options = SocketOption::NAMED
        .iter()
        .enumerate()
        .map(|(index, (word, _))| format!("#define OPTION_{} {index}\n", upper(word)));
    let ops = Op::WORDS.iter().map(|word| format!("OP_{}", upper(word))).collect::<Vec<_>>();
    format!(
        "/* Written by `pipewright export --c`: tests whose calls one thread makes, with what the rules allow each to give. Build it\n\
         \x20  for the system to be tested: `cc -std=c11 -static -O1 -o pipewright-kit pipewright.c`. Its argument is a directory for\n\
         \x20  files, /tmp where there is none. Status 0: all as the rules say or as expected; 1: not. */\n\
         #define _GNU_SOURCE\n\
         #include <errno.h>\n#include <fcntl.h>\n#include <mqueue.h>\n#include <poll.h>\n#include <signal.h>\n\
         #include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n#include <sys/file.h>\n#include <sys/ioctl.h>\n\
         #include <sys/socket.h>\n#include <sys/stat.h>\n#include <sys/time.h>\n#include <sys/un.h>\n#include <unistd.h>\n\n\
         #define ABOUT \"pipewright {}, profile {}\"\n\
         #define BUFFER_BYTES {BYTES_MAX}\n#define QUEUE_MESSAGES {}\n#define QUEUE_BYTES {MESSAGE_BYTES}\n\
         #define SECONDS_MAX {SECONDS_MAX}\n#define ANY {}\n#define ZERO {}\n{}\n\
         enum {{ COUNT, DONE, READY, FAILS }};\n\
         enum {{ SIDE_ONLY, SIDE_A, SIDE_B, SIDE_OPEN }};\n\
         enum {{ MAKE_PIPES, MAKE_FIFO, MAKE_QUEUE, MAKE_FILE_BY_PATH, MAKE_FILE_SHARED, MAKE_SOCKETS, MAKE_SOCKETS_ABSTRACT }};\n\
         enum {{ {} }};\n\n\
         struct hold {{ uint8_t actor, end, mode, side; }};\n\
         struct segment {{ uint8_t actor; uint32_t from, len; }};\n\
         struct reply {{ uint8_t kind, marks, signal, segments; uint32_t first; int64_t value; const char *rule; }};\n\
         struct step {{\n    uint8_t actor, end, other, op, offers, asks, replies, on;\n    uint32_t first_reply, len;\n    int32_t a, b;\n    const char *text;\n}};\n\
         struct test {{\n    const char *name;\n    uint8_t make, sides, type, nonblock, packet, append;\n    uint32_t capacity, first_hold, holds, first_step, steps;\n}};\n\n",
        env!("CARGO_PKG_VERSION"),
        platform.name,
        MESSAGE_QUEUE.capacity_default_bytes / MESSAGE_BYTES,
        ANY.0,
        ZERO.0,
        options.collect::<String>(),
        ops.join(", "),
    )
}

fn upper(word: &str) -> String {
    word.to_uppercase().replace('-', "_")
}

/// The tables of these tests, of which those named are expected to fail.
pub(super) fn tables(tests: &[Test], expected: &[String]) -> String {
    let mut tables = Tables::default();
    tests.iter().for_each(|test| tables.add(test));
    let Tables { tests, holds, steps, replies, segments, counts: _, ends, actors } = tables;
    let mut errors = String::new();
    for (name, _, _) in Errno::NAMED {
        let _ = write!(errors, "#ifdef {name}\n    {{{name}, \"{name}\"}},\n#endif\n");
    }
    let expected: String = expected.iter().map(|name| format!("    {name:?},\n")).collect();
    format!(
        "#define ACTORS {actors}\n#define ENDS {ends}\n\n\
         static const struct {{ int number; const char *name; }} errors[] = {{\n{errors}}};\n\n\
         static const struct hold holds[] = {{\n{holds}}};\n\n\
         static const struct segment segments[] = {{\n{segments}}};\n\n\
         static const struct reply replies[] = {{\n{replies}}};\n\n\
         static const struct step steps[] = {{\n{steps}}};\n\n\
         static const struct test tests[] = {{\n{tests}}};\n\n\
         /* Tests that are expected to fail; one that passes fails the whole. */\n\
         static const char *const expected[] = {{\n{expected}    NULL,\n}};\n"
    )
}

#[derive(Default)]
struct Tables {
    tests: String,
    holds: String,
    steps: String,
    replies: String,
    segments: String,
    /// How many there are of the last four.
    counts: [usize; 4],
    ends: usize,
    actors: usize,
}

impl Tables {
    fn add(&mut self, test: &Test) {
        let Test { name, sequence } = test;
        let run = &sequence.run;
        let setup = run.setup();
        self.ends = self.ends.max(run.end_names.len());
        self.actors = self.actors.max(run.seats.len());
        let [first_hold, first_step, ..] = self.counts;
        for (actor, seat) in run.seats.iter().enumerate() {
            for (end, hold) in &seat.ends {
                let (mode, side) = (mode(hold.mode), side(hold.side));
                let _ = writeln!(self.holds, "    {{{actor}, {}, {mode}, {side}}},", end.0);
                self.counts[0] += 1;
            }
        }
        sequence.steps.iter().for_each(|step| self.step(run, step));
        let kind = match setup.kind.discipline {
            Discipline::Unix(SocketType::Seqpacket, _) => 1,
            Discipline::Unix(SocketType::Datagram, _) => 2,
            _ => 0,
        };
        let asked = setup.kind.discipline == Discipline::Stream
            && setup.capacity_bytes != setup.kind.capacity_default_bytes;
        let _ = writeln!(
            self.tests,
            "    {{{name:?}, {}, {}, {kind}, {}, {}, {}, {}, {first_hold}, {}, {first_step}, {}}},",
            make(setup).unwrap_or("MAKE_PIPES"),
            setup.kind.sides,
            u8::from(setup.nonblock),
            u8::from(setup.packet),
            u8::from(setup.append),
            if asked { setup.capacity_bytes } else { 0 },
            self.counts[0] - first_hold,
            self.counts[1] - first_step,
        );
    }

    fn step(&mut self, run: &Run, step: &Step) {
        let Step { call, replies, on } = step;
        let first_reply = self.counts[2];
        replies.iter().for_each(|(reply, rule)| self.reply(reply, *rule));
        let (a, b) = arguments(call.op);
        let (offers, asks) = (call.op.offers(), call.op.asks());
        let _ = writeln!(
            self.steps,
            "    {{{}, {}, {}, OP_{}, {}, {}, {}, {on}, {first_reply}, {}, {a}, {b}, {:?}}},",
            call.actor.0,
            end(call.end),
            end(call.op.other_end().unwrap_or(End(0))),
            upper(call.op.word()),
            u8::from(offers.is_some()),
            u8::from(asks.is_some()),
            replies.len(),
            offers.or(asks).unwrap_or(0),
            told(run, *call),
        );
        self.counts[1] += 1;
    }

    fn reply(&mut self, reply: &Reply, rule: RuleIndex) {
        let first = self.counts[3];
        if let Data::Named(names) = &reply.data {
            for name in names {
                let _ = writeln!(
                    self.segments,
                    "    {{{}, {}, {}}},",
                    name.actor.0, name.from, name.len
                );
                self.counts[3] += 1;
            }
        }
        let (kind, value, marks) = match reply.answer {
            Answer::Count(count) => ("COUNT", count.to_string(), 0),
            Answer::Marked(count, marks) => ("COUNT", count.to_string(), marks.0),
            Answer::Done => ("DONE", "0".to_owned(), 0),
            Answer::Ready(events) => ("READY", events.0.to_string(), 0),
            // Of calls that are not exported.
            Answer::Value(_) | Answer::Told(_) | Answer::Polled(_) => ("READY", "0".to_owned(), 0),
            Answer::Fails(Errno::Other(number)) => ("FAILS", number.to_string(), 0),
            Answer::Fails(errno) => ("FAILS", errno.to_string(), 0),
        };
        let _ = writeln!(
            self.replies,
            "    {{{kind}, {marks}, {}, {}, {first}, {value}, {:?}}},",
            u8::from(reply.signal.is_some()),
            self.counts[3] - first,
            RULES[usize::from(rule)].id,
        );
        self.counts[2] += 1;
    }
}

/// The call as runs have it.
fn told(run: &Run, call: Call) -> String {
    let alone =
        Run { events: vec![Event::Call(call)], remarks: vec![String::new()], ..run.clone() };
    text::event(&alone, 0).trim().to_owned()
}

fn end(end: End) -> u8 {
    end.0
}

fn mode(mode: Mode) -> u8 {
    match mode {
        Mode::Read => 0,
        Mode::Write => 1,
        Mode::ReadWrite => 2,
    }
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Only => "SIDE_ONLY",
        Side::A => "SIDE_A",
        Side::B => "SIDE_B",
        // Of kinds that are made by calls, or not exported.
        _ => "SIDE_OPEN",
    }
}

/// Whether the program's text makes this call.
pub(super) fn makes(op: Op) -> bool {
    matches!(
        op,
        Op::Open { .. }
            | Op::Close
            | Op::Unlink
            | Op::Dup { .. }
            | Op::Dup2 { .. }
            | Op::Read { .. }
            | Op::Write { .. }
            | Op::ReadAt { .. }
            | Op::WriteAt { .. }
            | Op::SetNonblock(_)
            | Op::SetCloseOnExec(_)
            | Op::Poll { .. }
            | Op::SetCapacity { .. }
            | Op::GetCapacity
            | Op::Available
            | Op::Seek { .. }
            | Op::Truncate { .. }
            | Op::Lock { .. }
            | Op::Flock { .. }
            | Op::Socket { .. }
            | Op::Bind
            | Op::Listen { .. }
            | Op::Connect
            | Op::Accept { .. }
            | Op::Shutdown { .. }
            | Op::Send { .. }
            | Op::Receive { .. }
            | Op::SendEnd { .. }
            | Op::ReceiveEnd { .. }
            | Op::SetOption { .. }
            | Op::GetOption { .. }
    )
}

/// What goes with a call besides a length and another end.
fn arguments(op: Op) -> (i64, i64) {
    let lock = |lock, wait| (lock as i64, i64::from(wait));
    match op {
        Op::Open { mode: how, flags } => {
            let bit = |flag, bit| if flags.contains(flag) { bit } else { 0 };
            let bits = bit(OpenFlags::APPEND, 1) | bit(OpenFlags::TRUNCATE, 2);
            (mode(how).into(), bits | bit(OpenFlags::NONBLOCK, 4))
        }
        Op::SetNonblock(on) | Op::SetCloseOnExec(on) => (on.into(), 0),
        Op::Poll { events, wait, .. } => (events.0.into(), wait.into()),
        Op::SetCapacity { bytes } => (i64::from(bytes as i32), 0),
        Op::Seek { from, offset } => {
            let from = match from {
                Whence::Start => 0,
                Whence::Current => 1,
                Whence::End => 2,
            };
            (from, offset.into())
        }
        Op::ReadAt { at, .. } | Op::WriteAt { at, .. } => (0, at.into()),
        Op::Truncate { len } => (i64::from(len as i32), 0),
        Op::Lock { lock: kind, wait } | Op::Flock { lock: kind, wait } => lock(kind, wait),
        Op::Socket { nonblock } | Op::Accept { nonblock, .. } => (nonblock.into(), 0),
        Op::Listen { backlog } => (backlog.into(), 0),
        Op::Shutdown { how } => (mode(how).into(), 0),
        Op::Send { flags, .. } | Op::Receive { flags, .. } => (flags.0.into(), 0),
        Op::SetOption { option, value } => (number(option), value.into()),
        Op::GetOption { option } => (number(option), 0),
        _ => (0, 0),
    }
}

fn number(option: SocketOption) -> i64 {
    SocketOption::NAMED.iter().position(|(_, other)| *other == option).unwrap_or(0) as i64
}
