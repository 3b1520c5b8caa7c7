//! The map of communication, decided: what the rules say of each kind's direction and waiting.
//!
//! A kind's [`Direction`] and [`Waiting`] are claims. Here the rules are asked: all behaviours of a small
//! system are gone through, and each verdict comes with the shortest run that shows it. Reach is not
//! decided: how far a name or an inheritance leads is no matter of calls and returns.
//!
//! Two actors talk over a channel. It is
//!
//! - *duplex* if there is a way to share its ends so that each can send to the other, nobody ever reads its own
//!   words, and at some moment both have words under way to each other;
//! - *half-duplex* if the last never happens;
//! - *simplex* if words go one way only, however the ends are shared.

use crate::call::{Actor, Amount, Answer, Call, End, Lock, Op};
use crate::channel::Object;
use crate::data::Segments;
use crate::explore::{Space, find, find_in_turns};
use crate::kind::{
    Discipline, Hold, Kind, MESSAGE_BYTES, MODEL_CAPACITY_BYTES, MODEL_PAGE_BYTES, Side,
};
use crate::oracle::Steps;
use crate::platform::{LINUX, Platform};
use crate::run::{Event, Name, Run, Seat, Setup};
use crate::taxonomy::{Direction, Waiting};
use crate::world::{ActorState, Description, Progress, World};

/// The platform on which kinds are decided: pages of two bytes, so that there are few states.
pub const PLATFORM: Platform = LINUX.shrunk(MODEL_PAGE_BYTES);

/// What the rules say of a kind.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Which way it carries data.
    pub direction: Direction,
    /// How the receiver learns of data.
    pub waiting: Waiting,
    /// What shows it: each a sentence and the shortest run.
    pub shown: Vec<(&'static str, Run)>,
}

/// Decides a kind by the rules.
pub fn decide(kind: &'static Kind) -> Decided {
    let mut shown = Vec::new();
    let direction = direction(kind, &mut shown);
    let (waiting, run) = waiting(kind);
    shown.push((
        match waiting {
            Waiting::Waits if has_talk_button(kind) => {
                "a process that wants to talk while the other holds the lock blocks"
            }
            Waiting::Waits => "a receiver that finds nothing blocks",
            Waiting::BusyWaits => {
                "a receiver that finds nothing gets an answer at once and must look again"
            }
        },
        run,
    ));
    let deadlock = deadlock(kind);
    shown.extend(
        deadlock.map(|run| ("both write more than fits before they read: a deadlock", run)),
    );
    Decided { direction, waiting, shown }
}

const ANN: Actor = Actor(0);
const BEN: Actor = Actor(1);

fn direction(kind: &'static Kind, shown: &mut Vec<(&'static str, Run)>) -> Direction {
    if has_talk_button(kind) {
        return by_turns(kind, shown);
    }
    if let Discipline::Counter(_) = kind.discipline {
        return by_counting(kind, shown);
    }
    let mut best = Direction::Simplex;
    for (ann, ben) in sharings(kind) {
        let space = talk(kind, &ann, &ben);
        let finds = |goal: &dyn Fn(&World) -> bool| find(&space, &PLATFORM, |_, _| true, goal);
        let to_ben = finds(&|world| hears(world, BEN, ANN));
        let to_ann = finds(&|world| hears(world, ANN, BEN));
        let own = finds(&|world| hears(world, ANN, ANN) || hears(world, BEN, BEN));
        let both = finds(&|world| under_way(world, ANN) && under_way(world, BEN));
        if let Some(run) = finds(&|world| talks_over(world)) {
            shown.push((
                "used both ways, one overwrites data of the other that it has not read",
                run,
            ));
            continue;
        }
        match (to_ben, to_ann, own, both) {
            (Some(_), Some(_), None, Some(run)) => {
                shown.push(("both have data in flight to each other", run));
                return Direction::Duplex;
            }
            (Some(_), Some(run), None, None) => {
                shown.push(("data goes both ways, but never at the same time", run));
                best = Direction::HalfDuplex;
            }
            (Some(_), Some(_), Some(run), _) => {
                shown.push(("used both ways, an actor reads back its own data", run));
            }
            (Some(run), None, ..) => shown.push(("data goes one way only", run)),
            _ => {}
        }
    }
    best
}

