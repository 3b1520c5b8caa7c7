//! From the model to the kernel: what the named systems show, real channels show too.

use pipewright_backends::Channel;
use pipewright_conformance::generate::of_system;
use pipewright_conformance::{Placement, Runner, Scenario};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::{Event, Run};
use pipewright_model::system::System;
use pipewright_model::systems;
use pipewright_model::verify::{NO_DEADLOCK, verify};

/// The most orders of a system's calls that are looked through.
const ORDERS_MAX: usize = 10_000;

/// The first channel of this machine that is of the system's kind, where it is a system over one.
fn channel_of(system: &System) -> Option<&'static dyn Channel> {
    let setup = system.setup()?;
    let all = pipewright_backends::channels().iter().copied();
    let exactly = all.clone().find(|channel| channel.setup() == *setup);
    exactly.or(all.clone().find(|channel| channel.setup().kind == setup.kind))
}

fn runs(channel: &'static dyn Channel, scenarios: &[Scenario]) -> Vec<Run> {
    let actors = scenarios.iter().map(|scenario| scenario.seats.len()).max().unwrap_or(1);
    let arrangement = channel.arrangements()[0];
    let mut runner =
        Runner::new(channel, arrangement, actors, Placement::Anywhere).expect("a runner");
    let mut runs = Vec::new();
    runner.run_all(scenarios, |_, run| runs.push(run.expect("a run")));
    for run in &runs {
        assert_eq!(judge(run, &LINUX).verdict, Verdict::Conforms, "{}\n{run}", channel.name());
    }
    runs
}

#[test]
fn a_deadlock_of_the_model_is_seen_in_the_kernel_as_all_asleep() {
    let mut seen = Vec::new();
    for system in systems::systems() {
        if !system.broken.contains(&NO_DEADLOCK) {
            continue;
        }
        let Some(channel) = channel_of(&system) else { continue };
        let orders = of_system(&system, ORDERS_MAX);
        let stuck = orders.iter().find(|order| !order.asleep.is_empty());
        let stuck = stuck.unwrap_or_else(|| panic!("{}: nobody sleeps for ever", system.name));
        let run = runs(channel, std::slice::from_ref(&stuck.scenario)).remove(0);
        let last = run.events.last().cloned();
        assert_eq!(last, Some(Event::Quiet(stuck.asleep)), "{}\n{run}", system.name);
        seen.push(system.name);
    }
    println!("deadlocks seen in the kernel: {}", seen.join(", "));
    assert!(seen.len() >= 8, "only {seen:?}");
}

#[test]
fn orders_of_calls_of_the_systems_conform_on_real_channels() {
    let mut count = 0;
    for system in systems::systems() {
        let Some(channel) = channel_of(&system) else { continue };
        let orders = of_system(&system, 40).into_iter();
        let scenarios: Vec<Scenario> = orders.map(|order| order.scenario).collect();
        assert!(!scenarios.is_empty(), "{} has no scenario", system.name);
        count += runs(channel, &scenarios).len();
        let report = verify(&system, usize::MAX);
        let shown = report.broken().filter_map(|found| found.shown.as_ref());
        let ways: Vec<Scenario> = shown.map(|path| Scenario::of(&system.run(path))).collect();
        count += runs(channel, &ways).len();
    }
    println!("{count} runs");
    assert!(count > 500, "only {count} runs");
}
