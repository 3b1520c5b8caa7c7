//! Prints runs, in the shortest form that reads back as the same run.

use std::fmt::{self, Write as _};
use std::ops::Range;

use crate::call::{Actor, Answer, Call, Reply};
use crate::data::{Data, NOBODYS, Segment};
use crate::ends::OpenEnds;
use crate::run::{Event, Name, Run, Setup};
use crate::settings::Setting;

use super::calls;
use super::ends;
use super::names::Streams;

/// Calls longer than this, in characters, don't move the arrows of others.
const CALL_WIDTH_MAX: usize = 40;

/// Events longer than this, in characters, don't move the remarks of others.
const EVENT_WIDTH_MAX: usize = 64;

pub(super) fn run(run: &Run, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for line in run.preamble.iter().flat_map(|text| text.split('\n')) {
        writeln!(f, "{}", format!("# {}", one_line(line)).trim_end())?;
    }
    writeln!(f, "{}", header(&run.setup))?;
    f.write_str(&settings(&run.setup))?;
    f.write_str(&declarations(run))?;
    let lines: Vec<Line<'_>> = Lines::new(run).collect();
    let width = |widths: &mut dyn Iterator<Item = usize>, max: usize| {
        widths.filter(|width| *width <= max).max().unwrap_or(0)
    };
    let replying = lines.iter().filter(|line| line.reply.is_some());
    let call_width = width(&mut replying.map(|line| line.call.len()), CALL_WIDTH_MAX);
    let remarked = lines.iter().filter(|line| !line.remark.is_empty());
    let event_width =
        width(&mut remarked.map(|line| line.event(call_width).len()), EVENT_WIDTH_MAX);
    for line in &lines {
        let event = line.event(call_width);
        match line.remark {
            "" => writeln!(f, "{event}")?,
            remark => writeln!(f, "{event:event_width$}  # {}", one_line(remark))?,
        }
    }
    Ok(())
}

/// One event as in the run's text, without padding and remark. A return that directly follows its
/// call shows the call too. Empty where there is no such event.
pub fn event(run: &Run, index: usize) -> String {
    let line = Lines::new(run).find(|line| line.events.contains(&index));
    line.map(|line| line.event(0)).unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// The line that names the channel and says how it is set up, without its end.
pub fn header(setup: &Setup) -> String {
    let mut text = format!("channel {}", setup.kind.name);
    if setup.capacity_bytes != setup.kind.capacity_default_bytes {
        text += &format!(" capacity {}", setup.capacity_bytes);
    }
    let options = [
        (setup.packet, " packet"),
        (setup.nonblock, " nonblocking"),
        (setup.append, " append"),
        (setup.crowded, " crowded"),
    ];
    for (given, word) in options {
        text += if given { word } else { "" };
    }
    text
}

/// A `setting` line for each setting that differs from the stock.
fn settings(setup: &Setup) -> String {
    let line = |(setting, value): (Setting, u32)| format!("setting {} {value}\n", setting.name());
    setup.settings.changed().map(line).collect()
}

/// The `actor` and `ends` lines, where leaving them out would give another run.
fn declarations(run: &Run) -> String {
    let mut text = String::new();
    let mut used: Vec<Name> = ends_used(run);
    used.sort_unstable();
    used.dedup();
    if used != run.end_names {
        let names: Vec<_> = run.end_names.iter().map(Name::as_str).collect();
        text += &format!("ends {}\n", names.join(" "));
    }
    let count = (0..run.seats.len()).find(|count| can_leave_out_from(run, *count));
    for seat in &run.seats[..count.unwrap_or(run.seats.len())] {
        text += &format!("actor {}", seat.name);
        for (index, (end, _)) in seat.ends.iter().enumerate() {
            text += &format!("{} {}", if index == 0 { " holds" } else { "" }, run.end_name(*end));
        }
        text.push('\n');
    }
    text
}

fn ends_used(run: &Run) -> Vec<Name> {
    let held = run.seats.iter().flat_map(|seat| seat.ends.iter().map(|(end, _)| *end));
    let called = run.events.iter().filter_map(|event| match event {
        Event::Call(call) => Some(call.ends()),
        Event::Return(..) | Event::Quiet(_) | Event::Stops(..) | Event::GoesOn(_) => None,
    });
    let called = called.flatten();
    let mut used = [false; 256];
    held.chain(called).for_each(|end| used[end.0 as usize] = true);
    let names = run.end_names.iter().zip(used);
    names.filter_map(|(name, used)| used.then_some(*name)).collect()
}

/// Whether seats from `next` on are those that actors get who are not declared.
fn can_leave_out_from(run: &Run, mut next: usize) -> bool {
    let nobodys = |actor| NOBODYS.iter().any(|(_, known)| *known == actor);
    let seated = |actor: Actor, next: usize| nobodys(actor) || (actor.0 as usize) < next;
    for event in &run.events {
        let fits = match event {
            Event::Call(call) if call.actor.0 as usize == next => {
                next += 1;
                seat_is_given(run, call)
            }
            Event::Call(call) => seated(call.actor, next),
            Event::Return(actor, reply) => {
                let named = match &reply.data {
                    Data::Named(names) => names.as_slice(),
                    _ => &[],
                };
                seated(*actor, next) && named.iter().all(|name| seated(name.actor, next))
            }
            Event::Quiet(actors) => actors.iter().all(|actor| seated(actor, next)),
            Event::Stops(actor, _) | Event::GoesOn(actor) => seated(*actor, next),
        };
        if !fits {
            return false;
        }
    }
    next == run.seats.len()
}

fn seat_is_given(run: &Run, first: &Call) -> bool {
    let Some(seat) = run.seats.get(first.actor.0 as usize) else {
        return false;
    };
    match ends::undeclared(run.setup.kind, seat.name.as_str(), first.op.is_by_name()) {
        None => false,
        Some(given) => {
            let held = seat.ends.iter().map(|(end, hold)| (run.end_name(*end), *hold));
            held.eq(given.iter().map(|hold| (hold.letters(), *hold)))
        }
    }
}

/// The words of each event: of a call what is called, of a return the reply.
pub(crate) fn words(run: &Run) -> Vec<String> {
    let mut words = vec![String::new(); run.events.len()];
    for line in Lines::new(run) {
        let call = line.call.split_once(": ").map_or("", |(_, call)| call).to_owned();
        if let Some(stop) = line.stop {
            words[line.events.start] = call;
            words[line.events.start + 1] = stop;
            continue;
        }
        match (line.reply, line.events.len()) {
            (Some(reply), 1) => words[line.events.start] = reply,
            (Some(reply), _) => {
                words[line.events.start] = call;
                words[line.events.start + 1] = reply;
            }
            (None, _) => words[line.events.start] = call,
        }
    }
    words
}

/// A line of the run's text.
struct Line<'r> {
    /// Who calls what; of a return alone who returns; of `quiet` all.
    call: String,
    /// The reply, if it is in the line.
    reply: Option<String>,
    /// Where the call of the line stops, if it does so at once.
    stop: Option<String>,
    remark: &'r str,
    /// The events in the line, by index.
    events: Range<usize>,
}

