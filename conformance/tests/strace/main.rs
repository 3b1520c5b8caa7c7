//! Logs of strace: kept ones, with what they show, and what is changed in them.

mod asleep;
mod epolls;
mod others;

use pipewright_conformance::strace::{
    Found, Hazard, Knot, asleep, calls, channels, looks_like_strace,
};
use pipewright_model::asleep::{Moment, Present};
use pipewright_model::oracle::{self, Verdict, judge};
use pipewright_model::platform::LINUX;

/// A pipeline as a shell makes it: the parent closes its copies, both children run other programs.
const PIPELINE: &str = include_str!("../data/strace/pipeline.strace");

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

/// What is told of a log that ends, by channel, and the patterns.
fn told_at_the_end(log: &str) -> (String, Vec<&'static str>) {
    let calls = calls(log);
    let asleep = asleep(&calls, &channels(&calls).found, &LINUX);
    let told = asleep.channels.iter().map(|(_, told)| told.as_str()).collect();
    let patterns = asleep.knots.iter().map(|knot| knot.pattern).chain([asleep.pattern]);
    (told, patterns.flatten().map(|pattern| pattern.name).collect())
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
