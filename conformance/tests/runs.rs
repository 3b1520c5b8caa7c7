//! Scenarios on real channels give the runs that the kernel's behaviour makes necessary.

mod common;

use std::io;
use std::path::Path;

use common::{play, quiet, seats};
use pipewright_backends::{Arrangement, Channel, Fifo, Instance, Pipe, channels};
use pipewright_conformance::campaign::{self, Plan};
use pipewright_conformance::generate::{Shape, walk};
use pipewright_conformance::report::{self, Heading};
use pipewright_conformance::{Placement, Runner, Scenario, Step, Trouble};
use pipewright_model::call::{Actor, Answer, Call, End, Errno, Mode, Op, OpenFlags, Reply, Signal};
use pipewright_model::data::{Data, Segment};
use pipewright_model::kind::{Discipline, Hold};
use pipewright_model::oracle::{judge, judge_naming};
use pipewright_model::platform::LINUX;
use pipewright_model::run::{Event, Name, Run, Seat, Setup};
use pipewright_model::text;

const R: End = End(0);
const W: End = End(1);

#[test]
fn ten_steps_give_the_same_run_in_every_arrangement() {
    let scenario = play(
        &[&[(R, Hold::READ)], &[(W, Hold::WRITE)]],
        &[
            (0, R, Op::Read { len: 5 }),
            (1, W, Op::Write { len: 3 }),
            (1, W, Op::Write { len: 70_000 }),
            (0, R, Op::Read { len: 100 }),
            (0, R, Op::Read { len: 60_000 }),
            (0, R, Op::Read { len: 60_000 }),
            (0, R, Op::Read { len: 5 }),
            (1, W, Op::Close),
            (0, R, Op::Read { len: 5 }),
            (0, R, Op::Close),
        ],
    );
    arranged(|channel, runner| {
        if channel.setup().nonblock || channel.name().ends_with("small") || channel.setup().packet {
            return;
        }
        for _ in 0..3 {
            let run = runner.run(&scenario).expect("a run");
            run.check().expect("a well-formed run");
            let counts: Vec<_> = returns(&run, 0).iter().map(|reply| reply.answer).collect();
            let counted = [3, 100, 60_000, 9_900, 0];
            let expected: Vec<_> = counted.map(Answer::Count).into();
            assert_eq!(counts[..4], expected[..4], "{run:?}");
            assert_eq!(quiet(&run)[0], 1, "the reader waits");
            assert!(quiet(&run).contains(&2), "the writer waits: {:?}", quiet(&run));
            let mut position = 0;
            for reply in returns(&run, 0) {
                if let Answer::Count(len) = reply.answer {
                    let names = [Segment { actor: Actor(1), from: position, len }];
                    let names = if len == 0 { &names[..0] } else { &names[..] };
                    assert!(matches!(reply.data, Data::Bytes(_)));
                    assert!(reply.data.may_be(names));
                    position += i64::from(len);
                }
            }
        }
    });
}

#[test]
fn three_blocked_readers_are_seen_asleep_together_and_the_end_wakes_them_all() {
    let read = |actor| (actor, R, Op::Read { len: 5 });
    let reader: &[(End, Hold)] = &[(R, Hold::READ)];
    let scenario = play(
        &[reader, reader, reader, &[(W, Hold::WRITE)]],
        &[read(0), read(1), read(2), (3, W, Op::Close)],
    );
    arranged(|channel, runner| {
        if channel.setup().nonblock {
            return;
        }
        let run = runner.run(&scenario).expect("a run");
        assert_eq!(quiet(&run), [1, 3, 7]);
        for actor in 0..3 {
            assert_eq!(returns(&run, actor)[0].answer, Answer::Count(0));
        }
    });
}

#[test]
fn opens_of_a_fifo_wait_for_each_other() {
    let open = |mode| Op::Open { mode, flags: OpenFlags::NONE };
    let scenario = play(
        &[&[], &[]],
        &[
            (0, R, open(Mode::Read)),
            (1, W, open(Mode::Write)),
            (1, W, Op::Write { len: 4 }),
            (0, R, Op::Read { len: 9 }),
        ],
    );
    for arrangement in [Arrangement::Threads, Arrangement::Passed, Arrangement::Opened] {
        let mut runner =
            Runner::new(&Fifo::PLAIN, arrangement, 2, Placement::Anywhere).expect("a runner");
        let run = runner.run(&scenario).expect("a run");
        assert_eq!(quiet(&run), [1]);
        let answers: Vec<_> = returns(&run, 0).iter().map(|reply| reply.answer).collect();
        assert_eq!(answers, [Answer::Done, Answer::Count(4)]);
    }
}

