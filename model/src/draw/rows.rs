//! From a story to rows: what each row of a drawing shows. Where it stands is no matter here.

use crate::call::{Actor, Answer, Call, Op, Reply};
use crate::index::RuleIndex;
use crate::kind::{Hold, Side};
use crate::rule::What as Moved;
use crate::rules::RULES;
use crate::run::{Actors, Event, Form, Run, Seat};
use crate::step::{RuleSet, moves};
use crate::text;
use crate::world::{Progress, World};

use super::content::{Chip, common};
use super::{Frame, Story, What};

/// A row.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// The line of the run that it is; 0 where it is none.
    pub(super) number: usize,
    /// The last line of the run that it stands for, where that is another.
    pub(super) last: usize,
    /// Words beside an actor's bar, a line each.
    pub(super) labels: Vec<(Actor, Vec<String>)>,
    /// Whether the call failed.
    pub(super) fails: bool,
    /// Whose call begins here.
    pub(super) begins: Option<Actor>,
    /// Whose call returns here.
    pub(super) returns: Option<Actor>,
    /// A move of this actor's call.
    pub(super) moves: Option<Actor>,
    /// Whose bytes go into the channel, or to whom they come out of it.
    pub(super) flow: Option<(Actor, Flow)>,
    /// The process of this actor ends here.
    pub(super) exits: Option<Actor>,
    /// Actors that there are not after it: no fork has made them yet, or they have ended.
    pub(super) absent: Actors,
    /// An end of this actor vanishes.
    pub(super) closes: Option<Actor>,
    /// Actors that hold no end after it.
    pub(super) bare: Actors,
    /// Whose calls sleep after it, as far as that is known.
    pub(super) asleep: Actors,
    /// Nothing moved: whose calls slept.
    pub(super) quiet: Option<Actors>,
    /// What is in each lane after it.
    pub(super) lanes: Vec<Vec<Chip>>,
    /// The rules by which it happened.
    pub(super) rules: Vec<String>,
    /// What is wrong with it.
    pub(super) notes: Vec<String>,
    /// The actors that wait for ever after it, and for which others.
    pub(super) waits: Vec<(Actor, Actor)>,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// From an actor into the channel.
    In,
    /// Out of the channel to an actor.
    Out,
}

/// The most characters of a word beside a bar, and the most lines there.
const WORD_CHARS: usize = 30;
const LABEL_LINES: usize = 4;

/// From so many rows on that show the same, all but the first are one row.
const ALIKE_MIN: usize = 4;

/// The most characters of a note.
const NOTE_CHARS: usize = 90;

/// How many lanes each channel needs.
pub(super) fn lanes(story: &Story<'_>) -> Vec<usize> {
    let needs = |channel: usize| {
        let frames = story.frames.iter().map(|frame| &frame.worlds);
        let worlds =
            frames.chain([&story.start]).filter_map(|worlds| worlds.get(channel)).flatten();
        worlds.map(|world| world.objects.len()).max().unwrap_or(1).max(1)
    };
    (0..story.parts.len()).map(needs).collect()
}

/// The rows of a story, with lines of so many characters beside bars. The first shows the start.
pub(super) fn rows(story: &Story<'_>, label_chars: usize) -> Vec<Row> {
    let words = text::words(story.run);
    let builder = Builder { story, label_chars, words, lanes: lanes(story) };
    folded(builder.rows())
}

/// Rows without repetitions: of many calls in turn that show the same, the first, and all others in one row.
fn folded(rows: Vec<Row>) -> Vec<Row> {
    let mut kept: Vec<Row> = Vec::new();
    for alike in rows.chunk_by(Row::is_like) {
        let [first, .., last] = alike else {
            kept.extend_from_slice(alike);
            continue;
        };
        if alike.len() < ALIKE_MIN {
            kept.extend_from_slice(alike);
            continue;
        }
        let mut rest = Row { number: alike[1].number, last: last.number, ..last.clone() };
        let times = vec![format!("{} more times", alike.len() - 1)];
        rest.labels = first.labels.iter().map(|(actor, _)| (*actor, times.clone())).collect();
        kept.extend([first.clone(), rest]);
    }
    kept
}

impl Row {
    /// Whether it shows the same whole call as another, but for what is in the channel.
    fn is_like(&self, other: &Row) -> bool {
        let shows = |row: &Row| row.begins.is_some() && row.begins == row.returns;
        let plain = |row: &Row| row.notes.is_empty() && row.closes.is_none();
        [self, other].into_iter().all(|row| shows(row) && plain(row))
            && (&self.labels, &self.rules, self.begins)
                == (&other.labels, &other.rules, other.begins)
            && (self.flow, self.bare, self.asleep) == (other.flow, other.bare, other.asleep)
    }
}

