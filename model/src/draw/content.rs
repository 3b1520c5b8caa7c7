//! What is in the channel, as a drawing shows it: a lane an object, a chip a segment.
//!
//! It reads worlds and says nothing of what will become of them.

use crate::call::{Actor, Lock};
use crate::channel::tcp::Finish;
use crate::channel::unix::{Life, Peer};
use crate::channel::{Object, Stream, Tcp, Unix};
use crate::data::{Segment, ZERO};
use crate::index::{DescriptionIndex, ObjectIndex};
use crate::kind::{Discipline, Ends};
use crate::platform::Platform;
use crate::run::Run;
use crate::world::{Description, World};

use super::Story;

/// A mark in a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chip {
    /// What it says.
    pub(super) text: String,
    /// What it is.
    pub(super) look: Look,
}

/// What a chip is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Bytes of this writer that wait to be read, or that are held.
    Bytes(Actor),
    /// Bytes of this writer that may be on their way yet, or that not everybody may know of.
    Passing(Actor),
    /// The pages of a pipe, oldest first.
    Pages(Vec<Page>),
    /// What else there is to know of the object.
    Flag,
    /// The content is empty.
    Nothing,
    /// The content is not known.
    Unknown,
}

/// A page of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Whose byte is its oldest; nobody's where it is free.
    pub(super) of: Option<Actor>,
    /// Where its bytes that wait to be read begin and end, in hundredths of the page.
    pub(super) filled: (i32, i32),
}

/// The most pages that are shown one by one.
const PAGES_MAX: u32 = 16;

fn flag(text: impl Into<String>) -> Chip {
    Chip { text: text.into(), look: Look::Flag }
}

/// What each lane is headed by: for each channel as many as it ever has objects.
pub(super) fn titles(story: &Story<'_>, lanes: &[usize]) -> Vec<String> {
    let parts = story.parts.iter().zip(lanes);
    let of = |(part, lanes): (&Run, &usize)| {
        let titles = titles_of(part, *lanes).into_iter();
        match part.channels[0].name {
            Some(name) => titles.map(|title| format!("{name}: {title}")).collect::<Vec<_>>(),
            None => titles.collect(),
        }
    };
    parts.flat_map(of).collect()
}

fn titles_of(run: &Run, lanes: usize) -> Vec<String> {
    let kind = run.setup().kind;
    let held = run.seats.iter().any(|seat| !seat.ends.is_empty());
    let title = |lane: usize| match (kind.discipline, kind.sides, kind.ends) {
        (_, 1, _) => kind.name.to_owned(),
        (Discipline::Stream, ..) => ["from a to b", "from b to a"][lane.min(1)].to_owned(),
        (_, _, Ends::Connected) if held && lane < 2 => {
            ["into side a", "into side b"][lane].to_owned()
        }
        _ => format!("socket {}", lane + 1),
    };
    (0..lanes).map(title).collect()
}

/// What all of these worlds have in each lane, and that there is more where they differ.
pub(super) fn common(
    story: &Story<'_>,
    channel: usize,
    worlds: &[World],
    lanes: usize,
) -> Vec<Vec<Chip>> {
    let part = &story.parts[channel];
    let by_page = pages_matter(story);
    let chips = |world: &World, lane| {
        let mut chips = chips(part, world, lane);
        if let (true, Some(Object::Stream(stream))) = (by_page, world.objects.get(lane)) {
            chips.push(pages(stream, &story.platform));
        }
        chips
    };
    let unknown = |text: &str| vec![Chip { text: text.to_owned(), look: Look::Unknown }];
    let worlds = &alike(worlds);
    let of = |lane| {
        let mut all = worlds.iter().map(|world| chips(world, lane));
        let Some(mut first) = all.next() else { return unknown("not known") };
        for other in all {
            let same = first.iter().zip(&other).take_while(|(a, b)| a == b).count();
            if same < first.len() || same < other.len() {
                first.truncate(same);
                first.extend(unknown("or more"));
                if same == 0 {
                    return unknown(&format!("one of {} states", worlds.len()));
                }
            }
        }
        first
    };
    (0..lanes).map(of).collect()
}

/// Whether the number of bytes alone doesn't tell what fits: a pipe gets full of pages that are not.
fn pages_matter(story: &Story<'_>) -> bool {
    let matters = |object: &Object| match object {
        Object::Stream(stream) => {
            let holds_less = stream.len() < stream.capacity_bytes(&story.platform);
            (1..=PAGES_MAX).contains(&stream.slots_max) && stream.is_full() && holds_less
        }
        _ => false,
    };
    let worlds = story.frames.iter().flat_map(|frame| &frame.worlds).flatten();
    worlds.flat_map(|world| &world.objects).any(matters)
}

