//! Many children that end at about the same time: what follows is judged, however many orders there are.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;

/// A parent that has forked so many children, all of which end at about the same time.
fn of_children(count: usize, then: &str) -> Run {
    let mut text =
        String::from("channel a pipe\nchannel b pipe\nprocess p holds a.r a.w b.r b.w\n");
    for child in 0..count {
        text += &format!("p: fork c{child} -> ok\nc{child}: close a.r -> ok\nc{child}: exit\n");
    }
    (text + then).parse().unwrap()
}

#[test]
fn many_children_that_end_at_the_same_time_are_followed() {
    let closes = "p: close a.w -> ok\np: close b.w -> ok\n";
    for (then, expected) in [
        ("p: read a.r 1 -> 0\np: read b.r 1 -> 0\n", Verdict::Conforms),
        ("p: read a.r 1\nquiet p\n", Verdict::Deviates),
        (
            "p: wait c7 -> 0\np: poll [a.r in] -> [none]\np: poll [a.r in] -> [hup]\n",
            Verdict::Conforms,
        ),
        ("p: poll [a.r in] -> [hup]\np: poll [a.r in] -> [none]\n", Verdict::Deviates),
        ("p: wait c3 -> 1\n", Verdict::Deviates),
        ("quiet\np: poll [a.r in, b.r in] -> [hup, hup]\n", Verdict::Conforms),
        ("quiet\np: poll [a.r in, b.r in] -> [none, hup]\n", Verdict::Deviates),
        ("p: write a.w 1 -> EBADF\np: close a.r -> ok\np: close b.r -> ok\n", Verdict::Conforms),
    ] {
        let run = of_children(16, &format!("{closes}{then}"));
        let judgement = judge(&run, &LINUX);
        assert_eq!(judgement.verdict, expected, "{then}{judgement}");
        assert!(judgement.states_most < 100, "{then}{}", judgement.states_most);
    }
}

#[test]
fn what_a_handler_of_sigchld_interrupts_is_not_judged() {
    let begin = "channel up pipe\nprocess p holds up.r up.w catches SIGCHLD\np: fork c -> ok\np: read up.r 1\nquiet p\n\
                 c: exit 0\n";
    for end in ["quiet p\n", "p: -> EINTR\n"] {
        let run: Run = format!("{begin}{end}").parse().expect("a run");
        let verdict = judge(&run, &LINUX).verdict;
        assert!(matches!(verdict, Verdict::Unspecified { .. }), "{end}: {verdict:?}");
    }
    let waits = "channel up pipe\nprocess p holds up.r up.w catches SIGCHLD\np: fork c -> ok\nc: exit 0\np: wait c -> 0\n\
                 p: read up.r 1\nquiet p\n";
    assert_eq!(judge(&waits.parse().expect("a run"), &LINUX).verdict, Verdict::Conforms);
}
