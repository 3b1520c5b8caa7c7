//! A small protocol of one's own over a pipe, model-checked: a request, and an answer by the same pipe.
//!
//! Is it a good idea to take one pipe for both ways? All states are looked at, and the answer is a run.

use pipewright_model::call::Actor;
use pipewright_model::kind::PIPE;
use pipewright_model::system::ask::{always, no_deadlock, sometimes};
use pipewright_model::system::program::{read, write};
use pipewright_model::system::{Family, System};
use pipewright_model::verify::verify;

const CLIENT: Actor = Actor(0);

/// What exists, what can happen, and what must hold.
fn protocol() -> System {
    System::new("own-protocol", Family::Direction, "A request and an answer by one pipe.", &PIPE)
        .process("client", "r w", [write("w", 1), read("r", 1)])
        .process("server", "r w", [read("r", 1), write("w", 1)])
        .asks([
            always("the client never reads its own request", |_, state| {
                state.given(CLIENT).iter().all(|bytes| bytes.actor != CLIENT)
            }),
            no_deadlock(),
            sometimes("the client gets an answer", |_, state| {
                state.given(CLIENT).iter().any(|bytes| bytes.actor != CLIENT)
            }),
        ])
}

fn main() {
    let protocol = protocol();
    let report = verify(&protocol, usize::MAX);
    println!("{} states", report.states);
    for found in &report.found {
        println!("{}: {}", found.property, if found.holds { "holds" } else { "does not hold" });
        if let Some(path) = found.shown.as_ref().filter(|_| !found.holds) {
            println!("{}", protocol.run(path));
        }
    }
}

#[test]
fn one_pipe_for_both_ways_is_no_good_idea() {
    let report = verify(&protocol(), usize::MAX);
    let holds: Vec<bool> = report.found.iter().map(|found| found.holds).collect();
    assert_eq!(holds, [false, false, true]);
}
