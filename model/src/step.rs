//! Moves: which rules apply to a call in progress, and what taking one does.

use smallvec::SmallVec;

use crate::act::Act;
use crate::call::{Actor, Answer, Disposition, End, Events, Op, Sig, Signal};
use crate::channel::epoll::Ready;
use crate::channel::{Epoll, Object};
use crate::index::{DescriptionIndex, ObjectIndex, RuleIndex};
use crate::platform::Platform;
use crate::rule::{Answers, Fault, Force, Move, Scene, What};
pub use crate::rules::RuleSet;
use crate::rules::checks::order;
use crate::rules::descriptor::let_go_of_all;
use crate::rules::process::{BESIDE_FAULTS, LETS_GO};
use crate::rules::signal::{INSTEAD_OF_SLEEP, LEAVES, STOPPED};
use crate::rules::{RULES, of_call};
use crate::run::{Seat, Setup};
use crate::world::{Interrupted, Pending, Progress, World};

/// The moves that the rules allow, each with its rule.
pub type Moves = SmallVec<[(RuleIndex, Move); 4]>;

/// All moves of an actor's call in progress: the union over all rules, less what [faults](Move::fault) leave out.
/// None once it is answered, but that it lets go of what it refers to.
///
/// What `poll` finds is the union of what the rules report; the rules that reported go to `reporters`.
pub fn moves(platform: &Platform, world: &World, actor: Actor, reporters: &mut RuleSet) -> Moves {
    let mut moves = Moves::new();
    let Some(call) = world.pending(actor) else { return moves };
    let mut at = Scene { platform, world, actor, call, found: (Events::NONE, Events::NONE) };
    if call.progress != Progress::Open {
        moves.extend(lets_go(&at));
        return moves;
    }
    if let Some(found) = found_elsewhere(platform, world, actor, call) {
        at.found = found;
    }
    let rules = of_call(platform.family, world.discipline(), &call.op);
    let rules = || rules.iter().filter(|rule| platform.lacks != Some(**rule));
    if matches!(call.op, Op::Poll { .. }) {
        for index in rules() {
            let reported = (RULES[usize::from(*index)].step)(&at);
            if let Some(Move { what: What::Reports { must, may }, .. }) = reported {
                at.found.0 = at.found.0.union(must);
                at.found.1 = at.found.1.union(may);
                reporters.insert(*index);
            }
        }
    }
    let mut faulty = false;
    for index in rules() {
        match (RULES[usize::from(*index)].step)(&at) {
            None | Some(Move { what: What::Reports { .. }, .. }) => {}
            Some(step) => {
                faulty |= step.fault.is_some();
                moves.push((*index, step));
            }
        }
    }
    if faulty {
        leave_out(platform, call, &mut moves);
    }
    let interrupted = call.interrupted != Interrupted::Not;
    if call.dies.is_some() || interrupted || call.left || world.is_stopped(actor) {
        held_up(world, actor, call, &mut moves);
    }
    moves
}

/// What a call that is answered still does: it lets go of what only it refers to.
fn lets_go(at: &Scene<'_>) -> Option<(RuleIndex, Move)> {
    let rules = at
        .world
        .is_to_let_go(at.actor)
        .then(|| of_call(at.platform.family, at.world.discipline(), &at.call.op))?;
    let is_it = |rule: &&RuleIndex| RULES[usize::from(**rule)].id == LETS_GO;
    let rule = *rules.iter().find(is_it)?;
    Some((rule, (RULES[usize::from(rule)].step)(at)?))
}

