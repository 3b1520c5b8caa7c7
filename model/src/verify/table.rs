//! A set of states: each packed into a few words, found by a hash, known by the order in which it came.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::Packing;

/// States, numbered from 0 as they were put in.
#[derive(Debug)]
pub struct Table<P> {
    packing: P,
    words: usize,
    /// The states, one after the other.
    arena: Vec<u32>,
    /// Where states are, by hash, in open addressing; [`FREE`] where none is. Its length is a power of two.
    slots: Vec<u32>,
    len: usize,
}

/// No state.
const FREE: u32 = u32::MAX;

/// The most words of a state.
const WORDS_MAX: usize = 16;

impl<P> Table<P> {
    /// An empty set.
    pub fn new<S>(packing: P) -> Table<P>
    where
        P: Packing<S>,
    {
        let words = packing.words();
        assert!((1..=WORDS_MAX).contains(&words), "{words} words a state");
        Table { packing, words, arena: Vec::new(), slots: vec![FREE; 64], len: 0 }
    }

    /// How many states there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The state with this number.
    pub fn get<S>(&self, index: u32) -> S
    where
        P: Packing<S>,
    {
        self.packing.unpack(self.packed(index))
    }

    fn packed(&self, index: u32) -> &[u32] {
        let start = index as usize * self.words;
        &self.arena[start..start + self.words]
    }

    /// Puts a state in; its number, and whether it is new.
    pub fn insert<S>(&mut self, state: &S) -> (u32, bool)
    where
        P: Packing<S>,
    {
        let mut words = [0; WORDS_MAX];
        let words = &mut words[..self.words];
        self.packing.pack(state, words);
        self.insert_packed(words)
    }

    /// Puts a state in that was packed by this table's packing; its number, and whether it is new.
    ///
    /// # Panics
    ///
    /// If there are more states than numbers for them.
    pub(super) fn insert_packed(&mut self, words: &[u32]) -> (u32, bool) {
        let slot = match self.slot(words) {
            Ok(index) => return (index, false),
            Err(slot) => slot,
        };
        assert!(self.len < FREE as usize, "more states than a table holds");
        let index = self.len as u32;
        self.slots[slot] = index;
        if self.arena.len() + self.words > self.arena.capacity() {
            self.arena.reserve_exact((64 * self.words).max(self.arena.len() / 4));
        }
        self.arena.extend_from_slice(words);
        self.len += 1;
        if self.len * 4 > self.slots.len() * 3 {
            self.grow();
        }
        (index, true)
    }

    /// Appends a state, packed.
    #[cfg(feature = "distributed")]
    pub(super) fn pack<S>(&mut self, state: &S, to: &mut Vec<u32>)
    where
        P: Packing<S>,
    {
        let start = to.len();
        to.resize(start + self.words, 0);
        self.packing.pack(state, &mut to[start..]);
    }

    /// Words of a state.
    #[cfg(feature = "distributed")]
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// The number of a state, if it is in.
    pub fn find<S>(&mut self, state: &S) -> Option<u32>
    where
        P: Packing<S>,
    {
        let mut words = [0; WORDS_MAX];
        let words = &mut words[..self.words];
        self.packing.pack(state, words);
        self.slot(words).ok()
    }

    /// The number of the state that is packed so, or the slot for it.
    fn slot(&self, words: &[u32]) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(words) as usize & mask;
        loop {
            match self.slots[slot] {
                FREE => return Err(slot),
                index if is_same(self.packed(index), words) => return Ok(index),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![FREE; mask + 1];
        for index in 0..self.len as u32 {
            let mut slot = hash(self.packed(index)) as usize & mask;
            while slots[slot] != FREE {
                slot = (slot + 1) & mask;
            }
            slots[slot] = index;
        }
        self.slots = slots;
    }

    /// Bytes that it takes.
    pub fn bytes<S>(&self) -> usize
    where
        P: Packing<S>,
    {
        (self.arena.capacity() + self.slots.len()) * size_of::<u32>() + self.packing.bytes()
    }
}

/// Word by word: of so few a comparison of memory costs more.
#[inline]
fn is_same(packed: &[u32], words: &[u32]) -> bool {
    packed.iter().zip(words).all(|(one, other)| one == other)
}

/// Mixes all bits of all words into the low ones.
#[inline]
fn hash(words: &[u32]) -> u64 {
    let mixed = words.iter().fold(0_u64, |hash, word| {
        (hash.rotate_left(26) ^ u64::from(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    mixed ^ (mixed >> 32)
}

/// Values, each once, by number and back.
#[derive(Debug)]
pub struct Numbers<T> {
    values: Vec<T>,
    numbers: FxHashMap<T, u32>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Numbers<T> {
        Numbers { values: Vec::new(), numbers: FxHashMap::default() }
    }
}

impl<T: Clone + Eq + Hash> Numbers<T> {
    /// The number of a value.
    pub fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.values.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }

    /// The value with this number.
    pub fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<T>()
            + self.numbers.capacity() * (size_of::<(T, u32)>() + 1)
    }
}

/// Packs states of any sort, each as one number.
#[derive(Debug, Default)]
pub struct Whole<S>(Numbers<S>);

impl<S: Clone + Eq + Hash> Whole<S> {
    /// No state yet.
    pub fn new() -> Whole<S> {
        Whole(Numbers::default())
    }
}

impl<S: Clone + Eq + Hash> Packing<S> for Whole<S> {
    fn words(&self) -> usize {
        1
    }

    fn pack(&mut self, state: &S, words: &mut [u32]) {
        words[0] = self.0.number(state);
    }

    fn unpack(&self, words: &[u32]) -> S {
        self.0.get(words[0]).clone()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }
}
