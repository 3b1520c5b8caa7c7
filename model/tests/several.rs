//! Random histories of two channels and a few processes: what the model does conforms, the oracle agrees with a search
//! that leaves nothing out, and each comes back from its text.

#[path = "common/brute.rs"]
mod brute;
mod common;
#[path = "common/history.rs"]
mod history;

use brute::{Brute, brute};
use common::{LINUX_SMALL, POSIX_SMALL, in_parallel};
use history::spoil;
use pipewright_model::call::{
    Actor, Call, Disposition, Dispositions, End, Events, Op, Reply, Sig, Termination,
};
use pipewright_model::ends::OpenEnds;
use pipewright_model::kind::{Hold, MODEL_CAPACITY_BYTES, PIPE};
use pipewright_model::oracle::{Steps, Verdict, judge, reply_of};
use pipewright_model::platform::Platform;
use pipewright_model::run::{Channel, Event, Form, Name, Run, Seat, Setup};
use pipewright_model::step::start;
use pipewright_model::world::{Progress, World};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Histories for each profile. The long campaign: `HISTORIES=100000 cargo test -p pipewright-model --release --test
/// several`.
fn histories() -> usize {
    std::env::var("HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(1500)
}

/// Ends: those of the two pipes, then numbers.
const NAMES: [&str; 6] = ["a.r", "a.w", "b.r", "b.w", "0", "1"];
/// Who is there at the start: `p`, its thread `t`, and `q`; then who may be forked.
const P: Actor = Actor(0);
const T: Actor = Actor(1);
const Q: Actor = Actor(2);
const CHILDREN: [Actor; 2] = [Actor(3), Actor(4)];

/// A run in which nothing has happened yet.
fn empty() -> Run {
    let name = |text: &str| Name::new(text).unwrap();
    let mut setup = Setup::new(&PIPE);
    setup.capacity_bytes = MODEL_CAPACITY_BYTES;
    let end_names = NAMES.iter().map(|text| match text.split_once('.') {
        Some((channel, end)) => Name::of_end(Some(name(channel)), name(end)).unwrap(),
        None => Name::of_number(text).unwrap(),
    });
    let signals = Dispositions::NONE
        .with(Sig(10), Disposition::Caught)
        .with(Sig(12), Disposition::Restarting);
    let all = [Hold::READ, Hold::WRITE, Hold::READ, Hold::WRITE];
    let ends = all.iter().enumerate().map(|(at, hold)| (End(at as u8), *hold)).collect();
    let mut seats = vec![
        Seat { form: Form::Process, signals, ..Seat::new(name("p"), ends) },
        Seat { form: Form::Thread(P), ..Seat::new(name("t"), vec![]) },
        Seat {
            form: Form::Process,
            inherits: vec![(End(0), P), (End(3), P)],
            ..Seat::new(name("q"), vec![])
        },
    ];
    for child in ["c", "d"] {
        seats.push(Seat { form: Form::Forked, ..Seat::new(name(child), vec![]) });
    }
    let mut run = Run::new(setup.clone(), seats, end_names.collect());
    run.channels =
        ["a", "b"].map(|text| Channel { name: Some(name(text)), setup: setup.clone() }).to_vec();
    run
}

/// A history that is being drawn: the run so far, and what each channel is like.
struct Drawing<'p> {
    platform: &'p Platform,
    run: Run,
    worlds: Vec<World>,
    /// How many events of its part each channel has seen.
    seen: Vec<usize>,
    ends: OpenEnds,
    /// Who has a call in progress, and which.
    open: Vec<Option<Op>>,
    /// Who is there.
    lives: Vec<bool>,
}

