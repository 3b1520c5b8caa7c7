//! What an effect is given: the world, and what has been done in it.

use crate::call::Actor;
use crate::channel::{Cell, Counter, File, Object, Queue, Ring, Stream, Tcp, Unix};
use crate::index::ObjectIndex;
use crate::platform::Platform;
use crate::world::{Description, Pending, World};

/// A move as it is made.
#[derive(Debug)]
pub struct Act<'a> {
    /// The world, which the effect changes.
    pub world: &'a mut World,
    /// The platform.
    pub platform: &'a Platform,
    /// The actor that calls; [`Actor::NOBODY`] for a delivery.
    pub actor: Actor,
    /// Bytes transferred by this move.
    pub count: u32,
    /// The object at which something arrives; of a call the one behind its end, if that was open.
    pub object: Option<ObjectIndex>,
}

impl<'a> Act<'a> {
    /// A move of a call that transfers `count` bytes.
    pub fn of_call(
        world: &'a mut World,
        platform: &'a Platform,
        actor: Actor,
        count: u32,
    ) -> Act<'a> {
        let index = world.pending(actor).and_then(|call| call.description);
        // A close that is answered has let go of it.
        let open = index.and_then(|index| world.descriptions.get(usize::from(index)));
        let object = open.filter(|open| open.mode.is_some()).map(|open| open.object);
        Act { world, platform, actor, count, object }
    }

    /// A move that nobody's call makes.
    pub fn at(world: &'a mut World, platform: &'a Platform, object: ObjectIndex) -> Act<'a> {
        Act { world, platform, actor: Actor::NOBODY, count: 0, object: Some(object) }
    }

    /// The same, of so many bytes.
    pub fn of(&mut self, count: u32) -> Act<'_> {
        Act { world: self.world, count, ..*self }
    }

    /// The call.
    ///
    /// # Panics
    ///
    /// If nobody calls.
    pub fn call(&mut self) -> &mut Pending {
        self.world.pending_mut(self.actor)
    }

    /// The open file description behind the end of the call.
    pub fn description(&mut self) -> Option<&mut Description> {
        let index = self.world.pending(self.actor)?.description?;
        self.world.descriptions.get_mut(usize::from(index))
    }

    /// The object that the move is on.
    pub fn thing(&mut self) -> Option<&mut Object> {
        self.world.objects.get_mut(usize::from(self.object?))
    }

    /// The stream that the move is on.
    pub fn stream(&mut self) -> Option<&mut Stream> {
        match self.thing()? {
            Object::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The file that the move is on.
    pub fn file(&mut self) -> Option<&mut File> {
        match self.thing()? {
            Object::File(file) => Some(file),
            _ => None,
        }
    }

    /// The queue that the move is on.
    pub fn queue(&mut self) -> Option<&mut Queue> {
        match self.thing()? {
            Object::Queue(queue) => Some(queue),
            _ => None,
        }
    }

    /// The variable that the move is on.
    pub fn cell(&mut self) -> Option<&mut Cell> {
        match self.thing()? {
            Object::Cell(cell) => Some(cell),
            _ => None,
        }
    }

    /// The counter that the move is on.
    pub fn counter(&mut self) -> Option<&mut Counter> {
        match self.thing()? {
            Object::Counter(counter) => Some(counter),
            _ => None,
        }
    }

    /// The ring that the move is on.
    pub fn ring(&mut self) -> Option<&mut Ring> {
        match self.thing()? {
            Object::Ring(ring) => Some(ring),
            _ => None,
        }
    }

    /// The Unix socket that the move is on.
    pub fn socket(&mut self) -> Option<&mut Unix> {
        match self.thing()? {
            Object::Unix(socket) => Some(socket),
            _ => None,
        }
    }

    /// The TCP socket that the move is on.
    pub fn tcp(&mut self) -> Option<&mut Tcp> {
        match self.thing()? {
            Object::Tcp(tcp) => Some(tcp),
            _ => None,
        }
    }
}
