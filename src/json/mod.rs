//! JSON text exactly as JavaScript writes it.
//!
//! TinyBase hashes a value as the text that `JSON.stringify` prints for it, so a room that wants the same hashes must
//! hold the same texts. Nothing here builds a tree: a [`Reader`] walks a text once and hands out pieces of it, and where
//! a piece is not spelled as JavaScript would spell it (`1.0`, `"\u0041"`) it hands out the right spelling instead.
//! The two spellings of one value are therefore one text ever after, and comparing texts is comparing values.
//!
//! - [`reader`]: the walk, and the errors that say what was expected and what came
//! - [`string`](mod@string): the escapes of strings, and what an id is hashed as
//! - [`number`]: the spelling of numbers
//! - [`embedded`]: whether a string holds JSON itself

pub mod embedded;
pub mod number;
pub mod reader;
pub mod string;

pub use reader::{ReadError, Reader};