struct Builder<'a> {
    story: &'a Story<'a>,
    label_chars: usize,
    /// The words of each event.
    words: Vec<String>,
    lanes: Vec<usize>,
}

impl Builder<'_> {
    fn rows(&self) -> Vec<Row> {
        let start = &self.story.start;
        let seats = (0_u8..).map(Actor).zip(&self.story.run.seats);
        let forked = seats.filter(|(_, seat)| seat.form == Form::Forked);
        let mut absent: Actors = forked.map(|(actor, _)| actor).collect();
        let (lanes, bare) = (self.content(start), bare(start));
        let mut rows = vec![Row { lanes, bare, absent, ..Row::default() }];
        let mut at = 0;
        let mut number = 0;
        while let Some(frame) = self.story.frames.get(at) {
            let last = self.joined(at);
            if let Some(mut row) = self.row(frame, &self.story.frames[last]) {
                if matches!(frame.what, What::Event(_)) {
                    number += 1;
                    row.number = number;
                }
                let parts = &self.story.frames[at..=last];
                absent = self.absent(absent, parts);
                row.absent = absent;
                row.notes =
                    parts.iter().flat_map(|part| &part.notes).map(|n| cut(n, NOTE_CHARS)).collect();
                row.waits = parts.iter().flat_map(|part| &part.waits).copied().collect();
                rows.push(row);
            }
            at = last + 1;
        }
        rows
    }

    /// The actors that are gone after these frames.
    fn absent(&self, before: Actors, frames: &[Frame]) -> Actors {
        let run = self.story.run;
        frames.iter().filter_map(|frame| self.event(frame)).fold(
            before,
            |absent, event| match event {
                Event::Call(Call { op: Op::Fork { child }, .. }) => absent.without(*child),
                Event::Exits(actor, _) => {
                    let all = (0..run.seats.len() as u8).map(Actor);
                    let of_it = all.filter(|other| run.leader(*other) == run.leader(*actor));
                    of_it.fold(absent, Actors::with)
                }
                _ => absent,
            },
        )
    }

    fn event(&self, frame: &Frame) -> Option<&Event> {
        match frame.what {
            What::Event(index) => self.story.run.events.get(index),
            What::Moves(_) | What::Arrives => None,
        }
    }

    /// The last of the frames that go in one row with the one at `first`: a call with the return that follows
    /// at once, and the moves of a call with its return.
    fn joined(&self, first: usize) -> usize {
        let frames = &self.story.frames;
        let actor = match (frames[first].what, self.event(&frames[first])) {
            (What::Moves(actor), _) => actor,
            (_, Some(Event::Call(call))) => call.actor,
            _ => return first,
        };
        let rest = frames[first + 1..].iter();
        let moves = rest.take_while(|frame| frame.what == What::Moves(actor)).count();
        let end = first + 1 + moves;
        match frames.get(end).and_then(|frame| self.event(frame)) {
            Some(Event::Return(returning, _)) if *returning == actor => end,
            _ => first,
        }
    }

    fn row(&self, first: &Frame, last: &Frame) -> Option<Row> {
        let mut row = Row {
            lanes: self.content(&last.worlds),
            bare: bare(&last.worlds),
            rules: rule(last.rule).into_iter().collect(),
            asleep: self.asleep(&last.worlds),
            ..Row::default()
        };
        let mut words = String::new();
        if let (What::Event(index), Some(Event::Call(call))) = (first.what, self.event(first)) {
            row.begins = Some(call.actor);
            words.push_str(&self.words[index]);
            if call.op.offers().is_some() && self.transfers(index, call.actor) {
                row.flow = Some((call.actor, Flow::In));
            }
        }
        match (last.what, self.event(last)) {
            (What::Event(index), Some(Event::Return(actor, reply))) => {
                let gap = if words.is_empty() { "" } else { " " };
                words.push_str(&format!("{gap}\u{2192} {}", self.words[index]));
                self.returns(&mut row, index, *actor, reply);
            }
            (_, Some(Event::Quiet(open))) => {
                row.quiet = Some(*open);
                row.asleep = *open;
                row.labels = self.progress(*open, &last.worlds);
                row.rules = self.sleeping(*open, &last.worlds);
                return Some(row);
            }
            (What::Event(index), Some(Event::Stops(actor, _) | Event::GoesOn(actor))) => {
                row.moves = Some(*actor);
                words.clone_from(&self.words[index]);
            }
            (What::Event(index), Some(Event::Exits(actor, _))) => {
                let open = self.call_before(index, *actor).is_some_and(|call| {
                    let since = self.story.run.events[..index].iter().rev();
                    let returned =
                        |event: &Event| matches!(event, Event::Return(of, _) if of == actor);
                    let begun = |event: &Event| matches!(event, Event::Call(of) if of == call);
                    since
                        .into_iter()
                        .find(|event| returned(event) || begun(event))
                        .is_some_and(begun)
                });
                row.exits = Some(*actor);
                row.returns = Some(*actor).filter(|_| open);
                words.clone_from(&self.words[index]);
            }
            (What::Moves(actor), _) => {
                row.moves = Some(actor);
                words = moved(&last.worlds, actor);
            }
            (What::Arrives, _) => return Some(row),
            _ => {}
        }
        let actor = row.begins.or(row.returns).or(row.moves).or(row.exits)?;
        row.labels = vec![(actor, labels(&words, self.label_chars))];
        Some(row)
    }

    fn returns(&self, row: &mut Row, index: usize, actor: Actor, reply: &Reply) {
        row.returns = Some(actor);
        row.fails = matches!(reply.answer, Answer::Fails(_));
        let counted = reply.answer.count().unwrap_or(0) > 0;
        if let Some(call) = self.call_before(index, actor) {
            if call.op.asks().is_some() && counted {
                row.flow = Some((actor, Flow::Out));
            }
            if call.op == Op::Close && !row.fails {
                row.closes = Some(actor);
            }
        }
    }

    /// The actor's last call before an event.
    fn call_before(&self, index: usize, actor: Actor) -> Option<&Call> {
        self.story.run.events[..index].iter().rev().find_map(|event| match event {
            Event::Call(call) if call.actor == actor => Some(call),
            _ => None,
        })
    }

    /// Whether the call at this event moves bytes, now or later.
    fn transfers(&self, index: usize, actor: Actor) -> bool {
        let later = self.story.run.events[index..].iter();
        let reply = later.into_iter().find_map(|event| match event {
            Event::Return(returning, reply) if *returning == actor => Some(reply),
            _ => None,
        });
        match reply {
            Some(reply) => reply.answer.count().unwrap_or(0) > 0,
            None => {
                let last = self.story.frames.last().map_or(&[][..], |frame| &frame.worlds);
                let mut pending = firsts(last).filter_map(|world| world.pending(actor));
                pending.any(|call| call.done > 0 || answered(call.progress) > 0)
            }
        }
    }

    fn content(&self, worlds: &[Vec<World>]) -> Vec<Vec<Chip>> {
        let lanes = self.lanes.iter().enumerate();
        let of = |(channel, lanes): (usize, &usize)| {
            let worlds = worlds.get(channel).map_or(&[][..], Vec::as_slice);
            common(self.story, channel, worlds, *lanes)
        };
        lanes.flat_map(of).collect()
    }

    /// How far calls have got that sleep.
    fn progress(&self, open: Actors, worlds: &[Vec<World>]) -> Vec<(Actor, Vec<String>)> {
        let of = |actor: Actor| {
            let is_in = |worlds: &&Vec<World>| {
                let first = worlds.first().and_then(|world| world.pending(actor));
                first.is_some_and(|call| !call.op.is_of_process())
            };
            let worlds = worlds.iter().find(is_in)?;
            let mut done = worlds.iter().map(|world| world.pending(actor).map(|call| call.done));
            let first = done.next()??;
            let told = first > 0 && done.all(|other| other == Some(first));
            told.then(|| (actor, vec![format!("{first} done, sleeps")]))
        };
        open.iter().map(|actor| of(actor).unwrap_or((actor, vec!["sleeps".to_owned()]))).collect()
    }

    /// Whose calls sleep: all that the rules allow them is to wait.
    fn asleep(&self, worlds: &[Vec<World>]) -> Actors {
        let of = |world: &World| {
            let asleep = |actor: &Actor| {
                let steps = moves(&self.story.platform, world, *actor, &mut RuleSet::default());
                !steps.is_empty() && steps.iter().all(|(_, step)| step.what == Moved::Rests)
            };
            world.busy().iter().filter(asleep).collect::<Vec<_>>()
        };
        firsts(worlds).filter(|_| self.story.complete).flat_map(of).collect()
    }

    /// The rules by which calls sleep.
    fn sleeping(&self, open: Actors, worlds: &[Vec<World>]) -> Vec<String> {
        let mut rules = RuleSet::default();
        for world in firsts(worlds) {
            for actor in open.iter() {
                let steps = moves(&self.story.platform, world, actor, &mut RuleSet::default());
                let resting = steps.iter().filter(|(_, step)| step.what == Moved::Rests);
                resting.for_each(|(rule, _)| rules.insert(*rule));
            }
        }
        rules.iter().map(|rule| RULES[usize::from(rule)].id.to_owned()).collect()
    }
}

