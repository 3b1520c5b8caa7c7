//! Any run that can be printed: of legal events, with any replies.

use pipewright_model::call::{
    ACTORS_MAX, Actor, Answer, Call, End, Errno, Events, Lock, Marks, Mode, Op, OpenFlags, Reply,
    SendFlags, Signal, SocketOption, Whence,
};
use pipewright_model::data::{Data, Segment, Segments, push_segment};
use pipewright_model::ends::OpenEnds;
use pipewright_model::kind::{Hold, KINDS, Kind};
use pipewright_model::run::{Actors, Event, Name, Run, Seat, Setup};
use pipewright_model::settings::{Setting, Settings};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

const ACTOR_NAMES: [&str; 10] =
    ["writer", "writer-2", "reader", "reader2", "a", "b7", "quiet", "channel", "nothing", "actor"];
const END_NAMES: [&str; 8] = ["r", "w", "rw", "r2", "wa", "sb", "s10", "w03"];

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// What an end of this name is for.
fn hold_of(name: Name) -> Hold {
    let letters = name.as_str().trim_end_matches(|c: char| c.is_ascii_digit());
    Hold::named(letters).expect("the names above are names of ends")
}

fn events() -> impl Strategy<Value = Events> {
    prop_oneof![any::<u16>().prop_map(Events), select(vec![Events::IN, Events::OUT, Events::NONE])]
}

fn op(ends: u8) -> impl Strategy<Value = Op> {
    prop_oneof![of_any_channel(ends).boxed(), of_files().boxed(), of_sockets(ends).boxed()]
}

fn size() -> impl Strategy<Value = u32> {
    prop_oneof![0..10_u32, any::<u32>()]
}

fn mode() -> impl Strategy<Value = Mode> {
    select(Mode::NAMED.map(|(_, mode)| mode).to_vec())
}

fn of_any_channel(ends: u8) -> impl Strategy<Value = Op> {
    prop_oneof![
        (mode(), 0..8_u8).prop_map(|(mode, flags)| Op::Open { mode, flags: OpenFlags(flags) }),
        size().prop_map(|len| Op::Read { len }),
        size().prop_map(|len| Op::Write { len }),
        Just(Op::Close),
        (0..ends).prop_map(|new| Op::Dup { new: End(new) }),
        any::<bool>().prop_map(Op::SetNonblock),
        (events(), any::<bool>()).prop_map(|(events, wait)| Op::Poll {
            events,
            wait,
            among: false
        }),
        size().prop_map(|bytes| Op::SetCapacity { bytes }),
        Just(Op::GetCapacity),
        Just(Op::Available),
        Just(Op::Unlink),
    ]
}

fn of_files() -> impl Strategy<Value = Op> {
    let offset = || prop_oneof![Just(0), any::<i32>()];
    let lock = || select(Lock::NAMED.map(|(_, lock)| lock).to_vec());
    let from = select(Whence::NAMED.map(|(_, from)| from).to_vec());
    prop_oneof![
        (from, offset()).prop_map(|(from, offset)| Op::Seek { from, offset }),
        (size(), offset()).prop_map(|(len, at)| Op::ReadAt { len, at }),
        (size(), offset()).prop_map(|(len, at)| Op::WriteAt { len, at }),
        size().prop_map(|len| Op::Truncate { len }),
        (lock(), any::<bool>()).prop_map(|(lock, wait)| Op::Lock { lock, wait }),
        (lock(), any::<bool>()).prop_map(|(lock, wait)| Op::Flock { lock, wait }),
    ]
}

fn of_sockets(ends: u8) -> impl Strategy<Value = Op> {
    let flags = || (0..64_u8).prop_map(SendFlags);
    let end = move || (0..ends).prop_map(End);
    let option = || select(SocketOption::NAMED.map(|(_, option)| option).to_vec());
    prop_oneof![
        any::<bool>().prop_map(|nonblock| Op::Socket { nonblock }),
        Just(Op::Bind),
        any::<u16>().prop_map(|backlog| Op::Listen { backlog }),
        Just(Op::Connect),
        (end(), any::<bool>()).prop_map(|(new, nonblock)| Op::Accept { new, nonblock }),
        mode().prop_map(|how| Op::Shutdown { how }),
        (size(), flags()).prop_map(|(len, flags)| Op::Send { len, flags }),
        (size(), flags()).prop_map(|(len, flags)| Op::Receive { len, flags }),
        (size(), end()).prop_map(|(len, passed)| Op::SendEnd { len, passed }),
        (size(), end()).prop_map(|(len, new)| Op::ReceiveEnd { len, new }),
        (option(), any::<i32>()).prop_map(|(option, value)| Op::SetOption { option, value }),
        option().prop_map(|option| Op::GetOption { option }),
    ]
}

