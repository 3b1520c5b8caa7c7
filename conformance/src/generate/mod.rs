//! Scenarios that nobody wrote: random walks through the model, all short paths through it, and the
//! simplest scenario that still fails.
//!
//! - [`walk`]: one scenario from a [`Shape`] and a seed; [`Scenarios`]: the same for proptest.
//! - [`plots`]: the same over several channels, with processes.
//! - [`shrink`]: from a scenario that fails to a simple one that fails.
//! - [`Paths`]: every scenario of up to so many calls over an [`alphabet`].
//! - [`of_system`]: every order of the calls of a named system, up to a bound.
//! - [`stopped`]: a scenario with a call that is stopped in its middle.
//! - [`normal`]: the scenario that is the same but for names; [`normalise`]: without calls that can't be.
//! - [`follow`]: a run that the model allows of a scenario.
//!
//! Nothing here knows what a call does: that comes from the model, which is followed one world at a time.

pub mod alphabet;
mod dice;
mod enumerate;
mod epolls;
mod follow;
mod manner;
pub mod plots;
mod shrink;
mod sizes;
mod sockets;
mod stops;
mod strategy;
mod systems;
mod walk;

pub use crate::scenario::{normal, normalise};
pub(crate) use dice::Dice;
pub use enumerate::{Alphabet, Paths};
pub use follow::{Followed, follow};
pub use shrink::{Shrinker, shrink};
pub use stops::stopped;
pub use strategy::{ScenarioTree, Scenarios};
pub use systems::{Order, of_system};
pub use walk::walk;

use pipewright_model::platform::Platform;
use pipewright_model::run::Setup;

/// In how many of a hundred random scenarios calls are stopped in their middle, where nothing else is said.
pub const STOPPING_PERCENT: u32 = 10;

/// What random scenarios are to be like.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The platform whose rules are followed. Calls that it leaves unspecified are not made.
    pub platform: &'static Platform,
    /// The channel.
    pub setup: Setup,
    /// The most calls; fewer where everybody falls asleep.
    pub steps_max: usize,
    /// The most actors, from 1.
    pub actors_max: usize,
    /// In how many of a hundred steps the next call is made at once, before things come to rest.
    pub racing_percent: u32,
    /// In how many of a hundred scenarios calls are stopped in their middle, with many calls of others inside.
    pub stopping_percent: u32,
    /// Whether nobody holds anything at the start, or everybody does; `None` where either may be.
    pub by_name: Option<bool>,
}

impl Shape {
    /// Up to 20 calls by up to 4 actors, one in five of them racing the next; in one of ten scenarios calls stop.
    pub fn new(platform: &'static Platform, setup: Setup) -> Shape {
        Shape {
            platform,
            setup,
            steps_max: 20,
            actors_max: 4,
            racing_percent: 20,
            stopping_percent: STOPPING_PERCENT,
            by_name: None,
        }
    }
}
