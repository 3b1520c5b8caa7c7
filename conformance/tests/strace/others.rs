//! What is no pipe: sockets with an address, locks, queues; and processes that stop or are not told of.

use super::*;

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

/// `strace -qq` leaves the lines out that tell how processes end.
#[test]
fn ends_without_a_line_are_known_from_other_calls() {
    let quiet = |line: &&str| !line.contains("+++");
    let log: Vec<&str> = PIPELINE.lines().filter(quiet).collect();
    assert_eq!(verdicts(&log.join("\n")), [Verdict::Conforms]);
    // One that a signal has ended is known from who has waited for it.
    let killed = log.join("\n").replace("12 exit_group(0)                        = ?\n", "");
    let killed = killed.replacen(
        "WIFEXITED(s) && WEXITSTATUS(s) == 0",
        "WIFSIGNALED(s) && WTERMSIG(s) == SIGKILL",
        1,
    );
    assert_eq!(verdicts(&killed), [Verdict::Conforms]);
    assert_eq!(all(&killed)[0].unjudged, None);
}

/// `strace -e trace=%desc` leaves out who makes whom.
#[test]
fn a_process_from_nowhere_may_have_everything() {
    let desc =
        |line: &&str| ["clone", "wait4", "exit", "execve"].iter().all(|call| !line.contains(call));
    let log: Vec<&str> = PIPELINE.lines().filter(desc).collect();
    let found = all(&log.join("\n")).remove(0);
    let (_, why) = found.unjudged.clone().expect("it is not judged");
    assert!(why.starts_with("12 may have it, too"), "{why}");
    assert_eq!(judge(&found.run, &LINUX).verdict, Verdict::Conforms);
}

/// `strace -z` tells of calls that succeeded, where they returned.
#[test]
fn a_log_without_failures_is_not_judged() {
    let more = "12 brk(NULL) = 0x5555\n13 brk(NULL) = 0x5555\n".repeat(30);
    let whole =
        "10 pipe2([3, 4], 0) = 0\n10 clone(flags=SIGCHLD) = 12\n10 clone(flags=SIGCHLD) = 13\n";
    let rest =
        "10 close(4) = 0\n13 read(3, \"hello\\n\", 6) = 6\n12 write(4, \"hello\\n\", 6) = 6\n";
    let found = all(&format!("{whole}{more}{rest}")).remove(0);
    let (_, why) = found.unjudged.clone().expect("it is not judged");
    assert!(why.contains("strace -z"), "{why}");
    assert_eq!(found.run.events.len(), 0);
}

/// `seq 1 3000 | (sleep 0.2; cat)`: more would only be late, as who writes is not waited for.
#[test]
fn to_wait_for_another_than_the_writer_is_no_hazard() {
    let log = "10 pipe2([3, 4], 0) = 0\n10 clone(flags=SIGCHLD) = 12\n10 clone(flags=SIGCHLD) = 13\n10 close(3) = 0\n\
               10 close(4) = 0\n12 close(3) = 0\n13 close(4) = 0\n13 clone(flags=SIGCHLD) = 14\n14 close(3) = 0\n\
               13 wait4(-1,  <unfinished ...>\n12 write(4, \"hello\\n\", 6) = 6\n12 exit_group(0) = ?\n\
               12 +++ exited with 0 +++\n14 exit_group(0) = ?\n14 +++ exited with 0 +++\n\
               13 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 14\n\
               13 read(3, \"hello\\n\", 131072) = 6\n13 read(3, \"\", 131072) = 0\n";
    let late = |log: &str| {
        let hazards = all(log)[0].hazards();
        hazards.iter().any(|hazard| matches!(hazard, Hazard::WaitBeforeDrain(_)))
    };
    assert!(!late(log));
    // Had the child written, it would be one.
    let by_child = log.replace("13 close(4) = 0\n", "").replace("12 write(4,", "14 write(4,");
    assert!(late(&by_child));
}
