//! Whether what is claimed is so in a state.

use crate::call::Actor;
use crate::channel::Object;
use crate::data::{Segment, ZERO};
use crate::script::{Bytes, ChannelIs, Clause, Does, Given, Got, Predicate, Verb, Who};
use crate::world::Progress;

use super::{State, System};

/// Whether a predicate is so in a state.
pub(super) fn is_so(predicate: &Predicate, system: &System, state: &State) -> bool {
    match predicate {
        Predicate::Not(inner) => !is_so(inner, system, state),
        Predicate::And(all) => all.iter().all(|inner| is_so(inner, system, state)),
        Predicate::Or(all) => all.iter().any(|inner| is_so(inner, system, state)),
        Predicate::Processes(clause) => processes(clause, system, state),
        Predicate::Channel(channel, what) => is(*channel, *what, state),
    }
}

fn processes(clause: &Clause, system: &System, state: &State) -> bool {
    let one = |actor: Actor| clause.does.iter().all(|verb| does(verb, actor, system, state));
    match &clause.who {
        Who::All => system.actors().all(one),
        Who::Nobody => !system.actors().any(one),
        Who::Somebody => system.actors().any(one),
        Who::These(these) => these.iter().all(|actor| one(*actor)),
    }
}

fn does(verb: &Verb, actor: Actor, system: &System, state: &State) -> bool {
    let call = state.worlds.call(actor);
    let waits = || call.filter(|call| call.progress == Progress::Open);
    let is = match &verb.does {
        Does::Ended(None) => system.has_ended(state, actor),
        Does::Ended(Some(status)) => state.status(actor) == Some(*status),
        Does::Done => system.is_done(state, actor),
        Does::Read { what, .. } => given(what, actor, state.heard(actor), state),
        Does::In(called) => call.is_some_and(|call| called.is(call.op)),
        Does::Waits(called) => waits().is_some_and(|call| called.is(call.op)),
        Does::Sleeps(called) => {
            waits().is_some_and(|call| called.is(call.op)) && system.sleeps(state, actor)
        }
        Does::Gets(got, called) => {
            call.is_some_and(|call| called.is(call.op)) && gets(got, actor, state)
        }
        Does::Holds(None) => {
            state.worlds.iter().any(|world| world.open_ends(actor).next().is_some())
        }
        Does::Holds(Some(end)) => {
            state.worlds.iter().any(|world| world.open_ends(actor).any(|open| open == *end))
        }
    };
    is != verb.not
}

fn gets(got: &Got, actor: Actor, state: &State) -> bool {
    let Some(answered) = state.answer(actor) else { return false };
    match got {
        Got::Something => true,
        Got::Answer { other, answer } => (answered == *answer) != *other,
        Got::Data(what) => given(what, actor, state.given(actor), state),
    }
}

/// Whether data that somebody is given, or has been, is this.
fn given(what: &Given, actor: Actor, data: &[Segment], state: &State) -> bool {
    let is = bytes(&what.what, actor, data, state);
    if what.other { length(data) > 0 && !is } else { is }
}

fn bytes(what: &Bytes, actor: Actor, data: &[Segment], state: &State) -> bool {
    let of = |wanted: Actor| data.iter().any(|segment| segment.actor == wanted);
    let only = |wanted: Actor, from: i64| match data {
        [one] => one.actor == wanted && one.from == from,
        _ => false,
    };
    match what {
        Bytes::Some => length(data) > 0,
        Bytes::Of(wanted) => of(*wanted),
        Bytes::Own => of(actor),
        Bytes::Zeros => of(ZERO),
        Bytes::Exactly(segments) => segments.as_slice() == data,
        Bytes::Length(how, number) => how.is(length(data), *number),
        Bytes::Pieces(how, number) => how.is(data.len() as u64, *number),
        Bytes::First(wanted) => only(*wanted, 0),
        Bytes::Next(wanted) => {
            let heard = state.heard(actor).iter().rfind(|segment| segment.actor == *wanted);
            only(*wanted, heard.map_or(0, |segment| segment.to()))
        }
        Bytes::Whole(bytes) => match data {
            [value] => value.len == *bytes && value.from % i64::from(*bytes) == 0,
            _ => false,
        },
        Bytes::Held(channel) => {
            let mut objects = state.worlds[*channel].objects.iter();
            objects.any(|object| matches!(object, Object::File(file) if *file.segments == *data))
        }
    }
}

fn length(data: &[Segment]) -> u64 {
    data.iter().map(|segment| u64::from(segment.len)).sum()
}

fn is(channel: usize, what: ChannelIs, state: &State) -> bool {
    let world = &state.worlds[channel];
    let holds = || world.objects.iter().map(|object| u64::from(object.len())).sum::<u64>();
    let mut objects = (0..world.objects.len()).map(|object| object as u16);
    match what {
        ChannelIs::Holds(how, number) => how.is(holds(), number),
        ChannelIs::Empty(empty) => (holds() == 0) == empty,
        ChannelIs::Writer(there) => objects.any(|object| world.has_writer(object)) == there,
        ChannelIs::Reader(there) => objects.any(|object| world.has_reader(object)) == there,
        ChannelIs::Pieces(how, number) => {
            let pieces = world.objects.iter().map(|object| match object {
                Object::File(file) => file.segments.len() as u64,
                _ => 0,
            });
            how.is(pieces.sum(), number)
        }
        ChannelIs::Locked(how, number) => {
            use crate::call::Lock;
            let open = world.descriptions.iter().filter(|open| open.mode.is_some());
            let locked = open.filter(|open| open.flock != Lock::None || open.lock != Lock::None);
            how.is(locked.count() as u64, number)
        }
    }
}
