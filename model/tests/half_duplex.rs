//! A file with a lock is a talk button: who takes it for as long as they talk are never talked over by each
//! other. Without it they are: the lock is advice.

use std::collections::{HashSet, VecDeque};

use pipewright_model::call::{Actor, Answer, Call, End, Lock, Op};
use pipewright_model::channel::Object;
use pipewright_model::kind::{FLOCKED_FILE, Hold, Kind, LOCKED_FILE};
use pipewright_model::oracle::{Steps, Verdict, judge, reply_of};
use pipewright_model::platform::{LINUX, POSIX, Platform};
use pipewright_model::run::{Event, Run, Setup};
use pipewright_model::world::World;

/// What every actor does.
type Program = &'static [Op];

const WRITE: Op = Op::Write { len: 1 };
const BARE: Program = &[WRITE, WRITE];
const LOCKED: Program = &[
    Op::Lock { lock: Lock::Exclusive, wait: true },
    WRITE,
    WRITE,
    Op::Lock { lock: Lock::None, wait: false },
];
const FLOCKED: Program = &[
    Op::Flock { lock: Lock::Exclusive, wait: true },
    WRITE,
    WRITE,
    Op::Flock { lock: Lock::None, wait: false },
];
const SHARED: Program = &[
    Op::Lock { lock: Lock::Shared, wait: true },
    WRITE,
    WRITE,
    Op::Lock { lock: Lock::None, wait: false },
];

/// A world, how many calls each actor has made, and how it was reached.
#[derive(Clone)]
struct Node {
    world: World,
    made: Vec<usize>,
    run: Run,
}

impl Node {
    /// Whether the actor has its first call behind it and not yet made its last: it talks.
    fn talks(&self, actor: usize, program: Program) -> bool {
        let answered = self.world.actors[actor].call.is_none();
        let made = self.made[actor];
        (1..program.len()).contains(&made) && (made > 1 || answered)
    }
}

/// What was found of a system in which every actor appends two bytes to a file.
struct Found {
    /// A run that leads to two who talk at a time.
    both_talk: Option<Run>,
    /// A run after which one's bytes stand between another's.
    talked_over: Option<Run>,
    /// How often all came to their end.
    ends: usize,
    /// Worlds in which somebody waits for ever.
    stuck: usize,
}

fn explore(kind: &'static Kind, platform: &Platform, programs: &[Program]) -> Found {
    let mut setup = Setup::new(kind);
    setup.append = true;
    let mut run = Run::builder(setup);
    let end = run.end(Hold::BOTH);
    for name in ["ann", "ben", "cid"].into_iter().take(programs.len()) {
        run.actor(name, [end]);
    }
    let run = run.build().expect("the names are names");
    let world = pipewright_model::step::start(platform, run.setup(), &run.seats);
    let steps = Steps::new(platform);
    let mut todo = VecDeque::from([Node { world, made: vec![0; programs.len()], run }]);
    let mut known = HashSet::new();
    let mut found = Found { both_talk: None, talked_over: None, ends: 0, stuck: 0 };
    while let Some(node) = todo.pop_front() {
        if !known.insert((node.world.clone(), node.made.clone())) {
            continue;
        }
        let talking = (0..programs.len()).filter(|actor| node.talks(*actor, programs[*actor]));
        if talking.count() > 1 && found.both_talk.is_none() {
            found.both_talk = Some(node.run.clone());
        }
        let mut next = Vec::new();
        for (index, program) in programs.iter().enumerate() {
            let actor = Actor(index as u8);
            let mut then = node.clone();
            if let Some((_, reply)) = reply_of(&node.world, actor) {
                assert!(!matches!(reply.answer, Answer::Fails(_)), "{}", node.run);
                then.world.returned(actor);
                then.run.push(Event::Return(actor, reply));
                next.push(then);
            } else if node.world.pending(actor).is_some() {
                let worlds = steps.of(&node.world, actor);
                next.extend(worlds.into_iter().map(|world| Node { world, ..node.clone() }));
            } else if let Some(op) = program.get(node.made[index]) {
                let call = Call { actor, end: End(0), op: *op };
                then.world.call(call);
                then.made[index] += 1;
                then.run.push(Event::Call(call));
                next.push(then);
            }
        }
        if next.is_empty() {
            let Object::File(file) = &node.world.objects[0] else { panic!("no file") };
            let cut = file.segments.len() > programs.len();
            if cut && found.talked_over.is_none() {
                found.talked_over = Some(node.run.clone());
            }
            let asleep = !node.world.busy().is_empty();
            found.stuck += usize::from(asleep);
            found.ends += usize::from(!asleep);
        }
        todo.extend(next);
    }
    found
}

#[test]
fn who_locks_before_talking_is_never_talked_over() {
    for (kind, platform, program) in [
        (&LOCKED_FILE, &LINUX, LOCKED),
        (&LOCKED_FILE, &POSIX, LOCKED),
        (&FLOCKED_FILE, &LINUX, FLOCKED),
    ] {
        let found = explore(kind, platform, &[program, program, program]);
        assert_eq!(found.both_talk, None);
        assert_eq!(found.talked_over, None);
        assert_eq!((found.ends > 0, found.stuck), (true, 0));
    }
}

#[test]
fn without_the_lock_two_talk_at_a_time() {
    let found = explore(&LOCKED_FILE, &LINUX, &[BARE, BARE]);
    for shown in [found.both_talk, found.talked_over] {
        let run = shown.expect("nobody is kept from talking");
        eprintln!("{run}");
        assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms);
    }
}

#[test]
fn who_does_not_lock_is_not_stopped_and_a_shared_lock_stops_nobody() {
    for programs in [[LOCKED, BARE], [SHARED, SHARED]] {
        let found = explore(&LOCKED_FILE, &LINUX, &programs);
        assert!(found.both_talk.is_some() && found.talked_over.is_some());
    }
}
