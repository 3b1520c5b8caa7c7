//! Runs at the edge of what can be said: bytes that nobody wrote, sizes beyond 32 bits.

use pipewright_model::draw::{Story, Theme};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, POSIX, Platform};
use pipewright_model::run::Run;
use pipewright_model::text::ParseError;

fn verdict(text: &str, platform: &'static Platform) -> Result<Verdict, ParseError> {
    let run: Run = text.parse()?;
    Story::of(&run, platform).svg(Theme::Light);
    Ok(judge(&run, platform).verdict)
}

#[test]
fn bytes_that_nobody_wrote_can_be_judged_and_drawn() -> Result<(), ParseError> {
    for kind in ["pipe", "unix-stream", "unix-datagram", "tcp", "fifo", "file"] {
        for (count, bytes) in [
            (1, "zero[0..1]"),
            (1, "any[0..1]"),
            (5, "zero[0..1] any[0..4]"),
            (3, "any[3..4] zero[7..9]"),
        ] {
            let ends = match kind {
                "pipe" | "fifo" | "file" => "actor ann holds w\nactor ben holds r",
                _ => "actor ann holds sa\nactor ben holds sb",
            };
            let text = format!(
                "channel {kind}\n{ends}\nann: write 1 -> 1\nann: write 1 -> 1\nben: read 9 -> {count} = {bytes}"
            );
            verdict(&text, &LINUX)?;
            verdict(&text, &POSIX)?;
        }
    }
    let zeros = "channel unix-stream\nann: write 1 -> 1\nben: read 1 -> 1 = zero[0..1]";
    assert_eq!(verdict(zeros, &LINUX)?, Verdict::Deviates);
    Ok(())
}

#[test]
fn a_message_cut_off_shows_which_bytes_were_given() -> Result<(), ParseError> {
    let text = |data: &str| {
        format!(
            "channel unix-datagram\nann: write 5 -> 5\nann: write 5 -> 5\n\
             ben: receive 2 trunc -> 5 truncated{data}"
        )
    };
    assert_eq!(verdict(&text(" = ann[0..2]"), &LINUX)?, Verdict::Conforms);
    assert_eq!(verdict(&text(""), &LINUX)?, Verdict::Conforms);
    assert_eq!(verdict(&text(" = ann[5..7]"), &LINUX)?, Verdict::Deviates);
    assert_eq!(verdict(&text(" = ann[0..5]"), &LINUX)?, Verdict::Deviates);
    Ok(())
}

fn is_left_unjudged(events: &str, at: usize, platform: &'static Platform) {
    let verdict = verdict(events, platform).expect("the text is a run");
    assert!(
        matches!(verdict, Verdict::Unspecified { from, .. } if from == at),
        "{verdict:?}:\n{events}"
    );
}

#[test]
fn sizes_never_wrap() {
    let most = pipewright_model::oracle::bounds::CALL_MAX_BYTES;
    is_left_unjudged(
        "channel file\nwriter: write 4294967295 -> 4294967295\nwriter: write 2 -> 2\nreader: read 9 -> 1",
        0,
        &LINUX,
    );
    let twice = format!(
        "channel file\nwriter: write {most} -> {most}\nwriter: write {most} -> {most}\n\
         writer: write 8191 -> 8191\nwriter: write 1 -> 1\nreader: read 9 -> 9"
    );
    is_left_unjudged(&twice, 6, &LINUX);
    let seeks = "channel file\nreader: seek start 2147483647 -> 2147483647\n\
                 reader: seek current 2147483647 -> 4294967294\nreader: seek current 1 -> 4294967295\n\
                 reader: seek current 1 -> 4294967295";
    is_left_unjudged(seeks, 6, &LINUX);
    for kind in ["pipe", "fifo"] {
        let text = format!(
            "channel {kind}\nwriter: write {most} -> {most}\nwriter: write {most} -> {most}\n\
             reader: read 9 -> 9\nwriter: write 8192 -> 8192\nwriter: write 10 -> 10"
        );
        is_left_unjudged(&text, 8, &POSIX);
    }
    for kind in ["unix-stream", "unix-datagram", "unix-seqpacket"] {
        let text = format!(
            "channel {kind}\nactor ann holds sa\nactor ben holds sb\nann: write {most} -> {most}\n\
             ann: write {most} -> {most}\nann: write 9999 -> 9999"
        );
        is_left_unjudged(&text, 4, &POSIX);
    }
}

#[test]
fn what_was_read_no_longer_counts() -> Result<(), ParseError> {
    let mut text = "channel pipe\n".to_owned();
    for _ in 0..6 {
        text += "writer: write 2000000000 -> 2000000000\nreader: read 2000000000 -> 2000000000\n";
    }
    assert_eq!(verdict(&text, &POSIX)?, Verdict::Conforms);
    Ok(())
}

#[test]
fn more_sockets_than_a_byte_counts_are_told_apart() -> Result<(), ParseError> {
    let mut text =
        "channel unix-stream\na: socket -> ok\na: bind -> ok\na: listen 500 -> ok\n".to_owned();
    for _ in 0..300 {
        text += "b: socket -> ok\nb: connect -> ok\nb: close -> ok\n";
    }
    let run: Run = text.parse()?;
    assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms);
    text += "b: socket -> ok\nb: connect -> ECONNREFUSED\n";
    let run: Run = text.parse()?;
    assert_eq!(judge(&run, &LINUX).verdict, Verdict::Deviates);
    Ok(())
}

#[test]
fn names_that_a_text_gives_are_exact() -> Result<(), ParseError> {
    let pipe = "channel pipe capacity 1048576\nactor a holds w\nactor b holds r\n";
    for (events, right) in [
        // The bytes at these places are equal.
        ("a: write 1000 -> 1000\nb: read 1 -> 1 = a[65..66]", false),
        ("a: write 1000 -> 1000\nb: read 1 -> 1 = a[0..1]", true),
        ("a: write 200000 -> 200000\nb: read 100 -> 100 = a[65521..65621]", false),
        ("a: write 200000 -> 200000\nb: read 100 -> 100 = a[0..40] a[40..100]", true),
        ("a: write 200000 -> 200000\nb: read 100 -> 100 = any[0..100]", true),
    ] {
        let expected = if right { Verdict::Conforms } else { Verdict::Deviates };
        assert_eq!(verdict(&format!("{pipe}{events}"), &LINUX)?, expected, "{events}");
    }
    Ok(())
}
