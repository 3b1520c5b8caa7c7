//! What comes from outside of a channel is judged neither right nor wrong, and nothing else is excused by it.

use pipewright_model::call::Errno;
use pipewright_model::kind::KINDS;
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, POSIX};
use pipewright_model::run::Run;

/// Calls, and all errors that they can have from outside, by the standard and the man pages.
const CALLS: &[(&str, &str, &str)] = &[
    ("pipe", "reader: read 1", "EINTR ENOMEM ENOBUFS"),
    ("pipe", "writer: write 1", "EINTR ENOMEM ENOBUFS"),
    ("pipe", "writer: close", "EINTR"),
    ("pipe", "writer: dup as w2", "EINTR EMFILE ENFILE"),
    ("pipe", "writer: poll out", "EINTR ENOMEM ENOBUFS"),
    ("pipe", "writer: set-capacity 8192", "ENOMEM ENOBUFS"),
    ("pipe", "writer: set-capacity 65537", "ENOMEM ENOBUFS EPERM"),
    ("fifo", "writer: set-capacity 131072", "ENOMEM ENOBUFS EPERM"),
    ("pipe", "writer: capacity", ""),
    ("pipe", "writer: available", ""),
    ("pipe", "writer: nonblocking on", ""),
    ("pipe", "writer: seek", ""),
    (
        "fifo",
        "reader: open read",
        "EINTR EMFILE ENFILE ENOMEM ENOBUFS EACCES EPERM EROFS EIO ENAMETOOLONG ELOOP ENOTDIR",
    ),
    ("fifo", "reader: unlink", "ENOMEM ENOBUFS EACCES EPERM EROFS EIO ENAMETOOLONG ELOOP ENOTDIR"),
    ("file", "writer: write 1", "EINTR ENOMEM ENOBUFS ENOSPC EDQUOT EFBIG EIO"),
    ("file", "writer: write-at 1 at 0", "EINTR ENOMEM ENOBUFS ENOSPC EDQUOT EFBIG EIO"),
    ("file", "reader: read 1", "EINTR ENOMEM ENOBUFS EIO"),
    ("file", "writer: truncate 1", "EINTR EFBIG EIO"),
    ("file", "writer: close", "EINTR EIO"),
    ("locked-file", "writer: lock exclusive", "ENOLCK"),
    ("locked-file", "writer: lock exclusive wait", "EINTR ENOLCK"),
    ("locked-file-flock", "writer: flock exclusive", "ENOLCK"),
    ("message-queue", "writer: write 1", "EINTR ENOMEM ENOBUFS"),
    ("unix-stream", "ann: write 1", "EINTR ENOMEM ENOBUFS"),
    ("unix-stream", "ann: receive 1", "EINTR ENOMEM ENOBUFS"),
    ("unix-stream", "ann: send-end 1 passing sa", "EINTR ENOMEM ENOBUFS ETOOMANYREFS"),
    ("unix-stream", "ann: shutdown read", "ENOMEM ENOBUFS"),
    (
        "unix-stream",
        "ann: socket as s",
        "EMFILE ENFILE ENOMEM ENOBUFS EACCES EPERM EROFS EAFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT",
    ),
    (
        "unix-stream",
        "ann: bind",
        "ENOMEM ENOBUFS ENOSPC EDQUOT EACCES EPERM EROFS EIO ENAMETOOLONG ELOOP ENOTDIR",
    ),
    (
        "unix-stream",
        "ann: connect",
        "EINTR ENOMEM ENOBUFS EACCES EPERM EROFS EIO ENAMETOOLONG ELOOP ENOTDIR",
    ),
    ("unix-stream", "ann: listen 1", "ENOMEM ENOBUFS"),
    ("unix-stream", "ann: accept as s", "EINTR EMFILE ENFILE ENOMEM ENOBUFS EACCES EPERM EROFS"),
    ("unix-stream", "ann: option error", "ENOMEM ENOBUFS"),
    (
        "unix-datagram",
        "ann: send 1 addressed",
        "EINTR ENOMEM ENOBUFS EACCES EROFS EIO ENAMETOOLONG ELOOP ENOTDIR",
    ),
    ("unix-stream-abstract", "ann: bind", "ENOMEM ENOBUFS EACCES EPERM EROFS"),
    (
        "tcp",
        "ann: write 1",
        "EINTR ENOMEM ENOBUFS EADDRNOTAVAIL ENETDOWN ENETUNREACH EHOSTUNREACH ETIMEDOUT",
    ),
    (
        "tcp",
        "ann: connect",
        "EINTR ENOMEM ENOBUFS EACCES EPERM EROFS EADDRNOTAVAIL ENETDOWN ENETUNREACH EHOSTUNREACH \
         ETIMEDOUT",
    ),
    ("global-variable", "reader: read 64", ""),
    ("shared-memory", "writer: write 1", ""),
];