#[test]
fn calls_that_do_not_return_are_no_part_of_the_next_run() {
    let blocked = play(
        &[&[(R, Hold::READ)], &[(W, Hold::WRITE)]],
        &[(0, R, Op::Read { len: 5 }), (1, W, Op::Write { len: 0 }), (0, R, Op::Close)],
    );
    arranged(|channel, runner| {
        if channel.setup().nonblock {
            return;
        }
        for _ in 0..20 {
            let run = runner.run(&blocked).expect("a run");
            assert_eq!(quiet(&run), [1, 1]);
            assert!(returns(&run, 0).is_empty());
            assert_eq!(run.events.len(), 5, "{run:?}");
        }
    });
}

#[test]
fn racing_calls_are_ordered_by_the_clock() {
    let writer: &[(End, Hold)] = &[(W, Hold::WRITE)];
    let mut scenario = play(
        &[&[(R, Hold::READ)], writer, writer],
        &[
            (1, W, Op::Write { len: 5_000 }),
            (2, W, Op::Write { len: 5_000 }),
            (0, R, Op::Read { len: 100 }),
            (1, W, Op::Write { len: 5_000 }),
            (2, W, Op::Write { len: 5_000 }),
            (0, R, Op::Read { len: 65_536 }),
        ],
    );
    for step in &mut scenario.steps {
        step.settle = false;
    }
    for placement in [Placement::Anywhere, Placement::Core(0), Placement::Spread] {
        let mut runner =
            Runner::new(&Pipe::PLAIN, Arrangement::Passed, 3, placement).expect("a runner");
        for _ in 0..200 {
            let run = runner.run(&scenario).expect("a run");
            run.check().expect("a well-formed run");
            let calls = run.events.iter().filter(|event| matches!(event, Event::Call(_)));
            assert!(calls.count() >= 5);
        }
    }
}

#[test]
fn steps_that_make_no_sense_are_left_out() {
    let open = Op::Open { mode: Mode::Read, flags: OpenFlags::NONBLOCK };
    let scenario = play(
        &[&[(R, Hold::READ)]],
        &[
            (0, R, open),
            (0, End(7), Op::Close),
            (4, R, Op::Close),
            (0, R, Op::Dup { new: R }),
            (0, R, Op::Read { len: 2 << 20 }),
            (0, R, Op::GetCapacity),
        ],
    );
    let mut runner =
        Runner::new(&Fifo::PLAIN, Arrangement::Opened, 1, Placement::Anywhere).expect("a runner");
    let run = runner.run(&scenario).expect("a run");
    assert_eq!(run.events.len(), 2);
}

#[test]
fn a_broken_pipe_signals_in_every_arrangement() {
    let scenario = play(&[&[(W, Hold::WRITE)]], &[(0, W, Op::Write { len: 1 })]);
    arranged(|_, runner| {
        let run = runner.run(&scenario).expect("a run");
        let reply = &returns(&run, 0)[0];
        assert_eq!(reply.answer, Answer::Fails(Errno::EPIPE));
        assert_eq!(reply.signal, Some(Signal::Sigpipe));
    });
}

#[test]
fn names_in_print_are_those_of_the_bytes_though_the_same_bytes_have_others() {
    let file = "channel file
        actor a holds rw
        actor b holds r
        a: write 131042 -> 131042
        b: read 65521 -> 65521 = a[0..65521]
        b: read-at 50 at 0 -> 50 = a[0..50]
        b: read-at 50 at 65521 -> 50 = a[65521..65571]
        a: truncate 65521 -> ok
        b: read-at 50 at 0 -> 50 = a[0..50]
        b: read-at 1 at 3 -> 1 = a[3..4]
        a: write-at 5 at 0 -> 5
        b: read-at 10 at 0 -> 10 = a[131042..131047] a[5..10]
        b: read-at 10 at 1 -> 10 = a[131043..131047] a[5..11]";
    let tcp = "channel tcp
        actor a holds sa
        actor b holds sb
        actor b2 holds sb
        a: write 100 -> 100
        quiet
        b: read 50 -> 50 = a[0..50]
        b2: read 20 -> 20 = a[50..70]
        a: write 66000 -> 66000
        quiet
        b: read 65471 -> 65471 = a[70..65541]
        b: read 50 -> 50 = a[65541..65591]";
    for (name, text) in [("file", file), ("tcp", tcp)] {
        let told: Run = text.parse().expect("a run");
        let channel = pipewright_backends::named(name).expect("there is one");
        let mut runner = Runner::new(channel, channel.arrangements()[0], 3, Placement::Anywhere)
            .expect("a runner");
        let run = runner.run(&Scenario::of(&told)).expect("a run");
        let seen = text::named(&run, &judge_naming(&run, &LINUX));
        for actor in 0..told.seats.len() as u8 {
            assert_eq!(returns(&seen, actor), returns(&told, actor), "{seen}");
        }
    }
}

