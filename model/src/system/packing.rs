//! States in few words: each part is kept once, and a state is the numbers of its parts.

use smallvec::SmallVec;

use super::{Local, State};
use crate::channel::Object;
use crate::verify::{Numbers, Packing};
use crate::world::{ActorState, Description, Place, World};
use crate::worlds::Worlds;

/// What is packed as one: how a process stands in each channel, and how far it is.
type Part = (SmallVec<[ActorState; 1]>, Local);

/// Packs states of a system: a word for each process, and for each channel one for its descriptions and one for what is
/// in it.
#[derive(Debug)]
pub struct WorldPacking {
    processes: usize,
    channels_len: usize,
    parts: Numbers<Part>,
    descriptions: Numbers<SmallVec<[Description; 4]>>,
    channels: Numbers<(SmallVec<[Object; 1]>, Place)>,
}

impl WorldPacking {
    pub(super) fn new(processes: usize, channels: usize) -> WorldPacking {
        WorldPacking {
            processes,
            channels_len: channels,
            parts: Numbers::default(),
            descriptions: Numbers::default(),
            channels: Numbers::default(),
        }
    }

    fn world(&self, words: &[u32]) -> World {
        let (objects, place) = self.channels.get(words[1]).clone();
        let descriptions = self.descriptions.get(words[0]).clone();
        let (actors, released) = (SmallVec::new(), SmallVec::new());
        World { actors, descriptions, objects, place, released }
    }
}

impl Packing<State> for WorldPacking {
    fn words(&self) -> usize {
        self.processes + 2 * self.channels_len
    }

    fn pack(&mut self, state: &State, words: &mut [u32]) {
        let (channels, processes) = words.split_at_mut(2 * self.channels_len);
        for (world, words) in state.worlds.iter().zip(channels.chunks_exact_mut(2)) {
            words[0] = self.descriptions.number(&world.descriptions);
            words[1] = self.channels.number(&(world.objects.clone(), world.place));
        }
        for ((index, local), word) in state.locals.iter().enumerate().zip(processes) {
            let stands = state.worlds.iter().map(|world| world.actors[index].clone());
            *word = self.parts.number(&(stands.collect(), local.clone()));
        }
    }

    fn unpack(&self, words: &[u32]) -> State {
        let (channels, processes) = words.split_at(2 * self.channels_len);
        let mut worlds: Worlds = channels.chunks_exact(2).map(|words| self.world(words)).collect();
        let mut locals = SmallVec::new();
        for (stands, local) in processes.iter().map(|word| self.parts.get(*word)) {
            for (world, actor) in worlds.iter_mut().zip(stands) {
                world.actors.push(actor.clone());
            }
            locals.push(local.clone());
        }
        State { worlds, locals }
    }

    fn bytes(&self) -> usize {
        self.parts.bytes() + self.descriptions.bytes() + self.channels.bytes()
    }
}
