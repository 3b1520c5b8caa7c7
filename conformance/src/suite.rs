//! The campaign as tests of any channel, also of another crate: one line, [`conformance_tests!`].
//!
//! ```no_run
//! # mod tests {
//! use pipewright_backends::Pipe;
//!
//! pipewright_conformance::conformance_tests!(plain_pipe, &Pipe::PLAIN);
//! # }
//! ```
//!
//! Each part takes a few seconds and does the same every time. A channel that does not do what only Linux
//! does is judged by the profile [`POSIX`]: name it as a third argument.
//!
//! [`conformance_tests!`]: crate::conformance_tests

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use pipewright_backends::Arrangement;
pub use pipewright_backends::Channel;
use pipewright_backends::sys::process;
use pipewright_model::call::ACTORS_MAX;
use pipewright_model::oracle::{Judgement, Verdict, judge_naming};
pub use pipewright_model::platform::{LINUX, POSIX, Platform};
use pipewright_model::run::Run;
use pipewright_model::text::named;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::campaign::{self, Found, Plan, Source, Tested};
use crate::cases::{self, CaseError};
use crate::generate::{Scenarios, Shape};
use crate::report;
use crate::scenario::by_name;
use crate::tell;
use crate::{Placement, Runner, Scenario, Trouble};

/// Random scenarios in each arrangement, unless `PROPTEST_CASES` says otherwise.
const WALKS: u32 = 500;

/// So many runs that deviate are enough to tell what is wrong.
const DEVIATING_MAX: usize = 30;

/// All paths of up to this many calls are run.
pub const PATHS_LEN_MAX: usize = 3;

/// Makes a module of tests by which a channel has to conform.
///
/// `conformance_tests!(name, channel)` judges by [`LINUX`], `conformance_tests!(name, channel, &POSIX)` by
/// what the standard allows. `channel` is an expression of type `&'static dyn Channel`.
#[macro_export]
macro_rules! conformance_tests {
    ($name:ident, $channel:expr $(,)?) => {
        $crate::conformance_tests!($name, $channel, &$crate::suite::LINUX);
    };
    ($name:ident, $channel:expr, $platform:expr $(,)?) => {
        #[cfg(test)]
        fn $name() -> (&'static dyn $crate::suite::Channel, &'static $crate::suite::Platform) {
            ($channel, $platform)
        }

        #[cfg(test)]
        mod $name {
            #[test]
            fn cases_conform() -> Result<(), $crate::suite::Failure> {
                let (channel, platform) = super::$name();
                $crate::suite::cases(channel, platform)
            }

            #[test]
            fn short_paths_conform() -> Result<(), $crate::suite::Failure> {
                let (channel, platform) = super::$name();
                $crate::suite::paths(channel, platform)
            }

            #[test]
            fn random_scenarios_conform() -> Result<(), $crate::suite::Failure> {
                let (channel, platform) = super::$name();
                $crate::suite::walks(channel, platform)
            }
        }
    };
}

