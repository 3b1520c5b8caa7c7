//! The executable specification of Unix inter-process communication: rules as values, and the
//! oracle that judges runs by them.
#![doc = ""]
pub mod call;
pub mod data;
pub mod kind;
pub mod run;
pub mod taxonomy;
pub mod text;
