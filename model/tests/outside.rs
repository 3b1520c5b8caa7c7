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
    ("pipe", "writer: close", ""),
    ("pipe", "writer: dup as w2", "EMFILE"),
    ("pipe", "writer: poll out", "EINTR EAGAIN ENOMEM ENOBUFS"),
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
        "EINTR EMFILE ENFILE ENOMEM ENOBUFS EACCES EPERM EIO ENAMETOOLONG ELOOP ENOTDIR",
    ),
    (
        "fifo",
        "reader: unlink",
        "ENOMEM ENOBUFS EACCES EPERM EROFS EIO EBUSY ENAMETOOLONG ELOOP ENOTDIR",
    ),
    ("file", "writer: write 1", "EINTR ENOMEM ENOBUFS ENOSPC EDQUOT EFBIG EIO EPERM"),
    ("file", "writer: write-at 1 at 0", "EINTR ENOMEM ENOBUFS ENOSPC EDQUOT EFBIG EIO EPERM"),
    ("file", "reader: read 1", "EINTR ENOMEM ENOBUFS EIO"),
    ("file", "writer: truncate 1", "EINTR EFBIG EIO EPERM"),
    ("file", "writer: close", "EINTR EIO ENOSPC EDQUOT"),
    (
        "file",
        "w: open write",
        "EINTR EMFILE ENFILE ENOMEM ENOBUFS EACCES EPERM EROFS EIO ENAMETOOLONG ELOOP ENOTDIR ETXTBSY",
    ),
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
        "EMFILE ENFILE ENOMEM ENOBUFS EACCES EPERM EAFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT",
    ),
    (
        "unix-stream",
        "ann: bind",
        "ENOMEM ENOBUFS ENOSPC EDQUOT EACCES EPERM EROFS EIO ENAMETOOLONG ELOOP ENOTDIR ENOENT",
    ),
    (
        "unix-stream",
        "ann: connect",
        "EINTR ENOMEM ENOBUFS EACCES EPERM EIO ENAMETOOLONG ELOOP ENOTDIR",
    ),
    ("unix-stream", "ann: listen 1", "ENOMEM ENOBUFS"),
    ("unix-stream", "ann: accept as s", "EINTR EMFILE ENFILE ENOMEM ENOBUFS EACCES EPERM"),
    ("unix-stream", "ann: option error", "ENOMEM ENOBUFS"),
    (
        "unix-datagram",
        "ann: send 1 addressed",
        "EINTR ENOMEM ENOBUFS EACCES EIO ENAMETOOLONG ELOOP ENOTDIR",
    ),
    ("unix-stream-abstract", "a: socket -> ok\na: bind", "ENOMEM ENOBUFS EACCES EPERM EADDRINUSE"),
    (
        "tcp",
        "a: socket -> ok\na: bind",
        "ENOMEM ENOBUFS EACCES EPERM EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH EHOSTUNREACH \
         ETIMEDOUT",
    ),
    (
        "tcp",
        "ann: write 1",
        "EINTR ENOMEM ENOBUFS EADDRNOTAVAIL ENETDOWN ENETUNREACH EHOSTUNREACH ETIMEDOUT",
    ),
    (
        "tcp",
        "ann: connect",
        "EINTR ENOMEM ENOBUFS EACCES EPERM EADDRNOTAVAIL ENETDOWN ENETUNREACH EHOSTUNREACH \
         ETIMEDOUT",
    ),
    ("global-variable", "reader: read 64", ""),
    ("shared-memory", "writer: write 1", ""),
    ("shared-memory-waiting", "reader: read 5", "EINTR"),
    ("pipe", "reader: epoll", "EMFILE ENFILE ENOMEM ENOBUFS"),
    ("pipe", "reader: epoll -> ok\nreader: epoll-add e r in", "ENOSPC ENOMEM ENOBUFS"),
    (
        "pipe",
        "reader: epoll -> ok\nreader: epoll-add e r in -> ok\nreader: epoll-modify e r out",
        "ENOMEM ENOBUFS",
    ),
    ("pipe", "reader: epoll -> ok\nreader: epoll-wait e wait", "EINTR"),
    ("pipe", "reader: epoll -> ok\nreader: epoll-wait e", ""),
    ("pipe", "writer: fork child", "EAGAIN ENOMEM ENOBUFS"),
    (
        "pipe",
        "writer: exec",
        "ENOENT EACCES EPERM E2BIG ENOTDIR ELOOP ENAMETOOLONG ETXTBSY EAGAIN EIO EISDIR EMFILE \
         ENFILE ENOMEM ENOBUFS",
    ),
    ("pipe", "writer: fork child -> ok\nwriter: signal child SIGTERM", "EPERM"),
    ("pipe", "writer: signal writer SIGTERM", ""),
    ("pipe", "writer: dup2 w as 99999", "EBADF EBUSY EMFILE ENOMEM ENOBUFS"),
    ("pipe", "writer: dup2 w as 5 -> ok\nwriter: dup2 w as 5", "EBUSY EMFILE ENOMEM ENOBUFS"),
];