fn rule(rule: Option<RuleIndex>) -> Option<String> {
    rule.map(|rule| RULES[usize::from(rule)].id.to_owned())
}

fn answered(progress: Progress) -> u32 {
    match progress {
        Progress::Answered { answer, .. } => answer.count().unwrap_or(0),
        Progress::Open => 0,
    }
}

/// Of each channel the first of the worlds that there may be.
fn firsts(worlds: &[Vec<World>]) -> impl Iterator<Item = &World> {
    worlds.iter().filter_map(|worlds| worlds.first())
}

fn moved(worlds: &[Vec<World>], actor: Actor) -> String {
    match firsts(worlds).find_map(|world| world.pending(actor)).map(|call| call.progress) {
        Some(Progress::Answered { answer, signal, .. }) => {
            let signal = signal.map(|signal| format!(" + {signal}")).unwrap_or_default();
            format!("answered: {answer}{signal}")
        }
        _ => "goes on".to_owned(),
    }
}

/// Actors that hold no end in any of these worlds.
fn bare(worlds: &[Vec<World>]) -> Actors {
    let Some(first) = firsts(worlds).next() else { return Actors::NONE };
    let actors = (0..first.actors.len() as u8).map(Actor);
    // Those who poll for others stand in the worlds of their channel alone.
    let is_there = |world: &World, actor: Actor| usize::from(actor.0) < world.actors.len();
    let holds_none = |world: &World, actor: Actor| {
        !is_there(world, actor) || world.open_ends(actor).next().is_none()
    };
    actors.filter(|actor| worlds.iter().flatten().all(|w| holds_none(w, *actor))).collect()
}