/// Whether there is a lock by which those who keep to it talk one at a time.
fn has_talk_button(kind: &Kind) -> bool {
    kind.talk_button(Lock::None, false).is_some()
}

/// Pressing the button, and waiting for it; or letting it go.
fn button(kind: &Kind, lock: Lock) -> Op {
    kind.talk_button(lock, lock != Lock::None).expect("only kinds with a button take turns")
}

/// Two actors who press the button, listen, talk, and let it go, again and again.
fn by_turns(kind: &'static Kind, shown: &mut Vec<(&'static str, Run)>) -> Direction {
    let both = vec![Hold::BOTH];
    let space = talk(kind, &both, &both);
    let end = end_of(&both, Hold::BOTH);
    let press = |lock| button(kind, lock);
    let talks = [Op::Read { len: LISTENS_BYTES }, Op::Write { len: 1 }];
    let in_turns = [press(Lock::Exclusive), talks[0], talks[1], press(Lock::None)];
    let programs = |ops: &[Op]| -> Vec<Vec<Call>> {
        let of = |actor| ops.iter().map(|op| Call { actor, end, op: *op }).collect();
        [ANN, BEN].map(of).into()
    };
    let finds = |ops: &[Op], goal: &dyn Fn(&World) -> bool| {
        find_in_turns(&space, &PLATFORM, &programs(ops), goal)
    };
    let hold = |world: &World| {
        let holds = |d: &&Description| [d.lock, d.flock].contains(&Lock::Exclusive);
        world.descriptions.iter().filter(holds).count() == 2
    };
    let to_ben = finds(&in_turns, &|world| hears(world, BEN, ANN));
    let to_ann = finds(&in_turns, &|world| hears(world, ANN, BEN));
    let over = finds(&in_turns, &|world| talks_over(world));
    let at_once = finds(&in_turns, &hold);
    shown.extend(to_ann.clone().map(|run| ("in turns, each reads what the other wrote", run)));
    let without = finds(&talks, &|world| talks_over(world));
    let overwrites = "without the lock, one overwrites data of the other that it has not read";
    shown.extend(without.map(|run| (overwrites, run)));
    match (to_ben, to_ann, over, at_once) {
        (Some(_), Some(_), None, None) => Direction::HalfDuplex,
        _ => Direction::Simplex,
    }
}

/// Two actors who add to a counter and take from it. What is taken does not tell who has added it, so one of them alone
/// adds where it is asked what reaches whom.
fn by_counting(kind: &'static Kind, shown: &mut Vec<(&'static str, Run)>) -> Direction {
    let both = vec![Hold::BOTH];
    let mut space = pair(kind, &both, &both);
    let end = end_of(&both, Hold::BOTH);
    let ops = [Op::Add { value: Amount::new(1) }, Op::Take];
    let calls = [ANN, BEN].map(|actor| ops.map(|op| Call { actor, end, op }));
    space.alphabet = calls.concat();
    let reaches = |from: Actor, to: Actor| {
        let may_call = |_: &World, call: &Call| match call.op {
            Op::Take => call.actor == to,
            _ => call.actor == from,
        };
        let taken = |world: &World| {
            let call = world.pending(to).filter(|call| call.op == Op::Take);
            call.is_some_and(|call| call.progress != Progress::Open)
        };
        find(&space, &PLATFORM, may_call, taken)
    };
    let (to_ben, own) = (reaches(ANN, BEN), reaches(ANN, ANN));
    shown.extend(to_ben.map(|run| ("a sum goes one way only, without its parts", run)));
    shown.extend(own.map(|run| ("used both ways, an actor reads back its own data", run)));
    Direction::Simplex
}

/// More than both say, in bytes.
const LISTENS_BYTES: u32 = 9;

