//! Real Unix sockets that lie about what they have done.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use pipewright_backends::{Arrangement, Channel, Instance, Port, Seen, Unix};
use pipewright_model::call::{Answer, End, Errno, Events, Mode, Op, SendFlags};
use pipewright_model::run::{Seat, Setup};

use crate::Canary;

/// How a call is made instead of how it should be.
type Fault = fn(&mut dyn Port, End, Op, &mut [u8]) -> Seen;

/// The same, given how many bytes this port has shown and not taken.
type Owing = fn(&mut u32, &mut dyn Port, End, Op, &mut [u8]) -> Seen;

#[derive(Clone, Copy)]
enum Made {
    Otherwise(Fault),
    Late(Owing),
}

struct Faulty {
    name: &'static str,
    real: Unix,
    made: Made,
}

impl Channel for Faulty {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        self.real.setup()
    }

    fn arrangements(&self) -> &[Arrangement] {
        self.real.arrangements()
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let mut instance = self.real.create(place, seats)?;
        instance.ports = instance.ports.into_iter().map(|real| self.wrap(real)).collect();
        Ok(instance)
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(self.wrap(self.real.adopt(place, ends)?))
    }
}

impl Faulty {
    fn wrap(&self, real: Box<dyn Port>) -> Box<dyn Port> {
        Box::new(FaultyPort { real, made: self.made, owed: 0 })
    }
}

struct FaultyPort {
    real: Box<dyn Port>,
    made: Made,
    owed: u32,
}

impl Port for FaultyPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        match self.made {
            Made::Otherwise(fault) => fault(self.real.as_mut(), end, op, bytes),
            Made::Late(fault) => fault(&mut self.owed, self.real.as_mut(), end, op, bytes),
        }
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        self.real.descriptors()
    }
}

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    let mut all = streams();
    all.extend(messages());
    all
}

fn streams() -> Vec<Canary> {
    vec![
        canary(
            "shutdown_of_writing_not_seen_by_the_peer",
            Unix::STREAM,
            |port, end, op, bytes| match op {
                Op::Shutdown { how: Mode::Write } => Seen::answer(Answer::Done),
                _ => port.call(end, op, bytes),
            },
            "descriptor.poll.ready",
            "channel unix-stream
             ann: shutdown write -> ok
             ben: poll in|rdhup -> in|rdhup",
        ),
        canary(
            "epipe_of_sockets_without_sigpipe",
            Unix::STREAM,
            |port, end, op, bytes| Seen { signal: None, ..port.call(end, op, bytes) },
            "unix.any.broken",
            "channel unix-stream
             ben: close -> ok
             ann: write 1 -> EPIPE + SIGPIPE",
        ),
        canary(
            "backlog_of_nothing_refuses_everybody",
            Unix::STREAM,
            |port, end, op, bytes| match op {
                Op::Listen { backlog: 0 } => Seen::answer(Answer::Done),
                _ => port.call(end, op, bytes),
            },
            "unix.connect.connects",
            "channel unix-stream
             a: socket -> ok
             a: bind -> ok
             a: listen 0 -> ok
             b: socket -> ok
             b: connect -> ok",
        ),
        canary(
            "backlog_is_one_too_many",
            Unix::STREAM,
            |port, end, op, bytes| match op {
                Op::Listen { backlog } => {
                    port.call(end, Op::Listen { backlog: backlog + 1 }, bytes)
                }
                _ => port.call(end, op, bytes),
            },
            "unix.connect.full-nonblocking",
            "channel unix-stream
             a: socket -> ok
             a: bind -> ok
             a: listen 0 -> ok
             b: socket -> ok
             b: connect -> ok
             c: socket nonblocking -> ok
             c: connect -> EAGAIN",
        ),
        canary(
            "peek_consumes",
            Unix::STREAM,
            |port, end, op, bytes| match op {
                Op::Receive { len, flags } => {
                    let flags = flags.without(SendFlags::PEEK);
                    port.call(end, Op::Receive { len, flags }, bytes)
                }
                _ => port.call(end, op, bytes),
            },
            "unix.any.data",
            "channel unix-stream
             ann: write 2 -> 2
             ben: receive 2 peek -> 2
             ben: read 2 -> 2",
        ),
        made(
            "read_shows_first_and_takes_later",
            Unix::STREAM,
            // What was shown is taken when the port is used again: others see it until then.
            Made::Late(|owed, port, end, op, bytes| {
                if *owed > 0 {
                    let mut taken = vec![0; *owed as usize];
                    let take = Op::Receive { len: *owed, flags: SendFlags::DONTWAIT };
                    port.call(end, take, &mut taken);
                    *owed = 0;
                }
                let Op::Read { len: len @ 1.. } = op else { return port.call(end, op, bytes) };
                let seen = port.call(end, Op::Receive { len, flags: SendFlags::PEEK }, bytes);
                if let Answer::Count(shown) = seen.answer {
                    *owed = shown;
                }
                seen
            }),
            "unix.any.empty-nonblocking",
            "channel unix-stream
             ann: write 2 -> 2
             ben: read 2 -> 2
             ben2: receive 2 dontwait -> EAGAIN",
        ),
        canary(
            "shutdown_wakes_nobody_who_polls_for_it",
            Unix::STREAM,
            |port, end, op, bytes| match op {
                Op::Poll { events: Events::RDHUP, wait: true, among: false } => port.call(
                    end,
                    Op::Poll { events: Events::NONE, wait: true, among: false },
                    bytes,
                ),
                _ => port.call(end, op, bytes),
            },
            "descriptor.poll.ready",
            "channel unix-stream
             ben: poll rdhup wait
             quiet ben
             ann: shutdown write -> ok
             ben: -> rdhup",
        ),
        canary(
            "poll_without_rdhup",
            Unix::STREAM,
            |port, end, op, bytes| match port.call(end, op, bytes) {
                Seen { answer: Answer::Ready(Events(events)), signal } => {
                    let events = Events(events & !Events::RDHUP.0);
                    Seen { answer: Answer::Ready(events), signal }
                }
                seen => seen,
            },
            "descriptor.poll.ready",
            "channel unix-stream
             ann: close -> ok
             ben: poll in|rdhup -> in|hup|rdhup",
        ),
        canary(
            "close_with_unread_data_is_orderly",
            Unix::STREAM,
            |port, end, op, bytes| match (op, port.call(end, op, bytes)) {
                (Op::Read { .. }, Seen { answer: Answer::Fails(Errno::ECONNRESET), .. }) => {
                    Seen::answer(Answer::Count(0))
                }
                (_, seen) => seen,
            },
            "unix.any.reset",
            "channel unix-stream
             ben: write 1 -> 1
             ann: close -> ok
             ben: read 1 -> ECONNRESET",
        ),
        canary(
            "shutdown_drops_what_is_queued",
            Unix::STREAM,
            |port, end, op, bytes| {
                if matches!(op, Op::Shutdown { how: Mode::Read }) {
                    let mut drain = [0; 4096];
                    let flags = SendFlags::DONTWAIT;
                    port.call(end, Op::Receive { len: 4096, flags }, &mut drain);
                }
                port.call(end, op, bytes)
            },
            "unix.any.data",
            "channel unix-stream
             ann: write 2 -> 2
             ben: shutdown read -> ok
             ben: read 2 -> 2",
        ),
        canary(
            "descriptor_is_no_bound",
            Unix::STREAM,
            |port, end, op, bytes| match op {
                Op::SendEnd { len, .. } => {
                    port.call(end, Op::Send { len, flags: SendFlags::NONE }, bytes)
                }
                _ => port.call(end, op, bytes),
            },
            "unix.any.data-with-end",
            "channel unix-stream
             ann: send-end 1 passing sa -> 1
             ann: write 1 -> 1
             ben: read 2 -> 1",
        ),
    ]
}

