//! The oracle's verdict against a search that leaves nothing out: after every event, all moves of all
//! calls in all orders, with every count.

#[path = "common/brute.rs"]
mod brute;
mod common;
#[path = "common/history.rs"]
mod history;
#[path = "common/long.rs"]
mod long;

use std::sync::atomic::{AtomicUsize, Ordering};

use brute::{Brute, brute};
use common::{LINUX_SMALL, POSIX_SMALL, in_parallel, spaces};
use history::spoil;
use pipewright_model::explore::Space;
use pipewright_model::oracle::{Verdict, judge, judge_naming};
use pipewright_model::platform::Platform;
use pipewright_model::run::{Event, Run};
use pipewright_model::simulate::{Draw, history, with_bytes, without_data};
use pipewright_model::text::named;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Histories for each space and profile. The long campaign: `HISTORIES=100000 cargo test -p
/// pipewright-model --release --test brute_force`.
fn histories() -> usize {
    std::env::var("HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

#[test]
fn the_oracle_agrees_with_a_search_that_leaves_nothing_out() {
    let all = spaces().into_iter().map(|pinned| (pinned.name, pinned.space)).collect();
    agree(all, histories(), &Draw { events: 18, eagerness: 40, in_flight: 3 });
}

/// Of counts in small ranges the oracle tries all; of these it must choose.
#[test]
fn the_oracle_agrees_on_long_transfers() {
    agree(long::spaces(), histories() / 4, &Draw { events: 12, eagerness: 40, in_flight: 3 });
}

fn agree(spaces: Vec<(&str, Space)>, histories: usize, draw: &Draw) {
    let spaces: Vec<_> = [&LINUX_SMALL, &POSIX_SMALL]
        .into_iter()
        .flat_map(|platform| spaces.iter().map(move |(name, space)| (platform, *name, space)))
        .filter(|(platform, _, space)| !space.setup.packet || platform.packets)
        .collect();
    let numbered: Vec<_> = (0..).zip(spaces).collect();
    let (judged, rejected) = (AtomicUsize::new(0), AtomicUsize::new(0));
    in_parallel(&numbered, |(place, (platform, name, space))| {
        // Whichever thread takes a space, its histories are the same.
        let mut seed = [7; 32];
        seed[0] = *place;
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let those = (0..histories).filter(|n| rejects(platform, name, space, *n, draw, &mut rng));
        rejected.fetch_add(those.count(), Ordering::Relaxed);
        judged.fetch_add(histories, Ordering::Relaxed);
    });
    let (judged, rejected) = (judged.into_inner(), rejected.into_inner());
    eprintln!("{judged} histories judged alike, {rejected} of them rejected");
    assert!(rejected * 6 > judged && rejected * 3 < judged * 2, "{rejected} of {judged} rejected");
}

/// Whether a random history is rejected, which both searches must say alike.
fn rejects(
    platform: &Platform,
    name: &str,
    space: &Space,
    number: usize,
    draw: &Draw,
    rng: &mut TestRng,
) -> bool {
    let mut run = history(space, platform, draw, |bound| rng.next_u32() as usize % bound);
    for _ in 0..number % 3 {
        spoil(&mut run, rng);
    }
    if number % 2 == 1 {
        run = with_bytes(run);
    }
    if number % 5 == 4 {
        run = without_data(run);
    }
    if number % 4 < 2 {
        stop(&mut run, |bound| rng.next_u32() as usize % bound);
    }
    let expected = brute(&run, platform);
    let verdict = judge(&run, platform).verdict;
    let agrees = match expected {
        Brute::Conforms => verdict == Verdict::Conforms,
        Brute::Deviates => verdict == Verdict::Deviates,
        Brute::Unspecified => matches!(verdict, Verdict::Unspecified { .. }),
    };
    assert!(
        agrees,
        "{}, {name}, number {number}: {verdict:?}, not {expected:?}\n{run}",
        platform.name
    );
    let naming = judge_naming(&run, platform);
    assert_eq!(naming.verdict, verdict);
    let named = named(&run, &naming);
    let again = judge(&named, platform).verdict;
    assert_eq!(
        again, verdict,
        "{}, {name}, number {number}, as it is printed:\n{named}",
        platform.name
    );
    expected == Brute::Deviates
}

/// Stops some calls in their middle, for as long as nobody is seen to rest: what the history tells may no longer be
/// so then.
fn stop(run: &mut Run, mut draw: impl FnMut(usize) -> usize) {
    let copies = |event: &Event| match event {
        Event::Call(call) => call.op.offers().or(call.op.asks()).filter(|len| *len > 0),
        _ => None,
    };
    for at in (0..run.events.len()).rev() {
        let (Event::Call(call), Some(len)) = (&run.events[at], copies(&run.events[at])) else {
            continue;
        };
        let actor = call.actor;
        let ends = |event: &Event| match event {
            Event::Return(returning, _) => *returning == actor,
            Event::Quiet(_) => true,
            _ => false,
        };
        let rest = run.events[at + 1..].iter();
        let room = rest.take_while(|event| !ends(event)).count();
        if draw(3) == 0 {
            let goes_on = at + 1 + draw(room + 1);
            let stops = at + 1 + draw(goes_on - at);
            run.events.insert(goes_on, Event::GoesOn(actor));
            run.events.insert(stops, Event::Stops(actor, draw(len as usize) as u32));
            run.remarks.resize(run.events.len(), String::new());
        }
    }
}
