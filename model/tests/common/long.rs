//! Transfers of more bytes than the oracle tries all counts of: it must choose among them.

use pipewright_model::call::{End, Mode, Op, SendFlags};
use pipewright_model::explore::Space;
use pipewright_model::kind::{Hold, Kind, PIPE, Side, TCP, UNIX_STREAM};
use pipewright_model::run::{Name, Seat, Setup};

use crate::common::{Add, R, W, read, space, write};

const S: End = End(0);

/// One who writes much to another, who reads, waits for all, and looks how much there is.
fn one_to_one(kind: &'static Kind) -> Space {
    let seat = |(index, side)| {
        Seat::new(
            Name::new(&format!("a{index}")).unwrap(),
            vec![(S, Hold { mode: Mode::ReadWrite, side })],
        )
    };
    let space = Space {
        setup: Setup::new(kind),
        seats: [Side::A, Side::B].into_iter().enumerate().map(seat).collect(),
        end_names: vec![Name::new("s").unwrap()],
        alphabet: Vec::new(),
        fill_bytes: 13,
        lasting_bytes: None,
    };
    let all = Op::Receive { len: 10, flags: SendFlags::WAITALL };
    space.calls_of(0, S, &[write(10)]).calls_of(
        1,
        S,
        &[read(15), read(2), all, write(1), Op::Available],
    )
}

/// As the standard has it, a pipe has no capacity that is known.
fn pipe() -> Space {
    Space { fill_bytes: 13, ..space(&PIPE, &[&[Mode::Write], &[Mode::Write], &[Mode::Read]]) }
        .calls_of(0, W, &[write(10)])
        .calls_of(1, W, &[write(1), Op::SetNonblock(true)])
        .calls_of(2, R, &[read(15), read(2), Op::Available])
}

/// All of them.
pub(crate) fn spaces() -> Vec<(&'static str, Space)> {
    vec![
        ("long through a pipe", pipe()),
        ("long through a Unix socket", one_to_one(&UNIX_STREAM)),
        ("long through TCP", one_to_one(&TCP)),
    ]
}
