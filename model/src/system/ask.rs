//! What is asked of a system, as the files of systems write it.

use super::{State, System};
use crate::verify::Property;

/// `holds` is so in every state.
pub fn always(
    name: &'static str,
    holds: impl Fn(&System, &State) -> bool + Send + Sync + 'static,
) -> Property<System> {
    Property::always(name, holds)
}

/// `holds` is so in some state.
pub fn sometimes(
    name: &'static str,
    holds: impl Fn(&System, &State) -> bool + Send + Sync + 'static,
) -> Property<System> {
    Property::sometimes(name, holds)
}

/// There is no deadlock: nobody waits for what can't come.
pub fn no_deadlock() -> Property<System> {
    Property::no_deadlock()
}

/// `goal` comes in the end, whatever happens, if the scheduler is weakly fair.
pub fn eventually(
    name: &'static str,
    goal: impl Fn(&System, &State) -> bool + Send + Sync + 'static,
) -> Property<System> {
    Property::eventually(name, goal)
}

/// The same of any scheduler.
pub fn eventually_unfair(
    name: &'static str,
    goal: impl Fn(&System, &State) -> bool + Send + Sync + 'static,
) -> Property<System> {
    Property::eventually_unfair(name, goal)
}

/// Wherever `after` is so, `goal` comes in the end, if the scheduler is weakly fair.
pub fn leads_to(
    name: &'static str,
    after: impl Fn(&System, &State) -> bool + Send + Sync + 'static,
    goal: impl Fn(&System, &State) -> bool + Send + Sync + 'static,
) -> Property<System> {
    Property::leads_to(name, after, goal)
}