fn pages(stream: &Stream, platform: &Platform) -> Chip {
    let hundredths = |bytes: u32| (bytes * 100 / platform.page_bytes) as i32;
    let mut writers = stream
        .segments
        .iter()
        .flat_map(|segment| std::iter::repeat_n(segment.actor, segment.len as usize));
    let mut pages: Vec<Page> = Vec::new();
    for slot in &stream.slots {
        let of = writers.next();
        if let Some(rest) = (slot.len as usize).checked_sub(2) {
            writers.nth(rest);
        }
        pages.push(Page { of, filled: (hundredths(slot.read), hundredths(slot.read + slot.len)) });
    }
    let all = (stream.slots_max as usize).max(pages.len());
    pages.resize(all, Page { of: None, filled: (0, 0) });
    Chip { text: String::new(), look: Look::Pages(pages) }
}

/// The worlds without what they tell of what has arrived, unless all do: then they differ in less.
fn alike(worlds: &[World]) -> Vec<World> {
    let mut worlds = worlds.to_vec();
    let lanes = worlds.iter().map(|world| world.objects.len()).max().unwrap_or(0);
    for lane in 0..lanes {
        let of = |world: &World| match world.objects.get(lane) {
            Some(Object::Tcp(tcp)) => tcp.arrived,
            Some(Object::Ring(ring)) => ring.len() - ring.unseen_bytes.min(ring.len()),
            _ => 0,
        };
        let least = worlds.iter().map(of).min().unwrap_or(0);
        for world in &mut worlds {
            match world.objects.get_mut(lane) {
                Some(Object::Tcp(tcp)) => tcp.arrived = least,
                Some(Object::Ring(ring)) => ring.unseen_bytes = ring.len().saturating_sub(least),
                _ => {}
            }
        }
    }
    worlds
}

fn chips(run: &Run, world: &World, lane: usize) -> Vec<Chip> {
    let Some(object) = world.objects.get(lane) else { return vec![] };
    let index = lane as ObjectIndex;
    let mut chips = Vec::new();
    let whole = |segment: &Segment| bytes(run, *segment, Look::Bytes);
    match object {
        Object::Free | Object::Epoll(_) => return vec![],
        Object::Stream(stream) => {
            chips.extend(stream.segments.iter().map(whole));
            if stream.slots_max > 0 && stream.is_full() {
                chips.push(flag("full"));
            }
        }
        Object::Queue(queue) => {
            chips.extend(queue.messages.iter().map(whole));
            if queue.is_full() {
                chips.push(flag("full"));
            }
        }
        Object::File(file) => chips.extend(file.segments.iter().map(whole)),
        Object::Cell(cell) => {
            let (last, older) =
                cell.values.split_last().map_or((None, &[][..]), |(l, o)| (Some(l), o));
            chips.extend(older.iter().map(|segment| bytes(run, *segment, Look::Passing)));
            chips.extend(last.map(whole));
        }
        Object::Counter(counter) if counter.value > 0 => {
            chips.push(flag(counter.value.to_string()));
        }
        Object::Counter(_) => {}
        Object::Ring(ring) => {
            let known = ring.len() - ring.unseen_bytes.min(ring.len());
            chips.extend(split(run, &ring.segments, known));
            if ring.room() == 0 {
                chips.push(flag("full"));
            }
        }
        Object::Unix(socket) => unix(run, socket, &mut chips),
        Object::Tcp(tcp) => of_tcp(run, tcp, &mut chips),
    }
    if chips.is_empty() {
        chips.push(Chip { text: "empty".to_owned(), look: Look::Nothing });
    }
    if run.setup().kind.sides > 1 && !held_by_seats(run) {
        chips.splice(0..0, holders(run, world, index).map(flag));
    }
    if matches!(object, Object::Stream(_) | Object::Ring(_)) {
        chips.extend(match (world.has_writer(index), world.has_reader(index)) {
            (true, true) => None,
            (false, true) => Some(flag("no writer")),
            (true, false) => Some(flag("no reader")),
            (false, false) => Some(flag("nobody has it open")),
        });
    }
    chips.extend(locks(run, world, index));
    chips
}

