//! The part of one worker in a search by many: its states, and the dataflow that brings them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::{OutputBuilderSession, operator::Operator};
use timely::dataflow::operators::{Capability, ConnectLoop, Feedback, Probe};
use timely::progress::frontier::MutableAntichain;

use super::{Lost, Member, Model, Place, Sent, Share, What, hash_of, owner};
use crate::verify::Table;

/// So many states are looked at before others get to work, so that what was sent does not pile up.
const STATES_AT_ONCE: u32 = 1024;

/// States that come one after the other, each with its owner.
type Sendings<S> = Vec<(u32, S)>;

/// Where they are sent.
type Output<'a, S> = OutputBuilderSession<'a, u64, CapacityContainerBuilder<Sendings<S>>>;

/// What one worker has of a search.
pub(super) struct Part<M: Model> {
    pub(super) model: Rc<M>,
    pub(super) table: Table<M::Packing>,
    /// For each depth the number of its first state; at most as many as there are depths.
    levels: Vec<u32>,
    /// The next state to be looked at, and how deep it is.
    next: u32,
    depth: usize,
    transitions: u64,
    /// For each property the first state that decides it, where it is decided by one.
    deciding: Vec<Option<Place>>,
    index: u64,
    workers: u64,
}

/// Steps with the states after them.
type Next<M> = Vec<(<M as Model>::Action, <M as Model>::State)>;

/// States on their way into the table, by depth.
struct Levels {
    /// Those that can't be put in yet, packed: one that is less deep may still come.
    coming: BTreeMap<u64, (Capability<u64>, Vec<u32>)>,
    /// What allows sending what follows those that are in, and not all looked at.
    open: BTreeMap<u64, Capability<u64>>,
}

impl<M: Model> Part<M> {
    pub(super) fn new(model: Rc<M>, index: usize, workers: usize) -> Part<M> {
        let table = Table::new(model.packing());
        let deciding = vec![None; model.properties().len()];
        let (index, workers) = (index as u64, workers as u64);
        Part {
            model,
            table,
            levels: Vec::new(),
            next: 0,
            depth: 0,
            transitions: 0,
            deciding,
            index,
            workers,
        }
    }

    /// What others are told of it.
    pub(super) fn share(&self) -> Share {
        let states = self.table.len();
        Share {
            states: states as u64,
            transitions: self.transitions,
            depth: if states == 0 { 0 } else { self.depth as u64 },
            bytes: (self.table.bytes() + self.levels.capacity() * size_of::<u32>()) as u64,
            deciding: self.deciding.clone(),
        }
    }

    /// The states of a depth.
    pub(super) fn level(&self, depth: usize) -> std::ops::Range<u32> {
        let all = self.table.len() as u32;
        let first = |depth: usize| self.levels.get(depth).copied().unwrap_or(all);
        first(depth)..first(depth + 1)
    }

    /// Puts states of one depth in, after all that are less deep; whether any is new.
    fn put_in(&mut self, depth: usize, words: &[u32]) -> bool {
        let before = self.table.len();
        for words in words.chunks_exact(self.table.words()) {
            self.table.insert_packed(words);
        }
        let any = self.table.len() > before;
        while any && self.levels.len() <= depth {
            self.levels.push(before as u32);
        }
        any
    }
}

impl<M: Model> Part<M>
where
    M::State: Sent,
{
    /// Looks at the next state; `follow` takes the states after it, each with its owner.
    fn look(&mut self, next: &mut Next<M>, mut follow: impl FnMut(&mut Self, u64, M::State)) {
        let at = self.next;
        self.next += 1;
        let state = self.table.get(at);
        self.model.steps(&state, next);
        self.ask(at, &state, next.is_empty());
        self.transitions += next.len() as u64;
        for (_, after) in next.drain(..) {
            let owner = owner(hash_of(&after), self.workers);
            follow(self, owner, after);
        }
    }

    /// How deep the next state is; `None` if there is none.
    fn depth_of_next(&mut self) -> Option<u64> {
        if self.next as usize >= self.table.len() {
            return None;
        }
        while self.level(self.depth).end <= self.next {
            self.depth += 1;
        }
        Some(self.depth as u64)
    }

    /// Asks what is decided state by state. Of the nearest states that with the least hash is kept, so that it
    /// does not matter who came first.
    fn ask(&mut self, index: u32, state: &M::State, stands_still: bool) {
        let (model, depth) = (self.model.as_ref(), self.depth as u64);
        for (property, decided) in model.properties().iter().zip(&mut self.deciding) {
            if decided.is_some_and(|place| place.depth < depth) {
                continue;
            }
            let decides = match &property.what {
                What::Always(holds) => !holds.is(model, state),
                What::Sometimes(holds) => holds.is(model, state),
                What::NoDeadlock => stands_still && !model.may_end(state),
                What::Eventually { .. } => false,
            };
            if decides {
                let place = Place { depth, hash: hash_of(state), index };
                *decided = Some(decided.map_or(place, |other| other.min(place)));
            }
        }
    }
}

