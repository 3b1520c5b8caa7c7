//! A second opinion: stateright's own checker visits the same states of every system and finds the same
//! properties broken.
#![cfg(feature = "stateright")]

mod common;

use std::collections::BTreeSet;
use std::hash::Hash;

use common::in_parallel;
use pipewright_model::systems::{self, Subject};
use pipewright_model::verify::{Browsed, Model, What, verify};
use stateright::{Checker, Model as _};

fn agree<M>(name: &str, make: impl Fn() -> M)
where
    M: Model + Send + Sync + 'static,
    M::State: Hash + Send + Sync + 'static,
    M::Action: Send + Sync,
{
    let model = make();
    let report = verify(&model, usize::MAX);
    let all = Browsed(make()).checker().spawn_bfs().join();
    assert_eq!(all.unique_state_count(), report.states, "{name}: states");
    // stateright counts the state at the start as well.
    assert_eq!(all.state_count(), report.transitions + 1, "{name}: transitions");
    let safety = model.properties().iter().filter(|property| property.is_safety());
    let sometimes: BTreeSet<_> = safety
        .filter(|property| matches!(property.what, What::Sometimes(_)))
        .map(|property| property.name)
        .collect();
    let found: BTreeSet<&str> = all.discoveries().into_keys().collect();
    for (property, ours) in model.properties().iter().zip(&report.found) {
        if property.is_safety() {
            // What stateright discovers breaks an `always` and shows a `sometimes`.
            let holds = found.contains(property.name) == sometimes.contains(property.name);
            assert_eq!(holds, ours.holds, "{name}: {}", property.name);
        }
    }
}

#[test]
fn stateright_visits_the_same_states_and_breaks_the_same_properties() {
    let named = |name: &'static str| {
        move || {
            let all = systems::systems().into_iter();
            all.into_iter().find(|system| system.name == name).expect("a system")
        }
    };
    let names: Vec<&str> = systems::all().iter().map(Subject::name).collect();
    in_parallel(&names, |name| {
        let name = *name;
        let subject = systems::all().into_iter().find(|subject| subject.name() == name);
        match subject.expect("it is there") {
            Subject::System(_) => agree(name, named(name)),
            Subject::Protocol(_) => agree(name, || {
                let protocols = systems::all().into_iter().filter_map(|subject| match subject {
                    Subject::Protocol(protocol) => Some(protocol),
                    Subject::System(_) => None,
                });
                protocols.into_iter().find(|protocol| protocol.name == name).expect("a protocol")
            }),
        }
    });
}
