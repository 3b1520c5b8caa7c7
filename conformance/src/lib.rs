//! Runs the specification's scenarios on real channels and judges what is seen.
//!
//! A run is made again on a real channel, by real processes, and judged:
//!
//! ```
//! use pipewright_backends::{Channel, Pipe};
//! use pipewright_conformance::{Placement, Runner, Scenario};
//! use pipewright_model::oracle::{Verdict, judge};
//! use pipewright_model::platform::LINUX;
//! use pipewright_model::run::Run;
//!
//! let run: Run = "channel pipe
//!     writer: write 2 -> 2
//!     writer: close   -> ok
//!     reader: read 5  -> 2
//!     reader: read 5  -> 0".parse()?;
//! let arrangement = Pipe::PLAIN.arrangements()[0];
//! let mut runner = Runner::new(&Pipe::PLAIN, arrangement, 2, Placement::Anywhere)?;
//! let seen = runner.run(&Scenario::of(&run))?;
//! assert_eq!(judge(&seen, &LINUX).verdict, Verdict::Conforms);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`scenario`]: who calls what in which order;
//! - [`campaign`]: many scenarios on many channels, judged;
//! - [`generate`]: scenarios that nobody wrote;
//! - [`cases`]: runs kept as files;
//! - [`sequential`]: scenarios that one thread can make; [`export`]: those as a program in C;
//! - [`mod@compare`]: what changes from one platform, or kind of channel, to another;
//! - [`litmus`]: a few calls again and again, and what came of them, counted;
//! - [`report`]: what a campaign has seen, as a table, as JSON, as JUnit, as KTAP, as text; [`tell`]: one run in words;
//! - [`matrix`]: reports of several systems beside each other;
//! - [`Runner`]: carries out scenarios on a channel, with real actors, and gives back runs;
//! - [`Troupe`]: the same over several channels, with processes and threads that come and go;
//! - [`Solo`]: carries out scenarios in the calling thread, without anybody to wait for;
//! - [`Placement`]: on which processors;
//! - [`Observation`] and its [`Level`]: how well this machine lets actors be looked at;
//! - [`Trouble`]: why there is no run; never a judgement on the channel;
//! - [`why`]: who waits for whom on a live system, and what waits for ever;
//! - [`mod@bench`]: what all this costs, against the bare mechanisms under it;
//! - [`status`]: how the commands of the program end;
//! - [`suite`]: a campaign as tests of one channel, [`conformance_tests!`] in one line;
//! - [`stop`]: ending between two scenarios on Ctrl-C.
//!
//! What a channel must do is not stated here, but in the rules of `pipewright_model`; which channels there are, in
//! `pipewright_backends`.
//!
//! To understand how a run comes about, read `runner` first, then `look` (when does nothing move
//! any more?), `pool` and `worker`.

pub mod bench;
pub mod campaign;
pub mod cases;
pub mod compare;
pub mod export;
pub mod generate;
pub mod litmus;
mod look;
pub mod matrix;
mod places;
mod play;
mod pool;
pub mod replay;
pub mod report;
mod runner;
pub mod scenario;
pub mod sequential;
mod solo;
pub mod status;
pub mod stop;
pub mod strace;
pub mod suite;
pub mod tell;
mod trouble;
pub mod troupe;
pub mod why;
mod worker;

pub use look::{Level, Observation};
pub use places::remove_all;
pub use pool::Placement;
pub use runner::Runner;
pub use scenario::{Plot, Scenario, Step};
pub use solo::Solo;
pub use trouble::Trouble;
pub use troupe::Troupe;
