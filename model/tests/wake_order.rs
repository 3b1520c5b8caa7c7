//! In which order calls that sleep are served: on Linux the longest sleeper first, on pipes and where messages come; any
//! on stream sockets, and any in the standard.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, POSIX, Platform};
use pipewright_model::run::Run;

fn verdict(text: &str, platform: &'static Platform) -> Verdict {
    let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    judge(&run, platform).verdict
}

/// What two sleepers do, where the second is served first.
fn second_first(kind: &str) -> String {
    match kind {
        "writers" => "channel pipe capacity 4096\nactor one holds w\nactor two holds w\none: write 4096 -> 4096\n\
                      one: write 1\nquiet one\ntwo: write 1\nquiet one, two\n\
                      reader: read 4096 -> 4096\ntwo: -> 1\nquiet one\n"
            .to_owned(),
        "pipe" => "channel pipe\nactor one holds r\nactor two holds r\n\
                   one: read 9\nquiet one\ntwo: read 9\nquiet one, two\n\
                   writer: write 1 -> 1\ntwo: -> 1\nquiet one\n"
            .to_owned(),
        kind => format!(
            "channel {kind}\nactor one holds sb\nactor two holds sb\n\
             one: read 9\nquiet one\ntwo: read 9\nquiet one, two\n\
             ann: write 1 -> 1\ntwo: -> 1\nquiet one\n"
        ),
    }
}

#[test]
fn who_has_slept_longest_is_served_first() {
    for kind in ["writers", "pipe", "unix-datagram", "unix-seqpacket"] {
        let text = second_first(kind);
        assert_eq!(verdict(&text, &LINUX), Verdict::Deviates, "{kind}");
        assert_ne!(verdict(&text, &POSIX), Verdict::Deviates, "{kind}");
        let first = text.replace("two: -> 1\nquiet one", "one: -> 1\nquiet two");
        assert_eq!(verdict(&first, &LINUX), Verdict::Conforms, "{kind}");
    }
}

#[test]
fn stream_sockets_serve_in_any_order() {
    for kind in ["unix-stream", "tcp"] {
        assert_eq!(verdict(&second_first(kind), &LINUX), Verdict::Conforms, "{kind}");
    }
}

#[test]
fn whoever_comes_later_may_be_faster_and_the_order_is_lost() {
    let text = "channel unix-datagram\nactor one holds sb\nactor two holds sb\nactor three holds sb\n\
                one: read 9\nquiet one\ntwo: read 9\nquiet one, two\n\
                three: receive 9 dontwait\nann: write 1 -> 1\nthree: -> 1\nquiet one, two\n\
                ann: write 1 -> 1\ntwo: -> 1\nquiet one\n";
    assert_eq!(verdict(text, &LINUX), Verdict::Conforms);
}

#[test]
fn a_writer_that_got_a_part_of_its_room_goes_to_the_end_of_the_line() {
    let begin = "channel pipe capacity 4096\nactor one holds w\nactor two holds w\n\
                 one: write 12288\nquiet one\ntwo: write 1\nquiet one, two\n\
                 reader: read 4096 -> 4096\nquiet one, two\nreader: read 4096 -> 4096\n";
    for next in ["two: -> 1\nquiet one\n", "one: -> 12288\nquiet two\n"] {
        assert_eq!(verdict(&format!("{begin}{next}"), &LINUX), Verdict::Conforms, "{next}");
    }
}

#[test]
fn as_many_messages_as_sleepers_may_be_taken_in_any_order() {
    let begin = "channel unix-seqpacket\nactor one holds sb\nactor two holds sb\nactor three holds sb\n\
                 one: read 9\nquiet one\ntwo: read 9\nquiet one, two\nthree: read 9\nquiet one, two, three\n\
                 ann: write 1 -> 1\nann: write 2 -> 2\n";
    assert_eq!(verdict(&format!("{begin}two: -> 1\none: -> 2\n"), &LINUX), Verdict::Conforms);
    assert_eq!(verdict(&format!("{begin}three: -> 1\none: -> 2\n"), &LINUX), Verdict::Deviates);
}

