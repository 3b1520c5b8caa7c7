//! Real eventfds that lie about what they have done, or are not what they claim to be.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use pipewright_backends::{Arrangement, Channel, Eventfd, Instance, Port, Seen};
use pipewright_model::call::{Answer, End, Errno, Events, Op};
use pipewright_model::run::{Seat, Setup};

use crate::Canary;

/// What becomes of a reply.
type Lie = fn(Op, Seen) -> Seen;

/// An eventfd that claims to be another, and whose replies are turned into others.
struct Lying {
    name: &'static str,
    claims: Eventfd,
    real: Eventfd,
    lie: Lie,
}

impl Channel for Lying {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        self.claims.setup()
    }

    fn arrangements(&self) -> &[Arrangement] {
        self.real.arrangements()
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let Instance { ports, keeper, .. } = self.real.create(place, seats)?;
        let ports = ports.into_iter().map(|port| self.wrap(port)).collect();
        Ok(Instance { setup: self.setup(), ports, keeper })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(self.wrap(self.real.adopt(place, ends)?))
    }
}

impl Lying {
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

const EAGAIN: Answer = Answer::Fails(Errno::EAGAIN);
const EINVAL: Answer = Answer::Fails(Errno::EINVAL);

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    const PLAIN: Eventfd = Eventfd::PLAIN;
    const NONBLOCKING: Eventfd = Eventfd::NONBLOCKING;
    const SEMAPHORE: Eventfd = Eventfd::SEMAPHORE;
    let honest: Lie = |_, seen| seen;
    vec![
        canary(
            "empty_eventfd_gives_zero",
            (NONBLOCKING, NONBLOCKING),
            |op, seen| turned(op == Op::Take, seen, EAGAIN, Answer::Count(0)),
            "eventfd.take.empty-nonblocking",
            "channel eventfd nonblocking
             actor a holds rw
             a: take -> EAGAIN",
        ),
        canary(
            "semaphore_gives_all",
            (SEMAPHORE, PLAIN),
            honest,
            "eventfd.take.one",
            "channel eventfd-semaphore
             actor a holds rw
             a: add 2 -> ok
             a: take -> 1",
        ),
        canary(
            "counter_gives_one",
            (PLAIN, SEMAPHORE),
            honest,
            "eventfd.take.all",
            "channel eventfd
             actor a holds rw
             a: add 2 -> ok
             a: take -> 2",
        ),
        canary(
            "eventfd_takes_the_largest_value",
            (PLAIN, PLAIN),
            |op, seen| turned(matches!(op, Op::Add { .. }), seen, EINVAL, Answer::Done),
            "eventfd.add.too-large",
            "channel eventfd
             actor a holds rw
             a: add 18446744073709551615 -> EINVAL",
        ),
        canary(
            "overflow_of_an_eventfd_is_no_error",
            (NONBLOCKING, NONBLOCKING),
            |op, seen| turned(matches!(op, Op::Add { .. }), seen, EAGAIN, Answer::Done),
            "eventfd.add.full-nonblocking",
            "channel eventfd nonblocking
             actor a holds rw
             a: add 18446744073709551614 -> ok
             a: add 1 -> EAGAIN",
        ),
        canary(
            "short_read_of_an_eventfd_finds_it_empty",
            (NONBLOCKING, NONBLOCKING),
            |op, seen| turned(matches!(op, Op::Read { .. }), seen, EINVAL, EAGAIN),
            "eventfd.read.too-short",
            "channel eventfd nonblocking
             actor a holds rw
             a: read 7 -> EINVAL",
        ),
        canary(
            "short_write_to_an_eventfd_adds",
            (PLAIN, PLAIN),
            |op, seen| turned(matches!(op, Op::Write { .. }), seen, EINVAL, Answer::Count(4)),
            "eventfd.write.too-short",
            "channel eventfd
             actor a holds rw
             a: write 4 -> EINVAL",
        ),
        canary(
            "full_eventfd_can_be_written_to",
            (PLAIN, PLAIN),
            |op, seen| match (op, seen.answer) {
                (Op::Poll { events, .. }, Answer::Ready(found)) => {
                    let out = events.intersection(Events::OUT);
                    Seen::answer(Answer::Ready(found.union(out)))
                }
                _ => seen,
            },
            "descriptor.poll.nothing",
            "channel eventfd
             actor a holds rw
             a: add 18446744073709551614 -> ok
             a: poll out -> none",
        ),
    ]
}

/// The answer turned into another, where it is the one that is lied about.
fn turned(lies: bool, seen: Seen, from: Answer, to: Answer) -> Seen {
    if lies && seen.answer == from { Seen::answer(to) } else { seen }
}

fn canary(
    name: &'static str,
    (claims, real): (Eventfd, Eventfd),
    lie: Lie,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    let broken = Box::leak(Box::new(Lying { name, claims, real, lie }));
    let sound = Box::leak(Box::new(claims));
    Canary { name, broken, sound, rule, shows }
}
