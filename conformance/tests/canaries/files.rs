//! Real files that do something else than they are asked for.

use std::io;
use std::path::Path;

use pipewright_backends::{Channel, File, Instance, Port, Seen};
use pipewright_model::call::{Answer, ENDS_MAX, End, Events, Lock, Mode, Op, OpenFlags, Whence};
use pipewright_model::run::{Seat, Setup};

use crate::Canary;

/// What is done for a call, by means of the real file.
type Twist = fn(&mut dyn Port, End, Op, &mut [u8]) -> Seen;

/// A channel that makes other calls than those it is asked for.
struct Twisted {
    name: &'static str,
    real: File,
    twist: Twist,
    /// What it claims to be.
    setup: Setup,
}

impl Channel for Twisted {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        self.setup.clone()
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let mut instance = self.real.create(place, seats)?;
        instance.setup = self.setup();
        instance.ports = instance.ports.into_iter().map(|port| self.wrap(port)).collect();
        Ok(instance)
    }
}

impl Twisted {
    fn wrap(&self, mut real: Box<dyn Port>) -> Box<dyn Port> {
        let twist = self.twist;
        Box::new(move |end: End, op: Op, bytes: &mut [u8]| twist(real.as_mut(), end, op, bytes))
    }
}

/// Where a descriptor is.
fn position(real: &mut dyn Port, end: End) -> i32 {
    count(real.call(end, Op::POSITION, &mut [])) as i32
}

fn seek(real: &mut dyn Port, end: End, from: Whence, offset: i32) -> u32 {
    count(real.call(end, Op::Seek { from, offset }, &mut []))
}

/// The size of the file.
fn size(real: &mut dyn Port, end: End) -> u32 {
    let before = position(real, end);
    let size = seek(real, end, Whence::End, 0);
    seek(real, end, Whence::Start, before);
    size
}

fn count(seen: Seen) -> u32 {
    seen.answer.count().unwrap_or(0)
}

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    let mut all = offsets();
    all.extend(contents());
    all.extend(locks());
    all
}

fn offsets() -> Vec<Canary> {
    vec![
        canary(
            "dup_copies_the_offset",
            File::PLAIN,
            |real, end, op, bytes| match op {
                Op::Dup { new } => {
                    let at = position(real, end);
                    let (mode, flags) = (Mode::ReadWrite, OpenFlags::NONE);
                    let seen = real.call(new, Op::Open { mode, flags }, &mut []);
                    seek(real, new, Whence::Start, at);
                    seen
                }
                _ => real.call(end, op, bytes),
            },
            "file.read.available",
            "channel file
             actor a holds rw
             a: write 3 -> 3
             a: seek start 0 -> 0
             a: dup as rw2 -> ok
             a: read rw 1 -> 1 = a[0..1]
             a: read rw2 1 -> 1 = a[1..2]",
        ),
        canary(
            "pwrite_moves_the_offset",
            File::PLAIN,
            |real, end, op, bytes| {
                let seen = real.call(end, op, bytes);
                if let (Op::WriteAt { at, .. }, Answer::Count(count @ 1..)) = (op, seen.answer) {
                    seek(real, end, Whence::Start, at + count as i32);
                }
                seen
            },
            "file.seek.moves",
            "channel file
             actor a holds rw
             a: write-at 2 at 3 -> 2
             a: seek -> 0",
        ),
        canary(
            "offset_stops_at_the_end",
            File::PLAIN,
            |real, end, op, bytes| {
                let seen = real.call(end, op, bytes);
                let size = size(real, end) as i32;
                if matches!(op, Op::Seek { .. }) && position(real, end) > size {
                    return Seen::answer(Answer::Count(seek(real, end, Whence::End, 0)));
                }
                seen
            },
            "file.seek.moves",
            "channel file
             actor a holds rw
             a: seek start 3 -> 3",
        ),
    ]
}

