//! States found so far, each world once.

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::oracle::State;
use crate::world::World;

/// States of different worlds, in the order of their insertion, each with the rules that every way to it
/// uses.
#[derive(Default)]
pub(super) struct Found {
    pub(super) states: Vec<State>,
    /// About how much memory they take, in bytes.
    pub(super) bytes: usize,
    /// Hashes of their worlds.
    hashes: Vec<u64>,
    /// Once there are many: by hash, the last state that has it. (Two worlds with one hash: the second is
    /// not found again, and stands there twice, which costs time only.)
    index: FxHashMap<u64, u32>,
}

impl Found {
    /// Up to this many hashes are looked through one by one.
    const SMALL: usize = 32;

    pub(super) fn get(&self, at: usize) -> Option<&State> {
        self.states.get(at)
    }

    pub(super) fn contains(&self, world: &World) -> bool {
        self.position(FxBuildHasher.hash_one(world), world).is_some()
    }

    fn position(&self, hash: u64, world: &World) -> Option<usize> {
        let is = |at: &usize| self.states[*at].world == *world;
        if self.states.len() > Found::SMALL {
            return self.index.get(&hash).map(|at| *at as usize).filter(is);
        }
        let same = self.hashes.iter().enumerate().filter(|(_, other)| **other == hash);
        same.map(|(at, _)| at).find(is)
    }

    /// Adds a state; true if its world is new. Of a known world only the rules that both ways use are kept.
    pub(super) fn insert(&mut self, state: State) -> bool {
        let hash = FxBuildHasher.hash_one(&state.world);
        if let Some(at) = self.position(hash, &state.world) {
            let shown = &mut self.states[at].shown;
            *shown = shown.intersection(state.shown);
            return false;
        }
        self.bytes += state.world.weight_bytes();
        self.states.push(state);
        self.hashes.push(hash);
        if self.states.len() > Found::SMALL {
            let from = if self.index.is_empty() { 0 } else { self.states.len() - 1 };
            let new = self.hashes.iter().enumerate().skip(from);
            self.index.extend(new.map(|(at, hash)| (*hash, at as u32)));
        }
        true
    }
}

impl Extend<State> for Found {
    fn extend<I: IntoIterator<Item = State>>(&mut self, states: I) {
        states.into_iter().for_each(|state| {
            self.insert(state);
        });
    }
}
