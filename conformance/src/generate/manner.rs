//! How scenarios on a channel look: who holds what at the start, and which calls are tried how often.
//!
//! One table for each discipline. Start with [`Manner::of`].

use pipewright_model::call::Mode;
use pipewright_model::kind::{Discipline, Ends, Hold, Side};
use pipewright_model::run::Setup;

const R: Hold = Hold::READ;
const W: Hold = Hold::WRITE;
const RW: Hold = Hold::BOTH;
const RA: Hold = Hold { mode: Mode::Read, side: Side::A };
const WA: Hold = Hold { mode: Mode::Write, side: Side::A };
const RB: Hold = Hold { mode: Mode::Read, side: Side::B };
const WB: Hold = Hold { mode: Mode::Write, side: Side::B };

/// A call to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Read,
    Write,
    Close,
    Dup,
    Open,
    Nonblock,
    Poll,
    SetCapacity,
    GetCapacity,
    Available,
    Seek,
    ReadAt,
    WriteAt,
    Unlink,
    /// A read or write on an end that is open the other way.
    WrongWay,
    /// Something on an end that was closed.
    Closed,
}

/// For each actor the ends that it holds, and how often they are drawn.
pub(super) type Seats = (u32, &'static [&'static [Hold]]);

/// How scenarios on a channel look.
pub(super) struct Manner {
    /// How often which seats are taken.
    seats: &'static [Seats],
    /// The same for channels that are opened by path, besides those above.
    seats_by_path: &'static [Seats],
    /// How often which call is tried.
    pub(super) calls: &'static [(u32, Ask)],
}

impl Manner {
    /// The manner for a channel set up like this.
    pub(super) fn of(setup: &Setup) -> &'static Manner {
        match (setup.kind.discipline, setup.kind.sides) {
            (Discipline::Stream, 2) => &TWO_STREAMS,
            (Discipline::Stream, _) => &STREAM,
            (Discipline::Cell, _) if setup.kind.is_sole(Mode::Write) => &ONE_WRITER,
            (Discipline::Cell, _) => &VARIABLE,
            (Discipline::Ring, _) => &RING,
        }
    }

    /// How often which seats are taken.
    pub(super) fn seats(&self, setup: &Setup) -> impl Iterator<Item = Seats> + Clone + use<> {
        let by_path: &[_] = match setup.kind.ends {
            Ends::Opened => self.seats_by_path,
            Ends::Shared | Ends::Own | Ends::Connected => &[],
        };
        self.seats.iter().chain(by_path).copied()
    }
}

const STREAM: Manner = Manner {
    seats: &[
        (4, &[&[R, W]]),
        (24, &[&[W], &[R]]),
        (8, &[&[R, W], &[R]]),
        (8, &[&[R, W], &[W]]),
        (4, &[&[R, W], &[R, W]]),
        (1, &[&[W]]),
        (1, &[&[R]]),
        (14, &[&[W], &[R], &[R]]),
        (14, &[&[W], &[W], &[R]]),
        (2, &[&[W], &[W]]),
        (2, &[&[R], &[R]]),
        (6, &[&[R, W], &[W], &[R]]),
        (6, &[&[W], &[W], &[R], &[R]]),
        (3, &[&[W], &[W], &[W], &[R]]),
        (3, &[&[W], &[R], &[R], &[R]]),
    ],
    seats_by_path: &[
        (40, &[&[], &[]]),
        (30, &[&[], &[], &[]]),
        (10, &[&[], &[], &[], &[]]),
        (10, &[&[W], &[]]),
        (10, &[&[R], &[]]),
        (10, &[&[W], &[R], &[]]),
        (6, &[&[RW], &[]]),
        (4, &[&[RW], &[R], &[W]]),
    ],
    calls: &[
        (240, Ask::Read),
        (280, Ask::Write),
        (60, Ask::Close),
        (24, Ask::Dup),
        (120, Ask::Open),
        (50, Ask::Nonblock),
        (70, Ask::Poll),
        (16, Ask::SetCapacity),
        (8, Ask::GetCapacity),
        (12, Ask::Available),
        (4, Ask::Seek),
        (4, Ask::ReadAt),
        (4, Ask::WriteAt),
        (5, Ask::Unlink),
        (8, Ask::WrongWay),
        (20, Ask::Closed),
    ],
};

const TWO_STREAMS: Manner = Manner {
    seats: &[
        (60, &[&[RA, WA], &[RB, WB]]),
        (10, &[&[RA, WA], &[RB, WB], &[RB, WB]]),
        (6, &[&[RA, WA], &[RB], &[WB]]),
        (4, &[&[RA, WA, RB, WB]]),
        (4, &[&[RA, WA], &[WB]]),
        (4, &[&[WA], &[RB, WB]]),
    ],
    seats_by_path: &[],
    calls: STREAM.calls,
};

/// Reads and writes of channels in memory, which have no other calls but close.
const IN_MEMORY: &[(u32, Ask)] =
    &[(480, Ask::Read), (480, Ask::Write), (30, Ask::Close), (8, Ask::WrongWay), (16, Ask::Closed)];

const ONE_WRITER: Manner = Manner {
    seats: &[
        (30, &[&[W], &[R]]),
        (20, &[&[W], &[R], &[R]]),
        (8, &[&[W], &[R], &[R], &[R]]),
        (8, &[&[R, W], &[R]]),
        (4, &[&[R, W], &[R], &[R]]),
        (2, &[&[R, W]]),
        (1, &[&[R], &[R]]),
        (1, &[&[W]]),
    ],
    seats_by_path: &[],
    calls: IN_MEMORY,
};

const VARIABLE: Manner = Manner {
    seats: &[
        (30, &[&[W], &[R]]),
        (16, &[&[W], &[R], &[R]]),
        (12, &[&[W], &[W], &[R]]),
        (12, &[&[W], &[W], &[R], &[R]]),
        (6, &[&[W], &[R], &[R], &[R]]),
        (8, &[&[R, W], &[R]]),
        (6, &[&[R, W], &[R, W]]),
        (1, &[&[R], &[R]]),
    ],
    seats_by_path: &[],
    calls: IN_MEMORY,
};

const RING: Manner = Manner {
    seats: &[(60, &[&[W], &[R]]), (4, &[&[R, W]]), (2, &[&[W]]), (1, &[&[R]])],
    seats_by_path: &[],
    calls: IN_MEMORY,
};
