//! How scenarios on a channel look: who holds what at the start, and which calls are tried how often.
//!
//! One table for each discipline. Start with [`Manner::of`].

use pipewright_model::call::{Events, Lock, Mode, SendFlags};
use pipewright_model::kind::{Discipline, Ends, Hold, Side, SocketType};
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
    Add,
    Take,
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
    Truncate,
    Lock,
    Flock,
    /// The lock by which turns are taken on this channel.
    Button,
    Linger,
    Error,
    /// A call that only sockets have, on what is none.
    NoSocket,
    /// A read or write on an end that is open the other way.
    WrongWay,
    /// Something on an end that was closed.
    Closed,
    /// The next of the calls that lead to a connection, as far as the actor has got.
    Meet,
    Socket,
    Bind,
    Listen,
    Connect,
    Accept,
    Shutdown,
    Send,
    Receive,
    SendEnd,
    ReceiveEnd,
    SetOption,
    GetOption,
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
            (Discipline::Queue, _) => &QUEUE,
            (Discipline::Counter(_), _) => &COUNTER,
            (Discipline::File, _) if setup.kind.talk_button(Lock::None, false).is_some() => &TURNS,
            (Discipline::File, _) => &FILE,
            (Discipline::Cell, 2) => &TWO_VARIABLES,
            (Discipline::Cell, _) if setup.kind.is_sole(Mode::Write) => &ONE_WRITER,
            (Discipline::Cell, _) => &VARIABLE,
            (Discipline::Ring, _) => &RING,
            (Discipline::Unix(SocketType::Datagram, _), _) => &DATAGRAM,
            (Discipline::Unix(..), _) => &SOCKETS,
            (Discipline::Tcp, _) => &TCP,
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
        (2, Ask::Truncate),
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

const QUEUE: Manner = Manner {
    seats: STREAM.seats,
    seats_by_path: STREAM.seats_by_path,
    calls: &[
        (240, Ask::Read),
        (280, Ask::Write),
        (60, Ask::Close),
        (24, Ask::Dup),
        (60, Ask::Open),
        (50, Ask::Nonblock),
        (90, Ask::Poll),
        (8, Ask::Unlink),
        (8, Ask::WrongWay),
        (20, Ask::Closed),
    ],
};

const COUNTER: Manner = Manner {
    seats: &[
        (4, &[&[RW]]),
        (30, &[&[RW], &[RW]]),
        (20, &[&[RW], &[RW], &[RW]]),
        (8, &[&[RW], &[RW], &[RW], &[RW]]),
    ],
    seats_by_path: &[],
    calls: &[
        (280, Ask::Add),
        (260, Ask::Take),
        (8, Ask::Read),
        (8, Ask::Write),
        (40, Ask::Close),
        (30, Ask::Dup),
        (60, Ask::Nonblock),
        (120, Ask::Poll),
        (20, Ask::Closed),
        (2, Ask::NoSocket),
    ],
};

const FILE: Manner = Manner {
    seats: &[
        (10, &[&[RW]]),
        (20, &[&[W], &[R]]),
        (30, &[&[RW], &[RW]]),
        (10, &[&[R, W], &[RW]]),
        (10, &[&[W], &[W], &[R]]),
        (10, &[&[W], &[R], &[R]]),
        (10, &[&[RW], &[RW], &[R]]),
        (4, &[&[W], &[RW], &[R], &[R]]),
    ],
    seats_by_path: &[
        (10, &[&[], &[]]),
        (10, &[&[RW], &[]]),
        (6, &[&[RW], &[], &[]]),
        (10, &[&[RW, W], &[RW]]),
    ],
    calls: &[
        (240, Ask::Read),
        (240, Ask::Write),
        (80, Ask::ReadAt),
        (80, Ask::WriteAt),
        (80, Ask::Seek),
        (50, Ask::Truncate),
        (24, Ask::Close),
        (40, Ask::Dup),
        (80, Ask::Open),
        (12, Ask::Nonblock),
        (20, Ask::Poll),
        (2, Ask::SetCapacity),
        (2, Ask::GetCapacity),
        (30, Ask::Available),
        (6, Ask::NoSocket),
        (4, Ask::Unlink),
        (16, Ask::WrongWay),
        (10, Ask::Closed),
    ],
};