fn messages() -> Vec<Canary> {
    vec![
        canary(
            "empty_message_is_not_sent",
            Unix::SEQPACKET,
            |port, end, op, bytes| match op {
                Op::Write { len: 0 } => Seen::answer(Answer::Count(0)),
                _ => port.call(end, op, bytes),
            },
            "descriptor.poll.ready",
            "channel unix-seqpacket
             ann: write 0 -> 0
             ben: poll in -> in",
        ),
        canary(
            "seqpacket_merges_messages",
            Unix::SEQPACKET,
            |port, end, op, bytes| match (op, port.call(end, op, bytes)) {
                (Op::Read { len }, Seen { answer: Answer::Count(count), .. })
                    if (1..len).contains(&count) =>
                {
                    // What is there besides fills up what was asked for.
                    let more = Op::Receive { len: len - count, flags: SendFlags::DONTWAIT };
                    let rest = &mut bytes[count as usize..];
                    match port.call(end, more, rest).answer {
                        Answer::Count(more) => Seen::answer(Answer::Count(count + more)),
                        _ => Seen::answer(Answer::Count(count)),
                    }
                }
                (_, seen) => seen,
            },
            "message.any.whole",
            "channel unix-seqpacket
             ann: write 2 -> 2
             ann: write 3 -> 3
             ben: read 9 -> 2",
        ),
        canary(
            "datagram_keeps_the_rest_of_a_message",
            Unix::DATAGRAM,
            |port, end, op, bytes| {
                let Op::Read { len: 1.. } = op else { return port.call(end, op, bytes) };
                // A message longer than was asked for stays, as if its rest could be read later.
                let flags = SendFlags::PEEK.union(SendFlags::DONTWAIT);
                let len = bytes.len() as u32;
                match port.call(end, Op::Receive { len, flags }, bytes) {
                    Seen { answer: Answer::Marked(..), .. } => Seen::answer(Answer::Count(len)),
                    _ => port.call(end, op, bytes),
                }
            },
            "message.any.whole",
            "channel unix-datagram
             ann: write 5 -> 5
             ann: write 1 -> 1
             ben: read 2 -> 2
             ben: read 2 -> 1",
        ),
        canary(
            "truncation_is_not_told",
            Unix::DATAGRAM,
            |port, end, op, bytes| match port.call(end, op, bytes) {
                Seen { answer: Answer::Marked(count, _), signal } => {
                    Seen { answer: Answer::Count(count), signal }
                }
                seen => seen,
            },
            "message.any.whole",
            "channel unix-datagram
             ann: write 2 -> 2
             ben: receive 1 -> 1 truncated",
        ),
        canary(
            "refused_datagram_is_a_broken_pipe",
            Unix::DATAGRAM,
            |port, end, op, bytes| match port.call(end, op, bytes) {
                Seen { answer: Answer::Fails(Errno::ECONNREFUSED), .. } => {
                    Seen::answer(Answer::Fails(Errno::EPIPE))
                }
                seen => seen,
            },
            "message.any.refused",
            "channel unix-datagram
             ben: close -> ok
             ann: write 1 -> ECONNREFUSED",
        ),
    ]
}

fn canary(
    name: &'static str,
    real: Unix,
    fault: Fault,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    made(name, real, Made::Otherwise(fault), rule, shows)
}

fn made(
    name: &'static str,
    real: Unix,
    made: Made,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    let broken = Box::leak(Box::new(Faulty { name, real, made }));
    let sound = Box::leak(Box::new(real));
    Canary { name, broken, sound, rule, shows }
}
