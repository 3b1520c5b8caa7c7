//! Runs of several channels and processes: what conforms, and at which event what does not.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, POSIX};
use pipewright_model::rules::RULES;
use pipewright_model::run::Run;
use pipewright_model::text::parse;

/// Each run, and where it deviates: the text of the line, or nothing.
const RUNS: &[(&str, Option<&str>)] = &[
    // The child has the write end, too.
    (
        "channel up pipe\nchannel down pipe capacity 4096\nprocess shell holds up.r up.w down.r down.w\n\
         shell: fork wc -> ok\nwc: dup2 up.r as 0 -> ok\nwc: dup2 down.w as 1 -> ok\n\
         shell: write up.w 5 -> 5\nshell: close up.w -> ok\nshell: wait wc\n\
         wc: read 0 16384 -> 5 = shell[0..5]\nwc: read 0 16384\nquiet shell, wc\n",
        None,
    ),
    (
        "channel up pipe\nchannel down pipe\nprocess shell holds up.r up.w down.r down.w\n\
         shell: fork wc -> ok\nwc: close up.w -> ok\nshell: close up.w -> ok\n\
         wc: read up.r 5\nquiet wc\n",
        Some("quiet wc"),
    ),
    // dup2 onto a number lets go of what was there, on another channel.
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.w b.r b.w\nprocess q holds a.r\n\
         p: dup2 a.w as 5 -> ok\np: close a.w -> ok\np: dup2 b.w as 5 -> ok\nq: read a.r 1 -> 0\n\
         p: write 5 3 -> 3\np: read b.r 3 -> 3 = p[0..3]\n",
        None,
    ),
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.w b.r b.w\nprocess q holds a.r\n\
         p: dup2 a.w as 5 -> ok\np: close a.w -> ok\np: dup2 b.w as 5 -> ok\nq: read a.r 1\nquiet q\n",
        Some("quiet q"),
    ),
    // A poll sleeps at what it has found, and finds what its descriptor leads to when it is woken.
    (
        "channel up unix-stream\nprocess shell holds up.sa up.sb\nthread worker of shell\nprocess peer holds up.sa up.sb\n\
         shell: poll up.sb in wait\nquiet shell\nworker: dup2 up.sa as up.sb -> ok\nworker: write up.sa 1 -> 1\n\
         quiet shell\npeer: write up.sb 1 -> 1\nquiet shell\nworker: write up.sa 1 -> 1\nshell: -> in\n",
        None,
    ),
    // Onto itself it changes nothing, and what is close-on-exec stays so.
    (
        "channel a pipe\nprocess p holds a.w\nprocess q holds a.r\np: close-on-exec a.w on -> ok\n\
         p: dup2 a.w as a.w -> ok\np: exec -> ok\nq: read a.r 1 -> 0\n",
        None,
    ),
    // exec closes what is close-on-exec and nothing else; a duplicate is not.
    (
        "channel a pipe\nprocess p holds a.w\nprocess q holds a.r\np: close-on-exec a.w on -> ok\n\
         p: dup2 a.w as 1 -> ok\np: exec -> ok\nq: read a.r 1\nquiet q\np: write 1 2 -> 2\nq: -> 1\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.w\nprocess q holds a.r\np: close-on-exec a.w on -> ok\n\
         p: dup2 a.w as 1 -> ok\np: exec -> ok\nq: read a.r 1 -> 0\n",
        Some("q: read a.r 1 -> 0"),
    ),
    // A child calls before its parent has seen the fork return.
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork q\nq: write a.w 3 -> 3\np: -> ok\n\
         p: read a.r 3 -> 3 = q[0..3]\n",
        None,
    ),
    // A process that is killed in a call leaves what the call has transferred, and nobody holds its end.
    (
        "channel a pipe capacity 4096\nprocess p holds a.r a.w\np: fork w -> ok\nw: close a.r -> ok\n\
         p: close a.w -> ok\nw: write a.w 10000\nquiet w\nw: exit SIGKILL\np: read a.r 9999 -> 4096\n\
         p: read a.r 9999 -> 0\np: wait w -> 137\np: wait w -> ECHILD\n",
        None,
    ),
    (
        "channel a pipe capacity 4096\nprocess p holds a.r a.w\np: fork w -> ok\nw: close a.r -> ok\n\
         p: close a.w -> ok\nw: exit 3\np: wait w -> 4\n",
        Some("p: wait w -> 4"),
    ),
    // A wait returns when all is let go of.
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork w -> ok\np: close a.w -> ok\nw: exit\n\
         p: wait w -> 0\np: read a.r 1\nquiet p\n",
        Some("quiet p"),
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork w -> ok\np: wait w\nquiet p\nw: exit 2\np: -> 2\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork w -> ok\nw: exit 2\np: wait w\nquiet p\n",
        Some("quiet p"),
    ),
    // An orphan that holds an end keeps it open.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess r inherits a.r of p\np: fork w -> ok\n\
         w: fork o -> ok\nw: exit\np: wait w -> 0\np: close a.w -> ok\nr: read a.r 1\nquiet r\n\
         o: exit SIGTERM\nr: -> 0\n",
        None,
    ),
    // O_NONBLOCK is of the description that parent and child share.
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork c -> ok\nc: nonblocking a.r on -> ok\n\
         p: read a.r 1 -> EAGAIN\n",
        None,
    ),
    // A file that was inherited has one offset; one that was opened twice has two.
    (
        "channel f file\nprocess p holds f.rw\np: fork c -> ok\np: write f.rw 4 -> 4\nc: write f.rw 2 -> 2\n\
         p: read-at f.rw 9 -> 6 = p[0..4] c[0..2]\n",
        None,
    ),
    (
        "channel f file\nprocess p holds f.rw\nprocess c holds f.rw\np: write f.rw 4 -> 4\n\
         c: write f.rw 2 -> 2\np: read-at f.rw 9 -> 4 = c[0..2] p[2..4]\n",
        None,
    ),
    // A lock goes with its description: who inherits it has it, too.
    (
        "channel f locked-file\nprocess p holds f.rw\nprocess q holds f.rw\np: lock exclusive -> ok\n\
         p: fork c -> ok\np: exit\nq: lock exclusive -> EAGAIN\nc: exit\nq: lock exclusive wait -> ok\n",
        None,
    ),
    // Threads share a table: a read goes on with the end that a sibling closes, and keeps it open.
    (
        "channel a pipe\nprocess p holds a.r a.w\nthread t of p\nt: read a.r 5\nquiet t\np: close a.r -> ok\n\
         p: write a.w 3 -> 3\nt: -> 3\np: write a.w 1 -> EPIPE + SIGPIPE\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nthread t of p\nt: read a.r 5\nquiet t\np: close a.r -> ok\n\
         p: write a.w 3 -> EPIPE + SIGPIPE\n",
        Some("p: write a.w 3 -> EPIPE + SIGPIPE"),
    ),
    // Whichever comes first.
    (
        "channel a pipe\nprocess p holds a.r a.w\nthread t of p\np: write a.w 3 -> 3\nt: read a.r 5\n\
         p: close a.r -> ok\nt: -> EBADF\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nthread t of p\np: write a.w 3 -> 3\np: close a.r -> ok\n\
         t: read a.r 5 -> 3\n",
        Some("t: read a.r 5 -> 3"),
    ),
    // The threads of a process end with it.
    (
        "channel a pipe\nprocess p holds a.w\nthread t of p\nprocess q holds a.r\nt: write a.w 70000\nquiet t\n\
         p: exit SIGTERM\nq: read a.r 99999 -> 65536\nq: read a.r 1 -> 0\n",
        None,
    ),
    // A signal that ends a process, in a call or not.
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork c -> ok\np: close a.w -> ok\nc: read a.r 5\nquiet c\n\
         p: signal c SIGTERM -> ok\np: wait c -> 143\np: read a.r 5 -> 0\np: signal c SIGTERM -> ESRCH\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork c -> ok\np: signal c SIGKILL -> ok\nc: close a.r -> ok\n",
        Some("c: close a.r"),
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork c -> ok\np: signal c SIGTERM -> ok\n\
         p: signal c SIGTERM -> ok\np: wait c -> 143\n",
        None,
    ),
    // What is ignored does nothing, and is so after exec; what is caught is not.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p ignores SIGINT catches SIGTERM\n\
         p: signal q SIGINT -> ok\nq: exec -> ok\np: signal q SIGINT -> ok\np: write a.w 1 -> 1\n\
         q: read a.r 1 -> 1\np: signal q SIGTERM -> ok\nq: exit SIGTERM\n",
        None,
    ),
    // SIGPIPE ignored: EPIPE alone; a child has it so, too.
    (
        "channel a pipe\nprocess p holds a.r a.w ignores SIGPIPE\np: fork c -> ok\nc: close a.r -> ok\n\
         p: close a.r -> ok\np: write a.w 1 -> EPIPE\nc: exec -> ok\nc: write a.w 1 -> EPIPE\n\
         c: sigaction SIGPIPE default -> ok\nc: write a.w 1 -> EPIPE + SIGPIPE\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w ignores SIGPIPE\np: close a.r -> ok\n\
         p: write a.w 1 -> EPIPE + SIGPIPE\n",
        Some("p: write a.w 1 -> EPIPE + SIGPIPE"),
    ),
    // Killed by SIGPIPE in the write itself.
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork c -> ok\np: close a.r -> ok\nc: close a.r -> ok\n\
         c: write a.w 1\nc: exit SIGPIPE\np: wait c -> 141\n",
        None,
    ),
    // Without SA_RESTART: EINTR, or what was transferred.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r a.w of p catches SIGUSR1\n\
         q: read a.r 5\nquiet q\np: signal q SIGUSR1 -> ok\nq: -> EINTR\nq: write a.w 300000\nquiet q\n\
         p: read a.r 65536 -> 65536\nquiet q\np: signal q SIGUSR1 -> ok\nq: -> 131072\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p catches SIGUSR1\n\
         q: read a.r 5\nquiet q\np: signal q SIGUSR1 -> ok\nquiet q\n",
        Some("quiet q"),
    ),
    // Where it was not seen asleep the handler may have run before it could sleep.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p catches SIGUSR1\n\
         q: read a.r 5\np: signal q SIGUSR1 -> ok\nquiet q\n",
        None,
    ),
    // With SA_RESTART a read goes on, a write that has transferred something does not, and poll never does.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r a.w of p catches SIGUSR1 restarting\n\
         q: read a.r 5\nquiet q\np: signal q SIGUSR1 -> ok\nquiet q\np: write a.w 2 -> 2\nq: -> 2\n\
         q: write a.w 300000\nquiet q\np: signal q SIGUSR1 -> ok\nq: -> 65536\np: read a.r 99999 -> 65536\n\
         q: poll a.r in wait\nquiet q\np: signal q SIGUSR1 -> ok\nq: -> EINTR\n",
        None,
    ),
    // A stopped process keeps its ends, and its calls get no further.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p\nq: read a.r 5\nquiet q\n\
         p: signal q SIGSTOP -> ok\np: write a.w 2 -> 2\nquiet q\np: signal q SIGCONT -> ok\nq: -> 2\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p\nq: read a.r 5\nquiet q\n\
         p: write a.w 2 -> 2\nquiet q\n",
        Some("quiet q"),
    ),
    // A process that a signal has ended is in no call, and others are.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p\nq: read a.r 5\nquiet q\n\
         p: signal q SIGTERM -> ok\nquiet\np: write a.w 2 -> 2\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p\nq: read a.r 5\nquiet q\n\
         p: signal q SIGTERM -> ok\nquiet q\n",
        Some("quiet q"),
    ),
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p ignores SIGTERM\n\
         q: read a.r 5\nquiet q\np: signal q SIGTERM -> ok\nquiet\n",
        Some("quiet"),
    ),
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.r a.w b.r b.w\nprocess q inherits a.r of p\n\
         thread t of q\nq: read a.r 5\nt: poll [a.r in, a.r in] wait\nquiet q, t\np: signal q SIGKILL -> ok\n\
         p: read b.r 5\nquiet p\n",
        None,
    ),
    // Stopped and continued, a write returns what it has transferred.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.w of p\nq: write a.w 300000\nquiet q\n\
         p: signal q SIGSTOP -> ok\nquiet q\np: signal q SIGCONT -> ok\nq: -> 65536\n",
        None,
    ),
    // What is asleep when its process is stopped has left its sleep: what comes meanwhile is too late.
    (
        "channel a pipe\nprocess p holds a.r\nprocess q holds a.w\nq: write a.w 100000\nquiet q\n\
         p: signal q SIGSTOP -> ok\nquiet q\np: read a.r 65536 -> 65536\nquiet q\np: signal q SIGCONT -> ok\n\
         q: -> 100000\n",
        Some("q: -> 100000"),
    ),
    (
        "channel a pipe\nprocess p holds a.r\nprocess q holds a.w\nq: write a.w 100000\nquiet q\n\
         p: signal q SIGSTOP -> ok\np: close a.r -> ok\np: signal q SIGCONT -> ok\nq: -> 65536\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p catches SIGUSR1\nq: read a.r 1\n\
         quiet q\np: signal q SIGSTOP -> ok\nquiet q\np: write a.w 1 -> 1\np: signal q SIGUSR1 -> ok\nquiet q\n\
         p: signal q SIGCONT -> ok\nq: -> 1\n",
        Some("q: -> 1"),
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q inherits a.r of p catches SIGUSR1\n\
         q: poll a.r in wait\nquiet q\np: signal q SIGSTOP -> ok\np: signal q SIGUSR1 -> ok\n\
         p: write a.w 1 -> 1\nquiet q\np: signal q SIGCONT -> ok\nq: -> EINTR\n",
        None,
    ),
    // Who is stopped sees no return, and who has ended itself makes no more calls.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q holds a.r a.w\np: signal q SIGSTOP -> ok\nquiet\n\
         q: write a.w 1 -> 1\n",
        Some("q: write a.w 1"),
    ),
    // Whose parent ignores SIGCHLD leaves no status, unless it had ended before.
    (
        "channel a pipe\nprocess p holds a.r a.w ignores SIGCHLD\np: fork c -> ok\nc: exit 3\nquiet\n\
         p: wait c -> ECHILD\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\np: fork c -> ok\nc: exit 3\n\
         p: sigaction SIGCHLD ignore -> ok\np: wait c -> 3\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\np: signal p SIGSTOP -> ok\n",
        Some("p: signal p SIGSTOP -> ok"),
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q holds a.r\np: signal p SIGSTOP\nquiet p\n\
         q: signal p SIGCONT -> ok\np: -> ok\np: write a.w 1 -> 1\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q holds a.r\nq: signal q SIGKILL -> ok\n",
        Some("q: signal q SIGKILL -> ok"),
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q holds a.r\nq: signal q SIGKILL\nquiet\n\
         p: close a.r -> ok\np: write a.w 1 -> EPIPE+SIGPIPE\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q holds a.r\nq: read a.r 5\nquiet q\n\
         p: write a.w 5 -> 5\np: signal q SIGKILL -> ok\nq: -> 5\nq: close a.r -> ok\n",
        Some("q: close a.r"),
    ),
    // No signal ends who ignores or catches it, unless a fault raises it; exec lets go of what was caught.
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q holds a.r ignores SIGTERM\nq: exit SIGTERM\n",
        Some("q: exit SIGTERM"),
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w catches SIGUSR1\np: exec -> ok\np: exit SIGUSR1\n",
        None,
    ),
    ("channel a pipe\nprocess p holds a.r a.w catches SIGSEGV\np: exit SIGSEGV\n", None),
    (
        "channel a pipe\nprocess p holds a.r a.w\nprocess q holds a.r\nthread t of q\n\
         t: sigaction SIGTERM catch\nq: exit SIGTERM\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\np: sigaction SIGTERM ignore -> ok\np: exit SIGKILL\n",
        None,
    ),
    (
        "channel a pipe\nprocess p holds a.r a.w\np: sigaction SIGKILL catch -> EINVAL\n\
         p: sigaction SIGUSR1 restart -> ok\n",
        None,
    ),
    // A poll on several ends tells of each what there is, and sleeps while there is nothing.
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.r b.r b.w\nprocess q holds a.w\n\
         p: poll [a.r in, b.r in] -> [none, none]\np: poll [a.r in, b.r in, b.w out] wait -> [none, none, out]\n\
         p: poll [a.r in, b.r in] wait\nquiet p\nq: write a.w 3 -> 3\np: -> [in, none]\n\
         q: close a.w -> ok\np: poll [a.r in, b.r in] wait -> [in|hup, none]\n",
        None,
    ),
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.r b.r b.w\nprocess q holds a.w\n\
         q: write a.w 3 -> 3\np: poll [a.r in, b.r in] wait\nquiet p\n",
        Some("quiet p"),
    ),
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.r b.r b.w\nprocess q holds a.w\n\
         q: write a.w 3 -> 3\np: poll [a.r in, b.w out] -> [none, out]\n",
        Some("p: poll [a.r in, b.w out] -> [none, out]"),
    ),
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.r b.r\nprocess q holds a.w b.w\n\
         p: poll [a.r in, b.r in] wait -> [none, none]\n",
        Some("p: poll [a.r in, b.r in] wait -> [none, none]"),
    ),
    // Two ends of one channel.
    (
        "channel pipe\nactor p holds r w\np: poll [r in, w out] wait -> [none, out]\np: write w 1 -> 1\n\
         p: poll [r in, w out] -> [in, out]\np: close w -> ok\np: poll [r in, w out] -> [in|hup, nval]\n",
        None,
    ),
    // A signal interrupts all of it.
    (
        "channel a pipe\nchannel b pipe\nprocess p holds a.r b.r b.w catches SIGINT\nprocess q holds a.w\n\
         p: poll [a.r in, b.r in] wait\nquiet p\nq: signal p SIGINT -> ok\np: -> EINTR\n\
         p: write b.w 1 -> 1\np: poll [b.r in, a.r in] wait -> [in, none]\n",
        None,
    ),
    // Who dies in one is gone.
    (
        "channel a pipe\nchannel b pipe\nprocess p holds b.w a.w b.r\nprocess q holds a.r inherits b.r of p\n\
         p: close b.r -> ok\nq: poll [a.r in, b.r in] wait\nquiet q\nq: exit SIGKILL\n\
         p: poll [a.w out, b.w out] wait -> [out|err, out|err]\n",
        None,
    ),
];

