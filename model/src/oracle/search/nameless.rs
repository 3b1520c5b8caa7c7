//! Runs in which nobody sees the bytes: whose they are makes no difference, nor does who of several that do the same is
//! answered first.

use super::Search;
use crate::call::Actor;
use crate::world::World;

impl Search<'_, '_> {
    /// Whether somebody's call that is [alike](World::are_alike) returns before this one with the same reply: where
    /// nobody sees whose bytes are whose it may as well be answered first. Whatever becomes of the one that is answered
    /// later is answered in time, as the return of the other, for which it then stands, comes later still.
    pub(super) fn comes_second(&self, world: &World, actor: Actor) -> bool {
        if !self.lookahead.is_nameless() {
            return false;
        }
        let fate = self.lookahead.fate(actor);
        let Some(reply) = fate.reply else { return false };
        world.busy().iter().filter(|other| *other != actor).any(|other| {
            let first = self.lookahead.fate(other);
            first.returns < fate.returns
                && first.answerable_from <= self.index
                && first.reply == Some(reply)
                && world.are_alike(other, actor)
        })
    }

    /// Forgets the names of bytes, where nobody sees them.
    pub(super) fn forget(&self, world: &mut World) {
        if self.lookahead.is_nameless() {
            world.forget_names();
        }
    }
}
