//! Prints runs, in the shortest form that reads back as the same run.

use std::fmt::{self, Write as _};
use std::ops::Range;

use crate::call::{Actor, Answer, Call, Disposition, Dispositions, Reply, Sig};
use crate::data::{Data, NOBODYS};
use crate::ends::OpenEnds;
use crate::run::{Channel, Event, Form, Name, Run, Seat, Setup};
use crate::settings::Setting;

use super::calls;
use super::ends;

/// Calls longer than this, in characters, don't move the arrows of others.
const CALL_WIDTH_MAX: usize = 40;

/// Events longer than this, in characters, don't move the remarks of others.
const EVENT_WIDTH_MAX: usize = 64;

pub(super) fn run(run: &Run, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for line in run.preamble.iter().flat_map(|text| text.split('\n')) {
        writeln!(f, "{}", format!("# {}", one_line(line)).trim_end())?;
    }
    f.write_str(&channels(run))?;
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

/// A reply without its data, as in the run's text: of a poll on several ends what was found of each.
pub fn reply(run: &Run, reply: &Reply) -> String {
    run.words_of(reply)
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

/// The lines of the channels, and of their settings.
pub(super) fn channels(run: &Run) -> String {
    let line = |Channel { name, setup }: &Channel| match name {
        Some(name) => header(setup).replacen(' ', &format!(" {name} "), 1) + "\n",
        None => header(setup) + "\n",
    };
    run.channels.iter().map(line).collect::<String>() + &settings(&run.channels)
}

/// A `setting` line for each setting that differs from the stock.
fn settings(channels: &[Channel]) -> String {
    let mut changed: Vec<(Setting, u32)> = Vec::new();
    for setting in channels.iter().flat_map(|channel| channel.setup.settings.changed()) {
        if !changed.contains(&setting) {
            changed.push(setting);
        }
    }
    let line = |(setting, value): (Setting, u32)| format!("setting {} {value}\n", setting.name());
    changed.into_iter().map(line).collect()
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
        text += &match seat.form {
            Form::Forked | Form::Poller { .. } => continue,
            Form::Actor => format!("actor {}", seat.name),
            Form::Process => format!("process {}", seat.name),
            Form::Thread(of) => format!("thread {} of {}", seat.name, run.actor_name(of)),
            Form::Outsider => format!("outsider {}", seat.name),
        };
        text += &held(run, seat);
        text.push('\n');
    }
    text
}

/// What an actor holds at the start, and what it has signals do, with a space before each.
pub(super) fn held(run: &Run, seat: &Seat) -> String {
    let mut text = String::new();
    for (index, (end, _)) in seat.ends.iter().enumerate() {
        text += &format!("{} {}", if index == 0 { " holds" } else { "" }, run.end_name(*end));
    }
    for (end, from) in &seat.inherits {
        text += &format!(" inherits {} of {}", run.end_name(*end), run.actor_name(*from));
    }
    text + &signals(seat)
}

/// What an actor has signals do at the start, with a space before it.
fn signals(seat: &Seat) -> String {
    let those = |wanted: fn(Disposition) -> bool| {
        let all = Sig::NAMED.iter().map(|(_, signal)| *signal);
        all.filter(move |signal| wanted(seat.signals.of(*signal)))
    };
    let ignored: String =
        those(|d| d == Disposition::Ignored).map(|signal| format!(" {signal}")).collect();
    let caught = those(|d| matches!(d, Disposition::Caught | Disposition::Restarting));
    let caught: String = caught
        .map(|signal| match seat.signals.of(signal) {
            Disposition::Restarting => format!(" {signal} restarting"),
            _ => format!(" {signal}"),
        })
        .collect();
    let mut text = String::new();
    for (word, signals) in [("ignores", ignored), ("catches", caught)] {
        if !signals.is_empty() {
            text += &format!(" {word}{signals}");
        }
    }
    text
}

fn ends_used(run: &Run) -> Vec<Name> {
    let held = run.seats.iter().flat_map(|seat| {
        let inherited = seat.inherits.iter().map(|(end, _)| *end);
        seat.ends.iter().map(|(end, _)| *end).chain(inherited)
    });
    let polled = run.polls.iter().flat_map(|set| set.ends.iter().map(|(end, _)| *end));
    let held = held.chain(polled);
    let called = run.events.iter().filter_map(|event| match event {
        Event::Call(call) => Some(call.ends()),
        Event::Return(..)
        | Event::Quiet(_)
        | Event::Stops(..)
        | Event::GoesOn(_)
        | Event::Exits(..) => None,
    });
    let called = called.flatten();
    let mut used = [false; 256];
    held.chain(called).for_each(|end| used[end.0 as usize] = true);
    let names = run.end_names.iter().zip(used);
    names.filter_map(|(name, used)| used.then_some(*name)).collect()
}

/// Whether seats from `next` on are those that actors get who are not declared.
fn can_leave_out_from(run: &Run, mut next: usize) -> bool {
    let is_plain = |seat: &Seat| {
        let Seat { form, inherits, signals, .. } = seat;
        *form == Form::Actor && inherits.is_empty() && *signals == Dispositions::NONE
    };
    if run.channels.iter().any(|channel| channel.name.is_some()) || !run.seats.iter().all(is_plain)
    {
        return next == run.seats.len();
    }
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
            Event::Stops(actor, _) | Event::GoesOn(actor) | Event::Exits(actor, _) => {
                seated(*actor, next)
            }
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
    match ends::undeclared(run.setup().kind, seat.name.as_str(), first.op.is_by_name()) {
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
    /// The actor and its call; of a return, the actor alone; of `quiet`, all actors.
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
}

impl<'r> Lines<'r> {
    fn new(run: &'r Run) -> Lines<'r> {
        let ends = OpenEnds::at_start(&run.seats);
        Lines { run, next: 0, ends }
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
        let actor = self.run.actor_name(call.actor);
        format!("{actor}: {}", calls::print(self.run, call, &end))
    }

    fn reply(&mut self, actor: Actor, reply: &Reply) -> String {
        let mut text = self::reply(self.run, reply);
        match &reply.data {
            Data::Unknown => {}
            Data::Bytes(bytes) if bytes.is_empty() && reply.answer == Answer::Count(0) => {}
            Data::Named(names) if names.is_empty() => text += " = nothing",
            Data::Bytes(bytes) => {
                text += " = 0x";
                for byte in bytes.iter() {
                    // Writing to a string never fails.
                    let _ = write!(text, "{byte:02x}");
                }
            }
            Data::Named(names) => {
                text += " =";
                for name in names {
                    let writer = self.run.actor_name(name.actor);
                    let _ = write!(text, " {writer}[{}..{}]", name.from, name.to());
                }
            }
        }
        self.ends.returned(actor, reply.answer);
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
            Event::Exits(actor, status) => {
                self.ends.exits(*actor);
                let how = calls::ended(*status);
                (format!("{}: exit{how}", run.actor_name(*actor)), None)
            }
        };
        self.next += 1;
        let remark = self.remark(self.next - 1);
        Some(Line { call, reply, stop, remark, events: first..self.next })
    }
}