impl Line<'_> {
    fn event(&self, call_width: usize) -> String {
        match (&self.reply, &self.stop) {
            (Some(reply), _) => format!("{:call_width$} -> {reply}", self.call),
            (None, Some(stop)) => format!("{} {stop}", self.call),
            (None, None) => self.call.clone(),
        }
    }
}

/// The lines of a run's events.
struct Lines<'r> {
    run: &'r Run,
    next: usize,
    ends: OpenEnds,
    streams: Streams,
}

impl<'r> Lines<'r> {
    fn new(run: &'r Run) -> Lines<'r> {
        let ends = OpenEnds::at_start(&run.seats);
        Lines { run, next: 0, ends, streams: Streams::default() }
    }

    fn remark(&self, index: usize) -> &'r str {
        self.run.remarks.get(index).map_or("", |remark| remark.trim())
    }

    fn call(&mut self, call: &Call) -> String {
        let end = match self.ends.of(call.actor).only() {
            Some(end) if end == call.end => String::new(),
            _ => format!(" {}", self.run.end_name(call.end)),
        };
        self.ends.call(call);
        self.streams.call(call);
        let actor = self.run.actor_name(call.actor);
        format!("{actor}: {}", calls::print(self.run, call, &end))
    }

    fn reply(&mut self, actor: Actor, reply: &Reply) -> String {
        let mut text = reply.to_string();
        let found = match &reply.data {
            Data::Bytes(bytes) => self.streams.names(bytes),
            _ => None,
        };
        let names: &[Segment] = match (&reply.data, &found) {
            (Data::Named(names), _) | (Data::Bytes(_), Some(names)) => names,
            _ => &[],
        };
        match &reply.data {
            Data::Unknown => {}
            Data::Bytes(bytes) if bytes.is_empty() && reply.answer == Answer::Count(0) => {}
            Data::Named(names) if names.is_empty() => text += " = nothing",
            Data::Bytes(bytes) if names.is_empty() => {
                text += " = 0x";
                for byte in bytes.iter() {
                    // Writing to a string never fails.
                    let _ = write!(text, "{byte:02x}");
                }
            }
            _ => {
                text += " =";
                for name in names {
                    let writer = self.run.actor_name(name.actor);
                    let _ = write!(text, " {writer}[{}..{}]", name.from, name.to());
                }
            }
        }
        self.ends.returned(actor, reply.answer);
        self.streams.returned(actor, reply.answer, names);
        text
    }
}

impl<'r> Iterator for Lines<'r> {
    type Item = Line<'r>;

    fn next(&mut self) -> Option<Line<'r>> {
        let run = self.run;
        let first = self.next;
        let mut stop = None;
        let (call, reply) = match run.events.get(first)? {
            Event::Call(call) => {
                let text = self.call(call);
                let next = run.events.get(first + 1).filter(|_| self.remark(first).is_empty());
                match next {
                    Some(Event::Return(actor, reply)) if *actor == call.actor => {
                        self.next += 1;
                        (text, Some(self.reply(*actor, reply)))
                    }
                    Some(Event::Stops(actor, at)) if *actor == call.actor => {
                        self.next += 1;
                        stop = Some(format!("stops at {at}"));
                        (text, None)
                    }
                    _ => (text, None),
                }
            }
            Event::Return(actor, reply) => {
                (format!("{}:", run.actor_name(*actor)), Some(self.reply(*actor, reply)))
            }
            Event::Quiet(actors) => {
                let names: Vec<_> = actors.iter().map(|actor| run.actor_name(actor)).collect();
                (format!("quiet {}", names.join(", ")).trim_end().into(), None)
            }
            Event::Stops(actor, at) => (format!("{}: stops at {at}", run.actor_name(*actor)), None),
            Event::GoesOn(actor) => (format!("{}: goes on", run.actor_name(*actor)), None),
        };
        self.next += 1;
        let remark = self.remark(self.next - 1);
        Some(Line { call, reply, stop, remark, events: first..self.next })
    }
}