/// Why a channel did not pass. As text, and as what a failed test prints: the whole report.
pub enum Failure {
    /// It deviates: its name, and runs that show it.
    Deviates(String, Vec<Found>),
    /// A run could not be judged, for this reason. What is left unjudged would otherwise pass for tested.
    NotJudged(String),
    /// Scenarios could not be carried out.
    Trouble(Trouble),
    /// A case could not be read.
    Case(CaseError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Deviates(channel, found) => {
                found.iter().try_for_each(|found| writeln!(f, "{}", report::found(channel, found)))
            }
            Failure::NotJudged(reason) => write!(f, "not all could be judged: {reason}"),
            Failure::Trouble(trouble) => trouble.fmt(f),
            Failure::Case(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        Failure::Trouble(trouble)
    }
}

/// Runs a plan on one channel.
///
/// # Errors
///
/// The channel deviates, or a run could not be judged.
pub fn check(channel: &'static dyn Channel, plan: &Plan) -> Result<Tested, Failure> {
    let tested = campaign::check(&[channel], plan, &|_| {})?;
    let Some(tested) = tested.into_iter().next() else {
        return Err(Failure::NotJudged("there is no channel".into()));
    };
    if tested.scenarios == 0 && tested.inconclusive.0 == 0 && !tested.lacking.reasons.is_empty() {
        return Ok(tested);
    }
    match (tested.found.is_empty(), tested.inconclusive.1.first()) {
        (false, _) => Err(Failure::Deviates(tested.channel, tested.found)),
        (true, Some(reason)) => Err(Failure::NotJudged(reason.clone())),
        (true, None) => Ok(tested),
    }
}

/// Runs all of it, and gives the table of what was seen: one row.
///
/// # Errors
///
/// See [`check`].
pub fn table(
    channel: &'static dyn Channel,
    platform: &'static Platform,
) -> Result<String, Failure> {
    let cases = cases::embedded().map_err(Failure::Case)?;
    let plan = Plan { cases, scenarios: 2_000, paths_len_max: PATHS_LEN_MAX, ..nothing(platform)? };
    Ok(report::table(&[check(channel, &plan)?]))
}

/// Runs the cases that suit the channel, in each arrangement.
///
/// # Errors
///
/// See [`check`].
pub fn cases(channel: &'static dyn Channel, platform: &'static Platform) -> Result<(), Failure> {
    let cases = cases::embedded().map_err(Failure::Case)?;
    check(channel, &Plan { cases, ..nothing(platform)? }).map(drop)
}

/// Runs all paths of up to three calls; arrangements take turns.
///
/// # Errors
///
/// See [`check`].
pub fn paths(channel: &'static dyn Channel, platform: &'static Platform) -> Result<(), Failure> {
    check(channel, &Plan { paths_len_max: PATHS_LEN_MAX, ..nothing(platform)? }).map(drop)
}

/// Runs random scenarios, the same every time, in each arrangement.
///
/// # Errors
///
/// See [`check`].
pub fn walks(channel: &'static dyn Channel, platform: &'static Platform) -> Result<(), Failure> {
    let mut arrangements = channel.arrangements().iter();
    arrangements.try_for_each(|arrangement| walks_in(*arrangement, channel, platform))
}

/// Runs random scenarios in one arrangement: as in a campaign, every fourth wherever the system likes, for real
/// races, the others on one processor, which is faster. Of those that deviate alike one is made as simple as
/// possible.
///
/// # Errors
///
/// See [`check`].
pub fn walks_in(
    arrangement: Arrangement,
    channel: &'static dyn Channel,
    platform: &'static Platform,
) -> Result<(), Failure> {
    let all = std::env::var_os("PROPTEST_CASES").map_or(WALKS, |_| Config::default().cases);
    let apart = all.div_ceil(4);
    let core = Core::least_used()?;
    for (cases, placement) in [(apart, Placement::Anywhere), (all - apart, Placement::Core(core.0))]
    {
        let by_name = by_name(arrangement, channel);
        let shape = Shape { by_name, ..Shape::new(platform, channel.setup()) };
        let actors_max = shape.actors_max.min(ACTORS_MAX);
        let runner = Runner::new(channel, arrangement, actors_max, placement)?;
        let bench = Bench {
            channel,
            platform,
            runner: RefCell::new(runner),
            judged: Cell::new(0),
            unjudged: RefCell::default(),
            deviating: RefCell::default(),
        };
        bench.walks(arrangement, shape, cases, placement != Placement::Anywhere)?;
    }
    Ok(())
}

/// Where random scenarios are run, and what was seen there.
struct Bench {
    channel: &'static dyn Channel,
    platform: &'static Platform,
    runner: RefCell<Runner>,
    /// Runs judged.
    judged: Cell<usize>,
    /// Why the last run that could not be judged could not, if there was one.
    unjudged: RefCell<Option<String>>,
    /// Runs that deviate, each with its number and its scenario.
    deviating: RefCell<Vec<(usize, Scenario, Run, Judgement)>>,
}

impl Bench {
    /// Runs so many; the same every time, but others where they are `pinned`.
    fn walks(
        self,
        arrangement: Arrangement,
        shape: Shape,
        cases: u32,
        pinned: bool,
    ) -> Result<(), Failure> {
        let (failure_persistence, max_shrink_iters) = (None, 0);
        let config = Config { cases, failure_persistence, max_shrink_iters, ..Config::default() };
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[u8::from(pinned); 32]);
        let result = TestRunner::new_with_rng(config, random)
            .run(&Scenarios(shape), |scenario| self.run(scenario));
        let deviating = self.deviating.take();
        if !deviating.is_empty() {
            let plan = nothing(self.platform)?;
            let found = deviations(deviating, arrangement, &mut self.runner.into_inner(), &plan);
            return Err(Failure::Deviates(self.channel.name().to_owned(), found));
        }
        if let Err(TestError::Abort(reason) | TestError::Fail(reason, _)) = result {
            return Err(Failure::NotJudged(reason.to_string()));
        }
        self.unjudged.take().map_or(Ok(()), |reason| Err(Failure::NotJudged(reason)))
    }

