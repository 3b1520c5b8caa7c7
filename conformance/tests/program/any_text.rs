//! Whatever stands in a run file, the program ends with a status that it documents; what it prints and saves it reads
//! again.

use pipewright_conformance::cases;
use pipewright_model::run::Run;

use crate::mutate::{Corpus, Dice};
use crate::place::Place;

/// How many texts are tried.
const TEXTS: u64 = 120;

fn corpus() -> Corpus {
    let cases = cases::embedded().expect("cases");
    Corpus::new(cases.into_iter().map(|case| case.text).collect())
}

#[test]
fn any_text_is_judged_drawn_and_replayed_or_refused() {
    let (place, mut corpus) = (Place::new(), corpus());
    let mut runs = 0;
    for seed in 0..TEXTS {
        let text = corpus.mutated(&mut Dice::new(seed));
        let is_run = text.parse::<Run>().is_ok();
        if is_run {
            runs += 1;
            corpus.keep(&text);
        }
        place.file("a.case", &text);
        for command in ["judge", "draw", "replay"] {
            let ended = place.run(&[command, "a.case"]);
            let allowed: &[i32] = match (is_run, command) {
                // What a system has no channel for can't be replayed.
                (true, "replay") => &[0, 2, 3],
                (true, "draw") => &[0],
                (true, _) => &[0, 1, 3],
                (false, _) => &[2],
            };
            let is_allowed = ended.status.is_some_and(|status| allowed.contains(&status));
            assert!(is_allowed, "{command} ends with {ended:?} for:\n{text}");
            assert!(!ended.err.contains("panicked"), "{command}: {ended:?}");
        }
    }
    assert!(runs > 10, "only {runs} of {TEXTS} are runs");
}

#[test]
fn what_is_printed_is_judged_alike() {
    let (place, corpus) = (Place::new(), corpus());
    let texts = (0..TEXTS).map(|seed| corpus.mutated(&mut Dice::new(seed)));
    for text in texts.filter(|text| text.parse::<Run>().is_ok()) {
        place.file("a.case", &text);
        let judged = place.run(&["judge", "a.case"]);
        let (run, _) = judged.out.split_once("\n\n").expect("a run, and a verdict");
        place.file("b.case", run);
        let again = place.run(&["judge", "b.case"]);
        assert_eq!(again.status, judged.status, "{judged:?}\n{again:?}");
    }
}

#[test]
fn what_a_campaign_saves_deviates_when_it_is_judged_again() {
    let place = Place::new();
    // Linux deviates from POSIX by declared exceptions.
    let checked = place.run(&[
        "check",
        "pipe",
        "unix-stream",
        "--scenarios",
        "30",
        "--systems",
        "0",
        "--profile",
        "posix",
        "--save",
        "saved",
    ]);
    assert_eq!(checked.status, Some(1), "{checked:?}");
    let saved = std::fs::read_dir(place.path().join("saved")).expect("a directory").flatten();
    let saved: Vec<_> = saved.map(|entry| entry.path().display().to_string()).collect();
    assert!(saved.len() > 1, "{saved:?}");
    for file in &saved {
        let again = place.run(&["judge", file, "--profile", "posix"]);
        assert_eq!(again.status, Some(1), "{again:?}");
        let by_linux = place.run(&["judge", file]);
        assert_eq!(by_linux.status, Some(0), "{by_linux:?}");
        assert_eq!(place.run(&["draw", file, "--profile", "posix"]).status, Some(0));
    }
}
