//! Scenarios: who calls what in which order, without saying what comes of it.

use pipewright_model::call::{Call, Op};
use pipewright_model::run::{Event, Name, Run, Seat};

/// One call of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The call. It is skipped where its actor is still busy with an earlier one.
    pub call: Call,
    /// Whether to let things come to rest before the next step. Where not, the next call races
    /// this one.
    pub settle: bool,
}

/// A list of calls, to be made on any channel that has the ends for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scenario {
    /// Who takes part, with the ends held at the start.
    pub seats: Vec<Seat>,
    /// Names of ends.
    pub end_names: Vec<Name>,
    /// The calls, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// The scenario behind a run: its calls, settled where the run shows that the world stood still
    /// or that a call returned before the next was made.
    pub fn of(run: &Run) -> Scenario {
        let mut steps: Vec<Step> = Vec::new();
        let mut open = 0_usize;
        for event in &run.events {
            match event {
                Event::Call(call) => {
                    steps.push(Step { call: *call, settle: false });
                    open += 1;
                }
                Event::Return(..) => open -= 1,
                Event::Quiet(_) => {}
            }
            let settled = open == 0 || matches!(event, Event::Quiet(_));
            if let (true, Some(last)) = (settled, steps.last_mut()) {
                last.settle = true;
            }
        }
        Scenario { seats: run.seats.clone(), end_names: run.end_names.clone(), steps }
    }

    /// Whether an actor opens the channel by path during the scenario.
    pub fn opens(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.call.op, Op::Open { .. } | Op::Unlink))
    }
}
