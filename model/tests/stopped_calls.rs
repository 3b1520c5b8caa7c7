//! A call that has come to a byte counts it in its reply, has come no further, and holds the lock under which it copies.

use pipewright_model::diagnosis::{Fault, diagnose};
use pipewright_model::oracle::{Judgement, judge};
use pipewright_model::platform::{LINUX, POSIX, Platform};
use pipewright_model::run::{Event, Run};

fn judged(text: &str, platform: &Platform) -> (Run, Judgement) {
    let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let judgement = judge(&run, platform);
    (run, judgement)
}

#[track_caller]
fn falls_short(text: &str, platform: &Platform, says: &str) {
    let (run, judgement) = judged(text, platform);
    let [deviation] = judgement.deviations.as_slice() else { panic!("{judgement}\n{run}") };
    assert!(matches!(run.events[deviation.event], Event::Stops(..)), "{judgement}\n{run}");
    let diagnosis = diagnose(&run, &judgement, deviation);
    assert_eq!((diagnosis.fault, diagnosis.says.as_str()), (Fault::WrongCount, says));
}

#[track_caller]
fn conforms(text: &str, platform: &Platform) {
    let (run, judgement) = judged(text, platform);
    assert_eq!(judgement.verdict.word(), "conforms", "{judgement}\n{run}");
}

const READ: &str = "channel pipe\nwriter: write 10 -> 10\nreader: read 8192 stops at ";

#[test]
fn a_read_gives_all_that_it_has_come_past() {
    for platform in [&LINUX, &POSIX] {
        let goes_on = "\nreader: goes on\nreader: -> 10";
        conforms(&format!("{READ}9{goes_on}"), platform);
        for at in [10, 4000] {
            let says = format!(
                "reader's read had come to byte {at}, so that it gives more than {at} bytes, but it returns 10"
            );
            falls_short(&format!("{READ}{at}{goes_on}"), platform, &says);
        }
        falls_short(
            "channel pipe\nreader: read 4096 stops at 2000\nwriter: close -> ok\nreader: goes on\nreader: -> 0",
            platform,
            "reader's read had come to byte 2000, so that it gives more than 2000 bytes, but it returns 0",
        );
    }
    // What it will give is not known.
    conforms(&format!("{READ}4000"), &LINUX);
}

#[test]
fn a_write_to_a_pipe_of_linux_takes_all_that_it_has_come_past() {
    let gone = "reader: close -> ok\nwriter: write 4096 stops at 2000\nwriter: goes on\nwriter: -> EPIPE + SIGPIPE";
    let says = "writer's write had come to byte 2000, so that it takes more than 2000 bytes, but it returns EPIPE + SIGPIPE";
    falls_short(&format!("channel pipe\n{gone}"), &LINUX, says);
    falls_short(
        &format!("channel fifo\nactor reader holds r\nactor writer holds w\n{gone}"),
        &LINUX,
        says,
    );
    // A system may copy before it looks who reads, and a socket of Linux does.
    conforms(&format!("channel pipe\n{gone}"), &POSIX);
    conforms(
        "channel unix-stream\nann: write 4096 stops at 2000\nben: close -> ok\nann: goes on\nann: -> EPIPE + SIGPIPE",
        &LINUX,
    );
}

#[test]
fn what_comes_from_outside_is_no_contradiction() {
    let (_, judgement) = judged(&format!("{READ}4000\nreader: goes on\nreader: -> EINTR"), &LINUX);
    assert!(judgement.deviations.iter().all(|deviation| deviation.event != 3), "{judgement}");
}

/// Runs that no kernel shows, each behind its name.
const IMPOSSIBLE: &str = include_str!("data/impossible-stops.txt");

#[test]
fn a_stopped_call_has_come_no_further_and_holds_its_lock() {
    let runs = IMPOSSIBLE.split("\n= ").skip(1).filter_map(|part| part.split_once('\n'));
    let runs: Vec<_> = runs.collect();
    assert!(runs.len() > 30, "{} runs", runs.len());
    for (name, text) in runs {
        let (run, judgement) = judged(text, &LINUX);
        assert_eq!(judgement.verdict.word(), "deviates", "{name}: {judgement}\n{run}");
    }
}

