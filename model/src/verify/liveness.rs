//! Whether what must come in the end does: by the loops of the graph of states.
//!
//! What never comes is a run that stays among the states that miss the goal: it either stops in one of them, or
//! goes round a loop of them for ever. A set of states that all lead to each other can be gone round so that
//! nobody is treated unfairly exactly if whoever can take a step in all of them takes one within it.

use std::collections::VecDeque;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Holds, Model, Path, Scheduler, Search};

/// States that miss the goal, with the steps between them.
struct Missing {
    /// The number of each state; who takes each step.
    graph: DiGraph<u32, u8>,
    /// For each of them the one from which it was reached, itself for those where the wait begins.
    from: Vec<NodeIndex>,
    /// For each of them who can take a step there, a bit each, and whether anybody can.
    movers: Vec<u64>,
}

/// A run in which `goal` never comes after `after`; `None` if there is none.
pub(super) fn never<M: Model>(
    search: &mut Search<'_, M>,
    after: Option<&Holds<M>>,
    goal: &Holds<M>,
    scheduler: Scheduler,
) -> Option<Path<M::Action>> {
    let missing = Missing::of(search, after, goal);
    let stops = missing.graph.node_indices().find(|node| missing.movers[node.index()] == 0);
    if let Some(node) = stops {
        let way = missing.way(node);
        return Some(Path { actions: actions(search, &way), loops_from: None });
    }
    let mut components = kosaraju_scc(&missing.graph);
    // Nodes are numbered breadth first: the nearest loop is the one with the lowest number.
    components.iter_mut().for_each(|component| component.sort_unstable());
    components.sort_unstable();
    components.iter().find_map(|component| {
        let tour = missing.tour(component, scheduler)?;
        let mut way = missing.way(tour[0]);
        let loops_from = actions(search, &way).len();
        way.extend(tour[1..].iter().map(|node| missing.graph[*node]));
        Some(Path { actions: actions(search, &way), loops_from: Some(loops_from) })
    })
}

/// The steps along a way, with those from the start to where it begins.
fn actions<M: Model>(search: &Search<'_, M>, way: &[u32]) -> Vec<M::Action> {
    let mut actions = search.path(way[0]);
    actions.extend(way.windows(2).map(|pair| search.action(pair[0], pair[1])));
    actions
}

impl Missing {
    fn of<M: Model>(
        search: &mut Search<'_, M>,
        after: Option<&Holds<M>>,
        goal: &Holds<M>,
    ) -> Missing {
        let (model, table) = (search.model, &mut search.table);
        let mut missing = Missing { graph: DiGraph::new(), from: vec![], movers: vec![] };
        let mut nodes: FxHashMap<u32, NodeIndex> = FxHashMap::default();
        let mut todo = VecDeque::new();
        let all = if after.is_some() { search.parents.len() as u32 } else { 1 };
        for at in 0..all {
            let state = table.get(at);
            if goal.is(model, &state) || after.is_some_and(|after| !after.is(model, &state)) {
                continue;
            }
            let node = missing.graph.add_node(at);
            missing.from.push(node);
            nodes.insert(at, node);
            todo.push_back(node);
        }
        let mut next = Vec::new();
        while let Some(node) = todo.pop_front() {
            let state = table.get(missing.graph[node]);
            model.steps(&state, &mut next);
            let mut movers = 0;
            for (action, then) in next.drain(..) {
                let mover = model.mover(&action);
                movers |= 1_u64 << mover;
                let Some(to) = table.find(&then).filter(|_| !goal.is(model, &then)) else {
                    continue;
                };
                let to = *nodes.entry(to).or_insert_with(|| {
                    let to = missing.graph.add_node(to);
                    missing.from.push(node);
                    todo.push_back(to);
                    to
                });
                missing.graph.add_edge(node, to, mover);
            }
            if missing.movers.len() <= node.index() {
                missing.movers.resize(node.index() + 1, 0);
            }
            missing.movers[node.index()] = movers;
        }
        missing
    }

    /// The states from where the wait begins to this one.
    fn way(&self, to: NodeIndex) -> Vec<u32> {
        let mut way = vec![to];
        while let Some(at) = way.last().copied().filter(|at| self.from[at.index()] != *at) {
            way.push(self.from[at.index()]);
        }
        way.iter().rev().map(|node| self.graph[*node]).collect()
    }

    /// A way round these states that treats nobody unfairly, from the first of them back to it.
    fn tour(&self, component: &[NodeIndex], scheduler: Scheduler) -> Option<Vec<NodeIndex>> {
        let inside: FxHashSet<NodeIndex> = component.iter().copied().collect();
        let edges = || {
            let all = component.iter().flat_map(|node| self.graph.edges(*node));
            all.filter(|edge| inside.contains(&edge.target()))
        };
        let first_edge = edges().next()?;
        let always = component.iter().fold(u64::MAX, |all, node| all & self.movers[node.index()]);
        let ever = component.iter().fold(0, |all, node| all | self.movers[node.index()]);
        let mut tour = vec![component[0]];
        if scheduler == Scheduler::Any {
            self.go(&mut tour, first_edge.source(), &inside);
            tour.push(first_edge.target());
        }
        for mover in
            (0..u64::BITS).filter(|mover| scheduler != Scheduler::Any && ever & 1 << mover != 0)
        {
            if always & 1 << mover == 0 {
                let idle = |node: &&NodeIndex| self.movers[node.index()] & 1 << mover == 0;
                let idle = *component.iter().find(idle)?;
                self.go(&mut tour, idle, &inside);
            } else {
                let step = edges().find(|edge| u32::from(*edge.weight()) == mover)?;
                self.go(&mut tour, step.source(), &inside);
                tour.push(step.target());
            }
        }
        if tour.len() == 1 {
            self.go(&mut tour, first_edge.source(), &inside);
            tour.push(first_edge.target());
        }
        self.go(&mut tour, component[0], &inside);
        Some(tour)
    }

    /// Goes on to a state by the shortest way, if the tour isn't there.
    fn go(&self, tour: &mut Vec<NodeIndex>, to: NodeIndex, inside: &FxHashSet<NodeIndex>) {
        let at = tour[tour.len() - 1];
        let mut from = FxHashMap::from_iter([(at, at)]);
        let mut todo = VecDeque::from([at]);
        while let Some(node) = todo.pop_front().filter(|node| *node != to) {
            for next in self.graph.neighbors(node).filter(|next| inside.contains(next)) {
                from.entry(next).or_insert_with(|| {
                    todo.push_back(next);
                    node
                });
            }
        }
        let mut way = vec![to];
        while let Some(node) = way.last().copied().filter(|node| *node != at) {
            way.push(from[&node]);
        }
        tour.extend(way.into_iter().rev().skip(1));
    }
}
