//! What holds for any text that may be a run file: it is refused at a place in it, or it is judged, told, drawn and
//! printed, and its print is judged alike.

use pipewright_conformance::{Scenario, replay, tell};
use pipewright_model::call::Op;
use pipewright_model::draw::{Story, Theme};
use pipewright_model::litmus::Litmus;
use pipewright_model::oracle::judge;
use pipewright_model::platform::{LINUX, POSIX, Platform};
use pipewright_model::run::Run;
use pipewright_model::{scenario, text};

/// The most calls of a litmus file whose outcomes are counted, where these move little: their orders grow fast.
const LITMUS_CALLS_MAX: usize = 4;

/// What became of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is refused.
    Refused,
    /// It is a run, and was judged.
    Judged,
    /// It is a litmus file.
    Litmus,
}

/// Does with the text what the program does with files; of a run that is not to be handled `wholly`, judging and
/// printing only.
///
/// # Panics
///
/// Where the text shows a fault of the program.
pub(crate) fn is_sound(text: &str, wholly: bool) -> Fate {
    match text.parse::<Run>() {
        Ok(run) => {
            is_judged(&run, if wholly { &[&LINUX, &POSIX] } else { &[&LINUX] });
            if wholly {
                is_told(&run);
            }
            Fate::Judged
        }
        Err(fault) => {
            let marked = text.get(fault.bytes.clone()).map(|marked| marked.chars().count());
            assert_eq!(marked, Some(fault.len), "{fault}");
            let line = text.split('\n').nth(fault.line - 1).expect("the line is there");
            assert!((1..=line.chars().count() + 1).contains(&fault.column), "{fault}");
            match text.parse::<Litmus>() {
                Ok(litmus) => {
                    let small = |op: &Op| op.offers().or(op.asks()).is_none_or(|len| len <= 64);
                    let calls = litmus.calls();
                    let few = calls.len() <= LITMUS_CALLS_MAX;
                    if wholly && few && calls.iter().all(|call| small(&call.op)) {
                        // That there are too many is an answer, too.
                        let _ = litmus.outcomes(&LINUX);
                    }
                    Fate::Litmus
                }
                Err(_) => Fate::Refused,
            }
        }
    }
}

fn is_judged(run: &Run, platforms: &[&Platform]) {
    let print = run.to_string();
    let parsed = text::parse(&print);
    let again = parsed.unwrap_or_else(|fault| panic!("{fault}\nprinted:\n{print}"));
    assert_eq!(again.run.to_string(), print);
    for platform in platforms {
        let judgement = judge(run, platform);
        if again.run != *run {
            let of_print = judge(&again.run, platform);
            assert_eq!(judgement.verdict.word(), of_print.verdict.word(), "printed:\n{print}");
        }
        let _ = judgement.to_string() + &tell::deviations(run, &judgement);
        let explained = tell::explained(run, &judgement).to_string();
        assert!(text::parse(&explained).is_ok(), "explained:\n{explained}");
    }
}

fn is_told(run: &Run) {
    let _ = Story::of(run, &LINUX).svg(Theme::Auto) + &tell::unheld(run);
    let _ = scenario::Scenario::new(run.clone(), &LINUX);
    let scenario = Scenario::of(run);
    for channel in pipewright_backends::channels() {
        if let Some(scenario) = scenario.on(channel.setup().kind, run.setup().kind) {
            let _ = (replay::unplayable(run, *channel), replay::left_out(&scenario, run));
        }
    }
}
