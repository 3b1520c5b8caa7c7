//! The search on models so small that one sees what it must find.

use pipewright_model::verify::{
    Holds, Model, NO_DEADLOCK, Packing, Property, Report, Scheduler, What, verify,
};

/// A graph: for each state its steps, each who takes it and where it leads.
struct Graph {
    steps: Vec<Vec<(u8, u32)>>,
    ends: Vec<u32>,
    properties: Vec<Property<Graph>>,
}

struct Number;

impl Packing<u32> for Number {
    fn words(&self) -> usize {
        1
    }

    fn pack(&mut self, state: &u32, words: &mut [u32]) {
        words[0] = *state;
    }

    fn unpack(&self, words: &[u32]) -> u32 {
        words[0]
    }
}

impl Model for Graph {
    type State = u32;
    type Action = (u8, u32);
    type Packing = Number;

    fn start(&self) -> u32 {
        0
    }

    fn steps(&self, state: &u32, next: &mut Vec<((u8, u32), u32)>) {
        next.extend(self.steps[*state as usize].iter().map(|step| (*step, step.1)));
    }

    fn mover(&self, action: &(u8, u32)) -> u8 {
        action.0
    }

    fn may_end(&self, state: &u32) -> bool {
        self.ends.contains(state)
    }

    fn properties(&self) -> &[Property<Graph>] {
        &self.properties
    }

    fn packing(&self) -> Number {
        Number
    }
}

/// The goal of all questions.
const GOAL: u32 = 9;

fn search(steps: &[&[(u8, u32)]], ends: &[u32], asked: Property<Graph>) -> Report<(u8, u32)> {
    let mut steps: Vec<Vec<(u8, u32)>> = steps.iter().map(|steps| steps.to_vec()).collect();
    steps.resize(10, Vec::new());
    verify(&Graph { steps, ends: ends.to_vec(), properties: vec![asked] }, usize::MAX)
}

fn comes(steps: &[&[(u8, u32)]], scheduler: Scheduler) -> Report<(u8, u32)> {
    let what = What::Eventually {
        after: None,
        goal: Holds::new(|_: &Graph, state: &u32| *state == GOAL),
        scheduler,
    };
    search(steps, &[GOAL], Property { name: "it comes", what })
}

fn holds(report: &Report<(u8, u32)>) -> bool {
    report.found[0].holds
}

#[test]
fn the_way_to_what_breaks_a_property_is_a_shortest_one() {
    let steps: &[&[(u8, u32)]] =
        &[&[(0, 1), (0, 4)], &[(0, 2)], &[(0, 3)], &[(0, GOAL)], &[(0, 5)], &[(0, GOAL)]];
    let asked = Property::always("never there", |_: &Graph, state: &u32| *state != GOAL);
    let report = search(steps, &[GOAL], asked);
    let path = report.found[0].shown.as_ref().expect("a way");
    assert_eq!(path.actions, [(0, 4), (0, 5), (0, GOAL)]);
    assert_eq!((report.states, report.transitions, report.depth), (7, 7, 3));
    assert!(report.exhaustive);
}

#[test]
fn who_stands_still_where_it_may_not_end_is_stuck() {
    let steps: &[&[(u8, u32)]] = &[&[(0, 1), (0, 2)], &[], &[]];
    for (ends, stuck) in [(&[1, 2][..], false), (&[1], true)] {
        let report = search(steps, ends, Property::no_deadlock());
        assert_eq!(
            report.broken().next().map(|found| found.property),
            stuck.then_some(NO_DEADLOCK)
        );
    }
}

#[test]
fn a_fair_scheduler_leaves_nobody_out_who_can_always_go_on() {
    // The first goes round while the second could take both to the goal at any time.
    let steps: &[&[(u8, u32)]] = &[&[(0, 1), (1, GOAL)], &[(0, 0), (1, GOAL)]];
    assert!(holds(&comes(steps, Scheduler::WeaklyFair)));
    let unfair = comes(steps, Scheduler::Any);
    let path = unfair.found[0].shown.as_ref().expect("a loop");
    assert_eq!(path.loops_from, Some(0));
    assert_eq!(path.actions, [(0, 1), (0, 0)]);
}

#[test]
fn who_can_go_on_only_now_and_then_may_be_left_out() {
    // In state 1 the second can't: weak fairness does not help it.
    let steps: &[&[(u8, u32)]] = &[&[(0, 1), (1, GOAL)], &[(0, 0)]];
    let report = comes(steps, Scheduler::WeaklyFair);
    let path = report.found[0].shown.as_ref().expect("a loop");
    assert_eq!(path.loops_from, Some(0));
    assert_eq!(path.actions, [(0, 1), (0, 0)]);
}

#[test]
fn a_fair_loop_lets_all_take_their_turn() {
    // Both go round, each by its own step, and never to the goal.
    let steps: &[&[(u8, u32)]] = &[&[(0, 1), (1, 2)], &[(0, 0), (1, 2)], &[(0, 0), (1, 0)]];
    let report = comes(steps, Scheduler::WeaklyFair);
    let path = report.found[0].shown.as_ref().expect("a loop");
    let round = &path.actions[path.loops_from.expect("a loop")..];
    assert!((0..2).all(|mover| round.iter().any(|(by, _)| *by == mover)), "{round:?}");
    assert_eq!(round.last().map(|(_, to)| *to), Some(0));
}

#[test]
fn what_stops_elsewhere_never_comes() {
    let report = comes(&[&[(0, 1), (0, GOAL)], &[]], Scheduler::WeaklyFair);
    let path = report.found[0].shown.as_ref().expect("a way");
    assert_eq!((path.actions.as_slice(), path.loops_from), (&[(0, 1)][..], None));
}

#[test]
fn a_wait_can_begin_anywhere() {
    // From 1 on the goal must come; from 0 it needs not.
    let asked = || {
        Property::leads_to(
            "it comes",
            |_: &Graph, state: &u32| *state == 1,
            |_: &Graph, state: &u32| *state == GOAL,
        )
    };
    let comes: &[&[(u8, u32)]] = &[&[(0, 0), (0, 1)], &[(0, 2)], &[(0, GOAL)]];
    assert!(holds(&search(comes, &[GOAL], asked())));
    let stays: &[&[(u8, u32)]] = &[&[(0, 0), (0, 1)], &[(0, 2)], &[(0, 1), (0, GOAL)]];
    let report = search(stays, &[GOAL], asked());
    let path = report.found[0].shown.as_ref().expect("a loop");
    assert_eq!(path.actions, [(0, 1), (0, 2), (0, 1)]);
    assert_eq!(path.loops_from, Some(1));
}

#[test]
fn a_search_that_ends_early_says_so() {
    let steps: Vec<Vec<(u8, u32)>> = (0..9).map(|state| vec![(0, state + 1)]).collect();
    let asked = Property::always("never there", |_: &Graph, state: &u32| *state != GOAL);
    let graph = Graph {
        steps: steps.into_iter().chain([vec![]]).collect(),
        ends: vec![GOAL],
        properties: vec![asked],
    };
    let report = verify(&graph, 5);
    assert_eq!((report.states, report.exhaustive), (5, false));
    assert!(report.found[0].holds, "nothing was found, and it is not exhaustive");
}
