//! The runner: carries out scenarios on a real channel and gives back what was seen, as runs.
//!
//! A scenario goes through four stages: a fresh channel is made; its ends are handed to workers, as
//! the arrangement says; the calls are made (`play`); the ends are taken away again, blocked calls
//! being interrupted. The last is no part of the run.

use std::slice;

use pipewright_backends::sys::desk::Order;
use pipewright_backends::sys::process;
use pipewright_backends::{Arrangement, Channel, Instance, Port, Queues};
use pipewright_model::call::{ACTORS_MAX, Actor, ENDS_MAX, End};
use pipewright_model::kind::Hold;
use pipewright_model::run::{Run, Seat, Setup};

use crate::play::Play;
use crate::pool::{Form, Placement, Pool, no_fork};
use crate::scenario::Scenario;
use crate::stop;
use crate::trouble::Trouble;
use crate::worker::place_path;

/// How many channels one generation of heirs inherits: forking is dear, descriptors are limited.
const BATCH: usize = 32;

/// Carries out scenarios on one channel in one arrangement.
///
/// Worker processes are forked in [`Runner::new`] where the arrangement allows, so make runners while
/// the process is small. They live as long as the thread that made the runner, which therefore
/// can't be sent to another. No other process should be forked meanwhile by other means than a
/// runner: it would hold ends open.
pub struct Runner {
    channel: &'static dyn Channel,
    arrangement: Arrangement,
    actors_max: usize,
    pool: Pool,
    next_place: u64,
    /// What the calling thread may run on, where the runner has changed it.
    cores_before: Option<Vec<usize>>,
    /// Whether calls wait for the one before of their actor.
    patient: bool,
}

/// A channel that is ready to be handed over.
struct Stage {
    setup: Setup,
    place: u64,
    ports: Vec<Option<Box<dyn Port>>>,
    keeper: Option<Box<dyn Send>>,
    queues: Option<Queues>,
}

impl Runner {
    /// A runner for scenarios of up to `actors_max` actors.
    ///
    /// [`Placement::Core`] pins the calling thread as well, until the runner is dropped.
    ///
    /// # Errors
    ///
    /// If the channel does not offer the arrangement, or the system refuses something.
    pub fn new(
        channel: &'static dyn Channel,
        arrangement: Arrangement,
        actors_max: usize,
        placement: Placement,
    ) -> Result<Runner, Trouble> {
        let offered = channel.arrangements();
        if !offered.contains(&arrangement) {
            let (channel, offered) = (channel.name().to_owned(), offered.to_vec());
            return Err(Trouble::Unsupported { channel, arrangement, offered });
        }
        if actors_max > ACTORS_MAX {
            return Err(Trouble::TooManyActors { wanted: actors_max, most: ACTORS_MAX });
        }
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
        let pool = Pool::new(channel, spread)?;
        let next_place = 0;
        let mut runner = Runner {
            channel,
            arrangement,
            actors_max,
            pool,
            next_place,
            cores_before,
            patient: false,
        };
        runner.staff()?;
        Ok(runner)
    }

    /// Has a call wait while its actor is blocked in the one before; without this it is left out.
    #[must_use]
    pub fn patient(mut self) -> Runner {
        self.patient = true;
        self
    }

    /// Carries out one scenario.
    ///
    /// # Errors
    ///
    /// See [`Trouble`]. The runner stays usable: workers are replaced.
    pub fn run(&mut self, scenario: &Scenario) -> Result<Run, Trouble> {
        let mut result = Err(Trouble::Stopped);
        self.run_all(slice::from_ref(scenario), |_, this| result = this);
        result
    }

    /// Carries out scenarios in order, telling of each with its index; ends early, without a word,
    /// when a stop is requested ([`crate::stop`]).
    ///
    /// With [`Arrangement::Inherited`] this is much cheaper than running one by one.
    pub fn run_all(
        &mut self,
        scenarios: &[Scenario],
        mut each: impl FnMut(usize, Result<Run, Trouble>),
    ) {
        let mut index = 0;
        while index < scenarios.len() && !stop::requested() {
            if self.arrangement == Arrangement::Inherited {
                index += self.run_batch(&scenarios[index..], |at, run| each(index + at, run));
            } else {
                each(index, self.run_one(&scenarios[index]));
                index += 1;
            }
        }
    }

    /// How often it was looked whether nothing moves, so far.
    pub fn looks(&self) -> u64 {
        self.pool.looks()
    }

    fn run_one(&mut self, scenario: &Scenario) -> Result<Run, Trouble> {
        self.check(scenario)?;
        self.staff()?;
        let result = {
            let _guard = no_fork();
            let place = self.new_place();
            let result = self.stage(scenario, place).and_then(|mut stage| {
                let (setup, queues) = (stage.setup.clone(), stage.queues.take());
                self.hand_over(scenario, stage)?;
                Play::new(&mut self.pool, scenario, setup, queues).patient(self.patient).play()
            });
            self.remove(place);
            result
        };
        self.repaired(result)
    }

    /// Runs as many of these scenarios as one generation of heirs can, at least one; says how many.
    fn run_batch(
        &mut self,
        scenarios: &[Scenario],
        mut each: impl FnMut(usize, Result<Run, Trouble>),
    ) -> usize {
        let bred = match self.breed(scenarios) {
            Ok(bred) => bred,
            Err(trouble) => {
                self.pool.clear();
                each(0, Err(trouble));
                return 1;
            }
        };
        let mut done = 0;
        for (at, (scenario, (setup, queues))) in scenarios.iter().zip(bred).enumerate() {
            if stop::requested() {
                break;
            }
            let result = {
                let _guard = no_fork();
                let order = |actor| (actor, Order::Use { index: at as u32 });
                let taken = self.pool.carry_out(scenario.actors().map(order), "take ends");
                let (pool, patient) = (&mut self.pool, self.patient);
                let play = || Play::new(pool, scenario, setup, queues).patient(patient).play();
                taken.and_then(|()| play())
            };
            let result = self.repaired(result);
            done += 1;
            each(at, result);
            if self.pool.len() == 0 {
                // Their ends are lost with the workers; the rest gets a generation of its own.
                return done;
            }
        }
        self.pool.clear();
        done.max(1)
    }

