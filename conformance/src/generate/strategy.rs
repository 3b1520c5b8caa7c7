//! Random scenarios for proptest.
//!
//! proptest stops shrinking after `max_shrink_iters` (four times the cases unless it is set): set it to
//! a few thousand, or call [`shrink`](super::shrink) yourself.

use proptest::num::u64;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::{Shape, Shrinker, walk};
use crate::scenario::Scenario;

/// Random scenarios of one shape. The same random numbers give the same scenarios.
#[derive(Clone, Debug)]
pub struct Scenarios(pub Shape);

impl Strategy for Scenarios {
    type Tree = ScenarioTree;
    type Value = Scenario;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Scenarios> {
        let seed = u64::ANY.new_tree(runner)?.current();
        let shrinker = Shrinker::new(walk(&self.0, seed));
        Ok(ScenarioTree { shrinker, shown: None })
    }
}

/// A scenario and those that are simpler.
#[derive(Clone, Debug)]
pub struct ScenarioTree {
    shrinker: Shrinker,
    /// The simpler scenario that is being tried.
    shown: Option<Scenario>,
}

impl ValueTree for ScenarioTree {
    type Value = Scenario;

    fn current(&self) -> Scenario {
        self.shown.as_ref().unwrap_or(self.shrinker.best()).clone()
    }

    fn simplify(&mut self) -> bool {
        if let Some(failing) = self.shown.take() {
            self.shrinker.fails(failing);
        }
        self.shown = self.shrinker.simpler();
        self.shown.is_some()
    }

    fn complicate(&mut self) -> bool {
        if self.shown.take().is_some() {
            self.shrinker.passes();
            self.shown = self.shrinker.simpler();
        }
        self.shown.is_some()
    }
}
