//! States in few words: each part is kept once, and a state is the numbers of its parts.

use smallvec::SmallVec;

use super::{Part, State};
use crate::channel::Object;
use crate::verify::{Numbers, Packing};
use crate::world::{Description, Place, World};

/// Packs states of a system: a word for each process, one for the descriptions and one for the channel.
#[derive(Debug)]
pub struct WorldPacking {
    processes: usize,
    parts: Numbers<Part>,
    descriptions: Numbers<SmallVec<[Description; 4]>>,
    channels: Numbers<(SmallVec<[Object; 1]>, Place)>,
}

impl WorldPacking {
    pub(super) fn new(processes: usize) -> WorldPacking {
        WorldPacking {
            processes,
            parts: Numbers::default(),
            descriptions: Numbers::default(),
            channels: Numbers::default(),
        }
    }
}

impl Packing<State> for WorldPacking {
    fn words(&self) -> usize {
        self.processes + 2
    }

    fn pack(&mut self, state: &State, words: &mut [u32]) {
        let world = &state.world;
        words[0] = self.descriptions.number(&world.descriptions);
        words[1] = self.channels.number(&(world.objects.clone(), world.place));
        let parts = world.actors.iter().zip(&state.locals);
        for ((actor, local), word) in parts.zip(&mut words[2..]) {
            *word = self.parts.number(&(actor.clone(), local.clone()));
        }
    }

    fn unpack(&self, words: &[u32]) -> State {
        let (objects, place) = self.channels.get(words[1]).clone();
        let parts = words[2..].iter().map(|word| self.parts.get(*word));
        let descriptions = self.descriptions.get(words[0]).clone();
        let actors = parts.clone().map(|(actor, _)| actor.clone()).collect();
        State {
            world: World { actors, descriptions, objects, place, released: SmallVec::new() },
            locals: parts.map(|(_, local)| local.clone()).collect(),
        }
    }

    fn bytes(&self) -> usize {
        self.parts.bytes() + self.descriptions.bytes() + self.channels.bytes()
    }
}
