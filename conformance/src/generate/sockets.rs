//! Random calls that only sockets have, drawn so that connections come about.

use pipewright_model::call::{Actor, End, Events, Mode, Op, SendFlags, SocketOption};
use pipewright_model::channel::Object;
use pipewright_model::channel::tcp::{Phase, Told};
use pipewright_model::channel::unix::{Life, Peer};
use pipewright_model::index::ObjectIndex;
use pipewright_model::kind::Discipline;
use pipewright_model::world::Address;

use super::manner::Ask;
use super::sizes;
use super::walk::{RW, Walk};

/// In how many of a hundred sockets O_NONBLOCK is given.
const NONBLOCK_PERCENT: u32 = 20;

/// In how many of a hundred descriptors that are sent it is one that was closed.
const PASSES_CLOSED_PERCENT: u32 = 10;

/// Backlogs asked for.
const BACKLOGS: [(u32, u16); 4] = [(4, 0), (4, 1), (2, 2), (1, 5)];

/// Calls on a socket that has asked for a connection and was not told what came of it.
const ASKING: [(u32, Op); 6] = [
    (4, Op::Connect),
    (3, Op::SetNonblock(false)),
    (2, Op::Write { len: 1 }),
    (1, Op::Shutdown { how: Mode::Write }),
    (1, Op::GetOption { option: SocketOption::Error }),
    (1, Op::Poll { events: Events::OUT, wait: true, among: false }),
];

/// Options, and their values.
const OPTIONS: [(u32, (SocketOption, i32)); 19] = [
    (2, (SocketOption::SendBuffer, 0)),
    (3, (SocketOption::SendBuffer, 2304)),
    (3, (SocketOption::SendBuffer, 5000)),
    (3, (SocketOption::SendBuffer, 20_000)),
    (2, (SocketOption::SendBuffer, 106_496)),
    (1, (SocketOption::SendBuffer, 212_992)),
    (1, (SocketOption::ReceiveBuffer, 0)),
    (1, (SocketOption::ReceiveBuffer, 5000)),
    (1, (SocketOption::ReceiveTimeoutUs, 0)),
    (1, (SocketOption::ReceiveTimeoutUs, 1)),
    (1, (SocketOption::ReceiveTimeoutUs, 2000)),
    (1, (SocketOption::ReceiveTimeoutUs, 20_000)),
    (1, (SocketOption::ReceiveTimeoutUs, -1)),
    (1, (SocketOption::ReceiveTimeoutUs, 1_000_000)),
    (2, (SocketOption::ReceiveTimeoutS, -1)),
    (1, (SocketOption::ReceiveTimeoutS, 0)),
    (1, (SocketOption::ReceiveTimeoutS, 1000)),
    (1, (SocketOption::Error, 0)),
    (1, (SocketOption::Error, 1)),
];

/// Options to be read.
const READ: [SocketOption; 5] = [
    SocketOption::Error,
    SocketOption::SendBuffer,
    SocketOption::ReceiveBuffer,
    SocketOption::ReceiveTimeoutUs,
    SocketOption::ReceiveTimeoutS,
];

/// How far a socket has got on the way to a connection.
struct Standing {
    /// Neither connected, nor listening, nor about to be.
    fresh: bool,
    named: bool,
    listens: bool,
    /// Whether it has asked for a connection and was not told what came of it.
    asks: bool,
    datagram: bool,
    /// Whether it is a datagram socket that has a peer.
    talks: bool,
}

impl Standing {
    fn of(object: &Object) -> Option<Standing> {
        match object {
            Object::Unix(socket) => Some(Standing {
                // A datagram socket may connect again and again; now and then is enough.
                fresh: socket.life == Life::Unconnected && socket.peer == Peer::None,
                named: socket.named,
                listens: socket.listens(),
                asks: false,
                datagram: socket.is_datagram(),
                talks: socket.is_datagram() && matches!(socket.peer, Peer::Socket(_)),
            }),
            Object::Tcp(tcp) => Some(Standing {
                fresh: tcp.phase == Phase::Unconnected,
                named: tcp.named,
                listens: tcp.listens(),
                asks: tcp.told == Told::UnderWay,
                datagram: false,
                talks: false,
            }),
            _ => None,
        }
    }
}

