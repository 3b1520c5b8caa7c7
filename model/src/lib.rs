//! The executable specification of Unix inter-process communication: rules as values, and the
//! oracle that judges runs by them.
//!
//! ```
//! use pipewright_model::oracle::{Verdict, judge};
//! use pipewright_model::platform::LINUX;
//! use pipewright_model::rules::RULES;
//! use pipewright_model::run::Run;
//!
//! let run: Run = "channel pipe
//!     writer: close  -> ok
//!     reader: read 5 -> EAGAIN".parse()?;
//! let judgement = judge(&run, &LINUX);
//! assert_eq!(judgement.verdict, Verdict::Deviates);
//! let allowed = judgement.deviations[0].allowed[0].rule();
//! assert_eq!(RULES[usize::from(allowed)].id, "stream.read.no-writer");
//! # Ok::<(), pipewright_model::text::ParseError>(())
//! ```
//!
//! - [`rules`], [`rule`]: the table, and what a rule is; [`platform`]: what rules read of a system;
//! - [`oracle`]: judges a run; [`run`], [`text`]: runs as values and as text; [`ends`]: who has what open in them;
//! - [`kind`], [`taxonomy`], [`call`], [`data`]: the vocabulary;
//! - [`world`], [`worlds`], [`channel`], [`step`]: the state, and the moves of a call in it;
//! - [`explore`], [`simulate`]: all behaviours on small sizes, and random ones; [`decide`]: what they say of each
//!   kind's direction and waiting; [`render`]: the rules as a page;
//! - [`draw`]: runs as pictures; [`scenario`], `explorer`: run files as models, and models in the Stateright
//!   Explorer;
//! - [`waits`]: which sleeping calls wait for each other, and which of them for ever;
//! - [`litmus`]: all outcomes that the rules allow of a few calls;
//! - [`system`], [`systems`], [`verify`]: processes that run programs over a channel, the named ones, and an exact
//!   search of all their states.
//!
//! The last four, [`asleep`] and [`mod@draw`] come with the feature `search`, which is on unless it is left out: who
//! judges runs alone, as an emulator's tests do, needs nine small crates.
//!
//! It does no I/O, reads no clock and starts no process: what a real system did comes in as a run. The one
//! exception is asked for by the feature `distributed`: `verify::many`, a search by several threads and machines.

pub mod act;
#[cfg(feature = "search")]
pub mod asleep;
pub mod call;
pub mod channel;
pub mod chapter;
pub mod data;
pub mod decide;
pub mod diagnosis;
#[cfg(feature = "search")]
pub mod draw;
pub mod ends;
pub mod explore;
#[cfg(feature = "stateright")]
pub mod explorer;
pub mod index;
pub mod kind;
pub mod litmus;
pub mod oracle;
pub mod platform;
pub mod render;
pub mod rule;
pub mod rules;
pub mod run;
#[cfg(feature = "search")]
pub mod scenario;
pub mod script;
pub mod settings;
pub mod simulate;
pub mod step;
#[cfg(feature = "search")]
pub mod system;
#[cfg(feature = "search")]
pub mod systems;
pub mod taxonomy;
pub mod text;
#[cfg(feature = "search")]
pub mod verify;
#[cfg(feature = "search")]
pub mod waits;
pub mod world;
pub mod worlds;