/// What holds of a descriptor that a call does not poll itself, and that matters to it: of the target of a registration, of the
/// entry that a wait looks at, of what a polled epoll watches.
fn found_elsewhere(
    platform: &Platform,
    world: &World,
    actor: Actor,
    call: &Pending,
) -> Option<(Events, Events)> {
    let on = |index| match world.object(index) {
        Object::Epoll(epoll) => Some(&**epoll),
        _ => None,
    };
    let watched = match call.op {
        Op::EpollAdd { target, .. } | Op::EpollModify { target, .. } => world.end(actor, target)?,
        Op::EpollWait { .. } => on(call.description?)?.next(actor)?.key.description,
        Op::Poll { .. } => return Some(ready(platform, world, actor, on(call.description?)?)),
        _ => return None,
    };
    Some(reported(platform, world, actor, watched))
}

/// What a poll of a description would find: for sure, and perhaps.
fn reported(
    platform: &Platform,
    world: &World,
    actor: Actor,
    description: DescriptionIndex,
) -> (Events, Events) {
    if let Object::Epoll(epoll) = world.object(description) {
        return ready(platform, world, actor, epoll);
    }
    let op = Op::Poll { events: Events(u16::MAX), wait: false, among: false };
    let call = &Pending { op, description: Some(description), ..Pending::NOBODYS };
    let mut at = Scene { platform, world, actor, call, found: (Events::NONE, Events::NONE) };
    for index in of_call(platform.family, world.discipline(), &op) {
        let found = (RULES[usize::from(*index)].step)(&at);
        if let Some(Move { what: What::Reports { must, may }, .. }) = found {
            at.found.0 = at.found.0.union(must);
            at.found.1 = at.found.1.union(may);
        }
    }
    at.found
}

/// Whether an epoll has an event to tell, as a poll finds it.
fn ready(platform: &Platform, world: &World, actor: Actor, epoll: &Epoll) -> (Events, Events) {
    let holds = |entry: &Ready, surely: bool| holds(platform, world, actor, epoll, entry, surely);
    let told = |is: bool| if is { Events::IN } else { Events::NONE };
    let scanned = epoll.scan.is_some();
    let sure = !scanned && epoll.ready.iter().any(|entry| entry.sure && holds(entry, true));
    (told(sure), told(scanned || epoll.ready.iter().any(|entry| holds(entry, false))))
}

/// Whether there is something to tell of an entry of an epoll; for sure, or perhaps.
fn holds(
    platform: &Platform,
    world: &World,
    actor: Actor,
    epoll: &Epoll,
    entry: &Ready,
    surely: bool,
) -> bool {
    epoll.item(entry.key).filter(|item| !item.disabled).is_some_and(|item| {
        let (must, may) = reported(platform, world, actor, entry.key.description);
        let is_tcp = matches!(world.object(entry.key.description), Object::Tcp(_));
        let found = if is_tcp && !surely { must.union(may) } else { must };
        !found.intersection(item.events).is_empty()
    })
}

/// What looks at an epoll as at any other descriptor takes the entries off its ready list of which there is nothing to tell, up
/// to the first of which there is something (Linux `fs/eventpoll.c`, `__ep_eventpoll_poll`): where that is woken again it comes
/// last.
fn look_through(platform: &Platform, world: &mut World, actor: Actor) {
    let Some(call) = world.pending(actor) else { return };
    let on = |index| match world.object(index) {
        Object::Epoll(epoll) => Some(&**epoll),
        _ => None,
    };
    let looked_at = match call.op {
        Op::EpollAdd { target, .. } | Op::EpollModify { target, .. } => world.end(actor, target),
        Op::EpollWait { .. } => call
            .description
            .and_then(on)
            .and_then(|epoll| epoll.next(actor))
            .map(|entry| entry.key.description),
        Op::Poll { .. } => call.description,
        _ => None,
    };
    if let Some(index) = looked_at {
        take_off(platform, world, actor, index);
    }
}

