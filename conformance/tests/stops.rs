//! Calls stopped in their middle on real channels: they stop where they are told to, others call meanwhile, and
//! nothing is left behind.

use pipewright_backends::sys::stop;
use pipewright_backends::{Arrangement, Channel, channels, named};
use pipewright_conformance::{Placement, Runner, Scenario};
use pipewright_model::call::Answer;
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::{Event, Run};

/// A runner for so many actors; `None` where calls can't be stopped.
fn runner(channel: &'static dyn Channel, arrangement: Arrangement) -> Option<Runner> {
    stop::unavailable()
        .is_none()
        .then(|| Runner::new(channel, arrangement, 3, Placement::Anywhere).expect("a runner"))
}

fn scenario(text: &str) -> Scenario {
    Scenario::of(&text.parse().expect("a run"))
}

fn stops(run: &Run) -> usize {
    run.events.iter().filter(|event| matches!(event, Event::Stops(..))).count()
}

/// What the first actor's calls gave.
fn answers(run: &Run) -> Vec<Answer> {
    let returns = run.events.iter().filter_map(|event| match event {
        Event::Return(actor, reply) if actor.0 == 0 => Some(reply.answer),
        _ => None,
    });
    returns.collect()
}

#[test]
fn a_write_stops_in_every_arrangement_each_time() {
    let text = "channel pipe
        actor writer holds w
        actor other holds r w
        writer: write 65536 stops at 4096
        other: poll r in -> in
        other: read r 9
        writer: goes on
        other: -> 9
        writer: -> 65536";
    let channel = named("pipe").expect("there are pipes");
    for arrangement in channel.arrangements() {
        let Some(mut runner) = runner(channel, *arrangement) else { return };
        for _ in 0..20 {
            let run = runner.run(&scenario(text)).expect("a run");
            assert_eq!(
                run.to_string().matches("writer: write 65536 stops at 4096").count(),
                1,
                "{run}"
            );
            // The reader waits for the lock that the writer holds: nothing is said of that.
            assert!(!run.events.iter().any(|event| matches!(event, Event::Quiet(_))), "{run}");
            assert_eq!(answers(&run), [Answer::Count(65_536)], "{run}");
            assert!(run.to_string().parse::<Run>().is_ok_and(|again| stops(&again) == 1), "{run}");
        }
    }
}

#[test]
fn a_read_that_sleeps_stops_once_it_is_given_bytes() {
    let text = "channel pipe
        reader: read 8192
        quiet reader
        writer: write 8192 -> 8192
        reader: stops at 4097
        writer: write 1 -> 1
        reader: goes on
        reader: -> 8192";
    let channel = named("pipe").expect("there are pipes");
    for arrangement in channel.arrangements() {
        let Some(mut runner) = runner(channel, *arrangement) else { return };
        let run = runner.run(&scenario(text)).expect("a run");
        assert_eq!(stops(&run), 1, "{run}");
        assert_eq!(answers(&run), [Answer::Count(8_192)], "{run}");
        assert!(run.to_string().contains("reader: stops at 4097"), "{run}");
    }
}

#[test]
fn a_call_that_does_not_come_to_its_stop_does_not_stop() {
    let text = "channel pipe
        writer: write 10 -> 10
        reader: read 100 stops at 10
        writer: write 5 -> 5
        reader: goes on
        reader: -> 10
        reader: read 100 -> 5";
    let channel = named("pipe").expect("there are pipes");
    let Some(mut runner) = runner(channel, Arrangement::Passed) else { return };
    let run = runner.run(&scenario(text)).expect("a run");
    assert_eq!(stops(&run), 0, "{run}");
}

#[test]
fn calls_that_never_go_on_in_the_scenario_do_so_at_its_end() {
    let text = "channel pipe
        actor a holds w
        actor b holds r
        actor c holds w
        c: write 4096 -> 4096
        a: write 4096 stops at 0
        b: read 9000 stops at 0
        c: write 4096 stops at 4095";
    let channel = named("pipe").expect("there are pipes");
    for arrangement in channel.arrangements() {
        let Some(mut runner) = runner(channel, *arrangement) else { return };
        for _ in 0..5 {
            let run = runner.run(&scenario(text)).expect("a run");
            assert_eq!(stops(&run), 3, "{run}");
            assert_eq!(answers(&run), [Answer::Count(4_096)], "{run}");
        }
    }
}

#[test]
fn whatever_copies_can_be_stopped() {
    for channel in channels().iter().filter(|channel| channel.unavailable().is_none()) {
        let setup = channel.setup();
        let ends: Vec<_> = setup.kind.held.iter().map(|hold| hold.letters()).collect();
        let (writes, reads) = match ends.as_slice() {
            ["r", "w", ..] => ("w", "r"),
            ["ra", "wa", "rb", "wb"] => ("wa", "rb"),
            ["sa", "sb"] => ("sa", "sb"),
            _ => continue,
        };
        let text = format!(
            "channel {}
            actor a holds {writes}
            actor b holds {reads}
            a: write 60 stops at 59
            a: goes on
            a: -> 60
            b: read 64 stops at 1
            b: goes on
            b: -> 60",
            setup.kind.name
        );
        let Some(mut runner) = runner(*channel, channel.arrangements()[0]) else { return };
        let run = runner.run(&scenario(&text)).expect("a run");
        let expected = if channel.copies_in_kernel() { 2 } else { 0 };
        assert_eq!(stops(&run), expected, "{}:\n{run}", channel.name());
    }
}

/// At its stop a call looks asleep, also where it goes on at once.
#[test]
fn a_stop_is_not_taken_for_sleep() {
    let texts = [
        "channel KIND
        reader: read 8192
        quiet reader
        writer: write 1 -> 1
        reader: stops at 0
        reader: goes on
        reader: -> 1",
        // The second write waits for the lock of the pipe, before anybody has seen that the reader stopped.
        "channel KIND
        reader: read 1
        quiet reader
        writer: write 1 -> 1
        reader: stops at 0
        writer: write 1
        reader: goes on
        reader: -> 1
        writer: stops at 0
        writer: goes on
        writer: -> 1",
    ];
    let kinds = [
        ("pipe", "reader", "writer"),
        ("fifo", "reader", "writer"),
        ("message-queue", "reader", "writer"),
        ("unix-stream", "ben", "ann"),
    ];
    for ((kind, reader, writer), text) in
        kinds.into_iter().flat_map(|kind| texts.map(|text| (kind, text)))
    {
        let text = text.replace("KIND", kind).replace("reader", reader).replace("writer", writer);
        let channel = named(kind).expect("there is such a channel");
        let by_name = |arrangement: &&Arrangement| **arrangement == Arrangement::Opened;
        // Sockets are there only once they are opened, and nobody does that here.
        let arrangements =
            channel.arrangements().iter().filter(|way| kind != "unix-stream" || !by_name(way));
        for arrangement in arrangements {
            let Some(mut runner) = runner(channel, *arrangement) else { return };
            for _ in 0..20 {
                let run = runner.run(&scenario(&text)).expect("a run");
                assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms, "{run}");
            }
        }
    }
}
