//! Ways to what was found, by many: from where they end back to the start, a step at each depth.

use std::rc::Rc;

use super::{Lost, Member, Model, Part, Sent, Share, Way, What, hash_of};
use crate::verify::{Path, Search, liveness};

/// For each property a state that leads where its way begins so far, with its hash.
type Before<S> = Vec<Option<(u64, S)>>;

impl Member {
    /// For each property that a state breaks a shortest way there; among several always the same.
    pub(super) fn ways<M>(
        &mut self,
        part: &Part<M>,
        shares: &[Share],
    ) -> Result<Vec<Option<Way<M::State>>>, Lost>
    where
        M: Model,
        M::State: Sent,
    {
        let model = part.model.clone();
        let broken = |index: usize| match model.properties()[index].what {
            What::Always(_) | What::NoDeadlock => {
                let places = shares.iter().enumerate();
                places.filter_map(|(by, share)| Some((share.deciding[index]?, by))).min()
            }
            What::Sometimes(_) | What::Eventually { .. } => None,
        };
        let broken: Vec<_> = (0..model.properties().len()).map(broken).collect();
        let Some(depth_max) = broken.iter().flatten().map(|(place, _)| place.depth).max() else {
            return Ok(vec![None; broken.len()]);
        };
        // Each way backwards.
        let mut ways: Vec<Vec<M::State>> = vec![Vec::new(); broken.len()];
        for depth in (0..=depth_max).rev() {
            let mut mine: Before<M::State> = self.before(part, depth, &ways);
            for (mine, broken) in mine.iter_mut().zip(&broken) {
                if let Some((place, by)) = broken
                    && place.depth == depth
                    && *by == self.index()
                {
                    *mine = Some((place.hash, part.table.get(place.index)));
                }
            }
            let all = self.gather(mine)?;
            for (index, way) in ways.iter_mut().enumerate() {
                let told = all.iter().filter_map(|told| told[index].as_ref());
                way.extend(told.min_by_key(|(hash, _)| *hash).map(|(_, state)| state.clone()));
            }
        }
        let forwards = ways.into_iter().map(|mut way| {
            way.reverse();
            (!way.is_empty()).then_some((way, None))
        });
        Ok(forwards.collect())
    }

    /// Of the states of this worker at a depth those that lead where the ways begin so far.
    fn before<M>(&self, part: &Part<M>, depth: u64, ways: &[Vec<M::State>]) -> Before<M::State>
    where
        M: Model,
        M::State: Sent,
    {
        let mut before: Before<M::State> = vec![None; ways.len()];
        if ways.iter().all(Vec::is_empty) {
            return before;
        }
        let mut next = Vec::new();
        for at in part.level(depth as usize) {
            let state = part.table.get(at);
            part.model.steps(&state, &mut next);
            let hash = hash_of(&state);
            for (way, before) in ways.iter().zip(&mut before) {
                let leads = |begins: &M::State| next.iter().any(|(_, after)| after == begins);
                let is_least = before.as_ref().is_none_or(|(least, _)| hash < *least);
                if is_least && way.last().is_some_and(leads) {
                    *before = Some((hash, state.clone()));
                }
            }
            next.clear();
        }
        before
    }

    /// For each property of what must come in the end a way on which it never does: decided by the first worker,
    /// by a search of its own, while the others wait.
    pub(super) fn liveness<M>(&mut self, model: &Rc<M>) -> Result<Vec<Option<Way<M::State>>>, Lost>
    where
        M: Model,
        M::State: Sent,
    {
        let properties = model.properties();
        let mut never = vec![None; properties.len()];
        if properties.iter().all(super::super::Property::is_safety) {
            return Ok(never);
        }
        if self.index() == 0 {
            let mut search = Search::new(model.as_ref(), usize::MAX);
            search.run();
            for (property, never) in properties.iter().zip(&mut never) {
                if let What::Eventually { after, goal, scheduler } = &property.what {
                    let after = after.as_ref();
                    let path = liveness::never(&mut search, after, goal, *scheduler);
                    *never = path.map(|path| states(model.as_ref(), &path));
                }
            }
        }
        Ok(self.gather(never)?.swap_remove(0))
    }
}

/// A way as states.
fn states<M: Model>(model: &M, path: &Path<M::Action>) -> Way<M::State> {
    let mut way = vec![model.start()];
    for action in &path.actions {
        let mut next = Vec::new();
        model.steps(&way[way.len() - 1], &mut next);
        let taken = next.into_iter().find(|(other, _)| other == action);
        way.push(taken.expect("a way is made of steps").1);
    }
    (way, path.loops_from.map(|from| from as u64))
}

/// A way as steps.
pub(super) fn path<M: Model>(model: &M, (way, loops_from): &Way<M::State>) -> Path<M::Action> {
    let step = |pair: &[M::State]| {
        let mut next = Vec::new();
        model.steps(&pair[0], &mut next);
        let taken = next.into_iter().find(|(_, after)| *after == pair[1]);
        taken.expect("states of a way follow each other").0
    };
    Path {
        actions: way.windows(2).map(step).collect(),
        loops_from: loops_from.map(|from| from as usize),
    }
}