/// Who holds an end and is not recorded may have written.
#[test]
fn what_an_outsider_may_have_done_is_left_unjudged() {
    let run: Run =
        "channel a pipe\nprocess p holds a.r\noutsider cron holds a.w\np: read a.r 1\nquiet p\n\
                    p: -> 1\n"
            .parse()
            .unwrap();
    let verdict = judge(&run, &LINUX).verdict;
    assert!(matches!(verdict, Verdict::Unspecified { from: 2, .. }), "{verdict:?}");
    let run: Run =
        "channel a pipe\nprocess p holds a.r\noutsider cron holds a.w\np: read a.r 1\nquiet p\n"
            .parse()
            .unwrap();
    assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms);
}

/// An epoll lives in the world of one channel.
#[test]
fn an_epoll_over_several_channels_leaves_a_run_unjudged() {
    let text = "channel a pipe\nchannel b pipe\nprocess p holds a.r a.w b.r b.w\np: epoll as a.e -> ok\n\
                p: epoll-add a.e b.r in -> ok\np: epoll-wait a.e -> none\n";
    let verdict = judge(&text.parse().unwrap(), &LINUX).verdict;
    assert!(matches!(verdict, Verdict::Unspecified { from: 2, .. }), "{verdict:?}");
    let own = text.replace("epoll-add a.e b.r", "epoll-add a.e a.r");
    assert_eq!(judge(&own.parse().unwrap(), &LINUX).verdict, Verdict::Conforms);
}