#[test]
fn who_is_seen_to_sleep_has_its_place_whatever_went_on_when_it_began() {
    let text = "\
channel pipe
writer: write 1 -> 1
reader: read 1
reader2: read 1
writer: available
reader: -> 1 = writer[0..1]
writer: -> 0
quiet reader2
reader: read 1
quiet reader, reader2
writer: write 1 -> 1
reader2: -> 1 = writer[1..2]
";
    assert_eq!(verdict(text, &LINUX), Verdict::Conforms);
    let other = text.replace("reader2: -> 1", "reader: -> 1");
    assert_eq!(verdict(&other, &LINUX), Verdict::Deviates);
}

/// Three accepts asleep on one listener, and a connection.
fn accepts(kind: &str) -> String {
    format!(
        "channel {kind}\nprocess a\nthread one of a\nthread two of a\na: socket -> ok\na: bind -> ok\na: listen 5 -> ok\n\
         one: accept s as s1\nquiet one\ntwo: accept s as s2\nquiet one, two\n\
         c: socket -> ok\nc: connect -> ok\n"
    )
}

#[test]
fn the_accept_that_has_slept_longest_takes_the_first_connection() {
    for kind in ["unix-stream", "unix-seqpacket", "tcp"] {
        let text = accepts(kind);
        let second = format!("{text}two: -> ok\nquiet one\n");
        assert_eq!(verdict(&second, &LINUX), Verdict::Deviates, "{kind}");
        assert_eq!(verdict(&second, &POSIX), Verdict::Conforms, "{kind}");
        let first = format!("{text}one: -> ok\nquiet two\n");
        assert_eq!(verdict(&first, &LINUX), Verdict::Conforms, "{kind}");
        // One that comes later may be faster, and the order is lost.
        let later = text.replace(
            "c: connect -> ok\n",
            "c: connect\na: accept s as s3 -> ok\nc: -> ok\nquiet one, two\n",
        );
        let later = format!("{later}d: socket -> ok\nd: connect -> ok\ntwo: -> ok\nquiet one\n");
        assert_eq!(verdict(&later, &LINUX), Verdict::Conforms, "{kind}");
    }
}

/// Two connects that wait for room at a listener.
const CONNECTS: &str = "channel unix-stream\na: socket -> ok\na: bind -> ok\na: listen 0 -> ok\n\
                        b: socket -> ok\nb: connect -> ok\nc: socket -> ok\nc: connect\nquiet c\n\
                        d: socket -> ok\nd: connect\nquiet c, d\n";

#[test]
fn the_connect_that_has_slept_longest_gets_the_room() {
    let accepted = format!("{CONNECTS}a: accept s as s1 -> ok\n");
    assert_eq!(verdict(&format!("{accepted}c: -> ok\nquiet d\n"), &LINUX), Verdict::Conforms);
    assert_eq!(verdict(&format!("{accepted}d: -> ok\nquiet c\n"), &LINUX), Verdict::Deviates);
    assert_eq!(verdict(&format!("{accepted}d: -> ok\nquiet c\n"), &POSIX), Verdict::Conforms);
    let both = format!("{accepted}c: -> ok\nquiet d\na: accept s as s2 -> ok\nd: -> ok\n");
    assert_eq!(verdict(&both, &LINUX), Verdict::Conforms);
    // A backlog that grows wakes both.
    let grown = format!("{CONNECTS}a: listen 1 -> ok\nd: -> ok\nquiet c\n");
    assert_eq!(verdict(&grown, &LINUX), Verdict::Conforms);
}

#[test]
fn a_connect_that_sleeps_is_woken_by_no_shutdown_and_no_unlink() {
    for (call, error) in [("a: shutdown read", "ECONNREFUSED"), ("a: unlink", "ENOENT")] {
        let asleep = format!("{CONNECTS}{call} -> ok\n");
        let told = format!("{asleep}c: -> {error}\n");
        assert_eq!(verdict(&told, &LINUX), Verdict::Deviates, "{call}");
        let woken =
            format!("{asleep}quiet c, d\na: accept s as s1 -> ok\nc: -> {error}\nquiet d\n");
        assert_eq!(verdict(&woken, &LINUX), Verdict::Conforms, "{call}");
        let closed = format!("{asleep}a: close s -> ok\nd: -> {error}\nc: -> {error}\n");
        assert_eq!(verdict(&closed, &LINUX), Verdict::Conforms, "{call}");
    }
}
