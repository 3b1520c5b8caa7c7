//! From a call in progress to what it is on: its description, and the object behind it.

use crate::call::Actor;
use crate::channel::{Cell, File, Object, Ring, Stream};
use crate::index::ObjectIndex;
use crate::world::{Description, World};

/// The index of the object on which the actor's call in progress is, if its end was open.
pub(crate) fn object_index(world: &World, actor: Actor) -> Option<ObjectIndex> {
    let index = world.pending(actor)?.description?;
    Some(world.descriptions[usize::from(index)].object)
}

impl World {
    /// The object on which the actor's call in progress is, if its end was open.
    pub fn object_of_call(&mut self, actor: Actor) -> Option<&mut Object> {
        let index = self.pending(actor)?.description?;
        let object = self.descriptions[usize::from(index)].object;
        self.objects.get_mut(usize::from(object))
    }

    /// The stream on which the actor's call in progress is.
    pub fn stream_of_call(&mut self, actor: Actor) -> Option<&mut Stream> {
        match self.object_of_call(actor)? {
            Object::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The file on which the actor's call in progress is.
    pub fn file_of_call(&mut self, actor: Actor) -> Option<&mut File> {
        match self.object_of_call(actor)? {
            Object::File(file) => Some(file),
            _ => None,
        }
    }

    /// The variable on which the actor's call in progress is.
    pub fn cell_of_call(&mut self, actor: Actor) -> Option<&mut Cell> {
        match self.object_of_call(actor)? {
            Object::Cell(cell) => Some(cell),
            _ => None,
        }
    }

    /// The description behind the end of the actor's call in progress.
    pub fn description_of_call(&mut self, actor: Actor) -> Option<&mut Description> {
        let index = self.pending(actor)?.description?;
        self.descriptions.get_mut(usize::from(index))
    }

    /// The ring on which the actor's call in progress is.
    pub fn ring_of_call(&mut self, actor: Actor) -> Option<&mut Ring> {
        match self.object_of_call(actor)? {
            Object::Ring(ring) => Some(ring),
            _ => None,
        }
    }
}
