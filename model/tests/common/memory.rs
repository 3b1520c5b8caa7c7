//! Spaces of channels in memory: values of two bytes, rings of three.

use pipewright_model::call::{Mode, Op};
use pipewright_model::explore::Space;
use pipewright_model::kind::{
    GLOBAL_VARIABLE, GUARDED_VARIABLE, Kind, SHARED_MEMORY, SHARED_MEMORY_WAITING,
};

use super::{Add, Pinned, R, W, pinned, read, space, write};

const READS: &[Mode] = &[Mode::Read];
const WRITES: &[Mode] = &[Mode::Write];
const BOTH: &[Mode] = &[Mode::Read, Mode::Write];

/// A variable of two bytes, of which up to two older values are under way.
fn variable(kind: &'static Kind, seats: &[&[Mode]]) -> Space {
    let mut space = space(kind, seats);
    space.setup.capacity_bytes = 2;
    space
}

/// One writer and two readers, and what no variable does.
fn polled_readers() -> Space {
    variable(&GLOBAL_VARIABLE, &[WRITES, READS, READS])
        .calls_of(0, W, &[write(2), write(3), read(2), Op::Close, Op::Available])
        .calls_of(1, R, &[read(2), read(0), write(2), Op::Close])
        .calls_of(2, R, &[read(2), Op::Close])
}

/// A writer that reads what it wrote itself, and a reader.
fn polled_self() -> Space {
    variable(&GLOBAL_VARIABLE, &[BOTH, READS])
        .calls_of(0, W, &[write(2), Op::Close])
        .calls_of(0, R, &[read(2), Op::Close])
        .calls_of(1, R, &[read(2)])
}

/// Two writers, one of which reads too, and a reader.
fn guarded() -> Space {
    variable(&GUARDED_VARIABLE, &[WRITES, BOTH, READS])
        .calls_of(0, W, &[write(2), write(1), Op::Close])
        .calls_of(1, W, &[write(2), Op::Close])
        .calls_of(1, R, &[read(2), Op::Close])
        .calls_of(2, R, &[read(2), read(1), Op::Close])
}

/// Both sides of a ring of three bytes.
fn ring(kind: &'static Kind) -> Space {
    let mut space = space(kind, &[WRITES, READS])
        .calls_of(0, W, &[write(0), write(1), write(2), write(5), Op::Close])
        .calls_of(1, R, &[read(0), read(1), read(2), read(4), Op::Close]);
    space.setup.capacity_bytes = 3;
    space
}

/// A ring whose sides one actor has.
fn ring_to_itself(kind: &'static Kind) -> Space {
    let mut space = space(kind, &[BOTH]).calls_of(0, W, &[write(1), write(4), Op::Close]).calls_of(
        0,
        R,
        &[read(2), Op::Close],
    );
    space.setup.capacity_bytes = 3;
    space
}

pub(crate) fn spaces() -> Vec<Pinned> {
    vec![
        pinned("variable", polled_readers(), 14_717, 14_717),
        pinned("variable, own", polled_self(), 512, 512),
        pinned("guarded variable", guarded(), 20_208, 20_208),
        pinned("ring", ring(&SHARED_MEMORY), 5_292, 5_292),
        pinned("ring waiting", ring(&SHARED_MEMORY_WAITING), 6_603, 6_603),
        pinned("ring to itself", ring_to_itself(&SHARED_MEMORY), 176, 176),
        pinned("ring to itself, waiting", ring_to_itself(&SHARED_MEMORY_WAITING), 173, 173),
    ]
}
