//! The named systems: each verdict is as expected, and what is shown is real.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::systems::{self, Subject};
use pipewright_model::verify::verify;

#[test]
fn every_system_is_as_sound_as_it_is_said_to_be() {
    let mut wrong = Vec::new();
    for system in systems::all() {
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
            wrong.push(format!("{}: broken {broken:?}", system.name()));
        }
    }
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