fn verdict(text: &str) -> Verdict {
    judge(&text.parse::<Run>().expect("a run"), &LINUX).verdict
}

#[test]
fn each_call_is_excused_by_what_it_can_have_from_outside_and_by_nothing_else() {
    for (kind, call, outside) in CALLS {
        let outside: Vec<&str> = outside.split_whitespace().collect();
        for (name, _, _) in Errno::NAMED {
            let text = format!("channel {kind}\n{call} -> {name}\n");
            match (outside.contains(name), verdict(&text)) {
                (true, Verdict::Unspecified { from: 1, reason }) => assert!(!reason.is_empty()),
                // What a rule of the channel says stands.
                (_, Verdict::Conforms) | (false, Verdict::Deviates) => {}
                (_, verdict) => panic!("{verdict:?}:\n{text}"),
            }
        }
    }
    assert!(CALLS.iter().all(|(name, ..)| KINDS.iter().any(|kind| kind.name == *name)));
}

#[test]
fn what_tells_of_the_channel_itself_never_comes_from_outside() {
    for (kind, call, outside) in CALLS {
        for own in ["EAGAIN", "EPIPE", "EBADF", "EINVAL", "EFAULT", "ENOSYS", "ECONNRESET"] {
            assert!(!outside.split_whitespace().any(|name| name == own), "{kind}, {call}: {own}");
        }
    }
}

#[test]
fn what_follows_is_left_open_and_what_came_before_is_not() {
    let interrupted =
        "channel pipe\nactor writer holds w\nreader: read 1\nquiet reader\nreader: -> EINTR\n";
    let reason = "a signal interrupted the call";
    let open = Verdict::Unspecified { from: 2, reason };
    assert_eq!(verdict(interrupted), open);
    assert_eq!(verdict(&format!("{interrupted}writer: write 1 -> 7\n")), open);
    let before = "channel pipe\nwriter: write 1 -> EAGAIN\nreader: read 1 -> EINTR\n";
    assert_eq!(verdict(before), Verdict::Deviates);
}

#[test]
fn a_rule_of_the_channel_that_gives_the_same_error_stands() {
    let limit = "channel pipe\nwriter: set-capacity 2097152 -> EPERM\nwriter: write 1 -> 2\n";
    assert_eq!(verdict(limit), Verdict::Deviates);
    let granted = "channel pipe\nwriter: set-capacity 8192 -> EPERM\n";
    assert_eq!(verdict(granted), Verdict::Deviates);
    let run: Run =
        "channel locked-file\nwriter: lock exclusive -> ok\nwriter-2: lock exclusive -> EACCES\n"
            .parse()
            .expect("a run");
    assert_eq!(judge(&run, &POSIX).verdict, Verdict::Conforms);
    assert_eq!(judge(&run, &LINUX).verdict, Verdict::Deviates);
}

#[test]
fn a_success_in_part_may_come_from_outside() {
    for text in [
        "channel file\nwriter: write 5 -> 3\nwriter: write 5 -> ENOSPC\n",
        "channel file\nwriter: write-at 5 at 9 -> 1\n",
        "channel unix-stream\nann: send-end 1 passing sa -> 1\nben: receive-end 1 as s5 -> 1 end-lost = ann[0..1]\n",
    ] {
        for platform in [&LINUX, &POSIX] {
            let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
            let verdict = judge(&run, platform).verdict;
            assert!(matches!(verdict, Verdict::Unspecified { .. }), "{verdict:?}:\n{run}");
        }
    }
    for text in [
        "channel file\nwriter: write 5 -> 6\n",
        "channel pipe\nactor reader holds r\nwriter: write 5 -> 3\n",
        "channel unix-stream\nactor ann holds sa\nben: send 5 -> 3\n",
    ] {
        let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(judge(&run, &LINUX).verdict, Verdict::Deviates, "{run}");
    }
}