impl Levels {
    /// With the start, if this worker owns it.
    fn new<M: Model>(part: &mut Part<M>, capability: Capability<u64>) -> Levels
    where
        M::State: Sent,
    {
        let mut levels = Levels { coming: BTreeMap::new(), open: BTreeMap::new() };
        let start = part.model.start();
        if owner(hash_of(&start), part.workers) == part.index {
            part.table.pack(&start, levels.coming(capability));
        }
        levels
    }

    /// Where states of a depth wait.
    fn coming(&mut self, capability: Capability<u64>) -> &mut Vec<u32> {
        let depth = *capability.time();
        &mut self.coming.entry(depth).or_insert_with(|| (capability, Vec::new())).1
    }

    /// Puts in what has come, of depths of which no less deep state can come any more.
    fn put_in<M: Model>(&mut self, part: &mut Part<M>, frontier: &MutableAntichain<u64>) {
        while let Some(entry) = self.coming.first_entry() {
            let depth = *entry.key();
            if frontier.less_than(&depth) {
                break;
            }
            let (capability, words) = entry.remove();
            if part.put_in(depth as usize, &words) {
                self.open.insert(depth, capability);
            }
        }
    }

    /// Looks at some states of one depth, and sends those that follow to their owners.
    fn look<M: Model>(
        &mut self,
        part: &mut Part<M>,
        depth: u64,
        next: &mut Next<M>,
        to: &mut Output<'_, M::State>,
    ) where
        M::State: Sent,
    {
        let capability = &self.open[&depth];
        let mut session = to.session(capability);
        let coming = self.coming.entry(depth + 1);
        let later = || (capability.delayed(&(depth + 1)), Vec::new());
        let mine = &mut coming.or_insert_with(later).1;
        let end = part.level(depth as usize).end.min(part.next + STATES_AT_ONCE);
        while part.next < end {
            part.look(next, |part, owner, state| {
                if owner == part.index {
                    part.table.pack(&state, mine);
                } else {
                    session.give((owner as u32, state));
                }
            });
        }
    }

    /// Sends nothing more for depths whose states have all been looked at.
    fn let_go<M: Model>(&mut self, part: &Part<M>) {
        self.open.retain(|depth, _| part.level(*depth as usize).end > part.next);
        self.coming.retain(|_, (_, words)| !words.is_empty());
    }
}

impl Member {
    /// Goes through all states together with the others.
    pub(super) fn explore<M>(&mut self, part: Part<M>) -> Result<Part<M>, Lost>
    where
        M: Model + 'static,
        M::State: Sent,
    {
        let shared = Rc::new(RefCell::new(part));
        let held = shared.clone();
        let probe = self.worker.dataflow::<u64, _, _>(move |scope| {
            let (handle, cycle) = scope.feedback::<Sendings<M::State>>(1);
            let to_owner = Exchange::new(|(owner, _): &(u32, M::State)| u64::from(*owner));
            let found = cycle.unary_frontier::<CapacityContainerBuilder<_>, _, _, _>(
                to_owner,
                "search",
                move |capability, info| {
                    let activator = scope.activator_for(info.address);
                    let mut levels = Levels::new(&mut held.borrow_mut(), capability);
                    let mut next = Vec::new();
                    move |(input, frontier), output| {
                        let part = &mut *held.borrow_mut();
                        input.for_each(|capability, states: &mut Sendings<M::State>| {
                            let Some(capability) = capability.retain_least(0) else { return };
                            let coming = levels.coming(capability);
                            for (_, state) in states.drain(..) {
                                part.table.pack(&state, coming);
                            }
                        });
                        levels.put_in(part, frontier);
                        if let Some(depth) = part.depth_of_next() {
                            levels.look(part, depth, &mut next, output);
                            levels.let_go(part);
                            activator.activate();
                        }
                    }
                },
            );
            let (probe, found) = found.probe();
            found.connect_loop(handle);
            probe
        });
        self.until(|_| probe.done())?;
        // The dataflow may not have been taken down yet.
        let model = shared.borrow().model.clone();
        let empty = Part::new(model, self.index(), self.workers());
        Ok(shared.replace(empty))
    }
}
