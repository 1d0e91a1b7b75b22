//! A store that is written down, change by change.

use super::fixtures::NOW_MS;
use super::stamp::stamp;
use super::stores::{assert_same, cell};
use super::table::Table;
use fastrand::Rng;
use tinyroom::journal::{Commit, Journal, Settings, Write};
use tinyroom::json::Reader;
use tinyroom::store::{Changes, Store};

/// Small enough for every kind of write to come about within a few dozen edits.
pub const SMALL: Settings = Settings {
    level0_bytes: 150,
    level0_entries: 3,
    level1_bytes: 400,
    row_bytes: 900,
    slice_bytes: 250,
    slack_bytes: 400,
};

/// A store, its journal, and the table it writes to.
pub struct Scribe {
    pub settings: Settings,
    pub store: Store,
    pub journal: Journal,
    pub table: Table,
    pub time_ms: u64,
}

impl Scribe {
    pub fn new(settings: Settings) -> Self {
        let (store, journal) = (Store::new(1), Journal::new(settings));
        Self { settings, store, journal, table: Table::default(), time_ms: NOW_MS }
    }

    /// One that goes on from what is on disk, of which nothing must be quarantined.
    pub fn woken(settings: Settings, table: &Table) -> Self {
        let (store, journal) = table.load(settings);
        Self { settings, store, journal, table: table.clone(), time_ms: NOW_MS + 1_000 }
    }

    /// Merges a change and keeps what won.
    pub fn edit(&mut self, change: &str) -> Commit {
        let mut reader = Reader::new(change);
        let changes = Changes::read(&mut reader).unwrap();
        let mut places = Vec::new();
        self.store.merge(&changes, NOW_MS, |place| places.push(place));
        places.sort_unstable();
        let commit = self.journal.append(self.store.changes_text(places));
        self.table.carry_out(&commit);
        commit
    }

    /// Sets a cell, later than whatever was set before.
    pub fn set(&mut self, row: &str, id: &str, value: &str) -> Commit {
        self.time_ms += 1;
        self.edit(&cell("t", row, id, value, &stamp(self.time_ms, 0, "Alice")))
    }

    /// Sets one of some dozens of cells to something short, long, or longer than a row may be.
    pub fn set_any(&mut self, random: &mut Rng) -> Commit {
        let length = if random.u8(..20) == 0 { random.usize(..2_500) } else { random.usize(..60) };
        let value = format!("\"{}\"", "ä".repeat(length));
        self.set(&format!("r{}", random.u8(..6)), &format!("c{}", random.u8(..6)), &value)
    }

    /// Writes the next slice of a snapshot, if there is one to write.
    pub fn compact(&mut self) -> Option<Commit> {
        self.journal.is_compaction_due(&self.store).then(|| {
            let commit = self.journal.compact(&self.store);
            self.table.carry_out(&commit);
            commit
        })
    }

    /// Writes slices until there is none to write. Answers how many there were.
    pub fn compact_whole(&mut self) -> usize {
        let slices = (0..10_000).take_while(|_| self.compact().is_some()).count();
        assert!(slices < 10_000, "the compaction never ends");
        slices
    }

    /// Sets cells of a row again and again, with compactions between. Answers how many of them came to their end.
    pub fn edit_and_compact(&mut self) -> usize {
        let mut compactions = 0;
        for n in 0..200 {
            self.set("later", &format!("c{}", n % 7), &n.to_string());
            compactions += self.compact().iter().filter(|commit| ends_compaction(commit)).count();
        }
        compactions
    }

    /// Checks that what is on disk is what is in memory, and that no row is too long.
    pub fn assert_kept(&self) {
        let (loaded, journal) = self.table.load(self.settings);
        assert_same(&loaded, &self.store);
        assert!(self.table.rows.values().all(|row| row.bytes <= self.settings.row_bytes));
        let bytes: usize = self.table.rows.range(1..).map(|(_, row)| row.entries.len() + 1).sum();
        assert_eq!(journal.total_bytes(), bytes);
        assert!(self.journal.total_bytes().abs_diff(bytes) <= self.table.rows.len(), "the account is off");
    }
}

/// Whether a commit holds the last slice of a compaction.
pub fn ends_compaction(commit: &Commit) -> bool {
    matches!(commit.writes.last(), Some(Write::DeleteBefore { .. }))
}