/// The same calls with the replies that Linux 6.18 gives.
const SEEN: &[&str] = &[
    "channel pipe\nwriter: write 8192 stops at 0\nreader: poll in -> none\nwriter: goes on\nwriter: -> 8192",
    "channel pipe\nwriter: write 8192 stops at 4096\nreader: poll in -> in\nwriter: goes on\nwriter: -> 8192",
    "channel pipe\nactor a holds w\nactor b holds w\nactor c holds r\na: write 5000 stops at 10\nb: write 5\n\
     a: goes on\nb: -> 5\na: -> 5000\nc: read 60000 -> 5005 = a[0..5000] b[0..5]",
    "channel message-queue capacity 64\nactor a holds w\nactor b holds r\nactor c holds r\na: write 5 -> 5\n\
     b: read 64 stops at 2\nc: poll in -> none\nb: goes on\nb: -> 5 = a[0..5]",
    "channel unix-stream\nann: send 100 -> 100\nann: send 100 stops at 50\nben: close -> ok\nann: goes on\n\
     ann: -> EPIPE + SIGPIPE\nann: read 1 -> ECONNRESET",
    "channel unix-datagram\nactor a holds sa\nactor b holds sb\nactor c holds sb\nc: send 100 stops at 50\n\
     b: shutdown write -> ok\nc: goes on\nc: -> 100",
    "channel file\nactor a holds rw\na: write 1 stops at 0\nreader: truncate 0 -> EINVAL\na: goes on\na: -> 1",
    "channel pipe\nwriter: write 4097 stops at 4096\nreader: read-at 1 -> ESPIPE\nwriter: goes on\nwriter: -> 4097",
    "channel tcp\nann: write 42815 stops at 42813\nben: read 1 -> 1 = ann[0..1]\nben: poll in|out -> in|out\n\
     ann: goes on\nann: -> 42815",
    // Acknowledgements wait while the sender's socket is locked.
    "channel tcp\nann: nonblocking on -> ok\nann: write 65535 stops at 65534\nann2: poll out -> none\nann: goes on\n\
     ann: -> 65535",
    "channel tcp\n\
     ann: nonblocking on -> ok\n\
     quiet\n\
     ann2: write 61439 stops at 61438\n\
     ann: poll out -> none\n\
     ann2: goes on\n\
     ann2: -> 61439\n\
     quiet",
    "channel tcp\n\
     actor ann holds sa\n\
     actor cat holds sb\n\
     ann: nonblocking on -> ok\n\
     quiet\n\
     ann: write 600000 stops at 599999\n\
     cat: shutdown read-write -> ok\n\
     cat: receive 20000 dontwait -> 20000\n\
     ann: goes on\n\
     ann: -> 600000",
    "channel tcp\n\
     actor ann holds sa\n\
     actor ben holds sb\n\
     actor cat holds sb\n\
     ann: write 5 -> 5\n\
     quiet\n\
     ben: set-option receive-timeout-s 2 -> ok\n\
     ben: receive 9 peek waitall stops at 3\n\
     ben: goes on\n\
     cat: receive 1 dontwait -> 1\n\
     quiet ben",
    "channel file\n\
     actor a holds rw\n\
     actor b holds rw\n\
     a: write 55 -> 55\n\
     b: truncate 83 -> ok\n\
     a: write 28 stops at 27\n\
     b: read 83 -> 83 = a[0..82] zero[0..1]\n\
     a: goes on\n\
     a: -> 28",
    "channel file\nactor a holds rw\nactor b holds w\na: write 5000 stops at 4096\nb: write 0\na: goes on\na: -> 5000\n\
     b: -> 0",
    "channel file\nactor a holds rw\na: write 5000 stops at 4096\nc: unlink\na: goes on\na: -> 5000\nc: -> ok",
    "channel file\nactor a holds rw\nactor b holds rw\na: read 1 -> 0\nb: write 5000 -> 5000\n\
     a: read 5000 stops at 4096\nc: unlink -> ok\na: goes on\na: -> 5000",
    "channel tcp\nactor b holds sb\nactor a holds sa\nactor b2 holds sb\na: send 10 -> 10\nb: receive 5 stops at 1\n\
     b2: listen 5\nb: goes on\nb: -> 5 = a[0..5]\nb2: -> EINVAL",
    // The time that receives wait is set without the lock.
    "channel tcp\nactor b holds sb\nactor a holds sa\nactor b2 holds sb\na: send 10 -> 10\nb: receive 5 stops at 1\n\
     b2: set-option receive-timeout-s 5 -> ok\nb: goes on\nb: -> 5 = a[0..5]",
];

#[test]
fn what_linux_shows_beside_a_stopped_call_conforms() {
    SEEN.iter().for_each(|text| conforms(text, &LINUX));
}
