//! From a plot that fails to a simple one that fails: fewer steps, fewer races, smaller sizes.

use crate::generate::sizes::SIMPLE;
use crate::scenario::Plot;

/// The simplest plot found for which `still_fails` holds; `plot` is taken to fail.
pub fn shrink_plot(mut plot: Plot, mut still_fails: impl FnMut(&Plot) -> bool) -> Plot {
    loop {
        let before = plot.clone();
        drop_steps(&mut plot, &mut still_fails);
        let mut settled = plot.clone();
        settled.scenario.steps.iter_mut().for_each(|step| step.settle = true);
        take_if(&mut plot, settled, &mut still_fails);
        for index in 0..plot.scenario.steps.len() {
            let mut calmer = plot.clone();
            calmer.scenario.steps[index].settle = true;
            take_if(&mut plot, calmer, &mut still_fails);
            let op = plot.scenario.steps[index].call.op;
            for len in SIMPLE
                .into_iter()
                .take_while(|len| op.offers().or(op.asks()).is_some_and(|now| *len < now))
            {
                let mut smaller = plot.clone();
                smaller.scenario.steps[index].call.op = op.with_len(len);
                if take_if(&mut plot, smaller, &mut still_fails) {
                    break;
                }
            }
        }
        shorten_polls(&mut plot, &mut still_fails);
        if plot == before {
            return plot;
        }
    }
}

/// Fewer ends in polls on several.
fn shorten_polls(plot: &mut Plot, still_fails: &mut impl FnMut(&Plot) -> bool) {
    for set in 0..plot.polls.len() {
        let mut at = plot.polls[set].ends.len();
        while at > 0 && plot.polls[set].ends.len() > 1 {
            at -= 1;
            let mut shorter = plot.clone();
            shorter.polls[set].ends.remove(at);
            take_if(plot, shorter, still_fails);
        }
    }
}

fn drop_steps(plot: &mut Plot, still_fails: &mut impl FnMut(&Plot) -> bool) {
    let mut len = plot.scenario.steps.len() / 2;
    while len > 0 {
        let mut from = 0;
        while from + len <= plot.scenario.steps.len() {
            let mut shorter = plot.clone();
            shorter.scenario.drop_steps(|index| (from..from + len).contains(&index));
            if !take_if(plot, shorter, still_fails) {
                from += len;
            }
        }
        len /= 2;
    }
}

fn take_if(plot: &mut Plot, other: Plot, still_fails: &mut impl FnMut(&Plot) -> bool) -> bool {
    let simpler = other != *plot && still_fails(&other);
    if simpler {
        *plot = other;
    }
    simpler
}

#[cfg(test)]
mod tests {
    use pipewright_model::run::Run;

    use super::*;

    #[test]
    fn what_fails_is_made_short() {
        let text = "channel up pipe\nprocess shell holds up.r up.w\nshell: fork wc -> ok\n\
                    shell: write up.w 5000 -> 5000\nwc: read up.r 9 -> 9\nwc: exit 3\nshell: wait wc -> 3\n";
        let plot = Plot::of(&text.parse::<Run>().expect("a run"));
        let has = |plot: &Plot, word: &str| {
            plot.scenario.steps.iter().any(|step| step.call.op.word() == word)
        };
        let shrunk = shrink_plot(plot, |plot| has(plot, "fork") && has(plot, "write"));
        let ops: Vec<_> = shrunk.scenario.steps.iter().map(|step| step.call.op).collect();
        assert_eq!(ops.len(), 2);
        assert_eq!(ops[1].offers(), Some(0));
    }
}
