//! A rule sees the neighbourhood of its call: what a bystander does on objects of its own changes no verdict.
//!
//! Runs of every sort, those that deviate above all, are judged twice: as they are, and with calls of a
//! stranger in flight around everything that happens between two rests.

#[path = "common/cases.rs"]
mod cases;
mod common;
#[path = "common/history.rs"]
mod history;

use std::sync::atomic::{AtomicUsize, Ordering};

use cases::cases;
use common::{LINUX_SMALL, POSIX_SMALL, in_parallel, spaces};
use history::spoil;
use pipewright_model::call::{
    ACTORS_MAX, Actor, Answer, Call, End, Errno, Events, Mode, Op, Reply, SendFlags, Whence,
};
use pipewright_model::data::Data;
use pipewright_model::oracle::{Verdict, judge, reply_of};
use pipewright_model::platform::{LINUX, Platform};
use pipewright_model::rule::{Answers, What};
use pipewright_model::run::{Event, Name, Run, Seat, Setup};
use pipewright_model::simulate::{Draw, history};
use pipewright_model::step::{RuleSet, answer, moves};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

const S: End = End(0);
const POLL: Op =
    Op::Poll { events: Events(Events::IN.0 | Events::OUT.0), wait: false, among: false };
/// Every event that has a name.
const ALL: Events =
    Events(Events::IN.0 | Events::OUT.0 | Events::ERR.0 | Events::HUP.0 | Events::RDHUP.0);
const SOCKET: Op = Op::Socket { nonblock: false };

/// What a bystander calls: on a descriptor that is not open, and on a socket of its own, if there are sockets.
const STRANGE: &[Op] = &[
    Op::Close,
    Op::Connect,
    Op::Bind,
    Op::Read { len: 1 },
    Op::Write { len: 1 },
    POLL,
    Op::Available,
    Op::Seek { from: Whence::End, offset: 0 },
    Op::Truncate { len: 0 },
    Op::Send { len: 1, flags: SendFlags::DONTWAIT },
    Op::Shutdown { how: Mode::ReadWrite },
    Op::Accept { new: End(1), nonblock: true },
];
const OWN: &[Op] = &[
    Op::Close,
    Op::Write { len: 1 },
    POLL,
    Op::Shutdown { how: Mode::Write },
    Op::Listen { backlog: 1 },
    Op::SetNonblock(true),
];

/// What a bystander does in each stretch between two rests: calls before, the call around everything, and
/// calls after, each with its reply.
struct Bystander {
    before: Vec<(Op, Reply)>,
    around: (Op, Reply),
    after: Vec<(Op, Reply)>,
}

fn bystanders(platform: &Platform, setup: &Setup) -> Vec<Bystander> {
    let done = || Reply { answer: Answer::Done, signal: None, data: Data::Unknown };
    let strange = STRANGE.iter().filter_map(|op| {
        let reply = reply_alone(platform, setup, &[], *op)?;
        Some(Bystander { before: vec![], around: (*op, reply), after: vec![] })
    });
    let own = OWN.iter().filter_map(|op| {
        let reply = reply_alone(platform, setup, &[SOCKET], *op)?;
        let after = if *op == Op::Close { vec![] } else { vec![(Op::Close, done())] };
        Some(Bystander { before: vec![(SOCKET, done())], around: (*op, reply), after })
    });
    strange.chain(own).collect()
}

/// The reply that a call gets from an actor that is alone and has made some calls; `None` where that is left open.
fn reply_alone(platform: &Platform, setup: &Setup, before: &[Op], op: Op) -> Option<Reply> {
    let seats = [Seat::new(Name::new("stranger")?, vec![])];
    let mut world = pipewright_model::step::start(platform, setup, &seats);
    let mut last = None;
    for op in before.iter().chain([&op]) {
        world.call(Call { actor: Actor(0), end: S, op: *op });
        let steps = moves(platform, &world, Actor(0), &mut RuleSet::default());
        let [(rule, step)] = steps.as_slice() else { return None };
        let What::Answers(answers, signal) = step.what else { return None };
        let given = match answers {
            Answers::Exactly(given) => given,
            Answers::Ready { must, .. } => Answer::Ready(must),
            Answers::Transferred { .. } => return None,
        };
        answer(platform, &mut world, Actor(0), (*rule, *step), 0, given, signal);
        last = reply_of(&world, Actor(0)).map(|(_, reply)| reply);
        world.returned(Actor(0));
    }
    last
}

