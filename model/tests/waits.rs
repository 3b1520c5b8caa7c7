//! What waits for ever: the graph of waits against its definition, set by set.

use std::collections::BTreeSet;

use pipewright_model::waits::{Fate, Freedom, Graph, Index, Need, Party, Wait, Way};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::Config;
use proptest::{prop_assert, prop_assert_eq, proptest};

/// As many as sets of them can be gone through.
const PARTIES_MAX: usize = 7;

fn asleep(ways: Vec<Way>) -> Party {
    Party::Asleep(Wait { rule: "stream.read.waits", ways })
}

fn graph(parties: impl IntoIterator<Item = Party>) -> Graph {
    let mut graph = Graph::default();
    for party in parties {
        graph.push(party);
    }
    graph
}

/// Whether each way of each wait of this set has a need that only the set, or nobody, could meet.
fn is_closed(graph: &Graph, set: u32) -> bool {
    let within = |party: &Index| set & 1 << party != 0;
    (0..graph.parties().len()).filter(within).all(|party| {
        graph.wait(party).is_some_and(|wait| {
            wait.ways.iter().all(|way| way.needs.iter().any(|need| need.by.iter().all(within)))
        })
    })
}

/// The definition: all sets are gone through, and what is in any that is closed waits for ever.
fn for_ever(graph: &Graph) -> BTreeSet<Index> {
    let parties = graph.parties().len();
    let closed = (0..1_u32 << parties).filter(|set| is_closed(graph, *set));
    let union = closed.fold(0, |union, set| union | set);
    (0..parties).filter(|party| union & 1 << party != 0).collect()
}

/// What free parties may reach by going on in any order, step by step.
fn may_act(graph: &Graph) -> BTreeSet<Index> {
    let parties = graph.parties();
    let free = |party: &Index| matches!(parties[*party], Party::Free(_));
    let mut acting: BTreeSet<Index> = (0..parties.len()).filter(free).collect();
    loop {
        let next = (0..parties.len()).find(|party| {
            let opens = |way: &Way| {
                way.needs.iter().all(|need| need.by.iter().any(|by| acting.contains(by)))
            };
            let wakes = |wait: &Wait| wait.ways.iter().any(opens);
            !acting.contains(party) && graph.wait(*party).is_some_and(wakes)
        });
        match next {
            Some(party) => acting.insert(party),
            None => return acting,
        };
    }
}

fn freedoms() -> impl Strategy<Value = Freedom> {
    prop_oneof![
        Just(Freedom::Awake),
        Just(Freedom::TimeOut),
        Just(Freedom::Signal),
        Just(Freedom::Outsider),
        Just(Freedom::Unreadable),
    ]
}

