//! What may be seen late of channels in memory, and what may not: runs that conform beside runs that differ
//! in one thing and deviate.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::PLATFORMS;
use pipewright_model::run::Run;

/// Judges the lines on a channel, by all profiles.
fn verdict(channel: &str, lines: &[&str]) -> Verdict {
    let text = format!("channel {channel}\n{}\n", lines.join("\n"));
    let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let again: Run = run.to_string().parse().unwrap_or_else(|error| panic!("{error}\n{run}"));
    assert_eq!(again, run, "{text}");
    let verdicts: Vec<_> = PLATFORMS.iter().map(|platform| judge(&run, platform).verdict).collect();
    assert!(verdicts.iter().all(|verdict| *verdict == verdicts[0]), "{text}");
    verdicts[0].clone()
}

#[track_caller]
fn conforms(channel: &str, lines: &[&str]) {
    assert_eq!(verdict(channel, lines), Verdict::Conforms, "{lines:#?}");
}

#[track_caller]
fn deviates(channel: &str, lines: &[&str]) {
    assert_eq!(verdict(channel, lines), Verdict::Deviates, "{lines:#?}");
}

const VARIABLE: &str = "global-variable capacity 2";
const GUARDED: &str = "guarded-variable capacity 2";
const RING: &str = "shared-memory capacity 4";
const WAITING: &str = "shared-memory-waiting capacity 4";

const TWO_STORES: [&str; 2] = ["writer: write 2 -> 2", "writer: write 2 -> 2"];

