//! Drawings of runs: message sequence charts as SVG.
//!
//! Time goes down. Each actor has a lane, and so has the channel, between them; a row is a line of the run.
//! A call is a bar from call to return, hatched while it was seen to sleep; beside it stand its words and its
//! reply, in the channel's lane what the rules say is in it then. A drawing says nothing that the run and the
//! worlds along it don't say.
//!
//! ```
//! use pipewright_model::draw::{Story, Theme};
//! use pipewright_model::platform::LINUX;
//! use pipewright_model::run::Run;
//!
//! let run: Run = "channel pipe
//!     writer: write 2 -> 2
//!     reader: read 5  -> 2".parse()?;
//! let svg = Story::of(&run, &LINUX).svg(Theme::Auto);
//! assert!(svg.starts_with("<svg "));
//! assert!(svg.contains("writer[0..2]"));
//! # Ok::<(), pipewright_model::text::ParseError>(())
//! ```
//!
//! Read `rows` first (what is drawn), then `layout` (where).

mod content;
mod lanes;
mod layout;
mod paint;
mod rows;
mod theme;

use std::borrow::Cow;

use crate::asleep::{Moment, Present};
use crate::call::Actor;
use crate::index::RuleIndex;
use crate::oracle::{Allowed, Deviation, Followed, Verdict, follow};
use crate::platform::Platform;
use crate::rules::RULES;
use crate::run::{Event, Run};
use crate::step;
use crate::world::World;

pub use theme::Theme;

/// Of longer runs it is not said who sleeps for ever at the end: they are too long to be looked at.
const EVENTS_MAX: usize = 2_000;

/// What is drawn: a run, and what the world was like along it.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    run: &'a Run,
    platform: Cow<'a, Platform>,
    /// What stands above it; nothing for the line of the channel.
    title: Option<String>,
    /// Whether each step is told of: then who sleeps is known at any time, and not at quiet alone.
    complete: bool,
    /// For each channel what it sees of the run, without its events.
    parts: Vec<Run>,
    start: Vec<Vec<World>>,
    frames: Vec<Frame>,
}

/// A step of a story.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What happened.
    pub what: What,
    /// For each channel the worlds that there may be after it; none where that isn't known.
    pub worlds: Vec<Vec<World>>,
    /// The rule by which it happened, if it is known.
    pub rule: Option<RuleIndex>,
    /// What is wrong with it, a line each.
    pub notes: Vec<String>,
    /// The actors that wait for ever after it, and for which others.
    pub waits: Vec<(Actor, Actor)>,
}

/// What happened in a step of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The event of the run with this index.
    Event(usize),
    /// A rule carried this actor's call on, or answered it.
    Moves(Actor),
    /// Something arrived.
    Arrives,
}

impl<'a> Story<'a> {
    /// A story in which nothing has happened yet. All its steps are [pushed](Story::push).
    pub fn new(run: &'a Run, platform: &'a Platform) -> Story<'a> {
        let platform = platform.under(run.setup());
        let before = Run { events: Vec::new(), remarks: Vec::new(), ..run.clone() };
        let parts: Vec<Run> = before.parts().into_iter().map(|part| part.run).collect();
        let start = |part: &Run| vec![step::start(&platform, part.setup(), &part.seats)];
        let start = parts.iter().map(start).collect();
        Story { run, platform, title: None, complete: true, parts, start, frames: Vec::new() }
    }

    /// The story of a run that was seen, as the oracle follows it: what moved between two events isn't told.
    pub fn of(run: &'a Run, platform: &'a Platform) -> Story<'a> {
        let Followed { judgement, worlds } = follow(run, platform);
        let mut worlds = worlds.into_iter();
        let mut story = Story { complete: false, ..Story::new(run, platform) };
        for index in 0..run.events.len() {
            story.push(Frame {
                what: What::Event(index),
                worlds: worlds.next().unwrap_or_default(),
                rule: judgement.explained.get(index).copied().flatten(),
                notes: Vec::new(),
                waits: Vec::new(),
            });
        }
        if judgement.verdict == Verdict::Conforms && run.events.len() <= EVENTS_MAX {
            let last = story.frames.last().map(|frame| frame.worlds.as_slice());
            let at = Present::after(run, run.events.len());
            let moment = last.and_then(|worlds| Moment::of(run, platform, worlds, &at));
            moment.iter().for_each(|moment| story.hangs(moment));
        }
        for deviation in &judgement.deviations {
            story.note(deviation.event, deviates(run, deviation));
        }
        match judgement.verdict {
            Verdict::Unspecified { from, reason } => {
                story.note(from, vec![format!("from here on anything is allowed: {reason}")]);
            }
            Verdict::Inconclusive { at } => {
                story.note(at, vec!["from here on there are too many orders to follow".to_owned()]);
            }
            Verdict::Conforms | Verdict::Deviates => {}
        }
        story
    }

    /// The same with a name of its own above it.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Story<'a> {
        self.title = Some(title.to_owned());
        self
    }

    /// Adds a step.
    pub fn push(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    /// Tells of the last step who waits after it for ever, if anybody does.
    pub fn hangs(&mut self, moment: &Moment) {
        if let Some(frame) = self.frames.last_mut().filter(|_| moment.any_for_ever()) {
            frame.notes.push(format!("it hangs: {}", moment.verdict(self.run)));
            frame.waits = moment.edges();
        }
    }

    fn note(&mut self, frame: usize, notes: Vec<String>) {
        if let Some(frame) = self.frames.get_mut(frame) {
            frame.notes = notes;
            frame.rule = None;
        }
    }

    /// The drawing, as a whole SVG document that also stands within a page.
    pub fn svg(&self, theme: Theme) -> String {
        paint::svg(&layout::drawing(self), theme)
    }
}

fn deviates(run: &Run, deviation: &Deviation) -> Vec<String> {
    let mut notes = vec!["no rule allows this".to_owned()];
    for allowed in &deviation.allowed {
        let rule = RULES[usize::from(allowed.rule())].id;
        notes.push(match allowed {
            Allowed::Returns(actor, reply, _) => {
                format!("allowed: {}: \u{2192} {reply} ({rule})", run.actor_name(*actor))
            }
            Allowed::Sleeps(actor, _) => {
                format!("allowed: {} sleeps ({rule})", run.actor_name(*actor))
            }
        });
    }
    if matches!(run.events.get(deviation.event), Some(Event::Return(..)))
        && deviation.allowed.is_empty()
    {
        notes.push("nothing else was allowed either".to_owned());
    }
    notes
}