fn graphs() -> impl Strategy<Value = Graph> {
    (1..=PARTIES_MAX).prop_flat_map(|parties| {
        let need = vec(0..parties, 0..3).prop_map(|by| Need { by });
        let way = vec(need, 0..3).prop_map(|needs| Way { event: "happens", needs });
        let party = prop_oneof![
            4 => vec(way, 0..4).prop_map(asleep),
            1 => freedoms().prop_map(Party::Free),
        ];
        vec(party, parties).prop_map(graph)
    })
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, cases: 20_000, ..Config::default() })]

    #[test]
    fn for_ever_is_the_greatest_set_that_nothing_reaches(graph in graphs()) {
        let fates = graph.fates();
        let said: BTreeSet<Index> = fates.for_ever().collect();
        prop_assert_eq!(&said, &for_ever(&graph));
        prop_assert!(said.is_disjoint(&may_act(&graph)));
        prop_assert_eq!(said.len() + may_act(&graph).len(), graph.parties().len());
    }

    /// Who is added, and can be reached, only takes away from what is for ever.
    #[test]
    fn another_way_makes_nothing_more_for_ever(graph in graphs(), at in any::<usize>(), freedom in freedoms()) {
        let before: BTreeSet<Index> = graph.fates().for_ever().collect();
        let mut parties = graph.parties().to_vec();
        let (at, outsider) = (at % parties.len(), parties.len());
        if let Party::Asleep(wait) = &mut parties[at] {
            wait.ways.push(Way::of("happens", [outsider]));
        }
        parties.push(Party::Free(freedom));
        let fates = self::graph(parties).fates();
        let after: BTreeSet<Index> = fates.for_ever().collect();
        prop_assert!(after.is_subset(&before));
        prop_assert!(!after.contains(&at));
    }

    /// Each wait for ever leads to a knot, and each knot is one: its parties reach each other, or it is a party that
    /// waits for nobody who waits for ever.
    #[test]
    fn knots_hold_all_that_is_for_ever(graph in graphs()) {
        let fates = graph.fates();
        let among = |party: Index| {
            let enders = graph.enders(party).into_iter();
            enders.filter(|ender| fates.of(*ender) == Fate::ForEver).collect::<Vec<_>>()
        };
        let reached = |from: Index| {
            let (mut reached, mut next) = (BTreeSet::new(), among(from));
            while let Some(party) = next.pop() {
                if reached.insert(party) {
                    next.extend(among(party));
                }
            }
            reached
        };
        let in_knots: BTreeSet<Index> = fates.knots().iter().flatten().copied().collect();
        for party in fates.for_ever() {
            prop_assert!(in_knots.contains(&party) || !reached(party).is_disjoint(&in_knots));
        }
        for knot in fates.knots() {
            let stranded = knot.len() == 1 && among(knot[0]).is_empty();
            let whole = |party: &Index| knot.iter().all(|other| reached(*party).contains(other));
            prop_assert!(stranded || knot.iter().all(whole), "{:?}", knot);
        }
    }

    /// Whoever waits for somebody can be told whom, down to one who is free.
    #[test]
    fn chains_end_where_somebody_can_act(graph in graphs()) {
        let fates = graph.fates();
        for party in 0..graph.parties().len() {
            let chain = fates.chain(&graph, party);
            if fates.of(party) != Fate::Waits {
                prop_assert!(chain.is_empty());
                continue;
            }
            let last = chain.last().copied().unwrap_or(party);
            let open = |wait: &Wait| wait.ways.iter().any(|way| way.needs.is_empty());
            prop_assert!(fates.of(last) == Fate::Free || graph.wait(last).is_some_and(open));
        }
    }
}

#[test]
fn an_end_of_file_takes_all_writers() {
    // 0 reads what 1 and 2 may write; 1 waits for 0, 2 is awake and may only close.
    let end = Way { event: "close it", needs: vec![Need::of([1]), Need::of([2])] };
    let reader = asleep(vec![Way::of("writes", [1]), end]);
    let writer = asleep(vec![Way::of("reads", [0])]);
    let graph = graph([reader, writer, Party::Free(Freedom::Awake)]);
    let fates = graph.fates();
    assert_eq!((fates.of(0), fates.of(1)), (Fate::ForEver, Fate::ForEver));
    assert_eq!(fates.knots(), [vec![0, 1]]);
}

#[test]
fn free_parties_count_as_they_are_asked_to() {
    let reader = asleep(vec![Way::of("opens it", [1])]);
    let graph = graph([reader, Party::Free(Freedom::Outsider)]);
    assert_eq!(graph.fates().of(0), Fate::Waits);
    assert_eq!(graph.fates().chain(&graph, 0), [1]);
    let alone = graph.fates_if(|freedom| freedom != Freedom::Outsider);
    assert_eq!((alone.of(0), alone.of(1)), (Fate::ForEver, Fate::Free));
    assert_eq!(alone.knots(), [vec![0]]);
}

#[test]
fn a_chain_of_a_hundred_thousand_is_decided() {
    const LEN: usize = 100_000;
    let next = |ender: usize| asleep(vec![Way::of("ends", [ender])]);
    let chain = |last: Party| graph((1..LEN).map(next).chain([last]));
    let for_ever = chain(next(LEN - 1)).fates();
    assert_eq!(for_ever.for_ever().count(), LEN);
    assert_eq!(for_ever.knots(), [vec![LEN - 1]]);
    let waits = chain(Party::Free(Freedom::TimeOut));
    assert_eq!(waits.fates().for_ever().count(), 0);
    assert_eq!(waits.fates().chain(&waits, 0).len(), LEN - 1);
}
