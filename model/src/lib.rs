//! The executable specification of Unix inter-process communication: rules as values, and the
//! oracle that judges runs by them.

pub mod call;
pub mod channel;
pub mod data;
pub mod explore;
pub mod kind;
pub mod oracle;
pub mod platform;
pub mod render;
pub mod rule;
pub mod rules;
pub mod run;
pub mod simulate;
pub mod step;
pub mod taxonomy;
pub mod text;
pub mod world;