fn take_off(platform: &Platform, world: &mut World, actor: Actor, index: DescriptionIndex) {
    let epoll = |world: &World| match world.object(index) {
        Object::Epoll(epoll) if epoll.scan.is_none() => Some(epoll.clone()),
        _ => None,
    };
    while let Some(epoll) = epoll(world).filter(|epoll| !epoll.ready.is_empty()) {
        let entry = epoll.ready[0];
        take_off(platform, world, actor, entry.key.description);
        if holds(platform, world, actor, &epoll, &entry, false) {
            return;
        }
        let object = usize::from(world.descriptions[usize::from(index)].object);
        if let Object::Epoll(epoll) = &mut world.objects[object] {
            epoll.ready.remove(0);
        }
    }
}

/// Who polls and sleeps has looked through what it polls.
pub fn have_looked(platform: &Platform, world: &mut World) {
    for actor in world.busy().iter() {
        if matches!(world.pending(actor).map(|call| call.op), Some(Op::Poll { .. })) {
            look_through(platform, world, actor);
        }
    }
}

/// Leaves out the moves of a call that has no place for them as its process is ending, was interrupted or is stopped.
fn held_up(world: &World, actor: Actor, call: &Pending, moves: &mut Moves) {
    let is = |rule: RuleIndex, ids: &[&str]| ids.contains(&RULES[usize::from(rule)].id);
    let stopped = world.is_stopped(actor) && call.dies.is_none();
    let is_rest = |rule: RuleIndex, step: &Move| step.what == What::Rests && !is(rule, &[STOPPED]);
    let would_sleep = call.left || moves.iter().any(|(rule, step)| is_rest(*rule, step));
    if stopped && (call.left || !world.is_stopping(actor)) {
        moves.retain(|(_, step)| step.what == What::Rests);
        return;
    }
    if call.left {
        moves.retain(|(rule, _)| is(*rule, &INSTEAD_OF_SLEEP) || is(*rule, &BESIDE_FAULTS));
        return;
    }
    if !would_sleep {
        moves.retain(|(rule, _)| !is(*rule, &INSTEAD_OF_SLEEP) && !is(*rule, &[LEAVES]));
    }
    if stopped {
        // What is in the kernel comes to where it sleeps, and leaves that, or to its return.
        let rests = !call.is_inside();
        moves.retain(|(_, step)| rests || step.what != What::Rests);
    } else if call.dies.is_some() || call.interrupted != Interrupted::Not {
        moves.retain(|(_, step)| step.what != What::Rests);
    }
}

/// Leaves out the moves of a call that its faults leave no place for.
///
/// What is unspecified stays so. Where the platform checks in a known order, the first fault is told and no other; where any may be told, all
/// stand. A call that has not begun to wait, nor transferred anything, does nothing besides but what is an exception, unless
/// all its faults are of the sort that may be told. What is to be done before a check, as its place in the order says, is done instead.
fn leave_out(platform: &Platform, call: &Pending, moves: &mut Moves) {
    let begun = call.entered || call.done > 0;
    let Some(order) = order(platform.family, &call.op) else {
        let shall = moves.iter().any(|(_, step)| step.fault == Some(Fault::Shall));
        if shall && !begun {
            let stays = |rule: RuleIndex, step: &Move| {
                step.fault.is_some() || is_open(step) || is_exception(rule) || is_of_threads(rule)
            };
            moves.retain(|(rule, step)| stays(*rule, step));
        }
        return;
    };
    let faults = moves.iter().filter(|(_, step)| step.fault.is_some());
    let first = faults.map(|(rule, _)| order.place(*rule)).min();
    let is_before = |rule: RuleIndex| Some(order.place(rule)) < first;
    let waits = |(rule, step): &(RuleIndex, Move)| step.fault.is_none() && is_before(*rule);
    let does_else = !begun && moves.iter().any(waits);
    moves.retain(|(rule, step)| match step.fault {
        Some(_) => !does_else && Some(order.place(*rule)) == first,
        None => begun || is_open(step) || is_before(*rule) || is_of_threads(*rule),
    });
}

/// Whether the rule says what becomes of a call by what other threads do: no fault that it meets keeps that away.
fn is_of_threads(rule: RuleIndex) -> bool {
    BESIDE_FAULTS.contains(&RULES[usize::from(rule)].id)
}