/// What becomes of a call that another thread is in is left open. A thread that has called before calls no more after
/// exec; one that has not may have come to be since.
#[test]
fn exec_of_a_process_with_threads_ends_them() {
    let holds = "channel a pipe\nprocess p holds a.r a.w\nthread t of p\n";
    let verdict = |rest: &str| judge(&format!("{holds}{rest}").parse().unwrap(), &LINUX).verdict;
    let in_a_call = verdict("t: read a.r 1\nquiet t\np: exec -> ok\n");
    assert!(matches!(in_a_call, Verdict::Unspecified { from: 2, .. }), "{in_a_call:?}");
    assert_eq!(verdict("p: exec -> ok\nt: read a.r 1\nquiet t\n"), Verdict::Conforms);
    let gone = format!("{holds}t: write a.w 1 -> 1\np: exec -> ok\nt: read a.r 1 -> 1\n");
    let fault = gone.parse::<Run>().expect_err("the thread is gone");
    assert!(fault.to_string().contains("has ended"), "{fault}");
}

#[test]
fn runs_of_processes_are_judged() {
    for (text, deviates_at) in RUNS {
        let parsed = parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let judgement = judge(&parsed.run, &LINUX);
        match deviates_at {
            None => assert_eq!(judgement.verdict, Verdict::Conforms, "{text}{judgement}"),
            Some(line) => {
                assert_eq!(judgement.verdict, Verdict::Deviates, "{text}");
                let place = parsed.places[judgement.deviations[0].event].clone();
                let told = text[..place.end].lines().last();
                assert_eq!(told, Some(*line), "{text}{judgement}");
            }
        }
        // Linux does nothing here that POSIX forbids.
        if deviates_at.is_none() {
            let verdict = judge(&parsed.run, &POSIX).verdict;
            let is_open = matches!(verdict, Verdict::Conforms | Verdict::Unspecified { .. });
            assert!(is_open, "{text}{verdict}");
        }
    }
}