impl Drawing<'_> {
    fn new(platform: &Platform) -> Drawing<'_> {
        let run = empty();
        let parts = run.parts();
        let worlds = parts.iter().map(|part| start(platform, part.run.setup(), &part.run.seats));
        let lives = run.seats.iter().map(|seat| seat.form != Form::Forked).collect();
        Drawing {
            platform,
            worlds: worlds.collect(),
            seen: vec![0; 2],
            ends: OpenEnds::at_start(&run.seats),
            open: vec![None; run.seats.len()],
            lives,
            run,
        }
    }

    fn push(&mut self, event: Event) {
        match &event {
            Event::Call(call) => {
                self.ends.call(call);
                self.open[usize::from(call.actor.0)] = Some(call.op);
                if let Op::Fork { child } = call.op {
                    self.lives[usize::from(child.0)] = true;
                }
            }
            Event::Return(actor, reply) => {
                self.ends.returned(*actor, reply.answer);
                self.open[usize::from(actor.0)] = None;
            }
            Event::Exits(actor, _) => {
                self.ends.exits(*actor);
                for other in (0..self.open.len() as u8).map(Actor) {
                    if self.run.leader(other) == self.run.leader(*actor) {
                        self.open[usize::from(other.0)] = None;
                        self.lives[usize::from(other.0)] = false;
                    }
                }
            }
            _ => {}
        }
        self.run.push(event);
        let parts = self.run.parts();
        for ((part, world), seen) in parts.iter().zip(&mut self.worlds).zip(&mut self.seen) {
            for event in &part.run.events[*seen..] {
                match event {
                    Event::Call(call) => world.call(*call),
                    Event::Return(actor, _) => world.returned(*actor),
                    Event::Exits(actor, status) => world.exits(*actor, *status),
                    Event::Quiet(_) if self.platform.sleepers_in_line => world.all_sleep(),
                    _ => {}
                }
            }
            *seen = part.run.events.len();
        }
    }

    /// One thing that may happen.
    fn step(&mut self, draw: &mut impl FnMut(usize) -> usize) {
        match draw(8) {
            0 | 1 => self.call(draw),
            2 => self.returns(draw),
            3 if draw(3) == 0 => self.quiet(),
            _ => self.moves(draw),
        }
    }

    fn call(&mut self, draw: &mut impl FnMut(usize) -> usize) {
        let idle = |at: &usize| {
            self.lives[*at] && self.open[*at].is_none() && self.is_there(Actor(*at as u8))
        };
        let idle: Vec<usize> = (0..self.lives.len()).filter(idle).collect();
        if idle.is_empty() {
            return;
        }
        let actor = Actor(idle[draw(idle.len())] as u8);
        if draw(14) == 0 && actor != P && actor != T {
            return self.push(Event::Exits(actor, Termination::Exit(draw(3) as u8)));
        }
        let end = End(draw(NAMES.len()) as u8);
        let len = 1 + draw(3) as u32;
        let unborn: Vec<Actor> =
            CHILDREN.into_iter().filter(|child| !self.lives[usize::from(child.0)]).collect();
        let forked =
            |op: &Op, child: Actor| matches!(op, Op::Fork { child: other } if *other == child);
        let calls = self.run.events.iter().filter_map(|event| match event {
            Event::Call(call) => Some(call.op),
            _ => None,
        });
        let calls: Vec<Op> = calls.collect();
        let born = |child: Actor| calls.iter().any(|op| forked(op, child));
        let fresh: Vec<Actor> = unborn.into_iter().filter(|child| !born(*child)).collect();
        let op = match draw(12) {
            0..=2 => Op::Read { len },
            3..=5 => Op::Write { len },
            6 | 7 => Op::Close,
            8 => Op::Dup2 { new: End(4 + draw(2) as u8) },
            9 if !fresh.is_empty() => Op::Fork { child: fresh[0] },
            9 if draw(2) == 0 => Op::SetCloseOnExec(true),
            9 if actor == Q => Op::Exec,
            10 if born(CHILDREN[0]) => Op::Wait { child: CHILDREN[0] },
            _ => {
                Op::Poll { events: Events(Events::IN.0 | Events::OUT.0), wait: false, among: false }
            }
        };
        if op == (Op::Wait { child: actor }) {
            return;
        }
        let end = if op.is_of_process() { End(0) } else { end };
        if !op.is_of_process() && !self.ends.of(actor).has_had(end) {
            return;
        }
        self.push(Event::Call(Call { actor, end, op }));
    }

    /// Whether every channel knows of the actor: no fork that is to make it is still to be carried out.
    fn is_there(&self, actor: Actor) -> bool {
        let makes = |world: &World, parent: Actor| {
            world.pending(parent).is_some_and(|call| {
                call.progress == Progress::Open && call.op == Op::Fork { child: actor }
            })
        };
        let made_by = |world: &World| world.busy().iter().any(|parent| makes(world, parent));
        !self.worlds.iter().any(made_by)
    }

    fn moves(&mut self, draw: &mut impl FnMut(usize) -> usize) {
        let at = draw(2);
        let busy: Vec<Actor> = self.worlds[at].busy().iter().collect();
        if busy.is_empty() {
            return;
        }
        let actor = busy[draw(busy.len())];
        let mut next = Steps::new(self.platform).of(&self.worlds[at], actor);
        if !next.is_empty() {
            self.worlds[at] = next.swap_remove(draw(next.len()));
        }
    }

    fn returns(&mut self, draw: &mut impl FnMut(usize) -> usize) {
        let busy: Vec<usize> = (0..self.open.len()).filter(|at| self.open[*at].is_some()).collect();
        if busy.is_empty() {
            return;
        }
        let actor = Actor(busy[draw(busy.len())] as u8);
        // All channels that see the call have answered it, and alike.
        let in_progress = self.worlds.iter().filter(|world| world.pending(actor).is_some());
        let replies: Vec<Option<Reply>> =
            in_progress.map(|world| reply_of(world, actor).map(|(_, reply)| reply)).collect();
        let Some(Some(first)) = replies.first().cloned() else { return };
        if replies.iter().all(|reply| reply.as_ref() == Some(&first)) {
            self.push(Event::Return(actor, first));
        }
    }

    fn quiet(&mut self) {
        let steps = Steps::new(self.platform);
        let rest = |world: &World| {
            let ended = |actor: Actor| {
                world.pending(actor).is_some_and(|call| call.progress == Progress::Open)
            };
            world.busy().iter().all(ended) && steps.may_sleep(world)
        };
        let open = (0..self.open.len() as u8).map(Actor);
        let open: Vec<Actor> =
            open.filter(|actor| self.open[usize::from(actor.0)].is_some()).collect();
        let forks = self.open.iter().flatten().any(|op| matches!(op, Op::Fork { .. }));
        if !forks && !open.is_empty() && self.worlds.iter().all(rest) {
            self.push(Event::Quiet(open.into_iter().collect()));
        }
    }
}

