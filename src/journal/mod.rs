//! A store at rest.
//!
//! **What is stored is what is sent**: an entry is the text of a TinyBase change, `[tables, values, 1]`. Loading is
//! merging, as often as one likes, so nothing on disk ever has to be exact to be right: an entry that stands twice, or
//! half a snapshot beside what it was to replace, load to the same store. Of entries with one stamp and different values,
//! which only damage brings about, the last counts: a snapshot says again what was loaded.
//!
//! ```text
//! sequence   entries
//! 0          {"format":1,"first":7}            the header
//! 7          [[{…}],[{}],1]                    a snapshot: the whole content, in entries of about half a MB,
//! 8          [[{…}],[{…}],1]                   up to 1.5 MB of them a row
//! 9          [[{…}],[{}],1]                    level 2: changes since, one a line, up to 1.5 MB
//! 10         [[{…}],[{}],1]                    level 1: newer changes, up to 64 KiB
//! 11         [[{…}],[{}],1]                    level 0: the newest changes, up to 4 kB
//! ```
//!
//! The levels are those of an LSM tree, with one row each that still grows:
//!
//! - A commit adds its change to **level 0**: one row written, and one that fits into a page of SQLite's.
//! - A level 0 that is full is **folded** into level 1, its lines added to that row, and a level 1 that is full into
//!   level 2: one row more once in about fifty edits, two more once in some hundreds. So few bytes are written again and
//!   again, and a wake has few rows to read. A change that is longer than level 1 may be goes to level 2 at once.
//! - When the rows hold more than twice what the content takes, **compaction** (a major one: of all levels) writes a
//!   snapshot behind them, a slice at a time with edits in between, and then deletes every row from before it began.
//! - A text that is longer than a row may be is **chunked** over rows, all but the last marked as going on.
//! - A row that cannot be read is **quarantined**: it stays as it is, whatever else happens, and is reported.
//! - A journal of an older **format** is read as that format says, and is one of this format from the first commit on,
//!   which renews its header. A newer one is refused, and left as it is.
//!
//! The journal knows no database. It names [`Write`]s, and whoever holds the disk carries them out, those of one
//! [`Commit`] together.

mod compaction;
mod listing;
mod load;

pub use listing::Listing;
pub use load::{Fault, LoadError, Loader, Problem, Row};

use crate::store::{Place, Store};
use compaction::Compaction;

/// The format of what is written. It is one more whenever an older Tinyroom would misread what a newer one writes; 0 was
/// never written, and is read as 1.
pub const FORMAT: u32 = 1;

/// The sequence number of the header.
pub const HEADER: i64 = 0;

/// How long a journal's rows grow. All in bytes of UTF-8, but for [`level0_entries`](Self::level0_entries).
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long level 0 may grow, which each commit writes anew. Default 4,000: with the rest of its row it fits into a
    /// page of SQLite's, of 4,096.
    pub level0_bytes: usize,
    /// With fewer entries level 0 may grow to four times that: a folding each few entries would cost more than some pages.
    /// Default 32.
    pub level0_entries: usize,
    /// How long level 1 may grow, which each folding of level 0 writes anew, and how long a change may be to pass through
    /// both. Default 64 KiB.
    pub level1_bytes: usize,
    /// How long any row may grow, those of level 2 and of snapshots among them. Cloudflare's limit is 2 MB. Default 1.5 MB.
    pub row_bytes: usize,
    /// How much of a snapshot is written at a time: a slice of a megabyte takes some milliseconds. Default 512 KiB.
    pub slice_bytes: usize,
    /// How much more than twice the content the rows may hold before they are compacted. Default 256 KiB.
    pub slack_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            level0_bytes: 4_000,
            level0_entries: 32,
            level1_bytes: 64 << 10,
            row_bytes: 1_500_000,
            slice_bytes: 512 << 10,
            slack_bytes: 256 << 10,
        }
    }
}

impl Settings {
    /// How long level 0 may be with the next entry, where it has so many.
    fn level0_limit(&self, entries: usize) -> usize {
        match entries {
            0 => self.level1_bytes,
            _ if entries < self.level0_entries => 4 * self.level0_bytes,
            _ => self.level0_bytes,
        }
    }
}

/// Writes that belong together: all of them are kept, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// In the order in which to carry them out.
    pub writes: Vec<Write>,
}

/// One change to the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Make the table, and in it the header with [`FORMAT`] and first row 1.
    Create,
    /// Write the header anew, with [`FORMAT`].
    Renew {
        /// The first row, as it was.
        first: i64,
    },
    /// Add a row.
    Insert {
        /// Its number.
        sequence: i64,
        /// Whether its text goes on in the next row.
        goes_on: bool,
        /// Its text.
        entries: String,
    },
    /// Add a line to a row.
    Append {
        /// The row's number.
        sequence: i64,
        /// The line.
        entry: String,
    },
    /// Add the text of a row to another as new lines.
    Fold {
        /// The row whose text it is.
        from: i64,
        /// The row that grows.
        into: i64,
    },
    /// Put the text of a row into another, in place of what it held.
    Move {
        /// The row whose text it is.
        from: i64,
        /// The row that gets it.
        into: i64,
    },
    /// Put an entry into a row, in place of what it held.
    Replace {
        /// The row's number.
        sequence: i64,
        /// The entry.
        entry: String,
    },
    /// Delete the rows before `first`, but the header and those quarantined, and name it in the header.
    DeleteBefore {
        /// The first row that stays.
        first: i64,
        /// Rows to leave where they are.
        quarantined: Vec<i64>,
    },
}

