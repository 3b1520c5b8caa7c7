//! About how much memory a world takes: what bounds a search of many.

use std::mem::size_of;

use smallvec::{Array, SmallVec};

use crate::channel::{Epoll, Object, Unix};
use crate::data::Segment;
use crate::world::World;

impl World {
    /// About how many bytes of memory it takes, with what is on the heap.
    pub fn weight_bytes(&self) -> usize {
        let objects: usize = self.objects.iter().map(Object::weight_bytes).sum();
        let calls = self.actors.iter().filter_map(|actor| actor.call.as_ref());
        let calls: usize = calls.map(|call| heap_bytes(&call.data)).sum();
        let lists = heap_bytes(&self.actors)
            + heap_bytes(&self.descriptions)
            + heap_bytes(&self.objects)
            + heap_bytes(&self.released);
        size_of::<World>() + lists + objects + calls
    }
}

impl Object {
    /// What it has on the heap.
    fn weight_bytes(&self) -> usize {
        match self {
            Object::Free | Object::Counter(_) => 0,
            Object::Epoll(epoll) => {
                size_of::<Epoll>() + heap_bytes(&epoll.items) + heap_bytes(&epoll.ready)
            }
            Object::Stream(stream) => heap_bytes(&stream.segments) + heap_bytes(&stream.slots),
            Object::Queue(queue) => heap_bytes(&queue.messages),
            Object::File(file) => {
                let cut: usize = file.batches.iter().map(|batch| batch.cut.len()).sum();
                heap_bytes(&file.segments) + cut * size_of::<Segment>()
            }
            Object::Cell(cell) => heap_bytes(&cell.values),
            Object::Ring(ring) => heap_bytes(&ring.segments),
            Object::Unix(socket) => {
                size_of::<Unix>() + heap_bytes(&socket.queue) + heap_bytes(&socket.pending)
            }
            Object::Tcp(tcp) => heap_bytes(&tcp.segments) + heap_bytes(&tcp.pending),
        }
    }
}

fn heap_bytes<A: Array>(list: &SmallVec<A>) -> usize {
    if list.spilled() { list.capacity() * size_of::<A::Item>() } else { 0 }
}