fn history(platform: &Platform, rng: &mut impl Rng) -> Run {
    let mut draw = |bound: usize| rng.next_u32() as usize % bound;
    let mut drawing = Drawing::new(platform);
    // Where all wait for each other nothing more comes.
    for _ in 0..300 {
        if drawing.run.events.len() < 16 {
            drawing.step(&mut draw);
        }
    }
    let run = drawing.run;
    assert_eq!(run.check(), Ok(()), "{run}");
    run
}

#[test]
fn histories_of_several_channels_are_judged_alike_and_come_back_from_their_text() {
    let numbered: Vec<(u8, &Platform)> =
        (0..4).flat_map(|at| [(at, &LINUX_SMALL), (at, &POSIX_SMALL)]).collect();
    in_parallel(&numbered, |(number, platform)| {
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[*number; 32]);
        let mut rejected = 0;
        for at in 0..histories() / 4 {
            let mut run = history(platform, &mut rng);
            let judgement = judge(&run, platform);
            let verdict = judgement.verdict.clone();
            let conforms = matches!(verdict, Verdict::Conforms | Verdict::Unspecified { .. });
            assert!(conforms, "{}: {judgement}\n{run}", platform.name);
            let text = run.to_string();
            let again: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(again.to_string(), text);
            assert_eq!(judge(&again, platform).verdict, verdict, "{text}");
            if at % 2 == 1 {
                spoil(&mut run, &mut rng);
            }
            let verdict = judge(&run, platform).verdict;
            let expected = brute(&run, platform);
            let agrees = match expected {
                Brute::Conforms => verdict == Verdict::Conforms,
                Brute::Deviates => verdict == Verdict::Deviates,
                Brute::Unspecified => matches!(verdict, Verdict::Unspecified { .. }),
            };
            assert!(agrees, "{}: {verdict}, not {expected:?}\n{run}", platform.name);
            rejected += usize::from(expected == Brute::Deviates);
        }
        assert!(rejected * 12 > histories() / 4, "{rejected} were rejected");
    });
}
