//! The named systems: each verdict is as expected, and what is shown is real.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::systems;
use pipewright_model::verify::verify;

#[test]
fn every_system_is_as_sound_as_it_is_said_to_be() {
    let mut wrong = Vec::new();
    for system in systems::all() {
        let report = verify(&system, usize::MAX);
        eprintln!(
            "{:30} {:8} states {:8} transitions depth {} {:.0} B",
            system.name, report.states, report.transitions, report.depth, report.bytes_a_state
        );
        let broken: Vec<_> = report.broken().map(|found| found.property).collect();
        for found in &report.found {
            if let Some(path) = &found.shown {
                let run = system.run(path);
                eprintln!("# {} {}\n{run}", found.property, found.holds);
                let verdict = judge(&run, &system.platform).verdict;
                if verdict != Verdict::Conforms {
                    wrong.push(format!("{}: {verdict:?}\n{run}", system.name));
                }
            }
        }
        if broken != system.broken {
            wrong.push(format!("{}: broken {broken:?}", system.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
