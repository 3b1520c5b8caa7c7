//! The graph of waits: which calls sleep for ever, which knots hold them, and which parties could end the others.
//!
//! It knows no channels and no kernel: whoever builds a graph says for each sleeping call in what *ways* it may end,
//! and which *parties* each way needs. What it says holds of one moment: all waits of a graph must have been seen
//! asleep at the same time (a consistent cut).
//!
//! ```
//! use pipewright_model::waits::{Fate, Freedom, Graph, Need, Party, Wait, Way};
//!
//! let mut graph = Graph::default();
//! let [shell, wc, cat] = [0, 1, 2];
//! // The shell waits for its child; wc reads a pipe whose only write end it holds itself.
//! graph.push(Party::Asleep(Wait { rule: "process.wait.waits", ways: vec![Way::of("ends", [wc])] }));
//! graph.push(Party::Asleep(Wait { rule: "stream.read.waits", ways: vec![
//!     Way::of("writes", [wc]),
//!     Way::of("closes it", [wc]),
//! ]}));
//! graph.push(Party::Free(Freedom::Awake));
//!
//! let fates = graph.fates();
//! assert_eq!(fates.of(wc), Fate::ForEver);
//! assert_eq!(fates.of(shell), Fate::ForEver);
//! assert_eq!(fates.of(cat), Fate::Free);
//! // The shell hangs too, but the knot is wc alone.
//! assert_eq!(fates.knots(), [vec![wc]]);
//! ```
//!
//! The definition stands in `docs/semantics.md`.

mod fates;

pub use fates::{Fate, Fates};

/// The number of a party in its graph, from 0 in the order of [`Graph::push`].
pub type Index = usize;

/// A party: one thread of control, or something outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// It sleeps in a call.
    Asleep(Wait),
    /// It may act at any time, and nobody here has to do anything for that.
    Free(Freedom),
}

/// Why a party may act at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Freedom {
    /// It does not sleep, or its sleep is not known to depend on others.
    Awake,
    /// Its sleep ends at a time that is set.
    TimeOut,
    /// A signal, a timer, or what continues a stopped process.
    Signal,
    /// A person, another machine, or anybody who opens a name.
    Outsider,
    /// It could not be seen what it does, or whether it is there at all.
    Unreadable,
}

/// A call that sleeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The id of the rule by which it may sleep.
    pub rule: &'static str,
    /// Each ends the wait by itself. Without one it never ends.
    pub ways: Vec<Way>,
}

/// One way in which a wait may end: all its needs are met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// What happens then, for a sentence: "writes", "close it".
    pub event: &'static str,
    /// All of them. Without one it may come about at any time.
    pub needs: Vec<Need>,
}

/// Something that any one of these parties can do. If there is none, nobody can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// The parties.
    pub by: Vec<Index>,
}

impl Way {
    /// A way that any one of these parties can bring about alone.
    pub fn of(event: &'static str, by: impl IntoIterator<Item = Index>) -> Way {
        Way { event, needs: vec![Need::of(by)] }
    }
}

impl Need {
    /// What any one of these parties can do.
    pub fn of(by: impl IntoIterator<Item = Index>) -> Need {
        Need { by: by.into_iter().collect() }
    }
}

/// Parties, and what the sleeping ones wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    parties: Vec<Party>,
}

impl Graph {
    /// Adds a party. Ways may name parties that are added later.
    pub fn push(&mut self, party: Party) -> Index {
        self.parties.push(party);
        self.parties.len() - 1
    }

    /// All parties, by number.
    pub fn parties(&self) -> &[Party] {
        &self.parties
    }

    /// What becomes of each party.
    ///
    /// # Panics
    ///
    /// If a way names a party that the graph does not have.
    pub fn fates(&self) -> Fates {
        self.fates_if(|_| true)
    }

    /// The same under the assumption that free parties of some kinds do nothing, such as outsiders.
    ///
    /// # Panics
    ///
    /// If a way names a party that the graph does not have.
    pub fn fates_if(&self, acts: impl Fn(Freedom) -> bool) -> Fates {
        Fates::of_graph(self, acts)
    }

    /// The wait of a party, if it sleeps.
    pub fn wait(&self, party: Index) -> Option<&Wait> {
        match self.parties.get(party) {
            Some(Party::Asleep(wait)) => Some(wait),
            _ => None,
        }
    }

    /// The parties that the wait of this one depends on, each once, in the order in which its ways name them.
    pub fn enders(&self, party: Index) -> Vec<Index> {
        let mut met = vec![false; self.parties.len()];
        let enders = self.wait(party).into_iter().flat_map(named);
        enders.filter(|ender| !std::mem::replace(&mut met[*ender], true)).collect()
    }
}

/// All parties that a wait names, some of them several times.
fn named(wait: &Wait) -> impl Iterator<Item = Index> + '_ {
    wait.ways.iter().flat_map(|way| &way.needs).flat_map(|need| need.by.iter().copied())
}
