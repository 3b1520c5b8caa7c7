//! Logs of strace: kept ones, with what they show, and what is changed in them.

use pipewright_conformance::strace::{
    Found, Hazard, Knot, asleep, calls, channels, looks_like_strace,
};
use pipewright_model::asleep::{Moment, Present};
use pipewright_model::oracle::{self, Verdict, judge};
use pipewright_model::platform::LINUX;

/// A pipeline as a shell makes it: the parent closes its copies, both children run other programs.
const PIPELINE: &str = include_str!("data/strace/pipeline.strace");

fn all(log: &str) -> Vec<Found> {
    assert!(looks_like_strace(log));
    let calls = calls(log);
    assert_eq!(calls.strange, Vec::<usize>::new());
    let found = channels(&calls).found;
    found.iter().for_each(|channel| channel.run.check().expect("a run"));
    found
}

fn verdicts(log: &str) -> Vec<Verdict> {
    all(log).iter().map(|found| judge(&found.run, &LINUX).verdict).collect()
}

#[test]
fn a_pipeline_conforms_and_has_no_hazard() {
    assert_eq!(verdicts(PIPELINE), [Verdict::Conforms]);
    let found = all(PIPELINE).remove(0);
    assert_eq!(found.hazards(), []);
    assert_eq!(found.unjudged, None);
    assert_eq!(found.run.seats.len(), 3);
}

#[test]
fn what_no_pipe_does_deviates() {
    for (line, instead) in [
        // More than was written.
        (
            "13 read(0, \"hello\\n\", 131072)          = 6",
            "13 read(0, \"hello\\n\", 131072)          = 7",
        ),
        // The end of file before the writer is gone.
        (
            "13 read(0, \"hello\\n\", 131072)          = 6",
            "13 read(0, \"hello\\n\", 131072)          = 0",
        ),
        // A broken pipe while somebody can read.
        (
            "12 write(1, \"hello\\n\", 6)              = 6",
            "12 write(1, \"hello\\n\", 6)              = -1 EPIPE (Broken pipe)",
        ),
    ] {
        assert!(PIPELINE.contains(line), "{line}");
        let changed = PIPELINE.replacen(line, instead, 1);
        assert_eq!(verdicts(&changed), [Verdict::Deviates], "{instead}");
    }
}

#[test]
fn numbers_with_what_they_are_and_halves_of_calls_are_read() {
    let yy = PIPELINE
        .replace("close(4)", "close(4<pipe:[99]>)")
        .replace("write(1,", "write(1<pipe:[99]>,");
    assert_eq!(verdicts(&yy), [Verdict::Conforms]);
    let line = "12 write(1, \"hello\\n\", 6)              = 6\n";
    let halves = "12 write(1, \"hello\\n\", 6 <unfinished ...>\n12 <... write resumed>) = 6\n";
    assert_eq!(verdicts(&PIPELINE.replacen(line, halves, 1)), [Verdict::Conforms]);
    let pids: String = PIPELINE
        .lines()
        .map(|line| {
            line.split_once(' ').map_or(String::new(), |(id, rest)| {
                format!("[pid {id}] 1700000000.123456 {rest}\n")
            })
        })
        .collect();
    assert_eq!(verdicts(&pids), [Verdict::Conforms]);
}