/// The run with the bystander in it; `None` where there is no room for one more.
fn beside(run: &Run, by: &Bystander) -> Option<Run> {
    (run.seats.len() < ACTORS_MAX).then_some(())?;
    let actor = Actor(run.seats.len() as u8);
    let mut seats = run.seats.clone();
    seats.push(Seat::new(Name::new("stranger")?, vec![]));
    let mut names = run.end_names.clone();
    for spare in ["spare-a", "spare-b"] {
        if names.len() < 2 {
            names.push(Name::new(spare)?);
        }
    }
    let channels = run.channels.clone();
    let (polls, polled) = (run.polls.clone(), run.polled.clone());
    let mut out = Run { channels, polls, polled, ..Run::new(run.setup().clone(), seats, names) };
    let call = |op| Event::Call(Call { actor, end: S, op });
    let whole = |out: &mut Run, calls: &[(Op, Reply)]| {
        for (op, reply) in calls {
            out.push(call(*op));
            out.push(Event::Return(actor, reply.clone()));
        }
    };
    for stretch in run.events.split_inclusive(|event| matches!(event, Event::Quiet(_))) {
        let (rest, events) = match stretch.split_last() {
            Some((rest @ Event::Quiet(_), events)) => (Some(rest), events),
            _ => (None, stretch),
        };
        whole(&mut out, &by.before);
        out.push(call(by.around.0));
        events.iter().for_each(|event| out.push(event.clone()));
        out.push(Event::Return(actor, by.around.1.clone()));
        whole(&mut out, &by.after);
        rest.into_iter().for_each(|event| out.push(event.clone()));
    }
    Some(out)
}

/// What is compared of a verdict; `None` of one that says nothing.
fn word(run: &Run, platform: &Platform) -> Option<&'static str> {
    match judge(run, platform).verdict {
        Verdict::Conforms => Some("conforms"),
        Verdict::Deviates => Some("deviates"),
        Verdict::Unspecified { reason, .. } => Some(reason),
        Verdict::Inconclusive { .. } => None,
    }
}

/// How many verdicts were compared, and of how many runs that deviate.
#[derive(Default)]
struct Tally {
    compared: AtomicUsize,
    deviate: AtomicUsize,
}

impl Tally {
    fn compare(&self, run: &Run, platform: &Platform, alone: &str, by: &Bystander, of: &str) {
        let Some(both) = beside(run, by) else { return };
        let Some(word) = word(&both, platform) else { return };
        assert_eq!(
            alone, word,
            "{of}, {}: a bystander's call changes the verdict\n{both}",
            platform.name
        );
        self.compared.fetch_add(1, Ordering::Relaxed);
        self.deviate.fetch_add(usize::from(word == "deviates"), Ordering::Relaxed);
    }
}