fn contents() -> Vec<Canary> {
    vec![
        Canary {
            broken: Box::leak(Box::new(Twisted {
                name: "append_goes_to_the_offset",
                real: File::PLAIN,
                twist: |real, end, op, bytes| real.call(end, op, bytes),
                setup: File::APPEND.setup(),
            })),
            sound: &File::APPEND,
            name: "append_goes_to_the_offset",
            rule: "file.read-at.available",
            shows: "channel file append
             actor a holds rw
             actor b holds rw
             a: write 2 -> 2
             b: write 1 -> 1
             b: read-at 9 -> 3 = a[0..2] b[0..1]",
        },
        Canary {
            broken: Box::leak(Box::new(Twisted {
                name: "append_seeks_and_then_writes",
                real: File::PLAIN,
                twist: |real, end, op, bytes| {
                    if matches!(op, Op::Write { len: 1.. }) {
                        seek(real, end, Whence::End, 0);
                        (0..100).for_each(|_| std::thread::yield_now());
                    }
                    real.call(end, op, bytes)
                },
                setup: File::APPEND.setup(),
            })),
            sound: &File::APPEND,
            name: "append_seeks_and_then_writes",
            rule: "file.read-at.available",
            shows: "channel file append
             actor a holds rw
             actor b holds rw
             a: write 10
             b: write 20
             a: -> 10
             b: -> 20
             b: read-at 99 -> 30 = a[0..10] b[0..20]",
        },
        canary(
            "truncate_keeps_old_bytes",
            File::PLAIN,
            |real, end, op, bytes| {
                let before = size(real, end);
                let seen = real.call(end, op, bytes);
                if let (Op::Truncate { len }, Answer::Done) = (op, seen.answer)
                    && len > before
                {
                    let mut old = vec![0xee; (len - before) as usize];
                    let (len, at) = (len - before, before as i32);
                    real.call(end, Op::WriteAt { len, at }, &mut old);
                }
                seen
            },
            "file.read-at.available",
            "channel file
             actor a holds rw
             a: write 3 -> 3
             a: truncate 1 -> ok
             a: truncate 2 -> ok
             a: read-at 9 -> 2 = a[0..1] zero[0..1]",
        ),
        canary(
            "read_at_the_end_waits",
            File::PLAIN,
            |real, end, op, bytes| {
                let seen = real.call(end, op, bytes);
                if let (Op::Read { len: 1.. }, Answer::Count(0)) = (op, seen.answer) {
                    real.call(
                        end,
                        Op::Poll { events: Events::NONE, wait: true, among: false },
                        &mut [],
                    );
                }
                seen
            },
            "file.read.end",
            "channel file
             reader: read 1 -> 0",
        ),
        canary(
            "poll_tells_of_data_only",
            File::PLAIN,
            |real, end, op, bytes| {
                let seen = real.call(end, op, bytes);
                let left = count(real.call(end, Op::Available, &mut []));
                match (op, seen.answer) {
                    (Op::Poll { wait: false, .. }, Answer::Ready(events)) if left == 0 => {
                        Seen::answer(Answer::Ready(Events(events.0 & !Events::IN.0)))
                    }
                    _ => seen,
                }
            },
            "descriptor.poll.ready",
            "channel file
             reader: poll in -> in",
        ),
    ]
}

fn locks() -> Vec<Canary> {
    vec![
        canary(
            "lock_is_granted_to_everybody",
            File::LOCKED,
            |real, end, op, bytes| match real.call(end, op, bytes) {
                Seen { answer: Answer::Fails(_), .. } if matches!(op, Op::Lock { .. }) => {
                    Seen::answer(Answer::Done)
                }
                seen => seen,
            },
            "lock.lock.refused",
            "channel locked-file
             actor a holds rw
             actor b holds rw
             a: lock exclusive -> ok
             b: lock exclusive -> EAGAIN",
        ),
        canary(
            "lock_belongs_to_the_process",
            File::LOCKED,
            |real, end, op, bytes| {
                let seen = real.call(end, op, bytes);
                if (op, seen.answer) == (Op::Close, Answer::Done) {
                    let unlock = Op::Lock { lock: Lock::None, wait: false };
                    (0..ENDS_MAX as u8).for_each(|end| _ = real.call(End(end), unlock, &mut []));
                }
                seen
            },
            "lock.lock.refused",
            "channel locked-file
             actor a holds rw
             actor b holds rw
             a: lock exclusive -> ok
             a: open read -> ok
             a: close r -> ok
             b: lock shared -> EAGAIN",
        ),
        canary(
            "close_of_a_duplicate_gives_the_lock_up",
            File::FLOCKED,
            |real, end, op, bytes| {
                if op == Op::Close {
                    real.call(end, Op::Flock { lock: Lock::None, wait: false }, &mut []);
                }
                real.call(end, op, bytes)
            },
            "lock.flock.refused",
            "channel locked-file-flock
             actor a holds rw
             actor b holds rw
             a: flock exclusive -> ok
             a: dup as rw2 -> ok
             a: close rw -> ok
             b: flock shared -> EAGAIN",
        ),
        canary(
            "flock_knows_no_shared",
            File::FLOCKED,
            |real, end, op, bytes| match op {
                Op::Flock { lock: Lock::Shared, wait } => {
                    real.call(end, Op::Flock { lock: Lock::Exclusive, wait }, bytes)
                }
                _ => real.call(end, op, bytes),
            },
            "lock.flock.taken",
            "channel locked-file-flock
             actor a holds rw
             actor b holds rw
             a: flock shared -> ok
             b: flock shared -> ok",
        ),
        canary(
            "exclusive_is_given_to_two",
            File::FLOCKED,
            |real, end, op, bytes| match op {
                Op::Flock { lock: Lock::Exclusive, wait } => {
                    real.call(end, Op::Flock { lock: Lock::Shared, wait }, bytes)
                }
                _ => real.call(end, op, bytes),
            },
            "lock.flock.waits",
            "channel locked-file-flock
             actor a holds rw
             actor b holds rw
             a: flock exclusive wait -> ok
             b: flock exclusive wait
             quiet b",
        ),
        canary(
            "refused_upgrade_loses_the_lock",
            File::LOCKED,
            |real, end, op, bytes| {
                let seen = real.call(end, op, bytes);
                if let (Op::Lock { .. }, Answer::Fails(_)) = (op, seen.answer) {
                    real.call(end, Op::Lock { lock: Lock::None, wait: false }, &mut []);
                }
                seen
            },
            "lock.lock.refused",
            "channel locked-file
             actor a holds rw
             actor b holds rw
             a: lock shared -> ok
             b: lock shared -> ok
             a: lock exclusive -> EAGAIN
             b: lock exclusive -> EAGAIN",
        ),
    ]
}

fn canary(
    name: &'static str,
    real: File,
    twist: Twist,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    let setup = real.setup();
    let broken = Box::leak(Box::new(Twisted { name, real, twist, setup }));
    let sound = Box::leak(Box::new(real));
    Canary { name, broken, sound, rule, shows }
}
