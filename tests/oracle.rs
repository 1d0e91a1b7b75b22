//! The store against the real TinyBase: random histories are merged by both, which are then asked the same.
//!
//! `HISTORIES` says how many histories there are in all (10,000), `JSON_TEXTS` how many numbers (300,000), and `TINYBASE`
//! which version is asked (10.0). A history that fails is shrunk, and its seed is noted in `oracle.proptest-regressions`;
//! once it is understood it stays in `oracle/kept.rs`.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

#[path = "oracle/change.rs"]
mod change;
#[path = "oracle/check.rs"]
mod check;
#[path = "oracle/history.rs"]
mod history;
#[path = "oracle/json.rs"]
mod json;
#[path = "oracle/json_texts.rs"]
mod json_texts;
#[path = "oracle/kept.rs"]
mod kept;
#[path = "oracle/marked.rs"]
mod marked;
#[path = "oracle/pool.rs"]
mod pool;
#[path = "oracle/process.rs"]
mod process;
#[path = "oracle/room_rule.rs"]
mod room_rule;

use history::{Hlc, Kind};
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRunner};
use std::env;

/// How many histories of a kind there are in ten thousand.
fn run(share: u32, kind: Kind) {
    let all = env::var("HISTORIES").map_or(10_000, |count| count.parse().expect("HISTORIES is a number"));
    let config = Config {
        cases: (u64::from(share) * all).div_ceil(10_000).try_into().unwrap(),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/oracle.proptest-regressions"))),
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&kind.histories(), |history| check::check(&history));
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn ordinary_histories() {
    run(2000, Kind::ordinary());
}

#[test]
fn hostile_ids() {
    run(2000, Kind { ids: pool::hostile_id(), ..Kind::ordinary() });
}

#[test]
fn empty_and_missing_stamps() {
    run(1200, Kind { stamps: Hlc::or_empty(), ids_count: 3, ..Kind::ordinary() });
}

#[test]
fn equal_stamps_and_any_order() {
    run(1000, Kind { hlcs_count: 1, ids_count: 2, ..Kind::ordinary() });
}

#[test]
fn stamps_of_containers() {
    run(1200, Kind { stamps: Hlc::or_empty(), containers: true, ..Kind::ordinary() });
}

#[test]
fn wide_rows_and_tables() {
    run(300, Kind { ids: pool::numbered_id(), ids_count: 30, leaves: 60, containers: true, ..Kind::ordinary() });
}

#[test]
fn odd_spellings() {
    run(1000, Kind { ids: pool::hostile_id(), stamps: Hlc::or_empty(), odd: true, ..Kind::ordinary() });
}

#[test]
fn rows_and_cells_that_cancel_out() {
    let ids = pool::lone_surrogate_id();
    run(500, Kind { ids, values: pool::common_value(), hlcs_count: 2, ..Kind::ordinary() });
}

#[test]
fn everything_at_once() {
    let kind = Kind { ids: pool::hostile_id(), stamps: Hlc::or_future(), ..Kind::ordinary() };
    run(800, Kind { containers: true, twists: true, odd: true, ids_count: 3, hlcs_count: 3, ..kind });
}
