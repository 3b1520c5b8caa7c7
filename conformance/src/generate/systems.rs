//! The named systems as scenarios: every order in which their processes can make their calls, up to a bound.

use std::collections::HashSet;

use pipewright_model::call::Call;
use pipewright_model::run::Actors;
use pipewright_model::system::{Action, State, System};
use pipewright_model::verify::Model;

use crate::scenario::{Scenario, Step};

/// The most calls of a scenario: some systems go on for ever.
const CALLS_MAX: usize = 40;

/// An order of a system's calls.
#[derive(Clone, Debug)]
pub struct Order {
    /// The calls.
    pub scenario: Scenario,
    /// The actors that sleep at its end, where no actor has a call left to make: all of them for
    /// ever.
    pub asleep: Actors,
}

/// The orders of a system's calls, at most so many, in a fixed order. Each call settles before the next is made, and
/// which is next is what the model's processes do then.
pub fn of_system(system: &System, most: usize) -> Vec<Order> {
    let mut found = Found { system, most, given: HashSet::new(), orders: Vec::new() };
    let mut calls = Vec::new();
    for state in found.settled(system.start()) {
        found.go_on(&state, &mut calls);
    }
    found.orders
}

/// The scenario that makes these calls one after the other.
fn in_order(system: &System, calls: &[Call]) -> Scenario {
    Scenario {
        seats: system.seats(),
        end_names: system.end_names.clone(),
        steps: calls.iter().map(|call| Step::settled(*call)).collect(),
    }
}

struct Found<'a> {
    system: &'a System,
    most: usize,
    given: HashSet<Vec<Call>>,
    orders: Vec<Order>,
}

impl Found<'_> {
    fn go_on(&mut self, state: &State, calls: &mut Vec<Call>) {
        if self.orders.len() >= self.most {
            return;
        }
        let mut next = Vec::new();
        self.system.steps(state, &mut next);
        if next.is_empty() || calls.len() == CALLS_MAX {
            if self.given.insert(calls.clone()) {
                let scenario = in_order(self.system, calls);
                let asleep = if next.is_empty() { state.busy() } else { Actors::NONE };
                self.orders.push(Order { scenario, asleep });
            }
            return;
        }
        for (action, after) in next {
            if let Action::Call(call) = action {
                calls.push(call);
                for state in self.settled(after) {
                    self.go_on(&state, calls);
                }
                calls.pop();
            }
        }
    }

    /// The states in which all is at rest until somebody calls.
    fn settled(&self, state: State) -> Vec<State> {
        let mut known = HashSet::new();
        let (mut todo, mut rest) = (vec![state], Vec::new());
        while let Some(state) = todo.pop() {
            if !known.insert(state.clone()) {
                continue;
            }
            let mut next = Vec::new();
            self.system.steps(&state, &mut next);
            next.retain(|(action, _)| !matches!(action, Action::Call(_)));
            if next.is_empty() {
                rest.push(state);
            }
            todo.extend(next.into_iter().map(|(_, after)| after));
        }
        rest
    }
}