fn reply(actors: u8) -> impl Strategy<Value = Reply> {
    let answer = prop_oneof![
        4 => Just(Answer::Done),
        2 => any::<u32>().prop_map(Answer::Count),
        1 => (any::<u32>(), 1..8_u8).prop_map(|(count, marks)| Answer::Marked(count, Marks(marks))),
        1 => events().prop_map(Answer::Ready),
        1 => any::<u16>().prop_map(|number| Answer::Fails(Errno::from_number(number))),
        1 => select(Errno::NAMED).prop_map(|(_, errno, _)| Answer::Fails(errno)),
    ];
    let segment = (0..actors, -9..1_000_000_000_000_i64, 1..100_000_u32)
        .prop_map(|(actor, from, len)| Segment { actor: Actor(actor), from, len });
    let segment = prop_oneof![4 => segment, 1 => (1..100_000_u32).prop_map(Segment::zero)];
    let data = prop_oneof![
        2 => Just(Data::Unknown),
        1 => vec(segment, 0..4).prop_map(|parts| {
            let mut segments = Segments::new();
            parts.into_iter().for_each(|part| push_segment(&mut segments, part));
            Data::Named(segments)
        }),
    ];
    (answer, any::<bool>(), data).prop_map(|(mut answer, signal, data)| {
        // It names as many bytes as it counts.
        if let (Answer::Count(count) | Answer::Marked(count, _), Data::Named(segments)) =
            (&mut answer, &data)
        {
            *count = segments.iter().map(|segment| segment.len).sum();
        }
        Reply { answer, signal: signal.then_some(Signal::Sigpipe), data }
    })
}

/// What a generated run does next; what the state of the run forbids is left out.
#[derive(Clone, Debug)]
enum Next {
    Call(Call),
    Return(u8, Reply),
    Quiet,
    Stops(u8, Index),
    GoesOn(u8),
}

fn next(actors: u8, ends: u8) -> impl Strategy<Value = (Next, String)> {
    let call = (0..actors, 0..ends, op(ends)).prop_map(|(actor, end, op)| {
        let end = if op == Op::Unlink { End(0) } else { End(end) };
        Next::Call(Call { actor: Actor(actor), end, op })
    });
    let next = prop_oneof![
        3 => call,
        3 => (0..actors, reply(actors)).prop_map(|(actor, reply)| Next::Return(actor, reply)),
        1 => Just(Next::Quiet),
        1 => (0..actors, any::<Index>()).prop_map(|(actor, at)| Next::Stops(actor, at)),
        1 => (0..actors).prop_map(Next::GoesOn),
    ];
    (next, "([a-z#:]{1,8}( [a-z.é]{1,30}){0,2})?")
}

fn seats(kind: &'static Kind, end_names: Vec<Name>) -> impl Strategy<Value = Vec<Seat>> {
    let fits = move |end: &(End, Hold)| kind.held.contains(&end.1);
    let all = (0_u8..).map(End).zip(end_names.into_iter().map(hold_of)).filter(fits);
    let all: Vec<_> = all.collect();
    let count = all.len();
    let names = subsequence(&ACTOR_NAMES[..], 1..=8).prop_shuffle();
    (names, vec(subsequence(all, 0..=count.min(2)), 8)).prop_map(|(names, held)| {
        let seat = |(text, ends): (&str, _)| Seat::new(name(text), ends);
        let mut seats: Vec<Seat> = names.into_iter().zip(held).map(seat).collect();
        // What one alone may hold is held by the first.
        let mut sole = Vec::new();
        for seat in &mut seats {
            seat.ends.retain(|(_, hold)| !sole.contains(hold));
            sole.extend(seat.ends.iter().map(|end| end.1).filter(|hold| kind.is_sole(hold.mode)));
        }
        seats
    })
}

