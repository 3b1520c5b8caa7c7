//! Run files as models: the run of a file that conforms is possible, and every way through a model can be drawn.
#![cfg(feature = "stateright")]

#[path = "common/cases.rs"]
mod cases;
mod common;

use cases::cases;
use pipewright_model::draw::Theme;
use pipewright_model::explorer::{Drawn, Pipewright, link};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::scenario::{AS_IN_THE_FILE, POSSIBLE, Scenario};
use pipewright_model::systems::{self, Subject};
use pipewright_model::verify::{Model, NO_DEADLOCK, Report, verify};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use stateright::{Checker, Model as _};
use std::sync::Arc;

/// The most states that are searched of a case.
const STATES_MAX: usize = 3_000;

fn holds<A>(report: &Report<A>, name: &str) -> bool {
    report.found.iter().find(|found| found.property == name).expect("asked").holds
}

fn scenario(text: &str) -> Scenario {
    Scenario::new(text.parse().expect("a run"), &LINUX)
}

#[test]
fn the_run_of_a_case_that_conforms_is_possible() {
    let (mut possible, mut large) = (0, 0);
    for (name, run) in cases() {
        if judge(&run, &LINUX).verdict != Verdict::Conforms {
            continue;
        }
        if !run.polls.is_empty() {
            // The Explorer refuses it, as all runs of processes.
            continue;
        }
        let scenario = Scenario::new(run, &LINUX);
        let report = verify(&scenario, STATES_MAX);
        if holds(&report, POSSIBLE) {
            possible += 1;
        } else {
            assert!(!report.exhaustive, "{name:?}: its run is not possible");
            large += 1;
        }
    }
    assert!(possible > 250 && large < possible / 4, "{possible} possible, {large} too large");
}

#[test]
fn a_run_that_deviates_is_not_possible() {
    let broken = scenario("channel pipe\nwriter: close -> ok\nreader: read 5 -> EAGAIN\n");
    let report = verify(&broken, STATES_MAX);
    assert!(report.exhaustive);
    assert!(holds(&report, NO_DEADLOCK));
    assert!(!holds(&report, POSSIBLE));
    assert!(!holds(&report, AS_IN_THE_FILE));
}

#[test]
fn what_a_file_leaves_to_chance_is_found_to_go_otherwise() {
    // As long as the writer has not written, the read finds nothing.
    let race = scenario(
        "channel pipe nonblocking\nwriter: write 2 -> 2\nreader: read 5 -> 2 = writer[0..2]\n",
    );
    let report = verify(&race, STATES_MAX);
    assert!(report.exhaustive && holds(&report, POSSIBLE) && !holds(&report, AS_IN_THE_FILE));
    let way = &report.found[1].shown.as_ref().expect("a way").actions;
    let (run, frames) = race.frames(way);
    assert!(race.describe(way.last().expect("a step")).contains("EAGAIN"));
    assert!(frames.len() >= way.len() && run.check().is_ok());
}

const DEADLOCK: &str = "\
channel pipe-pair capacity 4096
ann: write wa 6000
ben: write wb 6000
quiet ann, ben
";

#[test]
fn a_deadlock_is_found_and_linked_to() {
    let model = scenario(DEADLOCK);
    let report = verify(&model, STATES_MAX);
    assert!(!holds(&report, NO_DEADLOCK));
    assert!(holds(&report, AS_IN_THE_FILE) && holds(&report, POSSIBLE));
    let way = &report.found[0].shown.as_ref().expect("a way").actions;
    let link = link(&model, way).expect("a link");
    assert!(link.starts_with("#/steps/0/"), "{link}");
    assert_eq!(link.split('/').count(), 3 + way.len());
    let svg = model.svg(way, Theme::Dark);
    assert!(svg.contains("4096 done, sleeps") && svg.contains("pw-quiet"));
}

#[test]
fn stateright_visits_the_same_states() {
    for text in [DEADLOCK, "channel fifo\nwriter: open write -> ok\nreader: open read -> ok\n"] {
        let report = verify(&scenario(text), STATES_MAX);
        let model = Pipewright::new(Arc::new(scenario(text)));
        // A checker that has decided all stops, so it is run where something is never decided.
        let checker = model.checker().spawn_bfs().join();
        if checker.discoveries().len() < 3 {
            assert_eq!(checker.unique_state_count(), report.states);
        }
        let found = checker.discovery("never deadlock").is_some();
        assert_eq!(found, !holds(&report, NO_DEADLOCK));
    }
}

/// Draws a random way through a model, step by step.
fn drawn<M: Drawn>(model: &M, steps: usize, rng: &mut TestRng) {
    let mut state = model.start();
    let mut way = Vec::new();
    for _ in 0..steps {
        let mut next = Vec::new();
        model.steps(&state, &mut next);
        if next.is_empty() {
            break;
        }
        let (action, after) = next.swap_remove(rng.next_u32() as usize % next.len());
        way.push(action);
        state = after;
    }
    common::svg::looked_at(&model.svg(&way));
    assert!(!model.tell(&state).is_empty());
}

#[test]
fn no_text_meets_another_on_any_way_through_a_model() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[13; 32]);
    for subject in systems::all() {
        for steps in 0..24 {
            match &subject {
                Subject::System(system) => drawn(system, 2 * steps, &mut rng),
                Subject::Protocol(protocol) => drawn(protocol, 2 * steps, &mut rng),
            }
        }
    }
    for (_, run) in cases() {
        drawn(&Scenario::new(run, &LINUX), 20, &mut rng);
    }
}