/// Whether somebody begins to write over, or past, words of the other that it has not heard: in a file, where
/// words lie at offsets.
fn talks_over(world: &World) -> bool {
    let writes = |actor: &ActorState| {
        let call = actor.call.as_ref()?;
        let description = &world.descriptions[usize::from(call.description?)];
        let Object::File(file) = &world.objects[usize::from(description.object)] else {
            return None;
        };
        let begins =
            call.op.offers().is_some() && call.progress == Progress::Open && call.done == 0;
        let this = world.actors.iter().position(|other| std::ptr::eq(other, actor))?;
        let mut unheard = Segments::new();
        file.push_names(description.offset, u32::MAX, &mut unheard);
        Some(begins && unheard.iter().any(|word| usize::from(word.actor.0) != this))
    };
    world.actors.iter().any(|actor| writes(actor).unwrap_or(false))
}

/// The ways in which two actors may share the ends of a channel.
fn sharings(kind: &Kind) -> Vec<(Vec<Hold>, Vec<Hold>)> {
    let of = |side| kind.held.iter().copied().filter(|hold| hold.side == side).collect();
    match (kind.sides, kind.discipline) {
        (2, _) => vec![(of(Side::A), of(Side::B))],
        (_, Discipline::File) => {
            vec![(vec![Hold::WRITE], vec![Hold::READ]), (vec![Hold::BOTH], vec![Hold::BOTH])]
        }
        (_, Discipline::Counter(_)) => vec![(vec![Hold::BOTH], vec![Hold::BOTH])],
        (_, Discipline::Cell | Discipline::Ring) => vec![(vec![Hold::WRITE], vec![Hold::READ])],
        _ => {
            let both = vec![Hold::READ, Hold::WRITE];
            vec![(vec![Hold::WRITE], vec![Hold::READ]), (both.clone(), both)]
        }
    }
}

/// Two actors who write and read a little, each on all its ends.
fn talk(kind: &'static Kind, ann: &[Hold], ben: &[Hold]) -> Space {
    let mut space = pair(kind, ann, ben);
    for (actor, holds) in [(ANN, ann), (BEN, ben)] {
        for hold in holds {
            let end = end_of(&names(ann, ben), *hold);
            let (offered, asked) = word_bytes(kind);
            let write = hold.mode.writes().then_some(Op::Write { len: offered });
            let read = hold.mode.reads().then_some(Op::Read { len: asked });
            let (write, read) = match kind.discipline {
                Discipline::Counter(_) => {
                    (write.map(|_| Op::Add { value: Amount::new(1) }), read.map(|_| Op::Take))
                }
                _ => (write, read),
            };
            let ops = write.into_iter().chain(read);
            space.alphabet.extend(ops.map(|op| Call { actor, end, op }));
        }
    }
    space
}

/// Two actors, and no calls yet.
fn pair(kind: &'static Kind, ann: &[Hold], ben: &[Hold]) -> Space {
    let mut setup = Setup::new(kind);
    if kind.discipline == Discipline::Stream {
        setup.capacity_bytes = MODEL_CAPACITY_BYTES;
    }
    let all = names(ann, ben);
    let seat = |name: &str, holds: &[Hold]| {
        Seat::new(
            Name::new(name).expect("the names here are names"),
            holds.iter().map(|hold| (end_of(&all, *hold), *hold)).collect(),
        )
    };
    let name = |hold: &Hold| Name::new(hold.letters()).expect("letters are a name");
    Space {
        setup,
        seats: vec![seat("ann", ann), seat("ben", ben)],
        end_names: all.iter().map(name).collect(),
        alphabet: Vec::new(),
        fill_bytes: 2 * word_bytes(kind).0,
        lasting_bytes: (kind.discipline == Discipline::File).then_some(1),
    }
}

/// The ends of both, in alphabetical order.
fn names(ann: &[Hold], ben: &[Hold]) -> Vec<Hold> {
    let named = Hold::NAMED.iter().map(|(_, hold)| *hold);
    named.filter(|hold| ann.contains(hold) || ben.contains(hold)).collect()
}

fn end_of(names: &[Hold], hold: Hold) -> End {
    let index = names.iter().position(|held| *held == hold);
    End(index.expect("every end that is held has a name") as u8)
}

/// What is written at a time, and asked for, in bytes.
fn word_bytes(kind: &Kind) -> (u32, u32) {
    match kind.discipline {
        Discipline::Queue => (1, MESSAGE_BYTES),
        Discipline::Cell => (kind.capacity_default_bytes, kind.capacity_default_bytes),
        _ => (1, 1),
    }
}