/// The run with one reply changed, in each of a few ways.
fn changed(run: &Run) -> Vec<Run> {
    let mut all = Vec::new();
    for (index, event) in run.events.iter().enumerate() {
        let Event::Return(actor, reply) = event else { continue };
        let others = match reply.answer {
            Answer::Ready(events) => (0..16)
                .map(|bit| Answer::Ready(Events(events.0 ^ (1 << bit))))
                .filter(|answer| matches!(answer, Answer::Ready(events) if ALL.contains(*events)))
                .collect(),
            Answer::Count(count) => vec![
                Answer::Count(count + 1),
                Answer::Count(count / 2),
                Answer::Fails(Errno::ECONNREFUSED),
            ],
            Answer::Value(_) => vec![Answer::Count(1), Answer::Fails(Errno::EAGAIN)],
            Answer::Marked(count, _) => vec![Answer::Count(count)],
            Answer::Told(_) => vec![Answer::Ready(Events::NONE), Answer::Fails(Errno::EINVAL)],
            Answer::Polled(_) => vec![Answer::Fails(Errno::EINVAL)],
            Answer::Done => vec![Answer::Fails(Errno::ECONNREFUSED), Answer::Fails(Errno::EINVAL)],
            Answer::Fails(errno) => {
                [Errno::ECONNREFUSED, Errno::ENXIO, Errno::ENOENT, Errno::EPIPE]
                    .into_iter()
                    .filter(|other| *other != errno)
                    .map(Answer::Fails)
                    .collect()
            }
        };
        for answer in others.into_iter().filter(|answer| *answer != reply.answer) {
            let mut run = run.clone();
            run.events[index] =
                Event::Return(*actor, Reply { answer, signal: reply.signal, data: Data::Unknown });
            all.push(run);
        }
    }
    all
}

#[test]
fn a_bystander_changes_no_verdict_of_a_case_nor_of_one_spoilt() {
    let tally = Tally::default();
    in_parallel(&cases(), |(path, run)| {
        let of = path.display().to_string();
        let bystanders = bystanders(&LINUX, run.setup());
        let Some(alone) = word(run, &LINUX) else { return };
        bystanders.iter().for_each(|by| tally.compare(run, &LINUX, alone, by, &of));
        for (number, spoilt) in changed(run).iter().enumerate() {
            let Some(alone) = word(spoilt, &LINUX) else { continue };
            // A close comes to every one of them, the others by turns.
            let closes = |by: &&Bystander| by.around.0 == Op::Close;
            bystanders
                .iter()
                .filter(closes)
                .for_each(|by| tally.compare(spoilt, &LINUX, alone, by, &of));
            let by = &bystanders[number % bystanders.len()];
            tally.compare(spoilt, &LINUX, alone, by, &of);
        }
    });
    let (compared, deviate) = (tally.compared.into_inner(), tally.deviate.into_inner());
    eprintln!("{compared} verdicts compared, {deviate} of runs that deviate");
    assert!(compared > 10_000 && deviate * 3 > compared, "{deviate} of {compared} deviate");
}

#[test]
fn a_bystander_changes_no_verdict_of_a_random_history() {
    let tally = Tally::default();
    let spaces = spaces();
    let draw = Draw { events: 16, eagerness: 40, in_flight: 3 };
    in_parallel(&spaces, |pinned| {
        for platform in [&LINUX_SMALL, &POSIX_SMALL] {
            let bystanders = bystanders(platform, &pinned.space.setup);
            let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
            for number in 0..60 {
                let mut run = history(&pinned.space, platform, &draw, |bound| {
                    rng.next_u32() as usize % bound
                });
                (0..number % 4).for_each(|_| spoil(&mut run, &mut rng));
                let Some(alone) = word(&run, platform) else { continue };
                let by = &bystanders[number % bystanders.len()];
                tally.compare(&run, platform, alone, by, pinned.name);
            }
        }
    });
    let (compared, deviate) = (tally.compared.into_inner(), tally.deviate.into_inner());
    eprintln!("{compared} verdicts compared, {deviate} of runs that deviate");
    assert!(compared > 2_000 && deviate * 5 > compared, "{deviate} of {compared} deviate");
}

/// Of each race that a rule states, what is possible beside the call that makes it, and the same beside another's
/// of the same sort elsewhere.
#[test]
fn a_race_needs_the_call_that_makes_it() {
    for (what, start, race, elsewhere, seen) in RACES {
        let verdict = |call: &str| {
            let text = format!("{start}\n{call}\n{seen}\n");
            judge(&text.parse::<Run>().unwrap_or_else(|e| panic!("{what}: {e}\n{text}")), &LINUX)
                .verdict
        };
        assert_eq!(verdict(race), Verdict::Conforms, "{what}: it is possible");
        for call in *elsewhere {
            assert_eq!(verdict(call), Verdict::Deviates, "{what}: beside `{call}` it is not");
        }
    }
}

