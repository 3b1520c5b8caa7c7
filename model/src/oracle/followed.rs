//! A run judged in as many ways as it takes, with what is noted along it.

use super::judgement::{Followed, Records, Verdict};
use super::untold::unless_by_a_signal;
use super::{Foresight, Oracle, names, never, several};
use crate::platform::Platform;
use crate::run::{Form, Run, Seat};
use crate::world::World;

/// Judges a run as [`judge`](super::judge) does, and tells what the world was like after each event.
pub fn follow(run: &Run, platform: &Platform) -> Followed {
    judged(run, platform, Records::Worlds, &never)
}

/// By channel, the worlds that there may be after a run; none where it was not followed to its end.
pub fn after(run: &Run, platform: &Platform) -> Vec<Vec<World>> {
    judged(run, platform, Records::Last, &never).worlds.pop().unwrap_or_default()
}

pub(super) fn judged(
    run: &Run,
    platform: &Platform,
    records: Records,
    ended: &dyn Fn() -> bool,
) -> Followed {
    if run.has_parts() {
        let judged = |part: &Run| judged(part, platform, records, ended);
        return several::judged_apart(run, platform, records, &judged);
    }
    let platform = &*platform.under(run.setup());
    let oracle = |foresight| {
        let worlds = matches!(records, Records::Worlds | Records::Last).then(Vec::new);
        let names = records == Records::Names;
        let mut oracle = Oracle {
            worlds,
            last_only: records == Records::Last,
            names,
            ended,
            ..Oracle::new(run, platform, foresight)
        };
        if records == Records::Worlds {
            oracle.lookahead.keep_names();
        }
        oracle
    };
    if let Some(named) = (records == Records::Nothing).then(|| names::guessed(run)).flatten() {
        let oracle = Oracle { ended, ..Oracle::new(&named, platform, Foresight::Prunes) };
        let first = oracle.judge();
        if first.judgement.verdict == Verdict::Conforms {
            return first;
        }
    }
    let first = oracle(Foresight::Prunes);
    let certain = !first.lookahead.guesses();
    let first = first.judge();
    let settled = match first.judgement.verdict {
        Verdict::Conforms | Verdict::Inconclusive { .. } => true,
        Verdict::Unspecified { .. } => certain,
        Verdict::Deviates => false,
    };
    if settled {
        return first;
    }
    let again = oracle(Foresight::Suggests).judge();
    let judged = match again.judgement.verdict {
        Verdict::Inconclusive { .. } if certain => first,
        Verdict::Inconclusive { .. } => oracle(Foresight::PrunesByReplies).judge(),
        _ => again,
    };
    let judged = unless_by_a_signal(run, platform, ended, judged);
    unless_by_an_outsider(run, judged)
}

/// What deviates may be an outsider's doing, where there is one: then nothing is known from there on.
fn unless_by_an_outsider(run: &Run, mut judged: Followed) -> Followed {
    let is_outside = |seat: &Seat| {
        seat.form == Form::Outsider && !(seat.ends.is_empty() && seat.inherits.is_empty())
    };
    let first = judged.judgement.deviations.first().map(|deviation| deviation.event);
    if let Some(from) = first.filter(|_| run.seats.iter().any(is_outside)) {
        let reason = "an outsider holds an end, and may have called";
        judged.judgement.verdict = Verdict::Unspecified { from, reason };
        judged.judgement.deviations.clear();
    }
    judged
}