    fn run(&self, mut scenario: Scenario) -> Result<(), TestCaseError> {
        scenario.retain(|step| self.channel.offers(&step.call.op));
        let run = match self.runner.borrow_mut().run(&scenario) {
            Ok(run) => run,
            Err(trouble) if trouble.is_of_one_run() => {
                self.unjudged.replace(Some(trouble.to_string()));
                return Ok(());
            }
            Err(trouble) => return Err(TestCaseError::fail(trouble.to_string())),
        };
        let judgement = judge_naming(&run, self.platform);
        let number = self.judged.replace(self.judged.get() + 1);
        match judgement.verdict {
            Verdict::Deviates => {
                let mut deviating = self.deviating.borrow_mut();
                deviating.push((number, scenario, run, judgement));
                if deviating.len() == DEVIATING_MAX {
                    return Err(TestCaseError::fail("enough deviate"));
                }
            }
            Verdict::Inconclusive { at } => {
                self.unjudged.replace(Some(tell::unjudged(&named(&run, &judgement), at)));
            }
            Verdict::Conforms | Verdict::Unspecified { .. } => {}
        }
        Ok(())
    }
}

/// Of runs that deviate alike one each, the most frequent made as simple as possible.
fn deviations(
    deviating: Vec<(usize, Scenario, Run, Judgement)>,
    arrangement: Arrangement,
    runner: &mut Runner,
    plan: &Plan,
) -> Vec<Found> {
    let (scenarios, found): (Vec<_>, Vec<_>) = deviating
        .into_iter()
        .map(|(number, scenario, run, judgement)| {
            (scenario, Found::new(run, judgement, Source::Own(number), arrangement))
        })
        .unzip();
    campaign::told_once(found.into_iter().enumerate(), &scenarios, runner, plan)
}

/// A processor that a test has chosen, until it is dropped: of those that there are, one that the fewest tests
/// of this process have chosen.
struct Core(usize);

/// How many have chosen each processor.
static CHOSEN: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

impl Core {
    fn least_used() -> Result<Core, Trouble> {
        let cores = process::cores().map_err(Trouble::while_doing("list processors"))?;
        let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |core: &usize| chosen.get(core).copied().unwrap_or(0);
        let core = cores.into_iter().min_by_key(of).unwrap_or(0);
        *chosen.entry(core).or_insert(0) += 1;
        Ok(Core(core))
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.entry(self.0).and_modify(|count| *count -= 1);
    }
}

/// A plan in which nothing is to be done yet.
///
/// # Errors
///
/// If the processors can't be told.
pub fn nothing(platform: &'static Platform) -> Result<Plan, Failure> {
    let cores = process::cores().map_err(Trouble::while_doing("list processors"))?;
    Ok(Plan { scenarios: 0, paths_len_max: 0, system_paths_max: 0, ..Plan::new(platform, cores) })
}