/// Breaks words into lines: before the reply if they don't fit in one, then wherever there is a space.
fn labels(words: &str, chars: usize) -> Vec<String> {
    if words.chars().count() <= chars {
        return vec![words.to_owned()];
    }
    let (call, reply) = match words.find('\u{2192}') {
        Some(at) => (words[..at].trim(), &words[at..]),
        None => (words, ""),
    };
    let mut lines = wrap(call, chars);
    lines.extend(wrap(reply, chars));
    if lines.len() > LABEL_LINES {
        lines.truncate(LABEL_LINES - 1);
        lines.push("\u{2026}".to_owned());
    }
    lines
}

/// Breaks a text into lines of at most so many characters; a word may be longer, but is cut in the end.
pub(super) fn wrap(text: &str, chars: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = cut(word, chars.max(WORD_CHARS));
        let len = word.chars().count();
        match lines.last_mut().filter(|line| line.chars().count() + 1 + len <= chars) {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(word),
        }
    }
    lines
}

/// The text, cut where it is longer than this many characters.
pub(super) fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars - 1).chain(['\u{2026}']).collect()
}

/// The actors whose lanes are left of the channel, and those right of it.
pub(super) fn sides(run: &Run) -> (Vec<Actor>, Vec<Actor>) {
    let actors = (0..run.seats.len() as u8).map(Actor);
    let (left, right): (Vec<_>, Vec<_>) = actors.clone().partition(|actor| {
        let seat = &run.seats[usize::from(actor.0)];
        is_left(seat).unwrap_or_else(|| calls_as_left(run, *actor))
    });
    if !left.is_empty() && (!right.is_empty() || left.len() == 1) {
        return (left, right);
    }
    let half = run.seats.len().div_ceil(2) as u8;
    actors.partition(|actor| actor.0 < half)
}

fn is_left(seat: &Seat) -> Option<bool> {
    let is = |hold: &Hold| match hold.side {
        Side::A => Some(true),
        Side::B => Some(false),
        Side::Only | Side::Open | Side::Watch => match (hold.mode.writes(), hold.mode.reads()) {
            (true, true) => None,
            (writes, _) => Some(writes),
        },
    };
    let mut sides = seat.ends.iter().map(|(_, hold)| is(hold));
    let first = sides.next()??;
    sides.all(|side| side == Some(first)).then_some(first)
}

/// Whether the first call that tells is one of who sends.
fn calls_as_left(run: &Run, actor: Actor) -> bool {
    let own = run.events.iter().filter_map(|event| match event {
        Event::Call(call) if call.actor == actor => Some(call.op),
        _ => None,
    });
    own.into_iter()
        .find_map(|op| match op {
            Op::Open { mode, .. } if mode.writes() != mode.reads() => Some(mode.writes()),
            Op::Connect => Some(true),
            Op::Listen { .. } | Op::Bind => Some(false),
            op if op.offers().is_some() => Some(true),
            op if op.asks().is_some() => Some(false),
            _ => None,
        })
        .unwrap_or(true)
}
