//! Runs with so many orders of what goes on at once that the oracle must not go through all.

use std::cell::Cell;

use pipewright_model::litmus::Litmus;
use pipewright_model::oracle::{Verdict, judge, judge_unless};
use pipewright_model::platform::{LINUX, POSIX};
use pipewright_model::run::Run;

fn judged(run: &str) -> Verdict {
    let run: Run = run.parse().expect("a run");
    judge(&run, &LINUX).verdict
}

/// While one read takes piece after piece, two writers may send more, in any order: but what the read gives
/// tells which pieces it took.
#[test]
fn a_read_by_pieces_beside_two_writers_that_wait() {
    let run = |read: &str| {
        format!(
            "\
channel unix-stream-abstract
ann: set-option send-buffer 2304 -> ok
ann2: write 4576
quiet ann2
ann: send 131072 nosignal
quiet ann, ann2
ben: receive-end 131072 as s     -> {read}
ann2:                            -> 4576
"
        )
    };
    assert_eq!(judged(&run("4480 = ann2[0..4480]")), Verdict::Conforms);
    assert_eq!(judged(&run("4576 = ann2[0..4576]")), Verdict::Conforms);
    assert_eq!(judged(&run("6720 = ann2[0..4480] ann[0..2240]")), Verdict::Conforms);
    assert_eq!(judged(&run("4480 = ann2[0..2240] ann[0..2240]")), Verdict::Deviates);
}

/// Where any piece may be written and read, only the reader whose bytes come next can need a piece of its own length.
#[test]
fn a_write_to_readers_who_share_it() {
    let run = |second: &str| -> Run {
        let text = format!(
            "\
channel pipe
reader: read 4095
quiet reader
reader2: read 1
quiet reader, reader2
writer: write 5000 -> 5000
reader:            -> 4095 = writer[0..4095]
reader2:           -> 1 = {second}
"
        );
        text.parse().expect("a run")
    };
    assert_eq!(judge(&run("writer[4095..4096]"), &POSIX).verdict, Verdict::Conforms);
    assert_eq!(judge(&run("writer[4096..4097]"), &POSIX).verdict, Verdict::Deviates);
}

/// A judgement that is no longer wanted ends soon, and there is none.
#[test]
fn a_judgement_that_is_no_longer_wanted_ends() {
    let beside = "channel pipe\nwriter: write 70000\nwriter2: write 70000\nwriter3: write 70000\nquiet writer, writer2, writer3\n\
                  reader: read 65536 -> 65536\nreader: read 65536 -> 65536\nreader: read 65536 -> 65536\n\
                  writer: -> 70000\nwriter2: -> 70000\nwriter3: -> 70000\n";
    let run: Run = beside.parse().expect("a run");
    let asked = Cell::new(0);
    let after = |most: u32| {
        asked.set(0);
        judge_unless(&run, &LINUX, &|| {
            asked.set(asked.get() + 1);
            asked.get() > most
        })
    };
    let whole = after(u32::MAX).expect("it is wanted");
    assert_eq!(whole, judge(&run, &LINUX));
    let states = asked.get();
    assert!(states > 20, "{states}");
    for most in [0, 1, states / 2, states - 1] {
        assert_eq!(after(most), None);
        // Of what is left of the run, each event is begun and given up.
        assert!(asked.get() <= most + 3 * run.events.len() as u32, "{most}: {}", asked.get());
    }
    assert_eq!(after(states), Some(whole));
}

/// The same of all that calls may come to.
#[test]
fn outcomes_that_are_no_longer_wanted_are_not_found() {
    let litmus: Litmus =
        "channel pipe\nwriter: write 1\nwriter2: write 2\nreader: read 3".parse().expect("a file");
    let ended = |ended: bool| litmus.outcomes_unless(&LINUX, &|| ended).expect("few");
    assert_eq!(ended(true), None);
    assert_eq!(ended(false), Some(litmus.outcomes(&LINUX).expect("few")));
}
