//! What tests of the runner share: short ways to write scenarios and to read runs.

use pipewright_conformance::{Scenario, Step};
use pipewright_model::call::{Actor, Call, End, Op};
use pipewright_model::kind::Hold;
use pipewright_model::run::{Event, Name, Run, Seat};

/// Seats with these ends.
pub(crate) fn seats(ends: &[&[(End, Hold)]]) -> Vec<Seat> {
    let name = |index| Name::new(&format!("a{index}")).expect("a name");
    let seats = ends.iter().enumerate();
    seats.map(|(index, ends)| Seat::new(name(index), ends.to_vec())).collect()
}

/// A scenario of these calls, each settled; ends 0 to 2 have names.
pub(crate) fn play(ends: &[&[(End, Hold)]], calls: &[(u8, End, Op)]) -> Scenario {
    let end_names = ["r", "w", "x"].map(|name| Name::new(name).expect("a name")).into();
    let step = |(actor, end, op): &(u8, End, Op)| {
        Step::settled(Call { actor: Actor(*actor), end: *end, op: *op })
    };
    Scenario { seats: seats(ends), end_names, steps: calls.iter().map(step).collect() }
}

/// Whose calls were open whenever nothing moved, as bits.
pub(crate) fn quiet(run: &Run) -> Vec<u32> {
    let open = |event: &Event| match event {
        Event::Quiet(open) => Some(open.0),
        _ => None,
    };
    run.events.iter().filter_map(open).collect()
}
