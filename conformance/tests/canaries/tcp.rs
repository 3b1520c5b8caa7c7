//! Real TCP connections with one fault put in between the actor and the kernel.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use pipewright_backends::{Arrangement, Channel, Instance, Port, Queues, Seen, tcp::Tcp};
use pipewright_model::call::{Answer, End, Errno, Events, Mode, Op, SendFlags, SocketOption};
use pipewright_model::run::{Seat, Setup};

use crate::Canary;

/// Makes the call as it sees fit. The flag is its own, and false at first.
type Fault = fn(&mut dyn Port, End, Op, &mut [u8], &mut bool) -> Seen;

struct Faulty {
    name: &'static str,
    fault: Fault,
}

impl Channel for Faulty {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Tcp::LOOPBACK.setup()
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads]
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let mut instance = Tcp::LOOPBACK.create(place, seats)?;
        instance.ports = instance.ports.into_iter().map(|port| self.wrap(port)).collect();
        Ok(instance)
    }

    fn queues(&self, place: &Path, by_name: bool) -> io::Result<Option<Queues>> {
        Tcp::LOOPBACK.queues(place, by_name)
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(self.wrap(Tcp::LOOPBACK.adopt(place, ends)?))
    }
}

impl Faulty {
    fn wrap(&self, real: Box<dyn Port>) -> Box<dyn Port> {
        Box::new(FaultyPort { real, fault: self.fault, flag: false })
    }
}

struct FaultyPort {
    real: Box<dyn Port>,
    fault: Fault,
    flag: bool,
}

impl Port for FaultyPort {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        (self.fault)(self.real.as_mut(), end, op, bytes, &mut self.flag)
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        self.real.descriptors()
    }
}

/// Takes all that has arrived.
fn drain(port: &mut dyn Port, end: End) {
    let mut bytes = vec![0; 65_536];
    let op = Op::Receive { len: 65_536, flags: SendFlags::DONTWAIT };
    while matches!(port.call(end, op, &mut bytes).answer, Answer::Count(1..)) {}
}

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    vec![
        canary(
            "close_with_unread_data_sends_no_reset",
            |port, end, op, bytes, _| {
                if op == Op::Close {
                    drain(port, end);
                }
                port.call(end, op, bytes)
            },
            "tcp.any.read-error",
            "channel tcp
             ann: write 5 -> 5
             quiet
             ben: close -> ok
             quiet
             ann: read 1 -> ECONNRESET",
        ),
        canary(
            "half_close_closes_both_ways",
            |port, end, op, bytes, _| match op {
                Op::Shutdown { how: Mode::Write } => {
                    port.call(end, Op::Shutdown { how: Mode::ReadWrite }, bytes)
                }
                _ => port.call(end, op, bytes),
            },
            "tcp.any.read-data",
            "channel tcp
             ann: shutdown write -> ok
             quiet
             ben: write 3 -> 3
             quiet
             ann: read 3 -> 3 = ben[0..3]",
        ),
        canary(
            "shutting_for_reading_is_told_to_the_peer",
            |port, end, op, bytes, _| match op {
                Op::Shutdown { how: Mode::Read } => {
                    port.call(end, Op::Shutdown { how: Mode::ReadWrite }, bytes)
                }
                _ => port.call(end, op, bytes),
            },
            "tcp.any.read-nothing-yet",
            "channel tcp
             ann: shutdown read -> ok
             quiet
             ben: receive 1 dontwait -> EAGAIN",
        ),
        canary(
            "reset_without_hang_up",
            |port, end, op, bytes, _| match port.call(end, op, bytes) {
                Seen { answer: Answer::Ready(events), signal } => {
                    Seen { answer: Answer::Ready(Events(events.0 & !Events::HUP.0)), signal }
                }
                seen => seen,
            },
            "descriptor.poll.ready",
            "channel tcp
             ben: set-option linger 0 -> ok
             ben: close -> ok
             quiet
             ann: poll out -> out|err|hup",
        ),
        canary(
            "error_is_told_twice",
            |port, end, op, bytes, told| {
                let seen = port.call(end, op, bytes);
                let reset = seen.answer == Answer::Fails(Errno::ECONNRESET);
                if *told && op.asks().is_some() && seen.answer == Answer::Count(0) {
                    *told = false;
                    return Seen::answer(Answer::Fails(Errno::ECONNRESET));
                }
                *told |= reset;
                seen
            },
            "tcp.any.read-after-error",
            "channel tcp
             ben: set-option linger 0 -> ok
             ben: close -> ok
             quiet
             ann: read 1 -> ECONNRESET
             ann: read 1 -> 0",
        ),
        canary(
            "linger_zero_is_ignored",
            |port, end, op, bytes, _| match op {
                Op::SetOption { option: SocketOption::Linger, value: 0 } => {
                    let option = SocketOption::Linger;
                    port.call(end, Op::SetOption { option, value: -1 }, bytes)
                }
                _ => port.call(end, op, bytes),
            },
            "tcp.any.write-error",
            "channel tcp
             ben: set-option linger 0 -> ok
             ben: close -> ok
             quiet
             ann: write 1 -> ECONNRESET",
        ),
        canary(
            "data_are_lost_at_the_end",
            |port, end, op, bytes, _| {
                let asked = Op::Poll { events: Events::RDHUP, wait: false, among: false };
                let ended = port.call(end, asked, &mut []).answer;
                let reads = matches!(op, Op::Read { len: 1.. });
                if reads && matches!(ended, Answer::Ready(e) if e.contains(Events::RDHUP)) {
                    drain(port, end);
                }
                port.call(end, op, bytes)
            },
            "tcp.any.read-data",
            "channel tcp
             ann: write 3 -> 3
             ann: close -> ok
             quiet
             ben: read 3 -> 3 = ann[0..3]",
        ),
        canary(
            "duplicate_does_not_keep_the_connection",
            |port, end, op, bytes, _| {
                if op == Op::Close {
                    port.call(end, Op::Shutdown { how: Mode::ReadWrite }, &mut []);
                }
                port.call(end, op, bytes)
            },
            "tcp.any.read-nothing-yet",
            "channel tcp
             ben: dup sb as sb2 -> ok
             ben: close sb -> ok
             quiet
             ann: receive 1 dontwait -> EAGAIN",
        ),
    ]
}

pub(crate) fn canary(
    name: &'static str,
    fault: Fault,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    let broken = Box::leak(Box::new(Faulty { name, fault }));
    Canary { name, broken, sound: &Tcp::LOOPBACK, rule, shows }
}