fn held_by_seats(run: &Run) -> bool {
    run.seats.iter().any(|seat| !seat.ends.is_empty())
}

fn bytes(run: &Run, segment: Segment, look: fn(Actor) -> Look) -> Chip {
    Chip { text: name(run, segment), look: look(segment.actor) }
}

fn name(run: &Run, segment: Segment) -> String {
    match segment.actor {
        ZERO if segment.len == 0 => "of no bytes".to_owned(),
        actor => format!("{}[{}..{}]", run.actor_name(actor), segment.from, segment.to()),
    }
}

/// Segments of which the first `known` bytes are there for sure.
fn split(run: &Run, segments: &[Segment], known: u32) -> Vec<Chip> {
    let mut left = known;
    let mut chips = Vec::new();
    for segment in segments {
        let there = segment.len.min(left);
        left -= there;
        let parts =
            [(0, there, Look::Bytes as fn(Actor) -> Look), (there, segment.len, Look::Passing)];
        let parts = parts.into_iter().filter(|(from, to, _)| from < to);
        chips.extend(parts.map(|(from, to, look)| bytes(run, segment.part(from, to), look)));
    }
    chips
}

fn unix(run: &Run, socket: &Unix, chips: &mut Vec<Chip>) {
    match (socket.life, socket.peer) {
        (Life::Listening(_), _) => chips.push(flag("listens")),
        (Life::Unconnected, Peer::None) => chips.push(flag("no peer")),
        (_, Peer::Socket(peer)) if !held_by_seats(run) => {
            chips.push(flag(format!("peer {}", peer + 1)));
        }
        _ => {}
    }
    if !socket.pending.is_empty() {
        chips.push(flag(format!("backlog {}", socket.pending.len())));
    }
    for piece in &socket.queue {
        let mut chip = bytes(run, piece.data, Look::Bytes);
        if piece.passed.is_some() {
            chip.text.push_str(" + end");
        }
        chips.push(chip);
    }
    let told = [
        (socket.reset, "reset"),
        (socket.receive_closed, "nothing more comes"),
        (socket.send_closed, "may not send"),
    ];
    chips.extend(told.iter().filter(|(told, _)| *told).map(|(_, text)| flag(*text)));
}

fn of_tcp(run: &Run, tcp: &Tcp, chips: &mut Vec<Chip>) {
    chips.extend(split(run, &tcp.segments, tcp.arrived));
    match tcp.finish {
        Finish::None => {}
        Finish::Sent => chips.push(flag("end on its way")),
        Finish::Arrived => chips.push(flag("end")),
    }
    if tcp.reset {
        chips.push(flag("reset on its way"));
    }
    chips.extend(tcp.error.map(|error| flag(error.to_string())));
    if !tcp.held {
        chips.push(flag("closed"));
    }
}

/// The actors that have an object open, and by which ends.
fn holders<'a>(
    run: &'a Run,
    world: &'a World,
    object: ObjectIndex,
) -> impl Iterator<Item = String> + 'a {
    let refers = move |index: &Description| index.mode.is_some() && index.object == object;
    let open = world.descriptions.iter().enumerate().filter(move |(_, open)| refers(open));
    open.flat_map(move |(index, _)| ends_of(run, world, index as DescriptionIndex))
}

fn ends_of(run: &Run, world: &World, description: DescriptionIndex) -> Vec<String> {
    let actors = (0..world.actors.len() as u8).map(Actor);
    let ends = actors.flat_map(|actor| world.open_ends(actor).map(move |end| (actor, end)));
    let refer = ends.filter(|(actor, end)| world.end(*actor, *end) == Some(description));
    refer.map(|(actor, end)| format!("{}'s {}", run.actor_name(actor), run.end_name(end))).collect()
}

/// The locks that are held on an object.
fn locks(run: &Run, world: &World, object: ObjectIndex) -> Vec<Chip> {
    let mut chips = Vec::new();
    for (index, open) in world.descriptions.iter().enumerate() {
        if open.mode.is_none() || open.object != object {
            continue;
        }
        for (word, lock) in [("lock", open.lock), ("flock", open.flock)] {
            let kind = match lock {
                Lock::None => continue,
                Lock::Shared => "shared",
                Lock::Exclusive => "exclusive",
            };
            let ends = ends_of(run, world, index as DescriptionIndex);
            chips.push(flag(format!("{word} {kind}: {}", ends.join(", "))));
        }
    }
    chips
}
