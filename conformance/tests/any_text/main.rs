//! Any text gives an error or a verdict, and never a panic: all cases and litmus files, with tokens, bytes and lines
//! changed.
//!
//! As a test it tries some thousands. `INPUTS=10000000 cargo test --release --test any_text -- --nocapture` tries so
//! many on all processors, and tells each kind of panic with its smallest input.
//! `conformance/fuzz` does the same by coverage, with cargo-fuzz.

#[path = "../../../model/tests/common/any_run.rs"]
mod any_run;
#[path = "../common/any_text.rs"]
mod any_text;
mod mutate;

use std::collections::BTreeMap;
use std::panic;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use any_text::{Fate, is_sound};
use mutate::{Corpus, Dice};
use proptest::prelude::*;

/// Runs are small values in great numbers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many inputs a test tries that nobody has given a number.
const INPUTS: u64 = 4_000;

/// Drawing takes long: of so many inputs one is drawn, and judged by all profiles.
const WHOLLY_EACH: u64 = 4;

/// Inputs that take longer are told.
const LONG: Duration = Duration::from_secs(5);

/// All cases and litmus files.
fn files() -> Vec<String> {
    let mut todo = vec!["cases".to_owned(), "litmus".to_owned()];
    let mut files = Vec::new();
    while let Some(dir) = todo.pop() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&dir);
        for entry in fs::read_dir(path).expect("a directory").flatten() {
            let name = format!("{dir}/{}", entry.file_name().to_string_lossy());
            match entry.path().is_dir() {
                true => todo.push(name),
                false => files.extend(fs::read_to_string(entry.path())),
            }
        }
    }
    files.sort();
    files
}

/// What was found: the smallest input for each place of a panic, and how often it came to that.
type Panics = Mutex<BTreeMap<String, (u64, String)>>;

#[test]
fn any_text_gives_an_error_or_a_verdict() {
    let given = env::var("INPUTS").ok().and_then(|inputs| inputs.parse().ok());
    let inputs: u64 = given.unwrap_or(INPUTS);
    let seed = env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let threads =
        if given.is_some() { thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    let (next, panics) = (AtomicU64::new(0), Panics::default());
    let [judged, litmus] = [AtomicU64::new(0), AtomicU64::new(0)];
    let place: &'static Mutex<BTreeMap<String, String>> = Box::leak(Box::default());
    let name = || thread::current().name().unwrap_or_default().to_owned();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if name().parse::<usize>().is_err() {
            // Another test of this process.
            return usual(info);
        }
        let at = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
        let what = info.payload_as_str().unwrap_or_default();
        let told = format!("{}: {what}", at.unwrap_or_default());
        place.lock().expect("nobody panics here").insert(name(), told);
    }));
    let since = Instant::now();
    thread::scope(|scope| {
        for number in 0..threads {
            let work = || {
                let mut corpus = Corpus::new(files());
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= inputs {
                        break;
                    }
                    let text = corpus.mutated(&mut Dice::new(seed << 40 | at));
                    let begun = Instant::now();
                    match panic::catch_unwind(|| is_sound(&text, at % WHOLLY_EACH == 0)) {
                        Ok(Fate::Judged) => {
                            judged.fetch_add(1, Ordering::Relaxed);
                            corpus.keep(&text);
                        }
                        Ok(Fate::Litmus) => drop(litmus.fetch_add(1, Ordering::Relaxed)),
                        Ok(Fate::Refused) => {}
                        Err(_) => {
                            let told = place.lock().expect("held for moments").remove(&name());
                            note(&panics, told.unwrap_or_default(), &text);
                        }
                    }
                    let took = begun.elapsed();
                    if given.is_some() && took > LONG {
                        println!("{took:?} for:\n{text}");
                    }
                    if given.is_some() && at % 100_000 == 0 {
                        println!(
                            "{at} inputs, {} runs, {:?}",
                            judged.load(Ordering::Relaxed),
                            since.elapsed()
                        );
                    }
                }
            };
            let thread = thread::Builder::new().name(format!("{number}")).stack_size(8 << 20);
            thread.spawn_scoped(scope, work).expect("a thread");
        }
    });
    drop(panic::take_hook());
    let [judged, litmus] = [judged, litmus].map(AtomicU64::into_inner);
    println!(
        "{inputs} inputs in {:?}: {judged} runs judged, {litmus} litmus files",
        since.elapsed()
    );
    let panics = panics.into_inner().expect("nobody panicked with it");
    let told = panics.iter().map(|(told, (times, text))| format!("{times} times {told}\n{text}\n"));
    assert!(panics.is_empty(), "{}", told.collect::<String>());
    assert!(judged > inputs / 100, "only {judged} of {inputs} are runs");
}

fn note(panics: &Panics, told: String, text: &str) {
    let kind = told.lines().next().unwrap_or_default();
    // Numbers and what was compared differ from input to input.
    let kind: String = kind.chars().take(100).collect();
    let mut panics = panics.lock().expect("held for moments");
    let entry = panics.entry(kind).or_insert_with(|| (0, text.to_owned()));
    entry.0 += 1;
    if text.len() < entry.1.len() {
        entry.1 = text.to_owned();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_run_that_is_printed_is_judged_drawn_and_told(run in any_run::run()) {
        assert_eq!(is_sound(&run.to_string(), true), Fate::Judged);
    }
}

/// Inputs that were found to be too much once.
#[test]
fn texts_that_were_too_much_once_are_handled() {
    for text in [
        "channel unix-stream\nann: write 1 -> 1\nben: read 1 -> 1 = zero[0..1]",
        "channel file\nwriter: write 4294967295 -> 4294967295\nwriter: write 2 -> 2\nreader: read 9 -> 9",
    ] {
        assert_eq!(is_sound(text, true), Fate::Judged);
    }
}
