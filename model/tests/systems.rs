//! The named systems: each verdict is as expected, and what is shown is real.

mod common;

use std::sync::Mutex;

use common::in_parallel;
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::systems::{self, Subject};
use pipewright_model::verify::{Model, verify};

#[test]
fn every_system_is_as_sound_as_it_is_said_to_be() {
    let wrong = Mutex::new(Vec::new());
    let names: Vec<&str> = systems::all().iter().map(Subject::name).collect();
    in_parallel(&names, |name| {
        let system = systems::all().into_iter().find(|system| system.name() == *name);
        let system = system.expect("it is there");
        let outcome = system.verify(usize::MAX);
        let report = &outcome.report;
        eprintln!(
            "{:30} {:8} states {:8} transitions depth {} {:.0} B",
            system.name(),
            report.states,
            report.transitions,
            report.depth,
            report.bytes_a_state
        );
        let broken: Vec<_> = outcome.broken().map(|(name, _)| name).collect();
        for (name, run) in outcome.broken() {
            eprintln!("# {name}\n{}", run.map(|run| run.to_string()).unwrap_or_default());
        }
        if !outcome.is_as_expected(system.broken()) {
            let told = format!("{}: broken {broken:?}", system.name());
            wrong.lock().expect("no panic").push(told);
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_way_through_a_system_is_a_run_that_conforms() {
    for subject in systems::all() {
        let Subject::System(system) = subject else { continue };
        let report = verify(&system, usize::MAX);
        for path in report.found.iter().filter_map(|found| found.shown.as_ref()) {
            let run = system.run(path);
            let read: pipewright_model::run::Run = run.to_string().parse().expect("a run");
            assert_eq!(read, run);
            let verdict = judge(&run, &system.platform).verdict;
            assert_eq!(verdict, Verdict::Conforms, "{}\n{run}", system.name);
        }
    }
}

#[test]
fn a_loop_leads_back_to_where_it_begins() {
    let mut loops = 0;
    for system in systems::systems() {
        let report = verify(&system, usize::MAX);
        for path in report.found.iter().filter_map(|found| found.shown.as_ref()) {
            let Some(from) = path.loops_from else { continue };
            let mut states = vec![system.start()];
            for action in &path.actions {
                let mut next = Vec::new();
                system.steps(&states[states.len() - 1], &mut next);
                let taken = next.into_iter().find(|(other, _)| other == action);
                states.push(taken.expect("a step").1);
            }
            assert_eq!(states[from], states[states.len() - 1], "{}", system.name);
            assert!(path.actions.len() > from, "{}", system.name);
            loops += 1;
        }
    }
    assert!(loops > 0, "no system shows a loop");
}
