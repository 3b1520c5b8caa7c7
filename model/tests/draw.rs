//! Drawings: no text meets another, whatever the run; everything that was said is shown.
//!
//! What is in the channel is the oracle's matter, and not looked into here.

#[path = "common/cases.rs"]
mod cases;
mod common;
#[path = "common/history.rs"]
mod history;

use cases::cases;
use common::svg::{self, Text};
use common::{LINUX_SMALL, POSIX_SMALL, Pinned, spaces};
use history::spoil;
use pipewright_model::draw::{Story, Theme};
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;
use pipewright_model::simulate::{Draw, history, with_bytes};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Draws a run and looks at the drawing.
fn looked_at(story: &Story<'_>) -> Vec<Text> {
    let svg = story.svg(Theme::Auto);
    assert_eq!(svg, story.svg(Theme::Auto), "drawn again it differs");
    svg::looked_at(&svg)
}

#[test]
fn no_text_meets_another_in_any_case() {
    for (_, run) in cases() {
        looked_at(&Story::of(&run, &LINUX));
    }
}

#[test]
fn no_text_meets_another_in_random_runs() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let draw = Draw { events: 24, eagerness: 40, in_flight: 4 };
    for platform in [&LINUX_SMALL, &POSIX_SMALL] {
        for Pinned { space, .. } in spaces() {
            if space.setup.packet && !platform.packets {
                continue;
            }
            for number in 0..30 {
                let mut run =
                    history(&space, platform, &draw, |bound| rng.next_u32() as usize % bound);
                for _ in 0..number % 3 {
                    spoil(&mut run, &mut rng);
                }
                if number % 2 == 1 {
                    run = with_bytes(run);
                }
                looked_at(&Story::of(&run, platform));
            }
        }
    }
}

#[test]
fn no_text_meets_another_in_runs_of_four_with_long_words() {
    let mut run: Run = "\
channel fifo
ends r rw7654321 w
actor writer-aaaaaaaaa
actor writer-bbbbbbbbb
actor reader-ccccccccc
actor observer-ddddddd
writer-aaaaaaaaa: open write nonblocking as w -> ENXIO
reader-ccccccccc: open read
writer-bbbbbbbbb: open write
reader-ccccccccc: -> ok
writer-bbbbbbbbb: -> ok
writer-bbbbbbbbb: write 4294967295
observer-ddddddd: open read-write nonblocking as rw7654321 -> ok
observer-ddddddd: poll in|pri|out|err|hup|nval|rdhup wait -> in|out
reader-ccccccccc: read 4294967295 -> 65536 = writer-bbbbbbbbb[0..65536]
writer-aaaaaaaaa: open write as w -> ok
writer-aaaaaaaaa: write 100000
quiet writer-aaaaaaaaa, writer-bbbbbbbbb
"
    .parse()
    .expect("a run");
    run.preamble.push("x".repeat(500));
    let texts = looked_at(&Story::of(&run, &LINUX));
    for name in ["writer-aaaaaaaaa", "writer-bbbbbbbbb", "reader-ccccccccc", "observer-ddddddd"] {
        assert!(texts.iter().any(|text| text.text == name && text.class.contains("pw-name")));
    }
}

#[test]
fn every_call_and_every_reply_is_shown() {
    for (path, run) in cases() {
        let texts = looked_at(&Story::of(&run, &LINUX));
        let shown: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        for seat in &run.seats {
            assert!(shown.contains(&seat.name.as_str()), "{}", path.display());
        }
        let all = shown.join(" ");
        for line in run.to_string().lines().filter(|line| line.contains(": ")) {
            if line.starts_with('#') {
                continue;
            }
            let said = line.split('#').next().expect("a line").split_once(": ").expect("words").1;
            let said = said.replace("->", "\u{2192}");
            // What is long is broken into lines and may be cut, but begins as it was said.
            let mut words: Vec<&str> = said.split_whitespace().collect();
            words.truncate(4);
            for word in words.iter().filter(|word| word.len() < 30) {
                assert!(all.contains(word), "{word} of `{line}` in {}", path.display());
            }
        }
    }
}