impl Walk<'_> {
    /// The next of the calls that lead to a connection, as far as the actor has got.
    pub(super) fn meet(&mut self, actor: Actor) -> Option<(End, Op)> {
        let mine = |walk: &mut Self, will_do: &dyn Fn(&Standing) -> bool| {
            let world = &walk.follower.world;
            let mut set = 0_u8;
            for end in world.open_ends(actor) {
                if Standing::of(world.object(world.end(actor, end)?)).is_some_and(|s| will_do(&s)) {
                    set |= 1 << end.0;
                }
            }
            walk.dice.any((0..8).filter(move |end| set & 1 << end != 0)).map(End)
        };
        if let Some(end) = mine(self, &|s| s.asks).filter(|_| self.dice.chance(60)) {
            return Some((end, self.dice.weighted(ASKING.into_iter())?));
        }
        // Datagrams go to one who need not answer: they pile up.
        if let Some(end) = mine(self, &|s| s.talks).filter(|_| self.dice.chance(50)) {
            return Some((end, Op::Write { len: self.dice.below(3) }));
        }
        let tcp = self.shape.setup.kind.discipline == Discipline::Tcp;
        let accepts = if tcp { 35 } else { 85 };
        if let Some(end) = mine(self, &|s| s.listens).filter(|_| self.dice.chance(accepts)) {
            return self.accept(actor, end);
        }
        let world = &self.follower.world;
        let stale = matches!(world.address(), Some((_, Address::StalePath)));
        let named = match world.address() {
            Some((_, address)) => address.leads_to().into_iter().collect(),
            None => (0..world.objects.len() as ObjectIndex).collect::<Vec<_>>(),
        };
        let named = named.into_iter().map(|index| &world.objects[usize::from(index)]);
        let named: Vec<_> = named.filter_map(Standing::of).filter(|s| s.named).collect();
        let datagrams = named.iter().any(|standing| standing.datagram);
        let taken = named.iter().any(|standing| standing.listens);
        let listens = !datagrams && (!taken || tcp && self.dice.chance(30));
        if let Some(end) = mine(self, &|s| s.fresh && s.named).filter(|_| listens) {
            return Some((end, self.listen()?));
        }
        match mine(self, &|s| s.fresh) {
            None => self.of_socket(actor, Ask::Socket),
            Some(_) if stale && self.dice.chance(60) => Some((End(0), Op::Unlink)),
            Some(end) if named.is_empty() => Some((end, Op::Bind)),
            Some(end) if tcp && !taken && self.dice.chance(25) => Some((end, Op::Bind)),
            Some(end) => Some((end, Op::Connect)),
        }
    }

    fn listen(&mut self) -> Option<Op> {
        Some(Op::Listen { backlog: self.dice.weighted(BACKLOGS.into_iter())? })
    }

    fn accept(&mut self, actor: Actor, end: End) -> Option<(End, Op)> {
        let nonblock = self.dice.chance(NONBLOCK_PERCENT);
        Some((end, Op::Accept { new: self.new_end(actor, RW)?, nonblock }))
    }

    /// A call that only sockets have.
    pub(super) fn of_socket(&mut self, actor: Actor, ask: Ask) -> Option<(End, Op)> {
        if ask == Ask::Socket {
            let tcp = self.shape.setup.kind.discipline == Discipline::Tcp;
            let nonblock = self.dice.chance(if tcp { 45 } else { NONBLOCK_PERCENT });
            return Some((self.new_end(actor, RW)?, Op::Socket { nonblock }));
        }
        let end = self.end(actor, |_| true)?;
        let platform = &self.follower.platform;
        let object = self.follower.world.object(self.follower.world.end(actor, end)?);
        let op = match ask {
            Ask::Bind => Op::Bind,
            Ask::Listen => self.listen()?,
            Ask::Connect => Op::Connect,
            Ask::Accept => return self.accept(actor, end),
            Ask::Shutdown => {
                let how = [Mode::Read, Mode::Write, Mode::ReadWrite];
                Op::Shutdown { how: how[self.dice.below(3) as usize] }
            }
            Ask::Send => {
                let len = sizes::to_write(object, platform, &mut self.dice);
                Op::Send { len, flags: self.send_flags() }
            }
            Ask::Receive => {
                let len = sizes::to_read(object, platform, &mut self.dice);
                Op::Receive { len, flags: self.receive_flags() }
            }
            Ask::SendEnd => {
                let len = sizes::to_write(object, platform, &mut self.dice);
                Op::SendEnd { len, passed: self.passed(actor)? }
            }
            Ask::ReceiveEnd => {
                let len = sizes::to_read(object, platform, &mut self.dice);
                Op::ReceiveEnd { len, new: self.new_end(actor, RW)? }
            }
            Ask::SetOption => {
                let (option, value) = self.dice.weighted(OPTIONS.into_iter())?;
                Op::SetOption { option, value }
            }
            Ask::GetOption => {
                let option = READ[self.dice.below(READ.len() as u32) as usize];
                Op::GetOption { option }
            }
            _ => return None,
        };
        Some((end, op))
    }

    /// An end to pass on: one that the actor has open, now and then one that it had.
    fn passed(&mut self, actor: Actor) -> Option<End> {
        match self.dice.chance(PASSES_CLOSED_PERCENT) {
            true => self.closed_end(actor),
            false => self.end(actor, |_| true),
        }
    }

    fn any_of(&mut self, flags: &[(u32, SendFlags)]) -> SendFlags {
        let mut any = SendFlags::NONE;
        for (percent, flag) in flags {
            if self.dice.chance(*percent) {
                any = any.union(*flag);
            }
        }
        any
    }

    fn send_flags(&mut self) -> SendFlags {
        self.any_of(&[
            (20, SendFlags::DONTWAIT),
            (30, SendFlags::NOSIGNAL),
            (25, SendFlags::ADDRESSED),
        ])
    }

    fn receive_flags(&mut self) -> SendFlags {
        self.any_of(&[
            (20, SendFlags::DONTWAIT),
            (30, SendFlags::PEEK),
            (35, SendFlags::WAITALL),
            (20, SendFlags::TRUNC),
        ])
    }
}