type Race = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str);

#[rustfmt::skip]
const RACES: &[Race] = &[
    (
        "hang-up before room, beside the close of the peer",
        "channel unix-stream\nann: write 60000 -> 60000\nc: socket -> ok",
        "ben: close",
        &["c: close s", "c: close s2", "c: connect s", "c: shutdown s read-write"],
        "ann: poll in|out -> in|err|hup",
    ),
    (
        "some of the end, beside a close that discards the peer on its way",
        "channel unix-stream\nactor ann holds sa\nactor ben holds sb\nann: socket -> ok\nann: bind s -> ok\n\
         ann: listen s 1 -> ok\nb: socket -> ok\nb: connect -> ok\nann: accept s as s2 -> ok\n\
         ann: send-end sa 1 passing s2 -> 1\nann: close s2 -> ok",
        "ben: close",
        &["ann: close s", "ann: close s2", "ben: read s2 1", "ben: receive 1 peek"],
        "b: poll out|rdhup -> out|hup|rdhup",
    ),
    (
        "no room, beside a send on the same socket",
        "channel unix-datagram\nactor ann holds sa\nactor ann2 holds sa\nactor ben holds sb\nc: socket -> ok",
        "ann2: write 60000",
        &["ann2: write 1", "c: close s", "c: write s 60000", "ben: write 60000"],
        "ann: poll out -> none",
    ),
    (
        "room, beside the connect by which the peer leaves",
        "channel unix-datagram\nactor ann holds sa\nactor ben holds sb\na: socket -> ok\na: bind -> ok\n\
         c: socket -> ok\nben: write 60000 -> 60000",
        "ann: connect",
        &["c: connect s", "c: connect s2", "c: close s", "a: close s"],
        "ben: poll out -> out",
    ),
    (
        "no room, beside the connect by which a crowded peer leaves",
        "channel unix-datagram\nactor ann holds sa\nactor ben holds sb\na: socket -> ok\na: bind -> ok\n\
         c: socket -> ok\nben: write 1 -> 1\nben: write 1 -> 1\nben: write 1 -> 1\nben: write 1 -> 1\n\
         ben: write 1 -> 1\nben: write 1 -> 1\nben: write 1 -> 1\nben: write 1 -> 1\nben: write 1 -> 1\n\
         ben: write 1 -> 1\nben: write 1 -> 1",
        "ann: connect",
        &["c: connect s", "c: connect s2", "c: close s", "a: close s"],
        "ben: poll out -> none",
    ),
    (
        "a path to no socket, beside a bind",
        "channel unix-stream\na: socket -> ok\nb: socket -> ok",
        "a: bind s",
        &["a: bind s2", "a: listen s 1", "a: close s"],
        "b: connect s -> ECONNREFUSED",
    ),
    (
        "a path that can't be opened, beside a bind",
        "channel unix-stream\na: socket -> ok\nb: socket -> ok",
        "a: bind s",
        &["a: bind s2", "a: listen s 1", "a: close s"],
        "b: open read -> ENXIO",
    ),
    (
        "some pieces, beside a read",
        "channel unix-stream\nactor ann holds sa\nactor ben holds sb\nactor ben2 holds sb\n\
         ann: write 40000 -> 40000\nann: write 40000 -> 40000",
        "ben: read 80000",
        &["ben: poll in", "ben: close", "ben: read s2 80000"],
        "ben2: available -> 43456",
    ),
    (
        "old bytes behind new ones, beside a write",
        "channel file\nactor a holds rw\nreader: read 1 -> 0\na: write-at 20000 -> 20000",
        "a: write-at 20000",
        &["a: write-at rw2 20000", "a: read 1", "a: truncate rw2 0"],
        "reader: read 20000 -> 20000 = a[20000..28192] a[8192..20000]",
    ),
];
