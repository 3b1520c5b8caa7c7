//! Known ways to hang, named where a run ends so.

use pipewright_conformance::why::Pattern;
use pipewright_model::asleep::{Moment, Present};
use pipewright_model::oracle;
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;

/// The name of the pattern that the only knot at the end of a run shows.
fn named(text: &str) -> Option<&'static str> {
    let run: Run = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    let worlds = oracle::after(&run, &LINUX);
    let present = Present::after(&run, run.events.len() - 1);
    let moment = Moment::of(&run, &LINUX, &worlds, &present).expect("it is followed to its end");
    let [knot] = moment.knots().try_into().unwrap_or_else(|knots| panic!("{knots:?}\n{text}"));
    let sleepers = moment.sleepers.iter().filter(|sleeper| knot.contains(&sleeper.actor));
    Pattern::of_sleepers(&run, &sleepers.collect::<Vec<_>>()).map(|pattern| pattern.name)
}

#[test]
fn what_hangs_is_known_by_its_name() {
    let two = "channel up pipe\nchannel down pipe\nprocess p holds up.w down.r\nprocess q holds up.r down.w\n";
    let fifos = "channel a fifo\nchannel b fifo\nprocess p\nprocess q\n";
    for (text, name) in [
        ("channel pipe\nprocess p holds r w\np: read r 1\nquiet p\n".to_owned(), "a leaked end, held by the reader itself"),
        (format!("{two}p: write up.w 70000\nq: write down.w 70000\nquiet p, q\n"), "both write more than fits"),
        (format!("{two}p: read down.r 1\nq: read up.r 1\nquiet p, q\n"), "each waits for the other to write"),
        (
            "channel out pipe\nprocess p holds out.r out.w\np: fork q -> ok\np: close out.w -> ok\nq: write out.w 70000\np: wait q\nquiet p, q\n".to_owned(),
            "wait before drain",
        ),
        (
            "channel in pipe\nprocess p holds in.r in.w\np: fork q -> ok\np: close in.r -> ok\nq: close in.w -> ok\nq: read in.r 1\np: wait q\nquiet p, q\n".to_owned(),
            "a leaked end",
        ),
        (format!("{fifos}p: open read as a.r\nq: open read as a.r\nquiet p, q\n"), "a FIFO opened by both for the same side"),
        (format!("{fifos}p: open read as a.r\nq: open read as b.r\nquiet p, q\n"), "crossed FIFOs"),
    ] {
        assert_eq!(named(&text), Some(name), "{text}");
    }
}
