//! Sockets in the world: who refers to whom, and what goes with one that dies.

use smallvec::SmallVec;

use crate::call::{Actor, Op, SendFlags};
use crate::channel::unix::{Peer, Unix};
use crate::channel::{Object, Tcp};
use crate::index::{DescriptionIndex, ObjectIndex};
use crate::kind::SocketType;
use crate::platform::Platform;
use crate::world::{Address, Pending, Place, Progress, World};

impl World {
    /// All Unix sockets.
    pub fn sockets(&self) -> impl Iterator<Item = (ObjectIndex, &Unix)> {
        self.objects.iter().enumerate().filter_map(|(index, object)| match object {
            Object::Unix(socket) => Some((index as ObjectIndex, socket.as_ref())),
            _ => None,
        })
    }

    /// All Unix sockets.
    pub fn sockets_mut(&mut self) -> impl Iterator<Item = (ObjectIndex, &mut Unix)> {
        self.objects.iter_mut().enumerate().filter_map(|(index, object)| match object {
            Object::Unix(socket) => Some((index as ObjectIndex, socket.as_mut())),
            _ => None,
        })
    }

    /// The socket at an index.
    pub fn socket(&self, index: ObjectIndex) -> Option<&Unix> {
        match self.objects.get(usize::from(index))? {
            Object::Unix(socket) => Some(socket),
            _ => None,
        }
    }

    /// The socket at an index.
    pub fn socket_mut(&mut self, index: ObjectIndex) -> Option<&mut Unix> {
        match self.objects.get_mut(usize::from(index))? {
            Object::Unix(socket) => Some(socket),
            _ => None,
        }
    }

    /// The type and the address of this channel's sockets.
    pub fn address(&self) -> Option<(SocketType, Address)> {
        match self.place {
            Place::Unix(kind, address) => Some((kind, address)),
            _ => None,
        }
    }

