//! Real pipes that lie about what they have done.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use pipewright_backends::{Arrangement, Channel, Instance, Pipe, Port, Seen};
use pipewright_model::call::{Answer, End, Errno, Events, Op};
use pipewright_model::run::{Seat, Setup};

use crate::Canary;

/// What becomes of a reply.
type Lie = fn(Op, Seen) -> Seen;

/// A channel whose replies are turned into others.
struct Wrapped {
    name: &'static str,
    real: Pipe,
    lie: Lie,
}

impl Channel for Wrapped {
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
        instance.ports = instance.ports.into_iter().map(|port| self.wrap(port)).collect();
        Ok(instance)
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(self.wrap(self.real.adopt(place, ends)?))
    }
}

impl Wrapped {
    fn wrap(&self, real: Box<dyn Port>) -> Box<dyn Port> {
        Box::new(LyingPort { real, lie: self.lie })
    }
}

struct LyingPort {
    real: Box<dyn Port>,
    lie: Lie,
}

impl Port for LyingPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        (self.lie)(op, self.real.call(end, op, bytes))
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        self.real.descriptors()
    }
}

const PAGE_BYTES: u32 = 4096;

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    vec![
        canary(
            "epipe_without_sigpipe",
            Pipe::PLAIN,
            |_, seen| Seen { signal: None, ..seen },
            "stream.write.no-reader",
            "channel pipe
             reader: close -> ok
             writer: write 1 -> EPIPE + SIGPIPE",
        ),
        canary(
            "write_without_reader_succeeds",
            Pipe::PLAIN,
            |op, seen| match (op, seen.answer) {
                (Op::Write { len }, Answer::Fails(Errno::EPIPE)) => count(len),
                _ => seen,
            },
            "stream.write.no-reader",
            "channel pipe
             reader: close -> ok
             writer: write 4096 -> EPIPE + SIGPIPE",
        ),
        canary(
            "eof_reported_as_eagain",
            Pipe::NONBLOCKING,
            |op, seen| match (op, seen.answer) {
                (Op::Read { len: 1.. }, Answer::Count(0)) => fails(Errno::EAGAIN),
                _ => seen,
            },
            "stream.read.no-writer",
            "channel pipe nonblocking
             writer: close -> ok
             reader: read 1 -> 0",
        ),
        canary(
            "poll_without_pollerr_when_readers_gone",
            Pipe::PLAIN,
            |_, seen| match seen.answer {
                Answer::Ready(events) => {
                    Seen::answer(Answer::Ready(Events(events.0 & !Events::ERR.0)))
                }
                _ => seen,
            },
            "descriptor.poll.ready",
            "channel pipe
             reader: close -> ok
             writer: poll out -> out|err",
        ),
        canary(
            "fionread_counts_slots",
            Pipe::PLAIN,
            |op, seen| match (op, seen.answer) {
                (Op::Available, Answer::Count(bytes)) => count(bytes.next_multiple_of(PAGE_BYTES)),
                _ => seen,
            },
            "stream.available.counts",
            "channel pipe
             writer: write 1 -> 1
             reader: available -> 1",
        ),
        canary(
            "write_reports_all_it_was_offered",
            Pipe::NONBLOCKING,
            |op, seen| match (op, seen.answer) {
                (Op::Write { len }, Answer::Count(1..)) => {
                    Seen { answer: Answer::Count(len), ..seen }
                }
                _ => seen,
            },
            "stream.write.partial",
            "channel pipe nonblocking
             actor reader holds r
             writer: write 70000 -> 65536",
        ),
        canary(
            "capacity_as_asked_not_as_given",
            Pipe::PLAIN,
            |op, seen| match (op, seen.answer) {
                (Op::SetCapacity { bytes }, Answer::Count(_)) => count(bytes),
                _ => seen,
            },
            "stream.set-capacity.rounds-up",
            "channel pipe
             writer: set-capacity 4097 -> 8192",
        ),
        canary(
            "seek_pretends_to_work",
            Pipe::PLAIN,
            |op, seen| match (op, seen.answer) {
                (Op::POSITION, Answer::Fails(Errno::ESPIPE)) => count(0),
                _ => seen,
            },
            "stream.seek.no-offset",
            "channel pipe
             reader: seek -> ESPIPE",
        ),
        canary(
            "close_twice_succeeds",
            Pipe::PLAIN,
            |op, seen| if op == Op::Close { Seen::answer(Answer::Done) } else { seen },
            "descriptor.any.not-open",
            "channel pipe
             reader: close -> ok
             reader: close -> EBADF",
        ),
    ]
}

fn canary(
    name: &'static str,
    real: Pipe,
    lie: Lie,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    let broken = Box::leak(Box::new(Wrapped { name, real, lie }));
    let sound = Box::leak(Box::new(real));
    Canary { name, broken, sound, rule, shows }
}

fn count(count: u32) -> Seen {
    Seen::answer(Answer::Count(count))
}

fn fails(errno: Errno) -> Seen {
    Seen::answer(Answer::Fails(errno))
}