const DEADLOCK: &str = "\
channel pipe-pair capacity 4096
ann: write wa 6000
ben: write wb 6000
quiet ann, ben
";

#[test]
fn who_waits_is_hatched_and_what_is_in_the_channel_is_shown() {
    let run: Run = DEADLOCK.parse().expect("a run");
    let story = Story::of(&run, &LINUX);
    let texts = looked_at(&story);
    let count = |word: &str| texts.iter().filter(|text| text.text == word).count();
    assert_eq!(count("4096 done, sleeps"), 2);
    assert_eq!(count("ann[0..4096]"), 1);
    assert_eq!(count("ben[0..4096]"), 1);
    assert_eq!(count("full"), 2);
    assert_eq!(count("quiet"), 1);
    // Two calls, and one in the legend.
    assert_eq!(story.svg(Theme::Dark).matches("class=\"pw-stripe").count(), 3);
}

#[test]
fn what_is_wrong_is_told() {
    let run: Run = "channel pipe\nwriter: close -> ok\nreader: read 5 -> EAGAIN\n".parse().unwrap();
    let texts = looked_at(&Story::of(&run, &LINUX));
    let said = |word: &str| texts.iter().any(|text| text.text.contains(word));
    assert!(said("no rule allows this"));
    assert!(said("allowed: reader: \u{2192} 0 (stream.read.no-writer)"));
}

#[test]
fn themes_differ_in_colours_alone() {
    let run: Run = DEADLOCK.parse().expect("a run");
    let story = Story::of(&run, &LINUX);
    let shapes = |theme| {
        let svg = story.svg(theme);
        svg.split_once("</style>").expect("a style sheet").1.to_owned()
    };
    assert_eq!(shapes(Theme::Light), shapes(Theme::Dark));
    assert_eq!(shapes(Theme::Light), shapes(Theme::Auto));
    assert!(story.svg(Theme::Auto).contains("prefers-color-scheme:dark"));
    assert!(!story.svg(Theme::Page).contains("<rect class=\"pw-back\""));
}

#[test]
fn calls_that_repeat_are_one_row_and_a_full_pipe_shows_its_pages() {
    let path = "stream/full-of-writes-of-3000.case";
    let (_, run) = cases().into_iter().find(|(case, _)| case.ends_with(path)).expect(path);
    let story = Story::of(&run, &LINUX);
    let texts = looked_at(&story);
    let count = |word: &str| texts.iter().filter(|text| text.text == word).count();
    assert_eq!(count("write 3000 \u{2192} 3000"), 1);
    assert_eq!(count("15 more times"), 1);
    assert_eq!(count("2\u{2013}16"), 1);
    let svg = story.svg(Theme::Light);
    // Sixteen pages in each of six rows; one is filled, and then all in three rows; and one in the legend.
    assert_eq!(svg.matches("width=\"10\"").count(), 6 * 16 + (1 + 3 * 16) + 2);
}

#[test]
fn what_is_set_close_is_as_wide_as_a_page() {
    let widths = cases().into_iter().map(|(path, run)| {
        let svg = Story::of(&run, &LINUX).svg(Theme::Light);
        let width = svg.split(" width=\"").nth(1).and_then(|rest| rest.split('"').next());
        (path, width.and_then(|width| width.parse::<u32>().ok()).expect("a width"))
    });
    let (all, wide): (Vec<_>, Vec<_>) =
        (widths.clone().collect(), widths.filter(|(_, w)| *w > 1000).collect());
    // Those of many sockets and actors stay wider, as nothing may be cut.
    assert!(wide.len() * 20 < all.len(), "{} of {}: {wide:?}", wide.len(), all.len());
    let connect = all.iter().find(|(path, _)| path.ends_with("unix/connect-waits-for-accept.case"));
    assert!(connect.is_some_and(|(_, width)| *width <= 1000), "{connect:?}");
}

#[test]
fn who_polls_for_others_in_one_channel_alone_is_drawn() {
    let run: Run = "\
channel up pipe
channel down pipe
process p holds up.r up.w down.w
process q holds up.w
p: poll [up.r in, up.r in] -> [none, none]
"
    .parse()
    .expect("a run");
    assert!(!looked_at(&Story::of(&run, &LINUX)).is_empty());
}