    /// The TCP socket at an index.
    pub fn tcp(&self, index: ObjectIndex) -> Option<&Tcp> {
        match self.objects.get(usize::from(index))? {
            Object::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// The TCP socket at an index.
    pub fn tcp_mut(&mut self, index: ObjectIndex) -> Option<&mut Tcp> {
        match self.objects.get_mut(usize::from(index))? {
            Object::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }

    /// The TCP socket that listens at the channel's address.
    pub fn tcp_listener(&self) -> Option<(ObjectIndex, &Tcp)> {
        let all = (0..self.objects.len() as ObjectIndex).filter_map(|at| Some((at, self.tcp(at)?)));
        let mut named = all.filter(|(_, tcp)| tcp.named && tcp.listens());
        named.next()
    }

    /// What a socket has under way, by cost.
    pub fn under_way(&self, socket: ObjectIndex) -> u32 {
        let pieces = self.sockets().flat_map(|(_, receiver)| &receiver.queue);
        let sent = pieces.filter(|piece| piece.sender == Some(socket)).map(|piece| piece.cost);
        let calls = self.actors.iter().filter_map(|actor| actor.call.as_ref());
        let taken = calls.filter_map(|call| {
            let room = call.room.filter(|_| call.progress == Progress::Open)?;
            (self.object_called(call) == Some(socket)).then_some(room.cost)
        });
        sent.sum::<u32>() + taken.sum::<u32>()
    }

    /// The object from which bytes written through a description are read, where there is one.
    pub fn destination(&self, description: DescriptionIndex) -> Option<ObjectIndex> {
        let own = self.descriptions[usize::from(description)].object;
        let other = match &self.objects[usize::from(own)] {
            Object::Tcp(tcp) => tcp.peer,
            Object::Unix(socket) => match socket.peer {
                Peer::Socket(peer) => peer,
                Peer::None | Peer::Gone => return None,
            },
            _ => own,
        };
        (usize::from(other) < self.objects.len()).then_some(other)
    }

    /// Whether what was written through a description waits to be read, at least in part; or nobody is there
    /// to read it.
    pub fn has_unread(&self, description: DescriptionIndex) -> bool {
        let to = self.destination(description).map(|object| &self.objects[usize::from(object)]);
        to.is_none_or(|object| object.fill() > 0)
    }

    /// Adds a socket.
    pub fn add_socket(&mut self, socket: Unix) -> ObjectIndex {
        self.add_object(Object::Unix(Box::new(socket)))
    }

    /// Adds an object.
    pub fn add_object(&mut self, object: Object) -> ObjectIndex {
        let index = match self.objects.iter().position(|object| *object == Object::Free) {
            Some(free) => {
                self.objects[free] = object;
                free
            }
            None => {
                self.objects.push(object);
                self.objects.len() - 1
            }
        };
        index as ObjectIndex
    }

    /// A fresh socket of the channel's type.
    pub fn fresh_socket(&mut self, platform: &Platform) -> Option<ObjectIndex> {
        match self.place {
            Place::Unix(kind, _) => Some(self.add_socket(Unix::new(platform, kind))),
            Place::Port { .. } => Some(self.add_object(Object::Tcp(Tcp::new()))),
            Place::None | Place::Linked | Place::Unlinked => None,
        }
    }

    /// Whether a connection waits to be accepted, as this socket.
    pub(super) fn is_pending(&self, socket: ObjectIndex) -> bool {
        self.sockets().any(|(_, listener)| listener.pending.contains(&socket))
    }

    /// The sockets to which nothing refers any more once nobody holds a description: its own, those that wait there
    /// to be accepted, and those of which a descriptor is in one of their queues and nowhere else.
    fn falls_with(&self, description: DescriptionIndex) -> SmallVec<[ObjectIndex; 4]> {
        let mut gone: SmallVec<[DescriptionIndex; 4]> = SmallVec::from_slice(&[description]);
        let mut fallen: SmallVec<[ObjectIndex; 4]> = SmallVec::new();
        let mut at = 0;
        while let Some(description) = gone.get(at).copied() {
            at += 1;
            let object = self.descriptions[usize::from(description)].object;
            let mut open = (0..).zip(&self.descriptions).filter(|(_, open)| open.mode.is_some());
            let is_held = open.any(|(index, open)| open.object == object && !gone.contains(&index));
            if self.socket(object).is_none() || is_held || self.is_pending(object) {
                continue;
            }
            let mut todo: SmallVec<[ObjectIndex; 4]> = SmallVec::from_slice(&[object]);
            while let Some(object) = todo.pop() {
                fallen.push(object);
                todo.extend(self.socket(object).into_iter().flat_map(|dead| dead.pending.clone()));
            }
            let queues = fallen.iter().filter_map(|object| self.socket(*object));
            let passed = queues.flat_map(|dead| dead.queue.iter().filter_map(|piece| piece.passed));
            let passed: SmallVec<[DescriptionIndex; 4]> = passed.collect();
            for index in &passed {
                let lost = passed.iter().filter(|other| *other == index).count();
                if self.holders(*index) == lost && !gone.contains(index) {
                    gone.push(*index);
                }
            }
        }
        fallen
    }

    /// Whether a call in progress may drop the last reference to a socket: by closing the last descriptor of it, or
    /// by discarding what keeps it, on its way in a queue or waiting to be accepted.
    pub fn may_release(&self, actor: Actor, object: ObjectIndex) -> bool {
        let dropped = |index: &DescriptionIndex| self.holders(*index) == 1;
        let dies = |index: DescriptionIndex| self.falls_with(index).contains(&object);
        if self.held_by_call_alone(actor).into_iter().any(dies) {
            return true;
        }
        let open = |call: &&Pending| call.progress == Progress::Open;
        let Some(call) = self.pending(actor).filter(open) else { return false };
        let Some(index) = call.description else { return false };
        if call.op == Op::Close {
            // Most sockets keep nothing else.
            let keeps = self.sockets().any(|(_, socket)| {
                !socket.pending.is_empty()
                    || socket.queue.iter().any(|piece| piece.passed.is_some())
            });
            let here = self.descriptions[usize::from(index)].object == object;
            return dropped(&index) && (here || keeps) && dies(index);
        }
        let Object::Unix(socket) = self.object(index) else { return false };
        let discards = match call.op {
            Op::Read { .. } => true,
            Op::Receive { flags, .. } => !flags.contains(SendFlags::PEEK),
            Op::Connect => socket.is_datagram(),
            op => op.offers().is_some() && socket.is_datagram() && socket.peer == Peer::Gone,
        };
        let mut passed = socket.queue.iter().filter_map(|piece| piece.passed);
        discards && passed.any(|index| dropped(&index) && dies(index))
    }

    /// Something happens at an object that wakes whoever polls it, whatever they ask for.
    pub fn wake_polls(&mut self, object: ObjectIndex) {
        for index in 0..self.actors.len() {
            let called = self.actors[index].call.as_ref().and_then(|call| self.object_called(call));
            if let Some(call) = &mut self.actors[index].call {
                call.unwoken &= called != Some(object);
            }
        }
    }

    /// Tells the sends in progress on a socket that its peer has left.
    pub fn catch_midway(&mut self, object: ObjectIndex) {
        let descriptions = &self.descriptions;
        let calls = self.actors.iter_mut().filter_map(|actor| actor.call.as_mut());
        for call in calls.filter(|call| call.op.offers().is_some()) {
            let here = |index| descriptions[usize::from(index)].object == object;
            call.midway |= call.progress == Progress::Open && call.description.is_some_and(here);
        }
    }

    /// Descriptions that were under way are not any more.
    pub fn dropped(&mut self, passed: impl IntoIterator<Item = DescriptionIndex>) {
        for description in passed {
            let open = self.descriptions.get(usize::from(description));
            if open.is_some_and(|d| d.mode.is_some()) && self.holders(description) == 0 {
                self.release(description);
            }
        }
    }

    /// Whether a description that is put into the queue of `to` would keep itself open: what it refers to
    /// holds, under way, an end of `to`.
    pub fn would_be_circular(&self, to: ObjectIndex, description: DescriptionIndex) -> bool {
        let mut todo = vec![self.descriptions[usize::from(description)].object];
        let mut known = todo.clone();
        while let Some(object) = todo.pop() {
            if object == to {
                return true;
            }
            let Some(socket) = self.socket(object) else { continue };
            let passed = socket.queue.iter().filter_map(|piece| piece.passed);
            let passed = passed.map(|index| self.descriptions[usize::from(index)].object);
            for next in passed.chain(socket.pending.iter().copied()) {
                if !known.contains(&next) {
                    known.push(next);
                    todo.push(next);
                }
            }
        }
        false
    }
}
