//! An exact search of all states of a model: which properties hold, and the shortest run where one doesn't.
//!
//! Every state is kept whole (packed, never as a hash alone), so a verdict is no matter of luck; states are gone
//! through breadth first, so the first state that breaks a property is one of the nearest. What must come in
//! the end is decided on the graph of states ([`liveness`](Property::eventually)), and shown by a loop that a
//! fair scheduler can go round for ever. It reads no clock and prints nothing.

mod liveness;
#[cfg(feature = "distributed")]
pub mod many;
#[cfg(feature = "stateright")]
mod stateright;
mod table;

use std::fmt;
use std::sync::Arc;

pub use table::{Numbers, Table, Whole};

#[cfg(feature = "stateright")]
pub use stateright::{Browsed, Step};

/// Something that moves from state to state.
pub trait Model: Sized {
    /// A state.
    type State: Clone + PartialEq + fmt::Debug;
    /// A step from one state to the next, which with the state it is taken in tells what the next is.
    type Action: Clone + PartialEq + fmt::Debug;
    /// How states are packed.
    type Packing: Packing<Self::State>;

    /// The state at the start.
    fn start(&self) -> Self::State;

    /// Appends the steps that can be taken in a state, each with the state after it.
    fn steps(&self, state: &Self::State, next: &mut Vec<(Self::Action, Self::State)>);

    /// The process that takes a step, as a number below 64: a fair scheduler never leaves out for
    /// ever one that can always take a step.
    fn mover(&self, action: &Self::Action) -> u8;

    /// Whether all may stand still in this state: nobody waits for what can't come.
    fn may_end(&self, state: &Self::State) -> bool;

    /// What is asked.
    fn properties(&self) -> &[Property<Self>];

    /// A way to pack states.
    fn packing(&self) -> Self::Packing;

    /// A step as people read it.
    fn describe(&self, action: &Self::Action) -> String {
        format!("{action:?}")
    }
}

/// Packs states into a fixed number of words, equal states and those alone into equal words.
pub trait Packing<S> {
    /// Words of a state.
    fn words(&self) -> usize;
    /// Packs a state.
    fn pack(&mut self, state: &S, words: &mut [u32]);
    /// The state that was packed so.
    fn unpack(&self, words: &[u32]) -> S;
    /// Bytes that it keeps itself.
    fn bytes(&self) -> usize {
        0
    }
}

/// A function that tells whether something is so in a state.
type Tells<M> = dyn Fn(&M, &<M as Model>::State) -> bool + Send + Sync;

/// Whether something is so in a state.
pub struct Holds<M: Model>(Arc<Tells<M>>);

impl<M: Model> Holds<M> {
    /// What this function tells.
    pub fn new(tells: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static) -> Holds<M> {
        Holds(Arc::new(tells))
    }

    /// Whether it is so in this state.
    pub fn is(&self, model: &M, state: &M::State) -> bool {
        (self.0)(model, state)
    }
}

impl<M: Model> Clone for Holds<M> {
    fn clone(&self) -> Holds<M> {
        Holds(Arc::clone(&self.0))
    }
}

impl<M: Model> fmt::Debug for Holds<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holds")
    }
}

/// What is asked of a model: a clause, and when it holds.
#[derive(Debug)]
pub struct Property<M: Model> {
    /// A short clause in the present tense.
    pub name: &'static str,
    /// When it holds.
    pub what: What<M>,
}

/// When a property holds.
#[derive(Debug)]
pub enum What<M: Model> {
    /// If this is so in every state.
    Always(Holds<M>),
    /// If this is so in some state.
    Sometimes(Holds<M>),
    /// If nobody waits for what can't come: every state without a step is one in which the model may end.
    NoDeadlock,
    /// If, from every state where `after` is so, one comes in the end where `goal` is so.
    Eventually {
        /// Where the wait begins; nothing for the start.
        after: Option<Holds<M>>,
        /// What must come.
        goal: Holds<M>,
        /// Under which scheduler.
        scheduler: Scheduler,
    },
}