/// Any run, of legal events with any replies.
pub(crate) fn run() -> impl Strategy<Value = Run> {
    let some_ends = subsequence(&END_NAMES[..], 1..=END_NAMES.len());
    let ends = prop_oneof![some_ends.prop_shuffle(), Just(vec!["r", "w"])];
    let capacity =
        prop_oneof![(0..32_u32).prop_map(|bits| 1 << bits), (1..99_u32).prop_map(|n| n * 64)];
    let setting = select(Setting::all().collect::<Vec<_>>());
    let value = prop_oneof![any::<u32>(), 0..20_000_u32, (9..17_u32).prop_map(|bits| 1 << bits)];
    let setup = (select(KINDS), any::<[bool; 3]>(), capacity, vec((setting, value), 0..3));
    (setup, ends, vec("( {0,2}[a-z#]{1,9})?", 0..3))
        .prop_flat_map(|((kind, flags, capacity_bytes, settings), ends, preamble)| {
            let mut setup = Setup::new(kind);
            setup.packet = flags[0] && kind.check_option("packet").is_ok();
            setup.nonblock = flags[1] && kind.check_option("nonblocking").is_ok();
            let settings = settings.iter().filter(|(set, value)| set.check(*value).is_ok());
            let settings =
                settings.fold(Settings::STOCK, |all, (set, value)| all.with(*set, *value));
            setup.settings = settings.of_kind(kind);
            let page_bytes = setup.settings.get(Setting::PageSize);
            if flags[2] && kind.check_capacity(capacity_bytes, page_bytes).is_ok() {
                setup.capacity_bytes = capacity_bytes;
            }
            let ends: Vec<Name> = ends.into_iter().map(name).collect();
            let seats = seats(kind, ends.clone());
            (Just((setup, ends, preamble)), seats)
        })
        .prop_flat_map(|((setup, ends, preamble), seats)| {
            let nexts = vec(next(seats.len() as u8, ends.len() as u8), 0..24);
            let run = Run { preamble, ..Run::new(setup, seats, ends) };
            (Just(run), nexts)
        })
        .prop_map(|(mut run, nexts)| {
            let mut open = Actors::NONE;
            let mut stopped = Actors::NONE;
            let mut lens = [0; ACTORS_MAX];
            let mut ends = OpenEnds::at_start(&run.seats);
            for (next, remark) in nexts {
                let can_be = |call: &Call| {
                    ends.of(call.actor).in_the_way(call).is_none()
                        && run.setup().kind.has_no_name_for(call.op.word()).is_none()
                };
                run.events.push(match next {
                    Next::Call(call) if !open.contains(call.actor) && can_be(&call) => {
                        open = open.with(call.actor);
                        let len = call.op.offers().or(call.op.asks());
                        lens[usize::from(call.actor.0)] = len.unwrap_or(0) as usize;
                        ends.call(&call);
                        Event::Call(call)
                    }
                    Next::Stops(actor, at)
                        if open.contains(Actor(actor)) && lens[usize::from(actor)] > 0 =>
                    {
                        let len = std::mem::take(&mut lens[usize::from(actor)]);
                        stopped = stopped.with(Actor(actor));
                        Event::Stops(Actor(actor), at.index(len) as u32)
                    }
                    Next::GoesOn(actor) if stopped.contains(Actor(actor)) => {
                        stopped = stopped.iter().filter(|other| other.0 != actor).collect();
                        Event::GoesOn(Actor(actor))
                    }
                    Next::Return(actor, _) if stopped.contains(Actor(actor)) => continue,
                    Next::Return(actor, reply) if open.contains(Actor(actor)) => {
                        ends.returned(Actor(actor), reply.answer);
                        open = open.iter().filter(|open| open.0 != actor).collect();
                        Event::Return(Actor(actor), reply)
                    }
                    Next::Quiet if stopped.is_empty() => Event::Quiet(open),
                    _ => continue,
                });
                run.remarks.push(remark);
            }
            run
        })
}
