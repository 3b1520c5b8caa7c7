//! Runs over several channels, by processes and threads that fork, exec, exit, are killed and waited for.
//!
//! A run goes through these stages: the channels are made, here; what each first process holds is sent to the warden,
//! which forks it; the calls are made (`play`); all processes are killed. The last is no part of the run.
//!
//! Calls do not stop in their middle here, and nothing is under way in queues of the kernel: channels that have such
//! queues can't be played.

mod company;
mod play;
mod signals;

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

use pipewright_backends::sys::desk::BYTES_MAX;
use pipewright_backends::sys::process;
use pipewright_backends::troupe::{Notice, Sound, Ways};
use pipewright_backends::{Channel, Instance, Port};
use pipewright_model::call::{Actor, Call, ENDS_MAX, End, Op};
use pipewright_model::run::{self, Form, Run, Seat, ends_called};
use tempfile::TempDir;

use crate::Placement;
use crate::places::places;
use crate::pool::no_fork;
use crate::scenario::{Plot, Scenario, Step};
use crate::stop;
use crate::trouble::Trouble;
use crate::worker::place_path;
use company::Company;
use play::Play;
use signals::SIGPIPE;

/// Whether a troupe can play this on these channels, as far as can be told beforehand.
///
/// # Errors
///
/// Why not, in words.
pub fn playable(plot: &Plot, channels: &[&'static dyn Channel]) -> Result<(), String> {
    if let Some(channel) = channels.iter().find(|channel| channel.of_table(Path::new("/")).is_err())
    {
        return Err(format!(
            "{} is made of no descriptors that processes hand on, or keeps data under way, and can't be one of \
             several channels, or of processes",
            channel.name()
        ));
    }
    let Scenario { seats, steps, .. } = &plot.scenario;
    let raises = |step: &Step| matches!(step.call.op, Op::Signal { signal: SIGPIPE, .. });
    if steps.iter().any(raises) {
        return Err("actors outlive SIGPIPE, and are not sent it by others".into());
    }
    if plot.scenario.stops() {
        return Err(
            "calls stop in their middle only in runs of one channel without processes".into()
        );
    }
    let leader = |actor: Actor| match seats.get(usize::from(actor.0)).map(|seat| seat.form) {
        Some(Form::Thread(leader)) => leader,
        _ => actor,
    };
    let has_threads = |actor: Actor| {
        plot.scenario.actors().any(|other| other != actor && leader(other) == leader(actor))
    };
    let whole = plot.begin(plot.channels.clone());
    for step in steps {
        let Call { actor, end, op } = step.call;
        let name = || whole.actor_name(actor);
        let of = |end| channels.get(whole.channel_of(end).unwrap_or(0));
        let channel = of(end);
        if op.offers().or(op.asks()).unwrap_or(0) as usize > BYTES_MAX {
            return Err(format!("a call on a real channel is of at most {BYTES_MAX} bytes"));
        }
        if let Some(channel) = channel.filter(|channel| !channel.offers(&op)) {
            return Err(format!("{} does not have `{}`", channel.name(), op.word()));
        }
        if let Op::PollSet { .. } = op
            && let Some(channel) =
                ends_called(&plot.polls, &step.call).filter_map(of).find(|c| !c.offers(&op))
        {
            return Err(format!("{} does not have `{}`", channel.name(), op.word()));
        }
        if op == Op::Exec && has_threads(actor) {
            return Err(format!("exec ends the other threads of {}, which is not played", name()));
        }
    }
    Ok(())
}

/// Plays scenarios over several channels with real processes and threads.
///
/// It lives as long as the thread that made it, and must be made while nobody else has descriptors open that are to be
/// closed elsewhere.
pub struct Troupe {
    company: Company,
    /// For each directory in which channels want their places one of our own.
    places: BTreeMap<PathBuf, TempDir>,
    next_place: u64,
    cores_before: Option<Vec<usize>>,
}

/// A channel that has been made.
struct Made {
    channel: &'static dyn Channel,
    setup: run::Channel,
    place: PathBuf,
    ports: Vec<Option<Box<dyn Port>>>,
    keeper: Option<Box<dyn Send>>,
}

impl Troupe {
    /// A troupe, on these processors.
    ///
    /// # Errors
    ///
    /// Whatever the system refuses.
    pub fn new(placement: Placement) -> Result<Troupe, Trouble> {
        Troupe::with_ways(placement, &Sound)
    }

    /// A troupe whose processes have these ways.
    ///
    /// # Errors
    ///
    /// As of [`Troupe::new`].
    pub fn with_ways(placement: Placement, ways: &'static dyn Ways) -> Result<Troupe, Trouble> {
        let pinning = Trouble::while_doing("pin to a processor");
        let cores = process::cores().map_err(&pinning)?;
        let cores_before = match placement {
            Placement::Core(core) => {
                process::pin(&[core]).map_err(&pinning)?;
                Some(cores.clone())
            }
            Placement::Anywhere | Placement::Spread => None,
        };
        let spread = if placement == Placement::Spread { cores } else { vec![] };
        let company = Company::new(ways, spread)?;
        Ok(Troupe { company, places: BTreeMap::new(), next_place: 0, cores_before })
    }

    /// How often it was looked whether nothing moves, so far.
    pub fn looks(&self) -> u64 {
        self.company.looks()
    }

    /// Plays a scenario on these channels, one for each of its own.
    ///
    /// # Errors
    ///
    /// See [`Trouble`]. The troupe stays usable.
    pub fn run(&mut self, plot: &Plot, channels: &[&'static dyn Channel]) -> Result<Run, Trouble> {
        assert_eq!(plot.channels.len(), channels.len(), "a channel for each of the run");
        if stop::requested() {
            return Err(Trouble::Stopped);
        }
        let mut places = Vec::new();
        let result = self.played(plot, channels, &mut places);
        for (channel, place) in places {
            channel.remove(&place);
        }
        let struck = self.company.strike();
        let run = result?;
        struck.map(|()| run)
    }

    fn played(
        &mut self,
        plot: &Plot,
        channels: &[&'static dyn Channel],
        places: &mut Vec<(&'static dyn Channel, PathBuf)>,
    ) -> Result<Run, Trouble> {
        self.company.ready()?;
        {
            let _guard = no_fork();
            let mut made = Vec::new();
            for (index, channel) in channels.iter().enumerate() {
                let place = self.place(*channel)?;
                places.push((*channel, place.clone()));
                made.push(make(plot, index, *channel, place)?);
            }
            self.company.tell(&notice(plot, &made))?;
            self.enlist(plot, &mut made)?;
            let run = plot.begin(made.into_iter().map(|made| made.setup).collect());
            Play::new(&mut self.company, &plot.scenario, run).play()
        }
    }

    fn place(&mut self, channel: &dyn Channel) -> Result<PathBuf, Trouble> {
        let no_place = |source| Trouble::NoPlace { source };
        let directory = channel.directory().map_err(no_place)?;
        let directory = directory.unwrap_or_else(tempfile::env::temp_dir);
        self.next_place += 1;
        if let Some(places) = self.places.get(&directory) {
            return Ok(place_path(places.path(), self.next_place));
        }
        let places = places(channel)?;
        let place = place_path(places.path(), self.next_place);
        self.places.insert(directory, places);
        Ok(place)
    }

    /// Has the first processes forked, each with what it holds at the start.
    fn enlist(&mut self, plot: &Plot, made: &mut [Made]) -> Result<(), Trouble> {
        let scenario = &plot.scenario;
        for (actor, seat) in scenario.actors().zip(&scenario.seats) {
            if matches!(seat.form, Form::Thread(_) | Form::Forked) {
                continue;
            }
            let threads = scenario.actors().zip(&scenario.seats);
            let threads = threads.filter(|(_, seat)| seat.form == Form::Thread(actor));
            let threads: Vec<_> = threads.map(|(thread, _)| thread).collect();
            let mut ends = Vec::new();
            for port in made.iter().filter_map(|made| made.ports[usize::from(actor.0)].as_ref()) {
                ends.extend(port.descriptors());
            }
            for (end, from) in &seat.inherits {
                let shared = inherited(scenario, made, *end, usize::from(from.0));
                ends.extend(shared.map(|fd| (*end, fd)));
            }
            self.company.enlist(actor, &threads, &ends)?;
        }
        for made in made {
            made.ports.clear();
            made.keeper = None;
        }
        Ok(())
    }
}

/// The descriptor of an end that an actor holds or inherits.
fn inherited<'m>(
    scenario: &Scenario,
    made: &'m [Made],
    end: End,
    from: usize,
) -> Option<BorrowedFd<'m>> {
    let ports = made.iter().filter_map(|made| made.ports[from].as_ref());
    let mut held = ports.flat_map(|port| port.descriptors());
    if let Some((_, fd)) = held.find(|(other, _)| *other == end) {
        return Some(fd);
    }
    let seat = &scenario.seats[from];
    let (_, before) = seat.inherits.iter().find(|(other, _)| *other == end)?;
    inherited(scenario, made, end, usize::from(before.0))
}

/// Makes one of the channels.
fn make(
    plot: &Plot,
    index: usize,
    channel: &'static dyn Channel,
    place: PathBuf,
) -> Result<Made, Trouble> {
    let failed = Trouble::while_doing("make a channel");
    channel.of_table(Path::new("/")).map_err(&failed)?;
    let whole = plot.begin(plot.channels.clone());
    let own = |seat: &Seat| Seat {
        ends: seat
            .ends
            .iter()
            .copied()
            .filter(|(end, _)| whole.channel_of(*end) == Some(index))
            .collect(),
        inherits: Vec::new(),
        ..*seat
    };
    let seats: Vec<Seat> = plot.scenario.seats.iter().map(own).collect();
    let Instance { setup, ports, keeper } = channel.create(&place, &seats).map_err(&failed)?;
    let ports = ports.into_iter().map(Some).collect();
    let setup = run::Channel { name: plot.channels[index].name, setup };
    Ok(Made { channel, setup, place, ports, keeper })
}

/// What actors are told of the channels.
fn notice(plot: &Plot, made: &[Made]) -> Notice {
    let whole = plot.begin(plot.channels.clone());
    let lead = |end: usize| whole.channel_of(End(end as u8)).unwrap_or(0) as u8;
    let leads: [u8; ENDS_MAX] = std::array::from_fn(lead);
    let channels = made.iter().map(|made| (made.channel.name().to_owned(), made.place.clone()));
    Notice { channels: channels.collect(), leads, polls: plot.polls.clone() }
}

impl Drop for Troupe {
    fn drop(&mut self) {
        if let Some(cores) = &self.cores_before {
            // If this fails the thread stays pinned, which is slow but not wrong.
            let _ = process::pin(cores);
        }
    }
}
