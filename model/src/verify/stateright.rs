//! The same models for stateright: for its Explorer, and for its checker as a second opinion.
//!
//! Verdicts are taken from [`verify`](super::verify): stateright's `eventually` does not see loops, and of
//! what breaks a property its checker reports the last that it found, not the nearest.

use std::fmt;
use std::hash::Hash;

use super::{Model, What};

/// A property that always holds, by which stateright looks at all states.
const TO_THE_END: &str = "all states are looked at";

/// A model as stateright sees it.
#[derive(Clone, Debug)]
pub struct Browsed<M>(
    /// The model.
    pub M,
);

/// A step with the state after it.
pub struct Step<M: Model> {
    /// The step.
    pub action: M::Action,
    /// The state after it.
    pub after: M::State,
}

impl<M: Model> Clone for Step<M> {
    fn clone(&self) -> Step<M> {
        Step { action: self.action.clone(), after: self.after.clone() }
    }
}

impl<M: Model> PartialEq for Step<M> {
    fn eq(&self, other: &Step<M>) -> bool {
        self.action == other.action && self.after == other.after
    }
}

impl<M: Model> fmt::Debug for Step<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.action.fmt(f)
    }
}

impl<M: Model> stateright::Model for Browsed<M>
where
    M::State: Hash,
{
    type State = M::State;
    type Action = Step<M>;

    fn init_states(&self) -> Vec<M::State> {
        vec![self.0.start()]
    }

    fn actions(&self, state: &M::State, actions: &mut Vec<Step<M>>) {
        let mut next = Vec::new();
        self.0.steps(state, &mut next);
        actions.extend(next.into_iter().map(|(action, after)| Step { action, after }));
    }

    fn next_state(&self, _: &M::State, step: Step<M>) -> Option<M::State> {
        Some(step.after)
    }

    fn format_action(&self, step: &Step<M>) -> String {
        self.0.describe(&step.action)
    }

    /// The properties that are decided state by state. What must come in the end is left to
    /// [`verify`](super::verify).
    fn properties(&self) -> Vec<stateright::Property<Self>> {
        let asked = self.0.properties().iter().zip(conditions::<M>());
        let safety = asked.filter(|(property, _)| property.is_safety());
        let property =
            |(property, condition): (&super::Property<M>, Condition<M>)| match property.what {
                What::Sometimes(_) => stateright::Property::sometimes(property.name, condition),
                _ => stateright::Property::always(property.name, condition),
            };
        // stateright stops when it has found an example of each: of this one there is none.
        let to_the_end = stateright::Property::always(TO_THE_END, |_: &Self, _: &M::State| true);
        safety.map(property).chain([to_the_end]).collect()
    }
}

/// A condition as stateright takes it: a function that knows by its type alone which property it is of.
type Condition<M> = fn(&Browsed<M>, &<M as Model>::State) -> bool;

fn holds<M: Model, const INDEX: usize>(model: &Browsed<M>, state: &M::State) -> bool {
    let model = &model.0;
    match &model.properties()[INDEX].what {
        What::Always(holds) | What::Sometimes(holds) => holds.is(model, state),
        What::NoDeadlock => {
            let mut next = Vec::new();
            model.steps(state, &mut next);
            !next.is_empty() || model.may_end(state)
        }
        What::Eventually { .. } => true,
    }
}

/// The conditions of the first so many properties.
fn conditions<M: Model>() -> [Condition<M>; 17] {
    [
        holds::<M, 0>,
        holds::<M, 1>,
        holds::<M, 2>,
        holds::<M, 3>,
        holds::<M, 4>,
        holds::<M, 5>,
        holds::<M, 6>,
        holds::<M, 7>,
        holds::<M, 8>,
        holds::<M, 9>,
        holds::<M, 10>,
        holds::<M, 11>,
        holds::<M, 12>,
        holds::<M, 13>,
        holds::<M, 14>,
        holds::<M, 15>,
        holds::<M, 16>,
    ]
}
