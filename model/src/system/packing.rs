//! States in few words: each part is kept once, and a state is the numbers of its parts.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{Part, State};
use crate::channel::Object;
use crate::verify::Packing;
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
            world: World { actors, descriptions, objects, place },
            locals: parts.map(|(_, local)| local.clone()).collect(),
        }
    }

    fn bytes(&self) -> usize {
        self.parts.bytes() + self.descriptions.bytes() + self.channels.bytes()
    }
}

/// Values, each once, by number and back.
#[derive(Debug)]
struct Numbers<T> {
    values: Vec<T>,
    numbers: FxHashMap<T, u32>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Numbers<T> {
        Numbers { values: Vec::new(), numbers: FxHashMap::default() }
    }
}

impl<T: Clone + Eq + Hash> Numbers<T> {
    fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.values.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }

    fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<T>()
            + self.numbers.capacity() * (size_of::<(T, u32)>() + 1)
    }
}
