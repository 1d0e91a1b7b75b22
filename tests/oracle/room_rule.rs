//! Where a room departs from TinyBase on purpose, told once more and on its own: what of a change TinyBase must be given to
//! end where the room ends.
//!
//! - A room keeps its own of two empty stamps, where TinyBase takes the later.
//! - It leaves out what is stamped in the future, where TinyBase drops the whole change, and begins the future earlier, that
//!   of containers much earlier.
//! - It leaves out what bears the mark of an object and holds none, where TinyBase would throw when it is read.
//! - It creates no row and no table that is empty, since TinyBase's hashes go astray over them.
//! - It takes a change without the closing 1 for a change, where TinyBase replaces its content by it.
//! - It takes an HLC that is *undefined* for an empty one, as old clients mean it.
//!
//! And where old versions depart from new ones: up to 5.4 they hash a stamp that is left out wrong.

use super::json::Json;
use super::pool::{NOW_MS, UNDEFINED};
use super::process::{Batch, Oracle, VERSION};
use std::collections::{BTreeMap, BTreeSet};
use tinyroom::hlc::{AHEAD_MS, DEFAULT_MAX_FUTURE_MS, Hlc};
use tinyroom::json::string;

/// What a room holds, as far as the rule must know it.
#[derive(Default)]
pub struct RoomRule {
    /// The stamp of each cell and value, by its ids.
    stamps: BTreeMap<Vec<String>, String>,
    /// The tables and rows that exist, by their ids.
    branches: BTreeSet<Vec<String>>,
}

impl RoomRule {
    /// What TinyBase must merge for this change to arrive at the content of a room that merges the change.
    pub fn apply(&mut self, change: &str) -> String {
        let whole = Json::read(change);
        let [tables, values, ..] = whole.array() else { panic!("no change: {change}") };
        let taken = Json::Array(vec![
            self.container(tables, vec!["tables".to_owned()], 3),
            self.container(values, vec!["values".to_owned()], 1),
            Json::Scalar("1".to_owned()),
        ]);
        // As it came, wherever TinyBase can be given it so: its own reader is to be compared as well.
        if taken == whole && !hashes_missing_stamps_wrong() { change.to_owned() } else { taken.to_string() }
    }

    /// A stamp of a container, with so many levels below it.
    fn container(&mut self, stamp: &Json, path: Vec<String>, levels: u8) -> Json {
        let mut taken = BTreeMap::new();
        for (id, child) in stamp.array()[0].object() {
            let path = [path.clone(), vec![id.clone()]].concat();
            if levels == 1 {
                if let Some(leaf) = self.leaf(child, path) {
                    taken.insert(id.clone(), leaf);
                }
                continue;
            }
            let child = self.container(child, path.clone(), levels - 1);
            if !child.array()[0].object().is_empty() {
                self.branches.insert(path.clone());
            }
            if self.branches.contains(&path) {
                taken.insert(id.clone(), child);
            }
        }
        with_hlc(Json::Object(taken), stamp, accepted(stamp))
    }

    fn leaf(&mut self, stamp: &Json, path: Vec<String>) -> Option<Json> {
        let hlc = hlc_of(stamp).unwrap_or_default();
        let own = self.stamps.get(&path);
        if is_future(&hlc, DEFAULT_MAX_FUTURE_MS)
            || is_malformed(stamp.array()[0].scalar())
            || hlc.is_empty() && own.is_some_and(String::is_empty)
        {
            return None;
        }
        if own.is_none_or(|own| hlc > *own) {
            self.stamps.insert(path, hlc.clone());
        }
        Some(with_hlc(stamp.array()[0].clone(), stamp, Some(hlc)))
    }
}

fn hashes_missing_stamps_wrong() -> bool {
    VERSION.starts_with("5.")
}

/// The HLC of a stamp, where one is written.
fn hlc_of(stamp: &Json) -> Option<String> {
    let hlc = stamp.array().get(1)?.scalar().trim_matches('"');
    Some(if hlc == UNDEFINED { String::new() } else { hlc.to_owned() })
}

/// The HLC that a room takes of a container's stamp.
fn accepted(stamp: &Json) -> Option<String> {
    hlc_of(stamp).map(|hlc| if is_future(&hlc, AHEAD_MS) { String::new() } else { hlc })
}

/// The stamp with this inside and HLC, else as it was: `[…]`, `[…,hlc]` or `[…,hlc,hash]`.
fn with_hlc(inside: Json, stamp: &Json, hlc: Option<String>) -> Json {
    let mut parts = vec![inside];
    if stamp.array().len() > 1 || hashes_missing_stamps_wrong() {
        parts.push(Json::Scalar(format!("\"{}\"", hlc.unwrap_or_default())));
    }
    parts.extend(stamp.array().iter().skip(2).cloned());
    Json::Array(parts)
}

/// Whether this is a string with the mark of an object, and no JSON behind it.
fn is_malformed(value: &str) -> bool {
    let Some(object) = value.strip_prefix("\"\u{fffd}").and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut batch = Batch::default();
    batch.add("json", &[&string::unescaped(object)]);
    Oracle::lock().ask(&batch)[0].is_err()
}

fn is_future(hlc: &str, max_future_ms: u64) -> bool {
    Hlc::parse(hlc).unwrap().is_future(NOW_MS, max_future_ms)
}