/// Whether `actor` has just been given words of `of`.
fn hears(world: &World, actor: Actor, of: Actor) -> bool {
    world.pending(actor).is_some_and(|call| {
        matches!(call.progress, Progress::Answered { answer: Answer::Count(1..), .. })
            && call.op.asks().is_some()
            && call.data.iter().any(|segment| segment.actor == of)
    })
}

/// Whether words of the actor wait to be read.
fn under_way(world: &World, actor: Actor) -> bool {
    let mut objects = world.objects.clone();
    objects
        .iter_mut()
        .flat_map(|object| object.segments_mut())
        .any(|segment| segment.actor == actor)
}

/// What a read of nothing does, with the run that shows it; where turns are taken, what is done to who would
/// talk while the other does.
fn waiting(kind: &'static Kind) -> (Waiting, Run) {
    if has_talk_button(kind) {
        return waiting_for_turn(kind);
    }
    let (ann, ben) = sharings(kind).swap_remove(0);
    let mut space = talk(kind, &ann, &ben);
    let receives = |op: Op| op.asks().is_some() || op == Op::Take;
    space.alphabet.retain(|call| call.actor == BEN && receives(call.op));
    let steps = Steps::new(&PLATFORM);
    let asleep = |world: &World| !world.busy().is_empty() && steps.may_sleep(world);
    if let Some(mut run) = find(&space, &PLATFORM, |_, _| true, asleep) {
        run.push(Event::Quiet([BEN].into_iter().collect()));
        return (Waiting::Waits, run);
    }
    let answered =
        |world: &World| world.pending(BEN).is_some_and(|call| call.progress != Progress::Open);
    let run = find(&space, &PLATFORM, |_, _| true, answered);
    (Waiting::BusyWaits, run.unwrap_or_else(|| Run::new(space.setup, space.seats, space.end_names)))
}

fn waiting_for_turn(kind: &'static Kind) -> (Waiting, Run) {
    let both = vec![Hold::BOTH];
    let mut space = talk(kind, &both, &both);
    let end = end_of(&both, Hold::BOTH);
    let press = button(kind, Lock::Exclusive);
    space.alphabet = [ANN, BEN].map(|actor| Call { actor, end, op: press }).to_vec();
    let steps = Steps::new(&PLATFORM);
    let asleep = |world: &World| !world.busy().is_empty() && steps.may_sleep(world);
    match find(&space, &PLATFORM, |_, _| true, asleep) {
        Some(mut run) => {
            let mut open = run.events.iter().rev().filter_map(|event| match event {
                Event::Call(call) => Some(call.actor),
                _ => None,
            });
            let last = open.next().into_iter().collect();
            run.push(Event::Quiet(last));
            (Waiting::Waits, run)
        }
        None => (Waiting::BusyWaits, Run::new(space.setup, space.seats, space.end_names)),
    }
}

/// Of a kind that goes both ways and waits: the run in which both write more than fits before they read.
fn deadlock(kind: &'static Kind) -> Option<Run> {
    if kind.sides < 2 || kind.discipline == Discipline::Cell {
        return None;
    }
    let (ann, ben) = sharings(kind).swap_remove(0);
    let steps = Steps::new(&PLATFORM);
    let writes = |len| {
        let mut space = talk(kind, &ann, &ben);
        space.alphabet.retain(|call| call.op.offers().is_some());
        space.alphabet.iter_mut().for_each(|call| call.op = call.op.with_len(len));
        space.fill_bytes = u32::MAX;
        space
    };
    let both = |world: &World| world.busy().iter().count() == 2 && steps.may_sleep(world);
    let first = |world: &World, call: &Call| world.actors[usize::from(call.actor.0)].written == 0;
    // At one go more than any buffer holds, without knowing how much that is; or, where that is refused, one
    // message after the other.
    let mut lengths = (2..24).map(|power| 1_u32 << power);
    let at_one_go = lengths.find_map(|len| find(&writes(len), &PLATFORM, first, both));
    let mut run = at_one_go.or_else(|| find(&writes(1), &PLATFORM, |_, _| true, both))?;
    run.push(Event::Quiet([ANN, BEN].into_iter().collect()));
    Some(run)
}