#[test]
fn real_runs_are_judged_alike_as_they_were_seen_and_as_they_are_printed() {
    const RUNS: u64 = 60;
    for name in ["pipe", "file", "tcp", "unix-stream", "unix-seqpacket"] {
        let channel = pipewright_backends::named(name).expect("there is one");
        let shape = Shape { steps_max: 40, ..Shape::new(&LINUX, channel.setup()) };
        let mut runner = Runner::new(channel, channel.arrangements()[0], 4, Placement::Anywhere)
            .expect("a runner");
        let mut written_most = 0;
        for seed in 0..RUNS {
            let run = match runner.run(&walk(&shape, seed)) {
                Ok(run) => run,
                Err(trouble) if trouble.is_of_one_run() => continue,
                Err(trouble) => panic!("{trouble}"),
            };
            let judgement = judge_naming(&run, &LINUX);
            let text = text::named(&run, &judgement).to_string();
            let again = judge(&text.parse().expect("what is printed reads back"), &LINUX);
            assert_eq!(again.verdict, judgement.verdict, "{name}, seed {seed}:\n{text}");
            let counts = run.events.iter().filter_map(|event| match event {
                Event::Return(_, reply) => reply.answer.count(),
                _ => None,
            });
            written_most = counts.map(u64::from).sum::<u64>().max(written_most);
        }
        assert!(written_most > 65_521, "{name}: {written_most}");
    }
}

#[test]
fn what_a_runner_cannot_do_it_says() {
    let unsupported = Runner::new(&Pipe::PLAIN, Arrangement::Opened, 1, Placement::Anywhere);
    assert!(matches!(unsupported.err(), Some(Trouble::Unsupported { .. })));
    let mut runner =
        Runner::new(&Pipe::PLAIN, Arrangement::Threads, 1, Placement::Anywhere).expect("a runner");
    let scenario = play(&[&[], &[]], &[]);
    assert!(matches!(runner.run(&scenario), Err(Trouble::TooManyActors { wanted: 2, most: 1 })));
}

#[test]
fn a_scenario_is_found_again_in_its_run() {
    let call = Call { actor: Actor(0), end: R, op: Op::Read { len: 1 } };
    let scenario = Scenario {
        seats: seats(&[&[(R, Hold::READ), (W, Hold::WRITE)]]),
        end_names: ["r", "w"].map(|name| Name::new(name).expect("a name")).into(),
        steps: vec![Step::settled(call)],
    };
    let mut runner =
        Runner::new(&Pipe::PLAIN, Arrangement::Threads, 1, Placement::Anywhere).expect("a runner");
    assert_eq!(Scenario::of(&runner.run(&scenario).expect("a run")), scenario);
}

/// Does something with a runner for four actors on every channel in every arrangement.
fn arranged(mut check: impl FnMut(&'static dyn Channel, &mut Runner)) {
    let one_way = |channel: &&dyn Channel| {
        let kind = channel.setup().kind;
        kind.discipline == Discipline::Stream && kind.sides == 1
    };
    for channel in channels().iter().copied().filter(one_way) {
        for arrangement in channel.arrangements() {
            let mut runner =
                Runner::new(channel, *arrangement, 4, Placement::Anywhere).expect("a runner");
            check(channel, &mut runner);
        }
    }
}

/// The replies that one actor got.
fn returns(run: &Run, actor: u8) -> Vec<&Reply> {
    let reply = |event| match event {
        &Event::Return(of, ref reply) if of == Actor(actor) => Some(reply),
        _ => None,
    };
    run.events.iter().filter_map(reply).collect()
}

/// A channel that can't be had on any machine.
struct Nowhere;

impl Channel for Nowhere {
    fn name(&self) -> &str {
        "nowhere"
    }

    fn setup(&self) -> Setup {
        Pipe::PLAIN.setup()
    }

    fn unavailable(&self) -> Option<String> {
        Some("there is none".into())
    }

    fn create(&self, _: &Path, _: &[Seat]) -> io::Result<Instance> {
        unreachable!("what can't be had is not made")
    }
}

#[test]
fn a_channel_that_can_not_be_had_is_skipped_and_says_why() {
    let plan = Plan { scenarios: 10, ..Plan::new(&LINUX, vec![0]) };
    let tested = campaign::check(&[&Nowhere], &plan, &|_| {});
    if !campaign::may_skip() {
        assert!(matches!(tested, Err(Trouble::Unavailable { .. })));
        return;
    }
    let tested = tested.expect("nothing to be done");
    let heading = Heading::here("linux", 0);
    assert!(report::table(&tested).contains("┆ not supported"));
    let row = &report::json(&heading, &tested)["channels"][0];
    assert_eq!(
        (row["verdict"].as_str(), row["not_supported"][0].as_str()),
        (Some("not supported"), Some("there is none"))
    );
    let junit = report::junit(&heading, &tested).expect("XML");
    assert!(junit.contains("<skipped message=\"there is none\""), "{junit}");
}