fn after_two_stores(lines: &[&'static str]) -> Vec<&'static str> {
    TWO_STORES.iter().chain(lines).copied().collect()
}

#[test]
fn a_store_may_be_seen_late_until_all_is_quiet() {
    for old in ["zero[0..2]", "writer[0..2]", "writer[2..4]"] {
        let read: &'static str = format!("reader: read 2 -> 2 = {old}").leak();
        conforms(VARIABLE, &after_two_stores(&[read]));
        let quiet = after_two_stores(&["quiet", read]);
        if old == "writer[2..4]" {
            conforms(VARIABLE, &quiet);
        } else {
            deviates(VARIABLE, &quiet);
        }
    }
}

#[test]
fn no_reader_goes_back_though_another_may_lag_behind() {
    let (new, old) = ("reader: read 2 -> 2 = writer[2..4]", "reader: read 2 -> 2 = writer[0..2]");
    conforms(VARIABLE, &after_two_stores(&[old, new]));
    deviates(VARIABLE, &after_two_stores(&[new, old]));
    conforms(VARIABLE, &after_two_stores(&[new, "reader2: read 2 -> 2 = zero[0..2]"]));
}

#[test]
fn values_are_whole_and_none_is_made_up() {
    deviates(VARIABLE, &after_two_stores(&["reader: read 2 -> 2 = writer[1..3]"]));
    deviates(VARIABLE, &after_two_stores(&["reader: read 2 -> 2 = writer[0..1] zero[0..1]"]));
    deviates(VARIABLE, &after_two_stores(&["reader: read 2 -> 2 = writer[4..6]"]));
    deviates(VARIABLE, &after_two_stores(&["reader: read 2 -> EAGAIN"]));
}

#[test]
fn a_store_may_be_seen_before_it_returns() {
    conforms(VARIABLE, &["writer: write 2", "reader: read 2 -> 2 = writer[0..2]", "writer: -> 2"]);
}

#[test]
fn who_stores_sees_its_own_store_at_once() {
    let both = "actor a holds r w";
    conforms(VARIABLE, &[both, "a: write w 2 -> 2", "a: read r 2 -> 2 = a[0..2]"]);
    deviates(VARIABLE, &[both, "a: write w 2 -> 2", "a: read r 2 -> 2 = zero[0..2]"]);
}

#[test]
fn behind_a_lock_nothing_is_late_and_nothing_is_seen_twice() {
    let new = "reader: read 2 -> 2 = writer[2..4]";
    conforms(GUARDED, &after_two_stores(&[new, "reader: read 2", "quiet reader"]));
    deviates(GUARDED, &after_two_stores(&["reader: read 2 -> 2 = writer[0..2]"]));
    deviates(GUARDED, &after_two_stores(&["reader: read 2", "quiet reader"]));
    deviates(GUARDED, &after_two_stores(&[new, new]));
    let (close, end) = ("writer: close -> ok", "reader: read 2 -> 0");
    conforms(GUARDED, &after_two_stores(&[close, new, end, end]));
    deviates(GUARDED, &after_two_stores(&[close, end]));
}

#[test]
fn bytes_and_room_may_be_seen_late_until_all_is_quiet() {
    let wrote = "writer: write 3 -> 3";
    for (read, at_rest) in [
        ("reader: read 4 -> EAGAIN", false),
        ("reader: read 4 -> 2 = writer[0..2]", false),
        ("reader: read 4 -> 3 = writer[0..3]", true),
    ] {
        conforms(RING, &[wrote, read]);
        let quiet = [wrote, "quiet", read];
        if at_rest { conforms(RING, &quiet) } else { deviates(RING, &quiet) }
    }
    let full = ["writer: write 4 -> 4", "quiet", "reader: read 2 -> 2 = writer[0..2]"];
    for (write, at_rest) in [("EAGAIN", false), ("1", false), ("2", true)] {
        let write: &'static str = format!("writer: write 3 -> {write}").leak();
        conforms(RING, &[full[0], full[1], full[2], write]);
        let quiet = [full[0], full[1], full[2], "quiet", write];
        if at_rest { conforms(RING, &quiet) } else { deviates(RING, &quiet) }
    }
    deviates(RING, &["writer: write 3 -> 3", "reader: read 4 -> 4"]);
    deviates(RING, &["writer: write 5 -> 5"]);
}

#[test]
fn what_was_seen_once_stays_seen() {
    let bytes = ["writer: write 3 -> 3", "reader: read 2 -> 2 = writer[0..2]"];
    conforms(RING, &[bytes[0], bytes[1], "reader: read 2 -> EAGAIN"]);
    conforms(RING, &[bytes[0], "reader: read 1 -> 1 = writer[0..1]", "reader: read 1 -> EAGAIN"]);
    let end = ["writer: close -> ok", "reader: read 2 -> 0"];
    conforms(RING, &[end[0], "reader: read 2 -> EAGAIN", end[1]]);
    deviates(RING, &[end[0], end[1], "reader: read 2 -> EAGAIN"]);
    let close = "reader: close -> ok";
    conforms(RING, &[close, "writer: write 1 -> 1", "writer: write 1 -> EPIPE"]);
    deviates(RING, &[close, "writer: write 1 -> EPIPE", "writer: write 1 -> 1"]);
    deviates(RING, &[close, "quiet", "writer: write 1 -> 1"]);
}

#[test]
fn the_end_comes_after_the_last_byte() {
    let ended = ["writer: write 3 -> 3", "writer: close -> ok"];
    deviates(RING, &[ended[0], ended[1], "reader: read 4 -> 0"]);
    let part = "reader: read 4 -> 2 = writer[0..2]";
    conforms(RING, &[ended[0], ended[1], part, "reader: read 4 -> 1 = writer[2..3]"]);
    deviates(RING, &[ended[0], ended[1], part, "reader: read 4 -> 0"]);
}

#[test]
fn who_waits_is_woken_before_all_is_quiet() {
    conforms(WAITING, &["reader: read 2", "quiet reader", "writer: write 1 -> 1", "reader: -> 1"]);
    let asleep = ["reader: read 2", "quiet reader", "writer: write 1 -> 1", "quiet reader"];
    deviates(WAITING, &asleep);
    deviates(WAITING, &["reader: read 2 -> EAGAIN"]);
    let part = ["writer: write 6", "quiet writer", "reader: read 1 -> 1"];
    conforms(WAITING, &[part[0], part[1], part[2], "quiet writer", "reader: read 4 -> 4"]);
    deviates(WAITING, &[part[0], part[1], part[2], "quiet writer", "reader: read 4 -> 3"]);
    let cut = "reader: close -> ok";
    conforms(WAITING, &[part[0], part[1], part[2], "quiet writer", cut, "writer: -> 5"]);
    deviates(WAITING, &[part[0], part[1], part[2], "quiet writer", cut, "writer: -> 6"]);
    deviates(WAITING, &[part[0], part[1], part[2], "quiet writer", cut, "quiet writer"]);
}