/// The rows as they are on disk, but for their texts.
#[derive(Debug)]
pub struct Journal {
    settings: Settings,
    created: bool,
    /// The first row, where the header names an older format.
    outdated: Option<i64>,
    next: i64,
    level0: Option<Extent>,
    level1: Option<Extent>,
    level2: Option<Extent>,
    total_bytes: usize,
    compaction: Option<Compaction>,
    quarantined: Vec<i64>,
    header_is_sound: bool,
}

/// A row that can grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    sequence: i64,
    bytes: usize,
    entries: usize,
}

impl Extent {
    /// The row with another's text, or an entry, as new lines. Nothing, where it would be longer than `most`.
    fn with(self, bytes: usize, entries: usize, most: usize) -> Option<Self> {
        let bytes = self.bytes + 1 + bytes;
        (bytes <= most).then_some(Self { bytes, entries: self.entries + entries, ..self })
    }
}

impl Journal {
    /// The journal of a room to which nobody has written.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            created: false,
            outdated: None,
            next: 1,
            level0: None,
            level1: None,
            level2: None,
            total_bytes: 0,
            compaction: None,
            quarantined: Vec::new(),
            header_is_sound: true,
        }
    }

    /// Whether nothing was ever kept in it.
    pub fn is_new(&self) -> bool {
        !self.created
    }

    /// How long all the rows' texts are, in bytes.
    pub fn total_bytes(&self) -> usize {
        self.total_bytes
    }

    /// Keeps a change.
    pub fn append(&mut self, entry: String) -> Commit {
        let mut writes = self.begin();
        let bytes = entry.len();
        self.total_bytes += bytes + 1;
        if bytes > self.settings.level1_bytes {
            self.level2 = self.add(entry, self.level2, &mut writes);
            return Commit { writes };
        }
        let grown = self.level0.and_then(|row| row.with(bytes, 1, self.settings.level0_limit(row.entries)));
        self.level0 = Some(if let Some(grown) = grown {
            writes.push(Write::Append { sequence: grown.sequence, entry });
            grown
        } else if let Some(sequence) = self.fold(&mut writes) {
            writes.push(Write::Replace { sequence, entry });
            Extent { sequence, bytes, entries: 1 }
        } else {
            self.insert(entry, false, &mut writes)
        });
        Commit { writes }
    }

    /// Keeps the whole content of a store at once.
    pub fn append_all(&mut self, store: &Store) -> Commit {
        let mut commit = Commit::default();
        let mut places = store.places_from(Place::START).peekable();
        while let Some(entry) = store.next_changes_text(&mut places, self.settings.slice_bytes) {
            commit.writes.extend(self.append(entry).writes);
        }
        commit
    }

    /// What must stand before whatever else a commit writes.
    fn begin(&mut self) -> Vec<Write> {
        let mut writes = Vec::with_capacity(1);
        if !std::mem::replace(&mut self.created, true) {
            writes.push(Write::Create);
        } else if let Some(first) = self.outdated.take() {
            writes.push(Write::Renew { first });
        }
        writes
    }

    /// Makes room for the next entries: puts the text of level 0 into level 1, and before that a full level 1's into
    /// level 2. Answers the row that is free by that. Where there is none the rows stay as they are, each a level higher.
    fn fold(&mut self, writes: &mut Vec<Write>) -> Option<i64> {
        let Settings { level1_bytes, row_bytes, .. } = self.settings;
        let level0 = self.level0?;
        let level1 = self.level1.replace(level0)?;
        if let Some(grown) = level1.with(level0.bytes, level0.entries, level1_bytes) {
            self.level1 = Some(grown);
            writes.push(Write::Fold { from: level0.sequence, into: level1.sequence });
        } else {
            let level2 = self.level2.replace(level1)?;
            self.level2 = Some(level2.with(level1.bytes, level1.entries, row_bytes)?);
            self.level1 = Some(Extent { sequence: level1.sequence, ..level0 });
            writes.push(Write::Fold { from: level1.sequence, into: level2.sequence });
            writes.push(Write::Move { from: level0.sequence, into: level1.sequence });
        }
        Some(level0.sequence)
    }

    /// Adds a long text to a row where that has room, and else puts it into rows of its own. Answers the row that can grow
    /// from here on.
    fn add(&mut self, text: String, row: Option<Extent>, writes: &mut Vec<Write>) -> Option<Extent> {
        let (bytes, most) = (text.len(), self.settings.row_bytes);
        if bytes > most {
            self.chunk(text, writes);
            row
        } else if let Some(row) = row.and_then(|row| row.with(bytes, 1, most)) {
            writes.push(Write::Append { sequence: row.sequence, entry: text });
            Some(row)
        } else {
            Some(self.insert(text, false, writes))
        }
    }

    fn insert(&mut self, entries: String, goes_on: bool, writes: &mut Vec<Write>) -> Extent {
        let extent = Extent { sequence: self.next, bytes: entries.len(), entries: 1 };
        self.next += 1;
        writes.push(Write::Insert { sequence: extent.sequence, goes_on, entries });
        extent
    }

    /// Puts a text into as many rows as it needs.
    fn chunk(&mut self, text: String, writes: &mut Vec<Write>) {
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let mut end = rest.len().min(self.settings.row_bytes);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (chunk, behind) = rest.split_at(end);
            self.insert(chunk.to_owned(), !behind.is_empty(), writes);
            rest = behind;
        }
    }
}