#[test]
fn runs_of_processes_come_back_from_their_text() {
    for (text, _) in RUNS {
        let run: Run = text.parse().unwrap();
        let again = run.to_string();
        assert_eq!(again.parse::<Run>().unwrap_or_else(|error| panic!("{error}\n{again}")), run);
        assert_eq!(again.parse::<Run>().unwrap().to_string(), again);
    }
}

#[test]
fn every_rule_of_processes_is_shown() {
    let mut unshown: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.id)
        .filter(|id| id.starts_with("process.") || id.starts_with("process.dup2."))
        .collect();
    for (text, _) in RUNS {
        let shown = judge(&text.parse().unwrap(), &LINUX).shown;
        unshown.retain(|id| !shown.iter().any(|rule| RULES[usize::from(rule)].id == *id));
    }
    assert_eq!(unshown, [""; 0]);
}

#[test]
fn passing_an_end_of_another_channel_leaves_a_run_unjudged() {
    for answer in ["1", "EBADF"] {
        let run: Run = format!(
            "channel u unix-stream\nchannel up pipe\nprocess p holds u.sa up.r up.w\nprocess q holds u.sb\n\
             p: write up.w 3 -> 3\np: send-end u.sa 1 passing up.r -> {answer}\n"
        )
        .parse()
        .expect("a run");
        let verdict = judge(&run, &LINUX).verdict;
        assert!(matches!(verdict, Verdict::Unspecified { from: 2, .. }), "{verdict:?}");
    }
}
