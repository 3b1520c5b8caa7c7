//! Eventfds and epolls in logs: what is told, and what a log can't be.

use pipewright_conformance::strace::{asleep, calls, channels};
use pipewright_model::oracle::Verdict;
use pipewright_model::platform::LINUX;

use crate::{all, verdicts};

/// An eventfd watched for edges, a semaphore, and a pipe watched once, as a program has them.
const EPOLL: &str = include_str!("../data/strace/epoll.strace");

fn changed(line: &str, instead: &str) -> String {
    let log = EPOLL.replacen(line, instead, 1);
    assert_ne!(log, EPOLL, "{line}");
    log
}

#[test]
fn eventfds_and_epolls_of_one_channel_conform() {
    let kinds: Vec<_> = all(EPOLL).iter().map(|found| found.run.setup().kind.name).collect();
    assert_eq!(kinds, ["eventfd", "eventfd-semaphore", "pipe"]);
    assert!(all(EPOLL).iter().all(|found| found.unjudged.is_none()));
    assert_eq!(verdicts(EPOLL), [const { Verdict::Conforms }; 3]);
    let waits = all(EPOLL)[0].run.to_string().matches("epoll-wait").count();
    assert_eq!(waits, 4);
}

#[test]
fn what_no_eventfd_does_deviates() {
    for (line, instead) in [
        // Another value than was written.
        (r#"read(4, "\5\0\0\0\0\0\0\0", 8)"#, r#"read(4, "\6\0\0\0\0\0\0\0", 8)"#),
        // A semaphore that gives all.
        (r#"read(5, "\1\0\0\0\0\0\0\0", 8)"#, r#"read(5, "\2\0\0\0\0\0\0\0", 8)"#),
        // The largest value.
        (
            r#"write(4, "\5\0\0\0\0\0\0\0", 8)"#,
            r#"write(4, "\377\377\377\377\377\377\377\377", 8)"#,
        ),
    ] {
        assert!(verdicts(&changed(line, instead)).contains(&Verdict::Deviates), "{instead}");
    }
}

#[test]
fn what_no_epoll_tells_deviates() {
    let edge = "epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 1023, 0) = 1";
    let once = "epoll_wait(8, [{events=EPOLLIN, data={u32=6, u64=6}}], 1023, 0) = 1";
    for (line, instead) in [
        // Silence after an edge.
        (edge, "epoll_wait(3, [], 1023, 0) = 0"),
        // Silence of what is registered once, and was not told.
        (once, "epoll_wait(8, [], 1023, 0) = 0"),
        // A level where an edge was asked for.
        ("epoll_wait(3, [], 1023, 0)        = 0", edge),
        // Told twice.
        ("epoll_wait(8, [], 1023, 0)        = 0", once),
        // What was not asked for.
        (edge, "epoll_wait(3, [{events=EPOLLOUT, data={u32=4, u64=4}}], 1023, 0) = 1"),
    ] {
        assert!(verdicts(&changed(line, instead)).contains(&Verdict::Deviates), "{instead}");
    }
}

#[test]
fn a_wait_that_sleeps_beside_an_event_deviates_at_rest() {
    let ends = EPOLL.find("12 eventfd2(2").expect("it is there");
    let log = format!(
        "{}12 write(4, \"\\1\\0\\0\\0\\0\\0\\0\\0\", 8) = 8\n12 epoll_wait(3,  <unfinished ...>\n",
        &EPOLL[..ends]
    );
    // The time-out is not told there.
    let log = log.replace(
        "epoll_wait(3,  <unfinished ...>",
        "epoll_wait(3, 0x7ffd, 1023, -1 <unfinished ...>",
    );
    let found = all(&log).remove(0);
    let run = found.at_rest().expect("it has run");
    let verdict = pipewright_model::oracle::judge(&run, &LINUX).verdict;
    assert_eq!(verdict, Verdict::Deviates, "{run}");
}

#[test]
fn who_sleeps_in_epoll_wait_waits_for_what_it_has_registered() {
    let ends = EPOLL.find("12 eventfd2(2").expect("it is there");
    let log = format!("{}12 epoll_wait(3, 0x7ffd, 1023, -1 <unfinished ...>\n", &EPOLL[..ends]);
    let calls = calls(&log);
    let asleep = asleep(&calls, &channels(&calls).found, &LINUX);
    let told: String = asleep.channels.iter().map(|(_, told)| told.as_str()).collect();
    assert!(told.contains("epoll-wait"), "{told}");
}

#[test]
fn an_epoll_of_two_channels_is_not_compared() {
    let both = "12 eventfd2(2, EFD_SEMAPHORE)        = 5\n";
    let and = format!(
        "{both}12 epoll_ctl(3, EPOLL_CTL_ADD, 5, {{events=EPOLLIN, data={{u32=5, u64=5}}}}) = 0\n"
    );
    let runs: String =
        all(&changed(both, &and)).iter().map(|found| found.run.to_string()).collect();
    assert_eq!(runs.matches("epoll-wait r").count(), 0, "{runs}");
    assert!(
        !runs.lines().any(|line| line.contains("epoll-wait") && line.contains("rw4")),
        "{runs}"
    );
}