impl<M: Model> Clone for What<M> {
    fn clone(&self) -> What<M> {
        match self {
            What::Always(holds) => What::Always(holds.clone()),
            What::Sometimes(holds) => What::Sometimes(holds.clone()),
            What::NoDeadlock => What::NoDeadlock,
            What::Eventually { after, goal, scheduler } => {
                What::Eventually { after: after.clone(), goal: goal.clone(), scheduler: *scheduler }
            }
        }
    }
}

impl<M: Model> Clone for Property<M> {
    fn clone(&self) -> Property<M> {
        Property { name: self.name, what: self.what.clone() }
    }
}

/// What is assumed of who decides who goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// Nothing: somebody who could go on may be left out for ever.
    Any,
    /// A process that can always take a step takes one at some time (weak fairness).
    WeaklyFair,
}

impl<M: Model> Property<M> {
    /// `holds` is so in every state.
    pub fn always(
        name: &'static str,
        holds: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Property<M> {
        Property { name, what: What::Always(Holds::new(holds)) }
    }

    /// `holds` is so in some state.
    pub fn sometimes(
        name: &'static str,
        holds: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Property<M> {
        Property { name, what: What::Sometimes(Holds::new(holds)) }
    }

    /// There is no deadlock: nobody waits for what can't come.
    pub const fn no_deadlock() -> Property<M> {
        Property { name: NO_DEADLOCK, what: What::NoDeadlock }
    }

    /// `goal` comes in the end, whatever happens, if the scheduler is weakly fair.
    pub fn eventually(
        name: &'static str,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Property<M> {
        let (goal, scheduler) = (Holds::new(goal), Scheduler::WeaklyFair);
        Property { name, what: What::Eventually { after: None, goal, scheduler } }
    }

    /// Wherever `after` is so, `goal` comes in the end, if the scheduler is weakly fair.
    pub fn leads_to(
        name: &'static str,
        after: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Property<M> {
        let (after, goal) = (Some(Holds::new(after)), Holds::new(goal));
        Property { name, what: What::Eventually { after, goal, scheduler: Scheduler::WeaklyFair } }
    }

    /// The same as [`Property::eventually`] of any scheduler.
    pub fn eventually_unfair(
        name: &'static str,
        goal: impl Fn(&M, &M::State) -> bool + Send + Sync + 'static,
    ) -> Property<M> {
        let (goal, scheduler) = (Holds::new(goal), Scheduler::Any);
        Property { name, what: What::Eventually { after: None, goal, scheduler } }
    }

    /// Whether it is decided state by state.
    pub fn is_safety(&self) -> bool {
        !matches!(self.what, What::Eventually { .. })
    }
}

/// The name of [`Property::no_deadlock`].
pub const NO_DEADLOCK: &str = "never deadlock";

/// The way to a state, and for what never comes a loop at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Path<A> {
    /// The steps from the start.
    pub actions: Vec<A>,
    /// From which step on they can be taken again and again.
    pub loops_from: Option<usize>,
}

/// What was found of a property.
#[derive(Clone, Debug)]
pub struct Found<A> {
    /// The property.
    pub property: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// A shortest way to what breaks it; of [`What::Sometimes`] to what shows it.
    pub shown: Option<Path<A>>,
}

/// What was found of a model.
#[derive(Clone, Debug)]
pub struct Report<A> {
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub transitions: usize,
    /// The most steps that it takes to reach a state.
    pub depth: usize,
    /// Whether all states were visited. If not, what is not found broken may be.
    pub exhaustive: bool,
    /// Bytes that were kept for a state: itself, the way to it and the table.
    pub bytes_a_state: f64,
    /// Each property.
    pub found: Vec<Found<A>>,
}

impl<A> Report<A> {
    /// The properties that don't hold.
    pub fn broken(&self) -> impl Iterator<Item = &Found<A>> {
        self.found.iter().filter(|found| !found.holds)
    }
}

impl<A> Report<A> {
    /// The same without the ways.
    pub fn without_paths(&self) -> Report<()> {
        let bare =
            |found: &Found<A>| Found { property: found.property, holds: found.holds, shown: None };
        Report {
            states: self.states,
            transitions: self.transitions,
            depth: self.depth,
            exhaustive: self.exhaustive,
            bytes_a_state: self.bytes_a_state,
            found: self.found.iter().map(bare).collect(),
        }
    }
}

/// Searches all states of a model, or up to `states_max` of them.
pub fn verify<M: Model>(model: &M, states_max: usize) -> Report<M::Action> {
    let mut search = Search::new(model, states_max);
    search.run();
    search.report()
}

struct Search<'m, M: Model> {
    model: &'m M,
    table: Table<M::Packing>,
    /// For each state the one from which it was reached first.
    parents: Vec<u32>,
    states_max: usize,
    transitions: usize,
    depth: usize,
    exhaustive: bool,
    /// For each property the first state that decides it, where it is decided by one.
    deciding: Vec<Option<u32>>,
}

impl<'m, M: Model> Search<'m, M> {
    fn new(model: &'m M, states_max: usize) -> Search<'m, M> {
        Search {
            model,
            table: Table::new(model.packing()),
            parents: Vec::new(),
            states_max,
            transitions: 0,
            depth: 0,
            exhaustive: true,
            deciding: vec![None; model.properties().len()],
        }
    }

    fn run(&mut self) {
        let model = self.model;
        self.table.insert(&model.start());
        self.parents.push(0);
        let mut next = Vec::new();
        let (mut at, mut level_ends) = (0, 1);
        while at < self.parents.len() {
            if at == level_ends {
                self.depth += 1;
                level_ends = self.parents.len();
            }
            let state = self.table.get(at as u32);
            model.steps(&state, &mut next);
            self.look(at as u32, &state, next.is_empty());
            self.transitions += next.len();
            for (_, after) in next.drain(..) {
                if self.parents.len() < self.states_max {
                    if self.table.insert(&after).1 {
                        push(&mut self.parents, at as u32);
                    }
                } else if self.table.find(&after).is_none() {
                    self.exhaustive = false;
                }
            }
            at += 1;
        }
    }

    /// Asks what is decided state by state.
    fn look(&mut self, at: u32, state: &M::State, stands_still: bool) {
        for (property, decided) in self.model.properties().iter().zip(&mut self.deciding) {
            if decided.is_some() {
                continue;
            }
            let decides = match &property.what {
                What::Always(holds) => !holds.is(self.model, state),
                What::Sometimes(holds) => holds.is(self.model, state),
                What::NoDeadlock => stands_still && !self.model.may_end(state),
                What::Eventually { .. } => false,
            };
            *decided = decides.then_some(at);
        }
    }

    fn report(mut self) -> Report<M::Action> {
        let mut found = Vec::new();
        for (property, decided) in self.model.properties().iter().zip(self.deciding.clone()) {
            let shown = decided.map(|at| Path { actions: self.path(at), loops_from: None });
            let (holds, shown) = match &property.what {
                What::Always(_) | What::NoDeadlock => (shown.is_none(), shown),
                What::Sometimes(_) => (shown.is_some(), shown),
                What::Eventually { after, goal, scheduler } => {
                    let never = liveness::never(&mut self, after.as_ref(), goal, *scheduler);
                    (never.is_none(), never)
                }
            };
            found.push(Found { property: property.name, holds, shown });
        }
        let bytes = self.table.bytes() + self.parents.capacity() * size_of::<u32>();
        Report {
            states: self.parents.len(),
            transitions: self.transitions,
            depth: self.depth,
            exhaustive: self.exhaustive,
            bytes_a_state: bytes as f64 / self.parents.len() as f64,
            found,
        }
    }

    /// The steps from the start to a state.
    fn path(&self, to: u32) -> Vec<M::Action> {
        let mut way = vec![to];
        while let Some(at) = way.last().copied().filter(|at| *at != 0) {
            way.push(self.parents[at as usize]);
        }
        way.reverse();
        way.windows(2).map(|pair| self.action(pair[0], pair[1])).collect()
    }

    /// A step from one state to another.
    fn action(&self, from: u32, to: u32) -> M::Action {
        let (mut next, to) = (Vec::new(), self.table.get(to));
        self.model.steps(&self.table.get(from), &mut next);
        let taken = next.into_iter().find(|(_, after)| *after == to);
        taken.expect("states of a path follow each other").0
    }
}

/// Appends, growing by a quarter: a vector that doubles is half empty on average.
fn push<T>(to: &mut Vec<T>, item: T) {
    if to.len() == to.capacity() {
        to.reserve_exact(64.max(to.len() / 4));
    }
    to.push(item);
}
