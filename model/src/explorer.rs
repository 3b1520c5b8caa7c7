//! Models for the Stateright Explorer: steps read as in run files, and the way to a state is drawn.
//!
//! The Explorer is for looking: of verdicts it shows only those that are decided state by state, and the exact
//! ones are those of [`verify`](mod@crate::verify).

use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use stateright::{Expectation, Model as _};

use crate::draw::{Story, Theme};
use crate::scenario::Scenario;
use crate::system::System;
use crate::systems::PipeProtocol;
use crate::verify::{Model, Path, What};

/// A model that can be drawn.
pub trait Drawn: Model {
    /// What a way leads through, as a drawing for the Explorer's page.
    fn svg(&self, actions: &[Self::Action]) -> String;

    /// A state in words.
    fn tell(&self, state: &Self::State) -> String;
}

impl Drawn for Scenario {
    fn svg(&self, actions: &[Self::Action]) -> String {
        Scenario::svg(self, actions, Theme::Page)
    }

    fn tell(&self, state: &Self::State) -> String {
        let mut told = String::new();
        // Writing to a string never fails.
        let _ = Scenario::tell(self, state, &mut told);
        told
    }
}

impl Drawn for System {
    fn svg(&self, actions: &[Self::Action]) -> String {
        System::svg(self, actions, Theme::Page)
    }

    fn tell(&self, state: &Self::State) -> String {
        System::tell(self, state)
    }
}

/// What its callers see is drawn, beside what the rules say of it.
impl Drawn for PipeProtocol {
    fn svg(&self, actions: &[Self::Action]) -> String {
        let mut run = self.run(&Path { actions: actions.to_vec(), loops_from: None });
        run.preamble = vec![self.says.to_owned()];
        Story::of(&run, self.platform()).titled(self.name).svg(Theme::Page)
    }

    fn tell(&self, state: &Self::State) -> String {
        PipeProtocol::tell(self, state)
    }
}

/// A model as the Explorer shows it. Its name stands on the page.
pub struct Pipewright<M>(Arc<M>);

impl<M> Pipewright<M> {
    /// A model for the Explorer.
    pub fn new(model: Arc<M>) -> Pipewright<M> {
        Pipewright(model)
    }
}

/// Where on the Explorer's page a way leads to, as the part of the address behind the `/`; `None` if it is none
/// through this model. Steps are told by their place among those that could be taken.
pub fn link<M: Model>(model: &M, actions: &[M::Action]) -> Option<String> {
    let mut link = "#/steps/0".to_owned();
    let mut state = model.start();
    for action in actions {
        let mut next = Vec::new();
        model.steps(&state, &mut next);
        let index = next.iter().position(|(other, _)| other == action)?;
        link.push_str(&format!("/{index}"));
        state = next.swap_remove(index).1;
    }
    Some(link)
}

/// A state that can tell what it is.
pub struct Seen<M: Model> {
    state: M::State,
    model: Arc<M>,
}

impl<M: Model> Clone for Seen<M> {
    fn clone(&self) -> Seen<M> {
        Seen { state: self.state.clone(), model: Arc::clone(&self.model) }
    }
}

impl<M: Model> PartialEq for Seen<M> {
    fn eq(&self, other: &Seen<M>) -> bool {
        self.state == other.state
    }
}

impl<M: Model> Hash for Seen<M>
where
    M::State: Hash,
{
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.state.hash(hasher);
    }
}

/// In words, with a number: the page takes states for the same that read alike.
impl<M: Drawn> fmt::Debug for Seen<M>
where
    M::State: Hash,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = FxBuildHasher.hash_one(&self.state) >> 32;
        write!(f, "{}\n\nstate {number:08x}", self.model.tell(&self.state))
    }
}

/// A step with the state after it.
pub struct Step<M: Model> {
    action: M::Action,
    after: Seen<M>,
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
        f.write_str(&self.after.model.describe(&self.action))
    }
}

impl<M: Drawn> stateright::Model for Pipewright<M>
where
    M::State: Hash,
{
    type State = Seen<M>;
    type Action = Step<M>;

    fn init_states(&self) -> Vec<Seen<M>> {
        vec![Seen { state: self.0.start(), model: Arc::clone(&self.0) }]
    }

    fn actions(&self, seen: &Seen<M>, actions: &mut Vec<Step<M>>) {
        let mut next = Vec::new();
        self.0.steps(&seen.state, &mut next);
        let model = || Arc::clone(&self.0);
        let step = |(action, state)| Step { action, after: Seen { state, model: model() } };
        actions.extend(next.into_iter().map(step));
    }

    fn next_state(&self, _: &Seen<M>, step: Step<M>) -> Option<Seen<M>> {
        Some(step.after)
    }

    fn format_action(&self, step: &Step<M>) -> String {
        self.0.describe(&step.action)
    }

    fn as_svg(&self, path: stateright::Path<Seen<M>, Step<M>>) -> Option<String> {
        let actions: Vec<_> = path.into_actions().into_iter().map(|step| step.action).collect();
        Some(self.0.svg(&actions))
    }

    /// What is decided state by state.
    fn properties(&self) -> Vec<stateright::Property<Self>> {
        let asked = self.0.properties().iter().zip(conditions::<M>());
        let safety = asked.filter(|(property, _)| property.is_safety());
        let property = |(asked, condition): (&crate::verify::Property<M>, Condition<M>)| {
            let expectation = match asked.what {
                What::Sometimes(_) => Expectation::Sometimes,
                _ => Expectation::Always,
            };
            stateright::Property { expectation, name: asked.name, condition }
        };
        safety.map(property).collect()
    }
}

/// A condition as stateright takes it: a function that knows by its type alone which property it is of.
type Condition<M> = fn(&Pipewright<M>, &Seen<M>) -> bool;

fn holds<M: Drawn, const INDEX: usize>(model: &Pipewright<M>, seen: &Seen<M>) -> bool
where
    M::State: Hash,
{
    match &model.0.properties()[INDEX].what {
        What::Always(holds) | What::Sometimes(holds) => holds.is(&model.0, &seen.state),
        What::NoDeadlock => {
            let mut next = Vec::new();
            model.actions(seen, &mut next);
            !next.is_empty() || model.0.may_end(&seen.state)
        }
        What::Eventually { .. } => true,
    }
}

/// The conditions of the first so many properties.
fn conditions<M: Drawn>() -> [Condition<M>; 17]
where
    M::State: Hash,
{
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
