//! What kernels of other versions do is right on those and nowhere else.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, LINUX_5_10, LINUX_6_1, LINUX_6_12, Platform, linux};
use pipewright_model::run::Run;

fn verdict(text: &str, platform: &Platform) -> Verdict {
    judge(&text.parse::<Run>().expect("a run"), platform).verdict
}

#[track_caller]
fn only_on(right: &Platform, wrong: &Platform, text: &str) {
    assert_eq!(verdict(text, right), Verdict::Conforms, "{}:\n{text}", right.name);
    assert_eq!(verdict(text, wrong), Verdict::Deviates, "{}:\n{text}", wrong.name);
}

#[test]
fn a_bind_that_fails_leaves_its_path_before_5_14() {
    let begin =
        "channel unix-stream\na: socket -> ok\na: bind -> ok\na: unlink -> ok\na: bind -> EINVAL\n";
    only_on(&LINUX_5_10, &LINUX, &format!("{begin}a: unlink -> ok\n"));
    only_on(&LINUX, &LINUX_5_10, &format!("{begin}a: unlink -> ENOENT\n"));
}

#[test]
fn a_write_to_a_pipe_that_is_not_empty_was_perhaps_no_edge_before_5_14() {
    let begin = "channel pipe\nactor a holds r\nactor b holds w\na: epoll -> ok\na: epoll-add e r in edge -> ok\n\
                 b: write 1 -> 1\na: epoll-wait e -> [r in]\nb: write 1 -> 1\n";
    let told = format!("{begin}a: epoll-wait e -> [r in]\n");
    assert_eq!(verdict(&told, &LINUX), Verdict::Conforms);
    assert_eq!(verdict(&told, &LINUX_5_10), Verdict::Conforms);
    only_on(&LINUX_5_10, &LINUX, &format!("{begin}a: epoll-wait e -> none\n"));
    only_on(&LINUX_5_10, &LINUX, &format!("{begin}a: epoll-wait e wait\nquiet a\n"));
}

#[test]
fn a_message_of_no_bytes_that_nobody_read_resets_before_5_15() {
    let begin = "channel unix-seqpacket\nann: write 0 -> 0\nben: close -> ok\n";
    only_on(&LINUX_5_10, &LINUX, &format!("{begin}ann: write 0 -> ECONNRESET\n"));
    only_on(&LINUX, &LINUX_5_10, &format!("{begin}ann: write 0 -> EPIPE\n"));
}

#[test]
fn who_sleeps_on_an_eventfd_stands_before_exclusive_entries_before_6_5() {
    let begin = "channel eventfd\nactor a holds rw\nactor b holds rw\nactor c holds rw\na: epoll -> ok\n\
                 a: epoll-add e rw in exclusive -> ok\nb: take\nquiet b\na: epoll-wait e wait\nquiet a, b\nc: add 1 -> ok\n";
    only_on(&LINUX_6_1, &LINUX, &format!("{begin}b: -> 1\n"));
    only_on(&LINUX, &LINUX_6_1, &format!("{begin}a: -> [rw in]\nquiet b\n"));
}

#[test]
fn a_release_tells_the_platform() {
    for (release, platform) in [
        ("5.10.0-28-amd64", &LINUX_5_10),
        ("4.19.0", &LINUX_5_10),
        ("5.13.19", &LINUX_5_10),
        ("5.14.0-362.el9", &LINUX_6_1),
        ("6.1.0-37-amd64", &LINUX_6_1),
        ("6.4.16", &LINUX_6_1),
        ("6.5", &LINUX_6_12),
        ("6.12.57+deb13-amd64", &LINUX_6_12),
        ("6.15.0", &LINUX),
        ("6.18.44-fc-v669", &LINUX),
        ("7.3-rc1", &LINUX),
        ("odd", &LINUX),
    ] {
        assert_eq!(linux(release).name, platform.name, "{release}");
    }
}
