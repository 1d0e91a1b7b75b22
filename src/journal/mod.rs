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
//! 9          [[{…}],[{}],1]                    the body: changes since, one a line, up to 1.5 MB
//! 10         [[{…}],[{}],1]                    the segment: newer changes, up to 64 KiB
//! 11         [[{…}],[{}],1]                    the tail: the newest changes, up to 4 kB
//! ```
//!
//! - A commit adds its change to the **tail**: one row written, and one that fits into a page of SQLite's.
//! - A tail that is full is **folded** into the segment before it, and a segment that is full into the body: one row
//!   more once in about fifty edits, two more once in some hundreds. So few bytes are written again and again, and a wake
//!   has few rows to read. A change that is longer than a segment goes to the body at once.
//! - When the rows hold more than twice what the content takes, **compaction** writes a snapshot behind them, a slice at
//!   a time with edits in between, and then forgets every row from before it began.
//! - A text that is longer than a row may be is **divided** over rows, all but the last marked as going on.
//! - A row that cannot be read is **set aside**: it stays as it is, whatever else happens, and is reported.
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

/// How a journal divides its text. All in bytes of UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long the tail may grow, which each commit writes anew. Default 4,000: with the rest of its row it fits into a
    /// page of SQLite's, of 4,096.
    pub tail_bytes: usize,
    /// A tail of fewer entries may grow to four times that: a folding each few entries would cost more than some pages.
    /// Default 32.
    pub tail_entries: usize,
    /// How long the segment may grow, which each folding of a tail writes anew, and how long a change may be to pass
    /// through it. Default 64 KiB.
    pub segment_bytes: usize,
    /// How long a row may grow. Cloudflare's limit is 2 MB. Default 1.5 MB.
    pub row_bytes: usize,
    /// How much of a snapshot is written at a time: a slice of a megabyte takes some milliseconds. Default 512 KiB.
    pub slice_bytes: usize,
    /// How much more than twice the content the rows may hold before they are compacted. Default 256 KiB.
    pub slack_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tail_bytes: 4_000,
            tail_entries: 32,
            segment_bytes: 64 << 10,
            row_bytes: 1_500_000,
            slice_bytes: 512 << 10,
            slack_bytes: 256 << 10,
        }
    }
}

impl Settings {
    /// How long a tail of so many entries may be with the next.
    fn tail_limit(&self, entries: usize) -> usize {
        match entries {
            0 => self.segment_bytes,
            _ if entries < self.tail_entries => 4 * self.tail_bytes,
            _ => self.tail_bytes,
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
    /// Delete the rows before `first`, but the header and those set aside, and name it in the header.
    Forget {
        /// The first row that stays.
        first: i64,
        /// Rows to leave where they are.
        set_aside: Vec<i64>,
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
    tail: Option<Extent>,
    segment: Option<Extent>,
    body: Option<Extent>,
    total_bytes: usize,
    compaction: Option<Compaction>,
    set_aside: Vec<i64>,
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
            tail: None,
            segment: None,
            body: None,
            total_bytes: 0,
            compaction: None,
            set_aside: Vec::new(),
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
        if bytes > self.settings.segment_bytes {
            self.body = self.add(entry, self.body, &mut writes);
            return Commit { writes };
        }
        let grown = self.tail.and_then(|tail| tail.with(bytes, 1, self.settings.tail_limit(tail.entries)));
        self.tail = Some(if let Some(grown) = grown {
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

    /// Makes room for the next entries: puts the tail's text into the segment, and before that a full segment's into the
    /// body. Answers the row that is free by that. Where there is none the rows stay as they are, each in the next one's
    /// part.
    fn fold(&mut self, writes: &mut Vec<Write>) -> Option<i64> {
        let Settings { segment_bytes, row_bytes, .. } = self.settings;
        let tail = self.tail?;
        let segment = self.segment.replace(tail)?;
        if let Some(grown) = segment.with(tail.bytes, tail.entries, segment_bytes) {
            self.segment = Some(grown);
            writes.push(Write::Fold { from: tail.sequence, into: segment.sequence });
        } else {
            let body = self.body.replace(segment)?;
            self.body = Some(body.with(segment.bytes, segment.entries, row_bytes)?);
            self.segment = Some(Extent { sequence: segment.sequence, ..tail });
            writes.push(Write::Fold { from: segment.sequence, into: body.sequence });
            writes.push(Write::Move { from: tail.sequence, into: segment.sequence });
        }
        Some(tail.sequence)
    }

    /// Adds a long text to a row where that has room, and else puts it into rows of its own. Answers the row that can grow
    /// from here on.
    fn add(&mut self, text: String, row: Option<Extent>, writes: &mut Vec<Write>) -> Option<Extent> {
        let (bytes, most) = (text.len(), self.settings.row_bytes);
        if bytes > most {
            self.divide(text, writes);
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

    /// Divides a text over as many rows as it needs.
    fn divide(&mut self, text: String, writes: &mut Vec<Write>) {
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let mut end = rest.len().min(self.settings.row_bytes);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (part, behind) = rest.split_at(end);
            self.insert(part.to_owned(), !behind.is_empty(), writes);
            rest = behind;
        }
    }
}