    /// Makes channels for the scenarios to come, and workers that inherit them.
    fn breed(&mut self, scenarios: &[Scenario]) -> Result<Vec<(Setup, Option<Queues>)>, Trouble> {
        let mut stages: Vec<Stage> = Vec::new();
        for scenario in scenarios.iter().take(BATCH) {
            let place = self.new_place();
            match self.check(scenario).and_then(|()| self.stage(scenario, place)) {
                Ok(stage) => stages.push(stage),
                // The scenario that fails is tried again as the first of the next batch.
                Err(_) if !stages.is_empty() => break,
                Err(trouble) => return Err(trouble),
            }
        }
        let heirs = stages.iter().map(|stage| stage.ports.len()).max().unwrap_or(0);
        let mut heir = |seat: usize| {
            let port = |stage: &mut Stage| stage.ports.get_mut(seat).and_then(Option::take);
            Form::Heir(stages.iter_mut().map(port).collect())
        };
        let forms = (0..heirs).map(&mut heir).collect();
        self.pool.add(forms)?;
        for stage in &stages {
            self.remove(stage.place);
        }
        Ok(stages.into_iter().map(|stage| (stage.setup, stage.queues)).collect())
    }

    fn check(&self, scenario: &Scenario) -> Result<(), Trouble> {
        if !scenario.can_be(self.arrangement, self.channel.setup().kind) {
            let (channel, arrangement) = (self.channel.name().to_owned(), self.arrangement);
            return Err(Trouble::HeldAtStart { channel, arrangement });
        }
        let (wanted, most) = (scenario.seats.len(), self.actors_max);
        if wanted > most { Err(Trouble::TooManyActors { wanted, most }) } else { Ok(()) }
    }

    /// Makes the workers that are missing.
    fn staff(&mut self) -> Result<(), Trouble> {
        let form = || match self.arrangement {
            Arrangement::Threads => Some(Form::Thread),
            Arrangement::Passed | Arrangement::Opened => Some(Form::Process),
            // Heirs are made when the channels are there that they inherit.
            Arrangement::Inherited => None,
        };
        let missing = self.actors_max.saturating_sub(self.pool.len());
        let forms: Vec<_> = (0..missing).filter_map(|_| form()).collect();
        if forms.is_empty() { Ok(()) } else { self.pool.add(forms) }
    }

    fn remove(&self, place: u64) {
        self.channel.remove(&place_path(self.pool.places(), place));
    }

    fn new_place(&mut self) -> u64 {
        self.next_place += 1;
        self.next_place
    }

    fn stage(&self, scenario: &Scenario, place: u64) -> Result<Stage, Trouble> {
        // Who opens by path is given nothing; without any ends, opening them is no matter.
        let opens = self.arrangement == Arrangement::Opened && has_ends(&scenario.seats);
        let seats: &[Seat] = if opens { &[] } else { &scenario.seats };
        let path = place_path(self.pool.places(), place);
        let Instance { setup, ports, keeper } =
            self.channel.create(&path, seats).map_err(Trouble::while_doing("make a channel"))?;
        assert_eq!(ports.len(), seats.len(), "a port for each seat");
        let queues = self
            .channel
            .queues(&path, scenario.opens())
            .map_err(Trouble::while_doing("make a channel"))?;
        let ports = ports.into_iter().map(Some).collect();
        Ok(Stage { setup, place, ports, keeper, queues })
    }

    fn hand_over(&mut self, scenario: &Scenario, stage: Stage) -> Result<(), Trouble> {
        let Stage { place, ports, keeper, .. } = stage;
        if self.arrangement == Arrangement::Opened {
            let join = |actor: Actor| {
                let seat = &scenario.seats[usize::from(actor.0)];
                (actor, Order::Join { place, ends: listed(&seat.ends) })
            };
            self.pool.carry_out(scenario.actors().map(join), "open ends by path")?;
        } else {
            for (actor, port) in scenario.actors().zip(ports.into_iter().flatten()) {
                self.pool.hand_over(actor, port)?;
            }
            let take = |actor: Actor| {
                let seat = &scenario.seats[usize::from(actor.0)];
                (actor, Order::Take { place, ends: listed(&seat.ends) })
            };
            self.pool.carry_out(scenario.actors().map(take), "take ends")?;
        }
        drop(keeper);
        Ok(())
    }

    /// After trouble, or where a call could not be interrupted, all workers are replaced.
    fn repaired(&mut self, played: Result<(Run, bool), Trouble>) -> Result<Run, Trouble> {
        if !matches!(played, Ok((_, true))) {
            self.pool.clear();
        }
        played.map(|(run, _)| run)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some(cores) = &self.cores_before {
            // If this fails the thread stays pinned, which is slow but not wrong.
            let _ = process::pin(cores);
        }
    }
}

fn has_ends(seats: &[Seat]) -> bool {
    seats.iter().any(|seat| !seat.ends.is_empty())
}

fn listed(ends: &[(End, Hold)]) -> [Option<(End, Hold)>; ENDS_MAX] {
    let mut list = [None; ENDS_MAX];
    for (entry, end) in list.iter_mut().zip(ends) {
        *entry = Some(*end);
    }
    list
}
