//! The store and the journal alone, without a Worker around them.
//!
//! `cargo bench` prints the times; `node bench/micro.mjs` runs this and the same work in TinyBase's own store, and puts
//! the two beside each other. The first line printed sums up what the work comes to, which must be the same there.
//!
//! These are times of native code. The Worker's is WebAssembly and takes longer: what a room needs is measured by
//! `make bench`.
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "what is wrong here is to end it")]

mod peers;
#[path = "../../tests/support/stamp.rs"]
mod stamp;
#[path = "../../tests/support/table.rs"]
mod table;
mod texts;

use divan::Bencher;
use peers::{Asked, asked, cell_diff, merge, read, row_diff, store_of, table_diff, take_in};
use table::Table;
use texts::{content, edits, large_changes};
use tinyroom::hash::Fnv;
use tinyroom::journal::{Commit, Journal, Settings};
use tinyroom::store::Store;

/// Edits a sample: one alone is shorter than a clock can tell.
const EDITS: u32 = 1_000;

fn main() {
    println!("checks {}", checks());
    divan::main();
}

/// What the work comes to: hashes of the content after changes, and of each text.
fn checks() -> String {
    let edited = store_of(&edits().take(EDITS as usize).collect::<Vec<_>>()).content_hashes().tables;
    let changed = store_of(&[content(), large_changes().next().unwrap_or_default()]).content_hashes().tables;
    let Asked { store, of_rows, of_cells } = asked();
    let texts = [
        table_diff(&store, "{}"),
        row_diff(&store, &of_rows),
        cell_diff(&store, &of_cells),
        loaded(&written(&store)).content_text(),
    ];
    let [tables, rows, cells, content] = texts.map(|text| hash_of(&text));
    format!("{edited} {changed} {tables} {rows} {cells} {content}")
}

#[divan::bench(sample_count = 15, sample_size = 1)]
fn merge_content(bencher: Bencher) {
    let content = content();
    bencher.with_inputs(|| Store::new(7)).bench_local_values(|mut store| {
        merge(&mut store, &content);
        store
    });
}

#[divan::bench(sample_count = 25, sample_size = EDITS)]
fn merge_cell(bencher: Bencher) {
    let mut store = store_of(&[content()]);
    let mut edits = edits();
    bencher.with_inputs(|| edits.next().unwrap()).bench_local_refs(|edit| merge(&mut store, edit));
}

#[divan::bench(sample_count = 25, sample_size = 1)]
fn merge_rows(bencher: Bencher) {
    let mut store = store_of(&[content()]);
    let mut changes = large_changes();
    bencher.with_inputs(|| changes.next().unwrap()).bench_local_refs(|change| merge(&mut store, change));
}

/// Hashes are kept with every merge; to have all of them computed is to merge all anew.
#[divan::bench(sample_count = 15, sample_size = 1)]
fn hash_content(bencher: Bencher) {
    let content = content();
    let changes = read(&content);
    bencher.with_inputs(|| Store::new(7)).bench_local_values(|mut store| {
        take_in(&mut store, &changes);
        (store.content_hashes(), store)
    });
}

#[divan::bench(sample_count = 15, sample_size = 1)]
fn hash_text(bencher: Bencher) {
    let content = content();
    bencher.bench_local(|| hash_of(&content));
}

#[divan::bench(sample_count = 15, sample_size = 1)]
fn diff_tables(bencher: Bencher) {
    let store = store_of(&[content()]);
    bencher.bench_local(|| table_diff(&store, "{}"));
}

#[divan::bench(sample_count = 15, sample_size = 1)]
fn diff_rows(bencher: Bencher) {
    let Asked { store, of_rows, .. } = asked();
    bencher.bench_local(|| row_diff(&store, &of_rows));
}

#[divan::bench(sample_count = 25, sample_size = 10)]
fn diff_cells(bencher: Bencher) {
    let Asked { store, of_cells, .. } = asked();
    bencher.bench_local(|| cell_diff(&store, &of_cells));
}

#[divan::bench(sample_count = 15, sample_size = 1)]
fn load(bencher: Bencher) {
    let table = written(&store_of(&[content()]));
    bencher.bench_local(|| loaded(&table));
}

#[divan::bench(sample_count = 15, sample_size = 1)]
fn snapshot(bencher: Bencher) {
    let store = store_of(&[content()]);
    bencher.bench_local(|| snapshot_of(&store));
}

#[divan::bench(sample_count = 15, sample_size = 1)]
fn content_text(bencher: Bencher) {
    let store = store_of(&[content()]);
    bencher.bench_local(|| store.content_text());
}

fn hash_of(text: &str) -> u32 {
    Fnv::new().bytes(text.as_bytes()).finish()
}

fn snapshot_of(store: &Store) -> Commit {
    Journal::new(Settings::default()).append_all(store)
}

fn written(store: &Store) -> Table {
    let mut table = Table::default();
    table.carry_out(&snapshot_of(store));
    table
}

fn loaded(table: &Table) -> Store {
    table.load(Settings::default()).0
}
