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

use crate::call::{Actor, Answer, Call, End, Op};
use crate::channel::queue::MESSAGE_BYTES;
use crate::explore::{Space, find};
use crate::kind::{Discipline, Hold, Kind, Side};
use crate::oracle::Steps;
use crate::platform::{LINUX, Platform};
use crate::run::{Event, Name, Run, Seat, Setup};
use crate::taxonomy::{Direction, Waiting};
use crate::world::{Progress, World};

/// The platform on which kinds are decided: pages of two bytes, so that there are few states.
pub const PLATFORM: Platform = LINUX.shrunk(2);

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
            Waiting::Waits => "a receiver of nothing waits",
            Waiting::BusyWaits => "a receiver of nothing is answered at once",
        },
        run,
    ));
    shown.extend(
        deadlock(kind)
            .map(|run| ("both write more than fits before they read: both wait for ever", run)),
    );
    Decided { direction, waiting, shown }
}

const ANN: Actor = Actor(0);
const BEN: Actor = Actor(1);

fn direction(kind: &'static Kind, shown: &mut Vec<(&'static str, Run)>) -> Direction {
    let mut best = Direction::Simplex;
    for (ann, ben) in sharings(kind) {
        let space = talk(kind, &ann, &ben);
        let finds = |goal: &dyn Fn(&World) -> bool| find(&space, &PLATFORM, |_, _| true, goal);
        let to_ben = finds(&|world| hears(world, BEN, ANN));
        let to_ann = finds(&|world| hears(world, ANN, BEN));
        let own = finds(&|world| hears(world, ANN, ANN) || hears(world, BEN, BEN));
        let both = finds(&|world| under_way(world, ANN) && under_way(world, BEN));
        match (to_ben, to_ann, own, both) {
            (Some(_), Some(_), None, Some(run)) => {
                shown.push(("both have words under way to each other", run));
                return Direction::Duplex;
            }
            (Some(_), Some(run), None, None) => {
                shown.push(("it goes the other way as well, but never at the same time", run));
                best = Direction::HalfDuplex;
            }
            (Some(_), Some(_), Some(run), _) => {
                shown.push(("used both ways, somebody reads its own words", run));
            }
            (Some(run), None, ..) => shown.push(("words go this way only", run)),
            _ => {}
        }
    }
    best
}

/// The ways in which two actors may share the ends of a channel.
fn sharings(kind: &Kind) -> Vec<(Vec<Hold>, Vec<Hold>)> {
    let of = |side| kind.held.iter().copied().filter(|hold| hold.side == side).collect();
    match (kind.sides, kind.discipline) {
        (2, _) => vec![(of(Side::A), of(Side::B))],
        (_, Discipline::Stream | Discipline::Queue) => {
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
        setup.capacity_bytes = 2 * PLATFORM.page_bytes;
    }
    let all = names(ann, ben);
    let seat = |name: &str, holds: &[Hold]| Seat {
        name: Name::new(name).expect("the names here are names"),
        ends: holds.iter().map(|hold| (end_of(&all, *hold), *hold)).collect(),
    };
    let name = |hold: &Hold| Name::new(hold.letters()).expect("letters are a name");
    Space {
        setup,
        seats: vec![seat("ann", ann), seat("ben", ben)],
        end_names: all.iter().map(name).collect(),
        alphabet: Vec::new(),
        fill_bytes: 2 * word_bytes(kind).0,
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
        Discipline::Stream => (1, 1),
        Discipline::Queue => (1, MESSAGE_BYTES),
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

/// What a read of nothing does, with the run that shows it.
fn waiting(kind: &'static Kind) -> (Waiting, Run) {
    let (ann, ben) = sharings(kind).swap_remove(0);
    let mut space = talk(kind, &ann, &ben);
    space.alphabet.retain(|call| call.actor == BEN && call.op.asks().is_some());
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

/// Of a kind that goes both ways and waits: the run in which both write more than fits before they read.
fn deadlock(kind: &'static Kind) -> Option<Run> {
    if kind.sides < 2 {
        return None;
    }
    let (ann, ben) = sharings(kind).swap_remove(0);
    let steps = Steps::new(&PLATFORM);
    // More than any buffer holds, without knowing how much that is.
    let lengths = (2..24).map(|power| 1_u32 << power);
    lengths.into_iter().find_map(|len| {
        let mut space = talk(kind, &ann, &ben);
        space.alphabet.retain(|call| call.op.offers().is_some());
        space.alphabet.iter_mut().for_each(|call| call.op = call.op.with_len(len));
        space.fill_bytes = u32::MAX;
        let idle =
            |world: &World, call: &Call| world.actors[usize::from(call.actor.0)].written == 0;
        let both = |world: &World| world.busy().iter().count() == 2 && steps.may_sleep(world);
        let mut run = find(&space, &PLATFORM, idle, both)?;
        run.push(Event::Quiet([ANN, BEN].into_iter().collect()));
        Some(run)
    })
}
