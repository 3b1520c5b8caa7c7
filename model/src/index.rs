//! Indices into the tables of the world and of the rules.

/// Index into [`World::descriptions`](crate::world::World::descriptions).
pub type DescriptionIndex = u16;

/// Index into [`World::objects`](crate::world::World::objects).
pub type ObjectIndex = u16;

/// Index into [`RULES`](crate::rules::RULES).
pub type RuleIndex = u16;