fn is_exception(rule: RuleIndex) -> bool {
    RULES[usize::from(rule)].force == Force::Exception
}

/// Whether anything may happen.
fn is_open(step: &Move) -> bool {
    matches!(step.what, What::Unspecified(_))
}

/// The moves that no call makes: what has been sent and not arrived may arrive.
///
/// A rule of the word `deliver` sees a scene whose call is nobody's, once for each object.
pub fn deliveries(platform: &Platform, world: &World) -> Moves {
    let mut moves = Moves::new();
    let rules = of_call(platform.family, world.discipline(), &Op::Deliver);
    if rules.is_empty() {
        return moves;
    }
    for object in 0..world.objects.len() as ObjectIndex {
        let call = &Pending { waits_on: Some(object), ..Pending::NOBODYS };
        let found = (Events::NONE, Events::NONE);
        let at = Scene { platform, world, actor: Actor::NOBODY, call, found };
        for index in rules {
            if let Some(step) = (RULES[usize::from(*index)].step)(&at) {
                moves.push((*index, step));
            }
        }
    }
    moves
}

/// The world at the start of a run.
pub fn start(platform: &Platform, setup: &Setup, seats: &[Seat]) -> World {
    let mut world = World::new(platform, setup, seats);
    settle(platform, &mut world);
    world
}

/// Makes the moves of the word `release`, of one object after the other; gives their rules.
fn settle(platform: &Platform, world: &mut World) -> RuleSet {
    let mut shown = RuleSet::default();
    while !world.released.is_empty() {
        let object = world.released.remove(0);
        let call = &Pending { waits_on: Some(object), op: Op::Release, ..Pending::NOBODYS };
        let found = (Events::NONE, Events::NONE);
        let at = Scene { platform, world, actor: Actor::NOBODY, call, found };
        let rules = of_call(platform.family, world.discipline(), &Op::Release).iter();
        let step = |rule: &RuleIndex| Some((*rule, (RULES[usize::from(*rule)].step)(&at)?));
        let Some((rule, step)) = rules.into_iter().find_map(step) else { continue };
        shown.insert(rule);
        if let Some(effect) = step.effect {
            effect(&mut Act::at(world, platform, object));
        }
    }
    shown
}

/// What follows from a move at once: objects to which nothing refers any more are released, and polls for which there
/// is something now are woken. Gives the rules of what is released.
fn come_to_rest(platform: &Platform, world: &mut World) -> RuleSet {
    let shown = settle(platform, world);
    for actor in (0..world.actors.len() as u8).map(Actor) {
        let unwoken = world.pending(actor).is_some_and(|call| call.unwoken);
        if unwoken && !rests(&moves(platform, world, actor, &mut RuleSet::default())) {
            let now = world.end(actor, world.pending(actor).map_or(End(0), |call| call.end));
            let call = world.pending_mut(actor);
            (call.unwoken, call.astray) = (false, now != call.description);
        }
    }
    shown
}

/// Whether something is yet to arrive before things come to rest.
pub fn is_under_way(deliveries: &Moves) -> bool {
    deliveries.iter().any(|(_, step)| !matches!(step.what, What::Delivers { surely: false, .. }))
}

/// Makes a move that no call makes; gives the rules of what is released thereby.
pub fn deliver(platform: &Platform, world: &mut World, step: Move) -> RuleSet {
    if let (Some(effect), What::Delivers { object, .. }) = (step.effect, step.what) {
        effect(&mut Act::at(world, platform, object));
    }
    come_to_rest(platform, world)
}

/// Whether the call may sleep.
pub fn rests(moves: &Moves) -> bool {
    moves.iter().any(|(_, step)| step.what == What::Rests)
}

