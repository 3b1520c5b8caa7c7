//! What became of the calls of a litmus test in a real run: what each gave, whether it sleeps, whether it was made.

use std::iter::Peekable;
use std::vec::IntoIter;

use crate::call::{Actor, Call};
use crate::ends::Held;
use crate::litmus::Fate;
use crate::run::{Event, Run};

/// What became of one actor's calls in a real run, in their order.
pub(super) struct Fates<'r> {
    run: &'r Run,
    /// The calls made that are not told yet, with their events.
    calls: Peekable<IntoIter<(usize, Call)>>,
    ends: Held,
    /// Whether the call before slept: then the next may be left out.
    slept: bool,
}

impl<'r> Fates<'r> {
    pub(super) fn of(run: &'r Run, actor: Actor) -> Fates<'r> {
        let calls = run.events.iter().enumerate().filter_map(|(at, event)| match event {
            Event::Call(call) if call.actor == actor => Some((at, *call)),
            _ => None,
        });
        let ends = run.seats.get(usize::from(actor.0)).map(Held::at_start).unwrap_or_default();
        let calls = calls.collect::<Vec<_>>().into_iter().peekable();
        Fates { run, calls, ends, slept: false }
    }

    /// What became of the actor's next call, which is this one.
    pub(super) fn next(&mut self, call: &Call) -> Fate {
        let Some((at, _)) = self.calls.next_if(|(_, made)| made == call) else {
            // One left out as its end is open was left out though its actor was free.
            let free = !self.slept || self.ends.in_the_way(call).is_some();
            return if free { Fate::NotMade } else { Fate::Asleep };
        };
        let run = self.run;
        let mut later = run.events[at + 1..].iter();
        self.slept = false;
        let reply = later.find_map(|event| match event {
            Event::Return(actor, reply) if *actor == call.actor => Some(reply),
            Event::Stops(actor, _) | Event::GoesOn(actor) if *actor == call.actor => None,
            _ => {
                self.slept = true;
                None
            }
        });
        self.slept |= reply.is_none();
        if let Some(reply) = reply {
            self.ends.learn(call, Some(reply.answer));
        }
        reply.cloned().map_or(Fate::Asleep, Fate::Returns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::litmus::{Litmus, Outcome};

    #[test]
    fn a_call_that_was_not_made_is_not_asleep() {
        let litmus: Litmus = "channel pipe\nwriter: write 1\nreader: read 1\nreader: read 2"
            .parse()
            .expect("a litmus file");
        let outcome = |run: &str| {
            let run: Run = format!("channel pipe\n{run}").parse().expect("a run");
            litmus.tell(&litmus.outcome(&run, &[]))
        };
        assert_eq!(
            outcome("writer: write 1 -> 1\nreader: read 2 -> 1"),
            "writer -> 1, reader -> not made, reader -> 1"
        );
        assert_eq!(
            outcome("writer: write 1 -> 1\nreader: read 1 -> 1\nreader: read 2\nquiet reader"),
            "writer -> 1, reader -> 1, reader -> asleep"
        );
        assert_eq!(
            outcome("actor writer holds w\nreader: read 1\nquiet reader"),
            "writer -> not made, reader -> asleep, reader -> asleep"
        );
        assert_eq!(
            outcome("actor writer holds w\nreader: read 1\nwriter: write 1 -> 1\nreader: -> 1"),
            "writer -> 1, reader -> 1, reader -> asleep"
        );
        let allowed = litmus.outcomes(&crate::platform::LINUX).expect("few");
        let unmade = |outcome: &Outcome| outcome.contains(&Fate::NotMade);
        assert!(!allowed.is_empty() && !allowed.iter().any(unmade));
    }
}
