//! Who sleeps where a log ends.

use super::*;

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
        include_str!(concat!("../data/strace/", $name, ".strace"))
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
        "p10 sleeps for ever in `epoll-wait e7 wait` (epoll.epoll-wait.waits): p11 could end it (write w4, close w4) but sleeps in `poll r5 in wait`",
        "p11 sleeps for ever in `poll r5 in wait` (descriptor.poll.waits): p10 could end it (write w6, close w6) but sleeps in `epoll-wait e7 wait`",
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