/// Errors that tell of the channel itself, but not of these calls.
const OF_CALLS: &[(&str, &str)] =
    &[("poll", "EAGAIN"), ("fork", "EAGAIN"), ("exec", "EAGAIN"), ("dup2", "EBADF")];

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
                (true, Verdict::Unspecified { reason, .. }) => assert!(!reason.is_empty()),
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
            let last = call.lines().last().unwrap_or_default();
            let is_excepted = |(word, name): &(&str, &str)| last.contains(word) && *name == own;
            let is = outside.split_whitespace().any(|name| name == own);
            assert!(!is || OF_CALLS.iter().any(is_excepted), "{kind}, {call}: {own}");
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

#[test]
fn a_cause_from_outside_reaches_only_calls_that_get_so_far() {
    for text in [
        "channel file\nactor a holds r\na: write 5 -> 3\n",
        "channel file\nactor a holds r\na: write 5 -> ENOSPC\n",
        "channel file\nactor a holds r\na: truncate 5 -> EFBIG\n",
        "channel file\nactor a holds rw\na: truncate 0 -> EFBIG\n",
        "channel file\nactor a holds w\na: write 5 -> 0\n",
        "channel file\nactor a holds w\na: write 0 -> ENOSPC\n",
        "channel file\nactor a holds w\na: write-at 0 at 9 -> EFBIG\n",
        "channel file\nactor a holds w\na: read 5 -> EIO\n",
        "channel pipe nonblocking\nactor a holds w\nreader: read 5 -> EINTR\n",
        "channel pipe\nactor a holds w\nreader: write 5 -> ENOMEM\n",
        "channel pipe\nactor a holds r\nwriter: write 0 -> EINTR\n",
        "channel pipe\nwriter: close -> EINTR\n",
        "channel pipe\nreader: dup as r2 -> EINTR\n",
        "channel fifo\na: open read nonblocking -> EINTR\n",
        "channel fifo\na: open read -> EROFS\n",
        "channel unix-stream\nactor ann holds sa\nben: receive 1 dontwait -> EINTR\n",
        "channel unix-stream\nactor ann holds sa\nben: read 0 -> EINTR\n",
        "channel message-queue nonblocking\nactor a holds w\nactor b holds r\nb: read 1 -> EINTR\n",
        "channel tcp\na: socket -> ok\na: bind -> ok\na: listen 5 -> EADDRINUSE\n",
        "channel tcp\na: socket nonblocking -> ok\na: connect -> EINTR\n",
    ] {
        let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(judge(&run, &LINUX).verdict, Verdict::Deviates, "{run}");
    }
    for text in [
        "channel pipe\nactor a holds w\nreader: read 5 -> EINTR\n",
        "channel pipe nonblocking\nactor a holds w\nactor b holds r\na: nonblocking off\nb: read 5 -> EINTR\na: -> ok\n",
        "channel file\nactor a holds w\na: write 5 -> 1\n",
        "channel file\nactor a holds w\na: truncate 9 -> EFBIG\n",
        "channel fifo\na: open read -> EINTR\n",
        "channel tcp\na: socket -> ok\na: listen 5 -> EADDRINUSE\n",
        "channel unix-datagram\nactor ann holds sa\nactor ben holds sb\nann: send 0 -> EINTR\n",
    ] {
        for platform in [&LINUX, &POSIX] {
            let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
            let verdict = judge(&run, platform).verdict;
            assert!(matches!(verdict, Verdict::Unspecified { .. }), "{verdict:?}:\n{run}");
        }
    }
}

/// A call that has transferred a part and would sleep returns that part where a signal is caught, be it that no run tells of
/// one.
#[test]
fn a_signal_of_which_no_run_tells_may_cut_a_call_short_that_would_sleep() {
    let asleep = "channel pipe\nactor reader holds r\nwriter: write 70000\nquiet writer\n";
    let two = "channel up pipe\nchannel down pipe\nprocess p holds up.r up.w\nprocess q inherits up.w of p\n\
               q: write up.w 70000\nquiet q\n";
    let unix = "channel unix-stream\nactor ann holds sa\nactor ben holds sb\n";
    for (text, is_excused) in [
        (format!("{asleep}writer: -> 65536\n"), true),
        // The signal came before there was room again, the return after.
        (format!("{asleep}reader: read 4096 -> 4096\nwriter: -> 65536\n"), true),
        (format!("{asleep}reader: read 4096 -> 4096\nquiet writer\nwriter: -> 65536\n"), false),
        (format!("{asleep}reader: read 4096 -> 4096\nquiet writer\nwriter: -> 69632\n"), true),
        (format!("{asleep}writer: -> 65535\n"), false),
        (format!("{asleep}writer: -> 100\n"), false),
        (format!("{two}q: -> 65536\n"), true),
        (format!("{two}q: -> 65000\n"), false),
        ("channel pipe\nactor reader holds r\nwriter: write 5 -> 3\n".into(), false),
        (
            "channel pipe nonblocking\nactor reader holds r\nwriter: write 70000 -> 5\n".into(),
            false,
        ),
        (format!("{unix}ann: write 5 -> 5\nben: receive 9 waitall -> 5\n"), true),
        (format!("{unix}ann: write 5 -> 5\nben: receive 9 waitall -> 4\n"), false),
    ] {
        let verdict = verdict(&text);
        let excused = matches!(verdict, Verdict::Unspecified { .. });
        assert!(excused == is_excused && verdict != Verdict::Conforms, "{verdict:?}:\n{text}");
    }
}