/// Seats of those who take turns.
const TURN_SEATS: &[Seats] = &[
    (30, &[&[RW], &[RW]]),
    (30, &[&[RW], &[RW], &[RW]]),
    (10, &[&[RW], &[RW], &[RW], &[RW]]),
    (10, &[&[W], &[R]]),
    (10, &[&[W], &[R], &[RW]]),
    (10, &[&[RW, RW], &[RW]]),
];

/// Seats of those who take turns, and of some who open the file later.
const LATER_TURNS: &[Seats] = &[(10, &[&[RW], &[]]), (10, &[&[RW], &[RW], &[]])];

const TURNS: Manner = Manner {
    seats: TURN_SEATS,
    seats_by_path: LATER_TURNS,
    calls: &[
        (400, Ask::Button),
        (10, Ask::Lock),
        (80, Ask::Read),
        (100, Ask::Write),
        (20, Ask::ReadAt),
        (20, Ask::WriteAt),
        (20, Ask::Seek),
        (8, Ask::Truncate),
        (60, Ask::Close),
        (60, Ask::Dup),
        (40, Ask::Open),
        (6, Ask::Nonblock),
        (8, Ask::Poll),
        (8, Ask::Available),
        (6, Ask::Unlink),
        (4, Ask::WrongWay),
        (6, Ask::Closed),
        (10, Ask::Flock),
    ],
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

const TWO_VARIABLES: Manner = Manner {
    seats: &[(30, &[&[RA, WA], &[RB, WB]]), (30, &[&[WA, WB], &[RA, RB]]), (4, &[&[WA], &[RB]])],
    seats_by_path: &[],
    calls: IN_MEMORY,
};

const RING: Manner = Manner {
    seats: &[(60, &[&[W], &[R]]), (4, &[&[R, W]]), (2, &[&[W]]), (1, &[&[R]])],
    seats_by_path: &[],
    calls: IN_MEMORY,
};

const SA: Hold = Hold { mode: Mode::ReadWrite, side: Side::A };
const SB: Hold = Hold { mode: Mode::ReadWrite, side: Side::B };

const SOCKETS: Manner = Manner {
    seats: &[
        (50, &[&[SA], &[SB]]),
        (10, &[&[SA], &[SB], &[SB]]),
        (6, &[&[SA], &[SA], &[SB], &[SB]]),
        (4, &[&[SA, SB]]),
        (3, &[&[SA]]),
        (6, &[&[SA, SB], &[]]),
        (6, &[&[SA], &[SB], &[]]),
        (40, &[&[], &[]]),
        (24, &[&[], &[], &[]]),
        (8, &[&[], &[], &[], &[]]),
    ],
    seats_by_path: &[],
    calls: &[
        (150, Ask::Read),
        (170, Ask::Write),
        (50, Ask::Close),
        (20, Ask::Dup),
        (40, Ask::Nonblock),
        (70, Ask::Poll),
        (2, Ask::SetCapacity),
        (2, Ask::GetCapacity),
        (20, Ask::Available),
        (2, Ask::Seek),
        (2, Ask::ReadAt),
        (2, Ask::WriteAt),
        (2, Ask::Truncate),
        (8, Ask::Closed),
        (300, Ask::Meet),
        (8, Ask::Socket),
        (6, Ask::Bind),
        (8, Ask::Listen),
        (16, Ask::Connect),
        (16, Ask::Accept),
        (4, Ask::Unlink),
        (2, Ask::Open),
        (45, Ask::Shutdown),
        (60, Ask::Send),
        (100, Ask::Receive),
        (20, Ask::SendEnd),
        (24, Ask::ReceiveEnd),
        (20, Ask::SetOption),
        (16, Ask::GetOption),
    ],
};

const DATAGRAM: Manner = Manner {
    seats: &[
        (30, &[&[SA], &[SB]]),
        (10, &[&[SA], &[SB], &[SB]]),
        (4, &[&[SA], &[SA], &[SB], &[SB]]),
        (6, &[&[SA, SB], &[]]),
        (12, &[&[SA], &[SB], &[]]),
        (40, &[&[], &[]]),
        (24, &[&[], &[], &[]]),
        (8, &[&[], &[], &[], &[]]),
    ],
    ..SOCKETS
};
const TCP: Manner = Manner {
    seats: &[
        (60, &[&[SA], &[SB]]),
        (10, &[&[SA], &[SA], &[SB]]),
        (10, &[&[SA], &[SB], &[SB]]),
        (6, &[&[SA, SB]]),
        (4, &[&[SA], &[SA], &[SB], &[SB]]),
        (2, &[&[SA]]),
        (4, &[&[SA, SB], &[]]),
        (4, &[&[SA], &[SB], &[]]),
        (40, &[&[], &[]]),
        (28, &[&[], &[], &[]]),
        (10, &[&[], &[], &[], &[]]),
    ],
    seats_by_path: &[],
    calls: &[
        (12, Ask::SetOption),
        (6, Ask::GetOption),
        (260, Ask::Meet),
        (8, Ask::Socket),
        (10, Ask::Bind),
        (12, Ask::Listen),
        (24, Ask::Connect),
        (14, Ask::Accept),
        (180, Ask::Read),
        (200, Ask::Write),
        (60, Ask::Send),
        (80, Ask::Receive),
        (70, Ask::Shutdown),
        (60, Ask::Close),
        (14, Ask::Dup),
        (40, Ask::Nonblock),
        (90, Ask::Poll),
        (30, Ask::Linger),
        (30, Ask::Error),
        (12, Ask::Available),
        (3, Ask::Seek),
        (3, Ask::ReadAt),
        (3, Ask::WriteAt),
        (2, Ask::GetCapacity),
        (20, Ask::Closed),
    ],
};

/// In how many of a hundred calls of such a scenario something is done with an epoll.
pub(super) const EPOLL_PERCENT: u32 = 45;

/// Whether the scenario of this seed is one with event loops. Others are what they would be if there were none.
pub(super) fn has_epolls(setup: &Setup, seed: u64) -> bool {
    let watched = matches!(
        setup.kind.discipline,
        Discipline::Stream
            | Discipline::Counter(_)
            | Discipline::File
            | Discipline::Queue
            | Discipline::Unix(..)
            | Discipline::Tcp
    );
    watched && seed % 4 == 3
}

/// What is polled for.
pub(super) const POLLS: [(u32, Events); 4] = [
    (4, Events::IN),
    (4, Events::OUT),
    (3, Events(Events::IN.0 | Events::OUT.0)),
    (1, Events::NONE),
];

/// What is asked for besides on channels of sockets.
pub(super) const SOCKET_POLLS: [(u32, Events); 5] = [
    (4, Events(Events::IN.0 | Events::OUT.0 | Events::RDHUP.0)),
    (3, Events::IN),
    (2, Events(Events::IN.0 | Events::RDHUP.0)),
    (2, Events::OUT),
    (2, Events::NONE),
];

/// Flags of sends.
pub(super) const SENDS: [(u32, SendFlags); 4] = [
    (3, SendFlags::NONE),
    (4, SendFlags::DONTWAIT),
    (3, SendFlags::NOSIGNAL),
    (1, SendFlags(SendFlags::DONTWAIT.0 | SendFlags::NOSIGNAL.0)),
];

/// Flags of receives.
pub(super) const RECEIVES: [(u32, SendFlags); 8] = [
    (2, SendFlags(SendFlags::WAITALL.0 | SendFlags::PEEK.0)),
    (2, SendFlags::NONE),
    (5, SendFlags::DONTWAIT),
    (4, SendFlags::PEEK),
    (4, SendFlags(SendFlags::PEEK.0 | SendFlags::DONTWAIT.0)),
    (4, SendFlags::WAITALL),
    (2, SendFlags(SendFlags::WAITALL.0 | SendFlags::DONTWAIT.0)),
    (2, SendFlags(SendFlags::TRUNC.0 | SendFlags::DONTWAIT.0)),
];

/// What is shut down.
pub(super) const SHUTDOWNS: [(u32, Mode); 3] =
    [(3, Mode::Read), (6, Mode::Write), (3, Mode::ReadWrite)];