/// Answers an actor's call by a move that moves `count` bytes (0 where it moves none); gives the rules of what is
/// released thereby.
pub fn answer(
    platform: &Platform,
    world: &mut World,
    actor: Actor,
    (rule, step): (RuleIndex, Move),
    count: u32,
    given: Answer,
    signal: Option<Signal>,
) -> RuleSet {
    look_through(platform, world, actor);
    if let Some(effect) = step.effect {
        effect(&mut Act::of_call(world, platform, actor, count));
    }
    let signal = raised(world, actor, signal);
    let call = world.pending_mut(actor);
    call.progress = Progress::Answered { rule, answer: given, signal };
    if call.dies.is_some() {
        let_go_of_all(&mut Act::of_call(world, platform, actor, 0));
    }
    come_to_rest(platform, world)
}

/// The signal that a call raises, if its process takes it: one that is ignored nobody sees.
pub fn raised(world: &World, actor: Actor, signal: Option<Signal>) -> Option<Signal> {
    let Signal::Sigpipe = signal?;
    let ignored = world.signals(actor).of(Sig::PIPE) == Disposition::Ignored;
    signal.filter(|_| !ignored)
}

/// Carries an actor's call a part of the way; gives the rules of what is released thereby.
pub fn proceed(
    platform: &Platform,
    world: &mut World,
    actor: Actor,
    step: Move,
    count: u32,
) -> RuleSet {
    if platform.sockets_ask_once {
        world.ask_for_terms(actor);
    }
    look_through(platform, world, actor);
    if let Some(effect) = step.effect {
        effect(&mut Act::of_call(world, platform, actor, count));
    }
    come_to_rest(platform, world)
}

/// Lets calls that are answered let go of what they refer to.
pub fn let_go(platform: &Platform, world: &mut World) {
    for actor in world.busy().iter() {
        if !world.is_to_let_go(actor) {
            continue;
        }
        for (_, step) in moves(platform, world, actor, &mut RuleSet::default()) {
            proceed(platform, world, actor, step, 0);
        }
    }
}

/// The number of bytes that a move would have to move so that the call is answered with `answer`;
/// `None` where it can't be.
pub fn count_for(answers: Answers, done: u32, answer: Answer) -> Option<u32> {
    match (answers, answer) {
        (Answers::Exactly(given), seen) => (given == seen).then_some(0),
        (Answers::Transferred { least, most }, Answer::Count(total)) => {
            total.checked_sub(done).filter(|count| (least..=most).contains(count))
        }
        (Answers::Ready { must, may }, Answer::Ready(seen)) => {
            (!seen.is_empty() && seen.contains(must) && must.union(may).contains(seen)).then_some(0)
        }
        _ => None,
    }
}

/// Every answer that a move allows, with the bytes moved; for a range of counts every count, or the
/// least and the most where `all` is false.
pub fn all_answers(answers: Answers, done: u32, all: bool) -> SmallVec<[(Answer, u32); 4]> {
    match answers {
        Answers::Exactly(answer) => SmallVec::from_iter([(answer, 0)]),
        Answers::Transferred { least, most } if all => {
            (least..=most).map(|count| (Answer::Count(done + count), count)).collect()
        }
        Answers::Transferred { least, most } if least == most => {
            SmallVec::from_iter([(Answer::Count(done + least), least)])
        }
        Answers::Transferred { least, most } => {
            [least, most].into_iter().map(|count| (Answer::Count(done + count), count)).collect()
        }
        Answers::Ready { must, may } => {
            let free = Events(may.0 & !must.0);
            subsets(free)
                .map(|more| must.union(more))
                .filter(|events| !events.is_empty())
                .map(|events| (Answer::Ready(events), 0))
                .collect()
        }
    }
}

fn subsets(events: Events) -> impl Iterator<Item = Events> {
    let mut next = Some(events.0);
    std::iter::from_fn(move || {
        let this = next?;
        next = (this != 0).then(|| (this - 1) & events.0);
        Some(Events(this))
    })
}
