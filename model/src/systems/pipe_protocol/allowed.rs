//! The worlds that the rules allow after what callers have seen.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;

use super::Inside;
use crate::world::World;

impl Inside {
    /// Replaces each world that the rules allow by those that follow.
    pub(super) fn allow(&mut self, follow: impl FnMut(World) -> Vec<World>) {
        self.allowed = Allowed::new(self.allowed.worlds.iter().cloned().flat_map(follow).collect());
    }
}

/// Worlds that the rules allow: shared, as most steps leave them as they are, and hashed once.
#[derive(Clone, Debug, Eq)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Allowed {
    pub(super) worlds: Arc<[World]>,
    hash: u64,
}

impl Allowed {
    pub(super) fn new(worlds: Vec<World>) -> Allowed {
        let mut hashed: Vec<(u64, World)> = Vec::new();
        for world in worlds {
            let mut hasher = FxHasher::default();
            world.hash(&mut hasher);
            if hashed.iter().all(|(_, other)| *other != world) {
                hashed.push((hasher.finish(), world));
            }
        }
        // Equal sets look equal.
        hashed.sort_by_key(|(hash, _)| *hash);
        let hash = hashed.iter().fold(0_u64, |all, (hash, _)| all.rotate_left(9) ^ hash);
        Allowed { worlds: hashed.into_iter().map(|(_, world)| world).collect(), hash }
    }
}

impl PartialEq for Allowed {
    fn eq(&self, other: &Allowed) -> bool {
        self.hash == other.hash
            && (Arc::ptr_eq(&self.worlds, &other.worlds) || self.worlds == other.worlds)
    }
}

impl Hash for Allowed {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}
