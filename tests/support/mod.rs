//! What the native tests share.
#![allow(dead_code, reason = "no test uses all of it")]

pub mod client;
pub mod clock;
pub mod counting;
pub mod fixtures;
pub mod harness;
pub mod network;
pub mod replica;
pub mod scribe;
pub mod stamp;
pub mod stores;
pub mod table;
pub mod texts;
pub mod tree;
