//! From the model to the kernel: what systems over several channels and processes show, real processes show too.

use pipewright_conformance::replay::channels_of;
use pipewright_conformance::troupe::playable;
use pipewright_conformance::{Placement, Plot, Troupe, tell};
use pipewright_model::call::Termination;
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::Event;
use pipewright_model::system::System;
use pipewright_model::systems;
use pipewright_model::verify::{NO_DEADLOCK, verify};

#[test]
fn deadlocks_and_other_ways_are_seen_in_the_kernel() {
    let mut troupe = Troupe::new(Placement::Anywhere).expect("a troupe");
    let (mut played, mut stuck, mut left_out) = (0, Vec::new(), Vec::new());
    for system in systems::systems().into_iter().filter(System::has_lives) {
        for found in verify(&system, usize::MAX).found {
            let Some(path) = found.shown else { continue };
            let run = system.run(&path);
            let plot = Plot::of(&run);
            let channels = channels_of(&run).expect("channels of this machine");
            if let Err(why) = playable(&plot, &channels) {
                left_out.push(format!("{}: {why}", system.name));
                continue;
            }
            let seen = troupe.run(&plot, &channels).expect("a run");
            let judgement = judge(&seen, &LINUX);
            let told = tell::deviations(&seen, &judgement);
            assert_eq!(judgement.verdict, Verdict::Conforms, "{}:\n{seen}\n{told}", system.name);
            // What a call had done in whose midst somebody is killed is left to chance.
            let killed = |event: &Event| matches!(event, Event::Exits(_, Termination::Signal(_)));
            if found.property == NO_DEADLOCK && !run.events.iter().any(killed) {
                assert_eq!(seen.events.last(), run.events.last(), "{}:\n{seen}", system.name);
                stuck.push(system.name);
            }
            played += 1;
        }
    }
    left_out.dedup();
    println!("{played} runs; deadlocks seen in the kernel: {}", stuck.join(", "));
    println!("not played:\n{}", left_out.join("\n"));
    assert!(stuck.len() >= 9 && played >= 50, "{played} runs, {stuck:?}");
}
