//! What becomes of each wait: the greatest set of waits of which none can end without another of the set.

use std::collections::VecDeque;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Freedom, Graph, Index, Party, named};

/// What becomes of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does not sleep, or nobody here has to wake it.
    Free,
    /// It sleeps, and parties that are free could bring about its end.
    Waits,
    /// It sleeps, and whatever the free parties do, it never ends.
    ForEver,
}

/// What becomes of the parties of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fates {
    fates: Vec<Fate>,
    /// In how many steps a free party reaches each; `None` where none does.
    steps: Vec<Option<usize>>,
    knots: Vec<Vec<Index>>,
}

impl Fates {
    pub(super) fn of_graph(graph: &Graph, acts: impl Fn(Freedom) -> bool) -> Fates {
        let steps = steps(graph, acts);
        let fate = |(party, steps): (&Party, &Option<usize>)| match (party, steps) {
            (Party::Free(_), _) => Fate::Free,
            (Party::Asleep(_), Some(_)) => Fate::Waits,
            (Party::Asleep(_), None) => Fate::ForEver,
        };
        let fates: Vec<Fate> = graph.parties().iter().zip(&steps).map(fate).collect();
        let knots = knots(graph, &fates);
        Fates { fates, steps, knots }
    }

    /// What becomes of a party.
    ///
    /// # Panics
    ///
    /// If the graph does not have it.
    pub fn of(&self, party: Index) -> Fate {
        self.fates[party]
    }

    /// Whether any wait is for ever.
    pub fn any_for_ever(&self) -> bool {
        self.fates.contains(&Fate::ForEver)
    }

    /// All whose wait is for ever.
    pub fn for_ever(&self) -> impl Iterator<Item = Index> + '_ {
        (0..self.fates.len()).filter(|party| self.fates[*party] == Fate::ForEver)
    }

    /// The causes of all that waits for ever: parties that wait for each other, for themselves, or for nobody, each
    /// knot in ascending order. A wait for ever that is in no knot depends on one. A knot that depends on
    /// another comes after it.
    pub fn knots(&self) -> &[Vec<Index>] {
        &self.knots
    }

    /// From a party that may go on: whom it waits for, whom that one waits for, and so on to one that is free, by one
    /// of the shortest ways. Empty where its wait is for ever, or it is free itself.
    pub fn chain(&self, graph: &Graph, party: Index) -> Vec<Index> {
        let mut chain = Vec::new();
        let mut at = party;
        while let Some(steps) = self.steps[at].filter(|steps| *steps > 0) {
            let nearer = |ender: &Index| self.steps[*ender].is_some_and(|own| own < steps);
            let Some(next) = graph.enders(at).into_iter().find(nearer) else { break };
            chain.push(next);
            at = next;
        }
        chain
    }
}

/// The least fixpoint of what may end, in rounds: after how many steps each party may act, if it ever may.
///
/// Each need counts once, when the first of its parties may act; each way when its last need is met.
fn steps(graph: &Graph, acts: impl Fn(Freedom) -> bool) -> Vec<Option<usize>> {
    let parties = graph.parties();
    // For each party the needs that it meets; for each need its way; for each way what is missing, and its party.
    let mut meets: Vec<Vec<usize>> = vec![Vec::new(); parties.len()];
    let (mut way_of_need, mut met) = (Vec::new(), Vec::new());
    let (mut missing, mut party_of_way) = (Vec::new(), Vec::new());
    let mut steps: Vec<Option<usize>> = vec![None; parties.len()];
    let mut reached = VecDeque::new();
    for (index, party) in parties.iter().enumerate() {
        let open = match party {
            Party::Free(freedom) => acts(*freedom).then_some(0),
            Party::Asleep(wait) => {
                for way in &wait.ways {
                    for need in &way.needs {
                        for by in &need.by {
                            meets[*by].push(way_of_need.len());
                        }
                        way_of_need.push(missing.len());
                        met.push(false);
                    }
                    missing.push(way.needs.len());
                    party_of_way.push(index);
                }
                wait.ways.iter().any(|way| way.needs.is_empty()).then_some(1)
            }
        };
        steps[index] = open;
    }
    // Those without steps first: in a queue by steps, each is reached by a shortest way.
    for open in [0, 1] {
        reached.extend((0..parties.len()).filter(|index| steps[*index] == Some(open)));
    }
    while let Some(party) = reached.pop_front() {
        let next = steps[party].map(|steps| steps + 1);
        for need in std::mem::take(&mut meets[party]) {
            if std::mem::replace(&mut met[need], true) {
                continue;
            }
            let way = way_of_need[need];
            missing[way] -= 1;
            let waiter = party_of_way[way];
            if missing[way] == 0 && steps[waiter].is_none() {
                steps[waiter] = next;
                reached.push_back(waiter);
            }
        }
    }
    steps
}

/// The strongly connected parts of the waits for ever, but those of one party that only waits for other parts.
fn knots(graph: &Graph, fates: &[Fate]) -> Vec<Vec<Index>> {
    let mut among = DiGraph::<Index, ()>::new();
    let mut nodes = Vec::new();
    for (party, fate) in fates.iter().enumerate() {
        nodes.push((*fate == Fate::ForEver).then(|| among.add_node(party)));
    }
    for from in among.node_indices() {
        let Some(wait) = graph.wait(among[from]) else { continue };
        for to in named(wait).filter_map(|ender| nodes[ender]) {
            among.update_edge(from, to, ());
        }
    }
    let only_follows = |part: &Vec<NodeIndex>| match part[..] {
        [one] => {
            let mut to = among.neighbors(one).peekable();
            to.peek().is_some() && to.all(|to| to != one)
        }
        _ => false,
    };
    let mut parts = kosaraju_scc(&among);
    parts.retain(|part| !only_follows(part));
    let sorted = |part: Vec<NodeIndex>| {
        let mut knot: Vec<Index> = part.into_iter().map(|node| among[node]).collect();
        knot.sort_unstable();
        knot
    };
    parts.into_iter().map(sorted).collect()
}