#[test]
fn who_keeps_the_write_end_is_named() {
    // Somebody inherits the write end, keeps it and does nothing: the reader waits until it is gone.
    let log = "\
10 pipe2([3, 4], 0) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
11 close(3) = 0
11 dup2(4, 1) = 1
11 close(4) = 0
11 clone(child_stack=NULL, flags=SIGCHLD) = 12
12 getpid() = 12
11 write(1, \"x\", 1) = 1
11 exit_group(0) = ?
11 +++ exited with 0 +++
10 close(4) = 0
10 read(3, \"x\", 100) = 1
10 read(3,  <unfinished ...>
12 exit_group(0) = ?
12 +++ exited with 0 +++
10 <... read resumed>\"\", 100) = 0
";
    assert_eq!(verdicts(log), [Verdict::Conforms]);
    assert_eq!(all(log)[0].hazards(), [Hazard::HeldWriteEnd(vec![12])]);
    // Where the log ends before, it is told who could end the wait.
    let cut: String = log.lines().take(13).map(|line| format!("{line}\n")).collect();
    let cut = cut.replace("read(3,  <unfinished ...>", "read(3, \"\", 100 <unfinished ...>");
    let found = all(&cut).remove(0);
    let run = found.at_rest().expect("a call has not returned");
    let worlds = oracle::after(&run, &LINUX);
    let present = Present::after(&run, run.events.len() - 1);
    let moment = Moment::of(&run, &LINUX, &worlds, &present).expect("it is known");
    let told = moment.sentences(&run);
    assert!(told.contains("p12 could end it"), "{told}");
}

#[test]
fn hazards_are_named() {
    let log = "\
10 pipe([3, 4]) = 0
10 fcntl(3, F_SETFL, O_RDONLY|O_NONBLOCK) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
11 execve(\"/bin/true\", [\"true\"], 0x0 /* 1 vars */) = 0
11 exit_group(0) = ?
11 +++ exited with 0 +++
10 clone(child_stack=NULL, flags=SIGCHLD) = 12
10 write(4, \"ab\", 2) = 2
12 read(3, \"ab\", 2) = 2
10 read(3, 0x7f, 2) = -1 EAGAIN (Resource temporarily unavailable)
";
    assert_eq!(verdicts(log), [Verdict::Conforms]);
    let hazards = [
        Hazard::SeveralReaders(vec![10, 12]),
        Hazard::SharedNonblock(vec![10]),
        Hazard::LeakedOverExec(vec![11]),
    ];
    assert_eq!(all(log)[0].hazards(), hazards);
    // Of tokens, which are read one at a time, each is somebody's.
    let tokens = log
        .replace("\"ab\", 2) = 2", "\"a\", 1) = 1")
        .replace("0x7f, 2) = -1 EAGAIN (Resource temporarily unavailable)", "\"b\", 1) = 1");
    assert_eq!(all(&tokens)[0].hazards(), hazards[1..]);
}

#[test]
fn what_cannot_be_said_leaves_its_channel_unjudged() {
    let log = "\
10 pipe([3, 4]) = 0
10 pipe([5, 6]) = 0
10 splice(3, NULL, 6, NULL, 100, 0) = 10
10 write(6, \"a\", 1) = 1
";
    let found = all(log);
    assert!(
        found.iter().all(|channel| channel.unjudged.as_ref().is_some_and(|(line, _)| *line == 3))
    );
}

#[test]
fn pairs_of_sockets_are_followed() {
    let log = "\
10 socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [3, 4]) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
11 close(3) = 0
11 recvfrom(4,  <unfinished ...>
10 close(4) = 0
10 sendto(3, \"hello\", 5, MSG_NOSIGNAL, NULL, 0) = 5
11 <... recvfrom resumed>\"hello\", 100, 0, NULL, NULL) = 5
11 sendmsg(4, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"a\", iov_len=1}, {iov_base=\"bc\", iov_len=2}], msg_iovlen=2, msg_controllen=0, msg_flags=0}, 0) = 3
11 shutdown(4, SHUT_WR) = 0
11 exit_group(0) = ?
11 +++ exited with 0 +++
10 recvfrom(3, \"abc\", 100, 0, NULL, NULL) = 3
10 recvfrom(3, \"\", 100, 0, NULL, NULL) = 0
10 socketpair(AF_UNIX, SOCK_DGRAM, 0, [4, 5]) = 0
10 sendto(4, \"xxxxxxxxxx\", 10, 0, NULL, 0) = 10
10 recvmsg(5, {msg_name=0x7ffd, msg_iov=[{iov_base=\"xxxxx\", iov_len=5}], msg_iovlen=1, msg_flags=MSG_TRUNC}, 0) = 5
";
    assert_eq!(verdicts(log), [Verdict::Conforms, Verdict::Conforms]);
    assert!(all(log).iter().all(|found| found.unjudged.is_none() && found.hazards().is_empty()));
    for (line, instead) in [
        ("\"abc\", 100, 0, NULL, NULL) = 3", "\"abc\", 100, 0, NULL, NULL) = 4"),
        ("\"\", 100, 0, NULL, NULL) = 0", "0x7f, 100, 0, NULL, NULL) = -1 EAGAIN (Again)"),
        ("msg_flags=MSG_TRUNC", "msg_flags=0"),
    ] {
        assert!(log.contains(line), "{line}");
        assert!(
            verdicts(&log.replacen(line, instead, 1)).contains(&Verdict::Deviates),
            "{instead}"
        );
    }
}

#[test]
fn fifos_that_a_log_makes_are_followed() {
    let log = "\
10 chdir(\"/tmp\") = 0
10 mknodat(AT_FDCWD, \"a/../q\", S_IFIFO|0666) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
10 openat(AT_FDCWD, \"q\", O_RDONLY <unfinished ...>
11 open(\"/tmp/q\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 7
10 <... openat resumed>) = 3
11 dup2(7, 1) = 1
11 close(7) = 0
11 write(1, \"hi\", 2) = 2
11 exit_group(0) = ?
11 +++ exited with 0 +++
10 read(3, \"hi\", 100) = 2
10 read(3, \"\", 100) = 0
10 openat(AT_FDCWD, \"q\", O_WRONLY|O_NONBLOCK) = 4
10 close(3) = 0
10 close(4) = 0
10 openat(AT_FDCWD, \"q\", O_WRONLY|O_NONBLOCK) = -1 ENXIO (No such device or address)
10 unlink(\"q\") = 0
10 openat(AT_FDCWD, \"q\", O_RDONLY) = 3
";
    assert_eq!(verdicts(log), [Verdict::Conforms]);
    assert_eq!(all(log)[0].unjudged, None);
    let changed = log.replacen("-1 ENXIO (No such device or address)", "3", 1);
    assert_eq!(verdicts(&changed), [Verdict::Deviates]);
    // Who sleeps in an open at the end of the log is told.
    let asleep: String = log.lines().take(4).map(|line| format!("{line}\n")).collect();
    let run = all(&asleep).remove(0).at_rest().expect("an open has not returned");
    assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms);
}

#[test]
fn a_pipe_opened_by_its_descriptor_has_one_more() {
    let log = "\
10 pipe2([62, 63], 0) = 0
10 openat(AT_FDCWD, \"/dev/fd/63\", O_WRONLY) = 3
10 close(63) = 0
10 read(62,  <unfinished ...>
11 write(3, \"x\", 1) = 1
10 <... read resumed>\"x\", 10) = 1
10 read(62,  <unfinished ...>
";
    let log = log.replacen(
        "10 read(62,  <unf",
        "10 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD}, 88) = 11\n10 read(62,  <unf",
        1,
    );
    assert_eq!(verdicts(&log), [Verdict::Conforms]);
    let gone = log.replacen("11 write", "11 close(3) = 0\n11 write", 1);
    assert_eq!(verdicts(&gone), [Verdict::Deviates]);
}

#[test]
fn threads_come_to_be_after_a_program_is_run() {
    let log = "\
10 pipe2([3, 4], 0) = 0
10 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD}, 88 <unfinished ...>
11 fcntl(3, F_DUPFD_CLOEXEC, 10) = 10
11 execve(\"/bin/x\", [\"x\"], 0x0) = 0
10 <... clone3 resumed>) = 11
11 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD}, 88) = 12
12 write(4, \"x\", 1) = 1
12 read(10, 0x7f, 1) = -1 EBADF (Bad file descriptor)
11 read(3, \"x\", 1) = 1
";
    assert_eq!(verdicts(log), [Verdict::Conforms]);
    assert_eq!(all(log)[0].unjudged, None);
}

#[test]
fn passed_descriptors_leave_what_they_lead_to_unjudged() {
    let log = "\
10 pipe2([3, 4], 0) = 0
10 pipe2([7, 8], 0) = 0
10 socketpair(AF_UNIX, SOCK_STREAM, 0, [5, 6]) = 0
10 sendmsg(5, {msg_iov=[{iov_base=\"a\", iov_len=1}], msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[3]}], msg_flags=0}, 0) = 1
10 write(8, \"x\", 1) = 1
";
    let unjudged: Vec<bool> = all(log).iter().map(|found| found.unjudged.is_some()).collect();
    assert_eq!(unjudged, [true, false, true]);
}

#[test]
fn a_wait_before_the_output_is_read_is_named() {
    let log = "\
10 pipe2([3, 4], 0) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
10 close(4) = 0
10 wait4(11,  <unfinished ...>
11 write(4, \"hello\", 5) = 5
11 exit_group(0) = ?
11 +++ exited with 0 +++
10 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 11
10 read(3, \"hello\", 100) = 5
10 read(3, \"\", 100) = 0
";
    assert_eq!(all(log)[0].hazards(), [Hazard::WaitBeforeDrain(vec![10])]);
    // Who reads first is in no danger.
    let read_first = log
        .replacen("10 wait4(11,  <unf", "10 read(3,  <unf", 1)
        .replacen("11 exit_group", "10 <... read resumed>\"hello\", 100) = 5\n11 exit_group", 1)
        .replacen("10 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 11\n10 read(3, \"hello\", 100) = 5\n", "", 1);
    assert_eq!(all(&read_first)[0].hazards(), []);
}

/// `strace -s 0` hides which descriptors a pipe has.
#[test]
fn hidden_numbers_are_found_out() {
    let hidden = PIPELINE.replace("pipe2([3, 4]", "pipe2([...]");
    assert_ne!(hidden, PIPELINE);
    let (found, shown) = (all(&hidden), all(PIPELINE));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].run, shown[0].run);
    // Two at once, beside a number that nobody speaks of, and vectors that are hidden, too.
    let log = "\
10 execve(\"/bin/x\", [...], 0x0) = 0
10 pipe2([...], O_CLOEXEC) = 0
10 pipe2([...], O_CLOEXEC) = 0
10 writev(5, [...], 2) = 5
10 readv(4, [...], 2) = 5
10 write(7, \"\"..., 3) = 3
10 read(6, \"\"..., 10) = 3
10 close(5) = 0
10 read(4, \"\", 10) = 0
";
    let ends = |log: &str| all(log).iter().map(|found| found.name.clone()).collect::<Vec<_>>();
    assert_eq!(ends(log), ["pipe 4|5 of 10, made at line 2", "pipe 6|7 of 10, made at line 3"]);
    assert_eq!(verdicts(log), [Verdict::Conforms, Verdict::Conforms]);
    // What can't be told stays hidden, and is counted.
    let more = log.replacen("10 close(5)", "10 fstat(9) = 0\n10 close(5)", 1);
    assert_eq!(channels(&calls(&more)).hidden, 2);
}

/// The log of a program that hangs.
struct Hang {
    log: &'static str,
    /// Its pattern, the same as `why` names.
    pattern: &'static str,
    /// What is told of it: holder, descriptor and rule.
    says: &'static [&'static str],
    /// Who waits for ever, for each other or for nobody.
    knots: &'static [&'static [u32]],
}

macro_rules! log {
    ($name:literal) => {
        include_str!(concat!("data/strace/", $name, ".strace"))
    };
}

/// Logs of the twelve programs of `examples/hangs`, ended by Ctrl-C.
const HANGS: [Hang; 12] = [
    Hang {
        log: log!("leaked-by-fork"),
        pattern: "a leaked end, held by the reader itself",
        says: &[
            "p15980 sleeps for ever in `read r0 16384` (stream.read.waits): nobody else is left who could end it; its own process holds w4",
        ],
        knots: &[&[15980]],
    },
    Hang {
        log: log!("leaked-by-grandchild"),
        pattern: "a leaked end",
        says: &[
            "p16063 sleeps for ever in `read r0 16384` (stream.read.waits): p16040 could end it (write w4, close w4) but sleeps in `read r5 8184`",
            "p16040 sleeps for ever in `read r5 8184` (stream.read.waits): p16063 could end it (write w1, close w1) but sleeps in `read r0 16384`",
        ],
        knots: &[&[16040, 16063]],
    },
    Hang {
        log: log!("leaked-by-dup"),
        pattern: "a leaked end, held by the reader itself",
        says: &[
            "p13682 sleeps for ever in `read r3 64` (stream.read.waits): nobody else is left who could end it; its own process holds w4",
        ],
        knots: &[&[13682]],
    },
    Hang {
        log: log!("two-full-pipes"),
        pattern: "both write more than fits",
        says: &[
            "p16255 sleeps for ever in `write w1 65536` (stream.write.waits): p16242 could end it (read r5, close r5) but sleeps in `write w4 1050000`",
            "p16242 sleeps for ever in `write w4 1050000` (stream.write.waits): p16255 could end it (read r0, close r0)",
        ],
        knots: &[&[16242, 16255]],
    },
    Hang {
        log: log!("stderr-forgotten"),
        pattern: "stderr forgotten",
        says: &[
            "p16182 sleeps for ever in `read r3 8192` (stream.read.waits): p16187 could end it (write w1, close w1) but sleeps in `wait`",
            "p16191 sleeps for ever in `write w1 4096` (stream.write.waits): p16182 could end it (read r5, close r5)",
        ],
        knots: &[&[16182, 16187, 16191]],
    },
    Hang {
        log: log!("wait-before-drain"),
        pattern: "wait before drain",
        says: &[
            "p16309 sleeps for ever in `write w1 4096` (stream.write.waits): p16302 could end it (read r3, close r3) but sleeps in `wait`",
            "p16302 sleeps for ever in `wait` (process.wait.waits): its child 16309 has not ended",
        ],
        knots: &[&[16302, 16309]],
    },
    Hang {
        log: log!("fifo-both-read"),
        pattern: "a FIFO opened by both for the same side",
        says: &[
            "p15565 sleeps in `open read` (fifo.open.waits): p15568 could end it",
            "but sleeps in `open read`; whoever opens its path could end it",
        ],
        knots: &[],
    },
    Hang {
        log: log!("fifo-no-writer"),
        pattern: "a FIFO whose other side never comes",
        says: &[
            "p15668 sleeps in `open read` (fifo.open.waits): whoever opens its path could end it",
            "p15661 sleeps in `wait` (process.wait.waits): its child 15668 has not ended",
        ],
        knots: &[],
    },
    Hang {
        log: log!("stopped-peer"),
        pattern: "a stopped peer",
        says: &[
            "p14240 sleeps in `read r5 8192` (stream.read.waits): p14241 could end it (write w1, close w1) but is stopped, until SIGCONT comes",
        ],
        knots: &[],
    },
    Hang {
        log: log!("lock-upgrade"),
        pattern: "lock upgrade",
        says: &[
            "p13926 sleeps for ever in `flock r3 exclusive wait` (lock.flock.waits): p13923 could end it (flock w9 none) but sleeps in `wait`; its own process holds w9",
        ],
        knots: &[&[13923, 13926]],
    },
    Hang {
        log: log!("full-queue"),
        pattern: "a full queue",
        says: &[
            "p13432 sleeps for ever in `write rw3 16` (queue.write.waits): nobody else is left who could end it; its own process holds rw3",
        ],
        knots: &[&[13432]],
    },
    Hang {
        log: log!("connect-beyond-backlog"),
        pattern: "a connect beyond the backlog",
        says: &[
            "p13971 sleeps in `connect s6` (connection.connect.waits): TCP gives up after some minutes; its own process holds s3",
        ],
        knots: &[],
    },
];

/// What slept when a log was interrupted is told over all channels: what is for ever, and the pattern.
#[test]
fn of_each_program_that_hangs_the_log_tells_holder_descriptor_rule_and_pattern() {
    for Hang { log, pattern, says, knots } in &HANGS {
        assert_eq!(verdicts(log).iter().filter(|v| **v == Verdict::Deviates).count(), 0);
        let before = calls(log).until_interrupted().expect("a signal from outside ended it");
        let found = channels(&before).found;
        let asleep = asleep(&before, &found, &LINUX);
        let told = asleep.channels.iter().map(|(_, told)| told.as_str());
        let told: String = told.chain(asleep.children.iter().map(String::as_str)).collect();
        for sentence in *says {
            assert!(told.contains(sentence), "{sentence}\n{told}");
        }
        let sorted = |knot: &Knot| {
            let mut threads = knot.threads.clone();
            threads.sort_unstable();
            threads
        };
        assert_eq!(asleep.knots.iter().map(sorted).collect::<Vec<_>>(), *knots, "{told}");
        let knots = asleep.knots.iter().map(|knot| knot.pattern);
        let named: Vec<_> =
            knots.chain([asleep.pattern]).flatten().map(|named| named.name).collect();
        assert_eq!(named, [*pattern], "{told}");
    }
}

/// What is told of a log that ends, by channel, and the patterns.
fn told_at_the_end(log: &str) -> (String, Vec<&'static str>) {
    let calls = calls(log);
    let asleep = asleep(&calls, &channels(&calls).found, &LINUX);
    let told = asleep.channels.iter().map(|(_, told)| told.as_str()).collect();
    let patterns = asleep.knots.iter().map(|knot| knot.pattern).chain([asleep.pattern]);
    (told, patterns.flatten().map(|pattern| pattern.name).collect())
}

/// Who sleeps in epoll_wait sleeps for all ends of its list; who sleeps in poll or select for those that it gives.
#[test]
fn who_polls_sleeps_for_all_that_is_polled() {
    let log = "\
10 pipe2([3, 4], 0) = 0
10 pipe2([5, 6], 0) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
10 close(4) = 0
10 close(5) = 0
10 epoll_create1(EPOLL_CLOEXEC) = 7
10 epoll_ctl(7, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
11 close(3) = 0
11 close(6) = 0
11 ppoll([{fd=5, events=POLLIN}], 1, NULL, NULL, 8 <unfinished ...>
10 epoll_wait(7, [], 8, -1 <unfinished ...>
";
    assert_eq!(verdicts(log), [Verdict::Conforms, Verdict::Conforms]);
    let (told, patterns) = told_at_the_end(log);
    for sentence in [
        "p10 sleeps for ever in `poll r3 in wait` (descriptor.poll.waits): p11 could end it (write w4, close w4) but sleeps in `poll r5 in wait`",
        "p11 sleeps for ever in `poll r5 in wait` (descriptor.poll.waits): p10 could end it (write w6, close w6) but sleeps in `poll r3 in wait`",
    ] {
        assert!(told.contains(sentence), "{sentence}\n{told}");
    }
    assert_eq!(patterns.len(), 1, "{told}");
    // A list that has something else on it, or a call that may time out, is never for ever.
    let other = log.replace("10 epoll_wait", "10 epoll_ctl(7, EPOLL_CTL_ADD, 9, {events=EPOLLIN, data={u32=9, u64=9}}) = 0\n10 epoll_wait");
    let unknown = log.replace("epoll_wait(7, [], 8, -1 <", "epoll_wait(7,  <");
    for log in [other, unknown] {
        let (told, patterns) = told_at_the_end(&log);
        assert!(
            told.contains("something else that it polls, or a time-out, could end it"),
            "{told}"
        );
        assert_eq!((told.contains("for ever"), patterns.len()), (false, 0), "{told}");
    }
    // With a time-out it does not sleep for ever; what it gives is not told.
    let timed = log.replace("1, NULL, NULL, 8", "1, {tv_sec=1, tv_nsec=0}, NULL, 8");
    assert!(!told_at_the_end(&timed).0.contains("for ever"));
    let select = log.replace(
        "ppoll([{fd=5, events=POLLIN}], 1, NULL, NULL, 8",
        "select(6, [5], NULL, NULL, NULL",
    );
    assert!(told_at_the_end(&select).0.contains("p11 sleeps for ever in `poll r5 in wait`"));
}

/// A server and its client over an address of this machine, which the client is told.
const SERVER: &str = "\
10 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3
10 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
10 bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0
10 listen(3, 5) = 0
10 getsockname(3, {sa_family=AF_INET, sin_port=htons(4711), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
10 accept4(3,  <unfinished ...>
11 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 4
11 connect(4, {sa_family=AF_INET, sin_port=htons(4711), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0
10 <... accept4 resumed>{sa_family=AF_INET, sin_port=htons(33333), sin_addr=inet_addr(\"127.0.0.1\")}, [16], SOCK_CLOEXEC) = 5
11 sendto(4, \"hello\", 5, 0, NULL, 0) = 5
10 recvfrom(5, \"hello\", 100, 0, NULL, NULL) = 5
11 close(4) = 0
10 recvfrom(5, \"\", 100, 0, NULL, NULL) = 0
";

#[test]
fn sockets_that_connect_by_an_address_are_one_channel() {
    assert_eq!(verdicts(SERVER), [Verdict::Conforms]);
    assert!(all(SERVER)[0].unjudged.is_none());
    assert_eq!(channels(&calls(SERVER)).connections, []);
    // More than was sent.
    let more = SERVER.replace(
        "recvfrom(5, \"hello\", 100, 0, NULL, NULL) = 5",
        "recvfrom(5, \"hello!\", 100, 0, NULL, NULL) = 6",
    );
    assert_eq!(verdicts(&more), [Verdict::Deviates]);
    let unix = SERVER
        .replace("AF_INET, SOCK", "AF_UNIX, SOCK")
        .replace(
            "sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"127.0.0.1\")",
            "sa_family=AF_UNIX, sun_path=\"s\"",
        )
        .replace(
            "sa_family=AF_INET, sin_port=htons(4711), sin_addr=inet_addr(\"127.0.0.1\")",
            "sa_family=AF_UNIX, sun_path=\"s\"",
        );
    assert_eq!(verdicts(&unix), [Verdict::Conforms]);
    assert_eq!(all(&unix)[0].run.setup().kind.name, "unix-stream");
    // A client that the log does not tell of may have done anything.
    let outside: String = SERVER
        .lines()
        .filter(|line| !line.contains(" connect("))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(all(&outside)[0].unjudged.is_some());
    // A server that nobody of the log is: the connection is counted.
    let client: String = SERVER.lines().skip(7).take(2).map(|line| format!("{line}\n")).collect();
    assert_eq!(channels(&calls(&client)).connections.len(), 1);
}

#[test]
fn locks_of_files_are_followed() {
    let log = "\
10 openat(AT_FDCWD, \"lock\", O_RDWR|O_CREAT, 0666) = 3
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
10 flock(3, LOCK_EX) = 0
10 write(3, \"x\", 1) = 1
11 openat(AT_FDCWD, \"lock\", O_RDONLY) = 4
11 flock(4, LOCK_SH|LOCK_NB) = -1 EAGAIN (Resource temporarily unavailable)
11 flock(4, LOCK_SH <unfinished ...>
10 flock(3, LOCK_UN) = 0
11 <... flock resumed>) = 0
11 flock(4, LOCK_UN) = 0
10 fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=0}) = 0
";
    assert_eq!(verdicts(log), [Verdict::Conforms]);
    assert!(all(log)[0].unjudged.is_none());
    // Others may hold a lock, too: what no process of the log explains is left open, and is no deviation.
    let others = log.replacen(
        "flock(3, LOCK_EX) = 0",
        "flock(3, LOCK_EX|LOCK_NB) = -1 EAGAIN (Resource temporarily unavailable)",
        1,
    );
    assert!(matches!(verdicts(&others)[0], Verdict::Unspecified { .. }));
    let a_part = log.replace("l_len=0}", "l_len=5}");
    assert!(all(&a_part)[0].unjudged.is_some());
    // A file that nobody locks is none of the channels.
    let unlocked: String = log
        .lines()
        .filter(|line| !line.contains("lock(") && !line.contains("fcntl"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(all(&unlocked).is_empty());
}

#[test]
fn message_queues_are_followed() {
    let log = "\
10 mq_open(\"q\", O_RDWR|O_CREAT|O_EXCL, 0600, {mq_flags=0, mq_maxmsg=2, mq_msgsize=8192, mq_curmsgs=0}) = 3
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
10 mq_unlink(\"q\") = 0
10 mq_timedsend(3, \"a\"..., 4000, 0, NULL) = 0
10 mq_timedsend(3, \"b\"..., 10, 0, NULL) = 0
10 mq_timedsend(3, \"c\"..., 9000, 0, NULL) = -1 EMSGSIZE (Message too long)
10 mq_timedsend(3, \"c\"..., 1, 0, NULL <unfinished ...>
11 mq_timedreceive(3, \"a\"..., 8192, [0], NULL) = 4000
10 <... mq_timedsend resumed>) = 0
11 mq_timedreceive(3, 0x7f, 100, NULL, NULL) = -1 EMSGSIZE (Message too long)
11 mq_timedreceive(3, \"b\"..., 8192, [0], NULL) = 10
";
    assert_eq!(verdicts(log), [Verdict::Conforms]);
    assert!(all(log)[0].unjudged.is_none());
    let other = log.replace("8192, [0], NULL) = 10", "8192, [0], NULL) = 11");
    assert_eq!(verdicts(&other), [Verdict::Deviates]);
    let old = log.replace("|O_EXCL", "");
    assert!(all(&old)[0].unjudged.is_some());
}

#[test]
fn a_process_that_is_stopped_goes_on_by_sigcont() {
    let log = "\
10 pipe2([3, 4], 0) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
10 close(4) = 0
11 --- SIGTSTP {si_signo=SIGTSTP, si_code=SI_KERNEL} ---
11 --- stopped by SIGTSTP ---
10 read(3,  <unfinished ...>
";
    let (told, patterns) = told_at_the_end(&log.replace("read(3,  <", "read(3, \"\", 10 <"));
    assert!(
        told.contains("p11 could end it (write w4, close w4) but is stopped, until SIGCONT comes"),
        "{told}"
    );
    assert_eq!(patterns, ["a stopped peer"]);
    let on = format!(
        "{log}11 --- SIGCONT {{si_signo=SIGCONT, si_code=SI_USER, si_pid=9, si_uid=0}} ---\n11 write(4, \"x\", 1) = 1\n10 <... read resumed>\"x\", 10) = 1\n"
    );
    assert_eq!(verdicts(&on), [Verdict::Conforms]);
}

/// A signal that a process of the log sends ends nothing from outside, nor does one that ends a process in no call.
#[test]
fn a_process_that_another_ends_was_not_interrupted() {
    let log = "\
10 pipe2([3, 4], 0) = 0
10 clone(child_stack=NULL, flags=SIGCHLD) = 11
11 read(3, 0x7f, 16) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
10 kill(11, SIGTERM) = 0
11 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=10, si_uid=0} ---
11 +++ killed by SIGTERM +++
10 exit_group(0) = ?
10 +++ exited with 0 +++
";
    let log = calls(log);
    assert_eq!(log.interrupted, None);
    assert_eq!(log.until_interrupted(), None);
}

/// Without -f the log shows what a child has written, but no child.
#[test]
fn a_child_that_no_line_is_of_leaves_its_channels_unjudged() {
    let log = "\
pipe2([3, 4], 0) = 0
pipe2([5, 6], O_CLOEXEC) = 0
close(6) = 0
close(5) = 0
clone(child_stack=NULL, flags=SIGCHLD) = 11
close(4) = 0
read(3, \"hi\", 100) = 2
read(3, \"\", 100) = 0
";
    assert_eq!(verdicts(log), [Verdict::Conforms, Verdict::Conforms]);
    let from: Vec<_> = all(log).iter().map(|found| found.unjudged.as_ref().map(|u| u.0)).collect();
    assert_eq!(from, [Some(5), None]);
}

#[test]
fn other_files_are_no_logs() {
    for text in ["channel pipe\nwriter: write 1 -> 1\n", "", "{}", "read me first (please)\n"] {
        assert!(!looks_like_strace(text), "{text}");
    }
}
