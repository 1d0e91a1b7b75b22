//! Merging: the greater stamp wins, cell by cell.
//!
//! A cell is accepted where there is none yet, or where its HLC is greater than the one there. Two empty HLCs leave the
//! room's own: TinyBase takes the last to arrive, by which two peers can swap their values for ever, while a room that
//! stays with the first lets everybody settle on it. Rows and tables come into being with their first accepted cell.
//!
//! Whether there is room is asked before each of them is added. What is left out leaves nothing behind: no id, and no more
//! room than the cells need that were taken.

use super::changes::{Branch, CellChange, Changes};
use super::ids::Ids;
use super::map::Map;
use super::row::{Cell, Row, advance_hlc};
use super::size::Size;
use super::{Place, Store, Table};
use crate::hash::IdPrefix;
use crate::hlc::{AHEAD_MS, DEFAULT_MAX_FUTURE_MS, Hlc};
use foldhash::fast::FixedState;

/// How much longer a value may become in a store that is full, in bytes, up to a quarter over its limit.
const SMALL_GROWTH_BYTES: usize = 1024;

/// What a merge accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergePolicy {
    /// The time.
    pub now_ms: u64,
    /// How far ahead of it the stamp of a cell or value may be. One of a row, a table, the tables or the values travels with
    /// everybody's cells, and may be no further ahead than [`AHEAD_MS`].
    pub max_future_ms: u64,
    /// How much memory the content may take, in bytes. Below it all is taken, so the last to be taken may lead over it. From
    /// it on what exists can be changed and deleted and nothing is added; a value may become longer by 1 KiB, and where the
    /// content takes a quarter more than the limit, by nothing.
    pub memory_limit: usize,
    /// How long a value may be, in bytes of its JSON text.
    pub max_value_bytes: usize,
    /// How long an id may be, in bytes.
    pub max_id_bytes: usize,
    /// Whether a cell replaces one with the same stamp.
    pub replaces_equal: bool,
    /// Whether a value that bears the mark of an object and holds none counts as deleted, rather than being left out.
    pub deletes_malformed: bool,
}

impl MergePolicy {
    /// The policy by which a store is read back: its stamps passed the room's clock when they came, its size was measured
    /// then, and where two cells have one stamp the later entry is what the room held. A value that clients cannot read was
    /// taken before it was known that they cannot; everybody has its stamp, so it stays as a tombstone.
    pub const STORED: Self = Self {
        now_ms: u64::MAX,
        max_future_ms: u64::MAX,
        memory_limit: usize::MAX,
        max_value_bytes: usize::MAX,
        max_id_bytes: usize::MAX,
        replaces_equal: true,
        deletes_malformed: true,
    };
}

impl From<u64> for MergePolicy {
    fn from(now_ms: u64) -> Self {
        Self {
            now_ms,
            max_future_ms: DEFAULT_MAX_FUTURE_MS,
            memory_limit: usize::MAX,
            max_value_bytes: usize::MAX,
            max_id_bytes: usize::MAX,
            replaces_equal: false,
            deletes_malformed: false,
        }
    }
}

/// What became of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Cells and values that were accepted.
    pub won: usize,
    /// Those for which the store had something as new or newer.
    pub lost: usize,
    /// Those left out because their stamp lies too far in the future; stamps of rows and tables are counted here too.
    pub future: usize,
    /// Those refused because the store is full.
    pub refused: usize,
    /// Those refused because they are too long, or an id on the way to them is.
    pub oversized: usize,
    /// Those left out, or counted as deleted, because they bear the mark of an object and hold none.
    pub malformed: usize,
    /// The earliest time at which one of those from the future could be accepted.
    pub acceptable_at_ms: Option<u64>,
}

impl Merged {
    /// Whether every cell and value of the change was accepted.
    pub fn fully_accepted(&self) -> bool {
        self.lost == 0 && self.future == 0 && self.refused == 0 && self.oversized == 0 && self.malformed == 0
    }

    /// Counts the cells of a row that does not come into being.
    fn pass_over(&mut self, cells: &[CellChange], policy: MergePolicy) {
        let refused = cells.iter().filter(|cell| self.accepts_cell(cell, policy)).count();
        self.refused += refused;
    }

    fn accepts_cell(&mut self, cell: &CellChange, policy: MergePolicy) -> bool {
        if !self.accepts(cell.hlc, policy.max_future_ms, policy) {
            return false;
        }
        if !policy.fits(cell) {
            self.oversized += 1;
            return false;
        }
        self.malformed += usize::from(cell.is_malformed);
        !cell.is_malformed || policy.deletes_malformed
    }

    /// Whether the stamp of a row, a table, the tables or the values is accepted.
    fn accepts_container(&mut self, hlc: Hlc, policy: MergePolicy) -> bool {
        self.accepts(hlc, policy.max_future_ms.min(AHEAD_MS), policy)
    }

    fn accepts(&mut self, hlc: Hlc, max_future_ms: u64, policy: MergePolicy) -> bool {
        if !hlc.is_future(policy.now_ms, max_future_ms) {
            return true;
        }
        self.future += 1;
        let at_ms = hlc.time_ms() - max_future_ms;
        self.acceptable_at_ms = Some(self.acceptable_at_ms.map_or(at_ms, |earliest| earliest.min(at_ms)));
        false
    }
}

impl Store {
    /// Merges a change, and names the place of each cell that won. Where a container's HLC rose and none of its cells won,
    /// a place within it is named all the same, so that whoever passes on what is named passes on the HLC.
    pub fn merge(&mut self, changes: &Changes, policy: impl Into<MergePolicy>, mut won: impl FnMut(Place)) -> Merged {
        let policy = policy.into();
        let mut merged = Merged::default();
        for table in &changes.tables {
            self.merge_table(changes, table, policy, &mut merged, &mut won);
        }
        if merged.accepts_container(changes.tables_hlc, policy) {
            let raised = advance_hlc(&mut self.hlc, &mut self.hash, changes.tables_hlc);
            if raised && merged.won == 0 {
                won(Place::START);
            }
        }
        self.merge_values(changes, policy, &mut merged, &mut won);
        merged
    }

    /// The same for who has no use for the places. It stands once in the program, for all of them.
    #[inline(never)]
    pub fn merge_all(&mut self, changes: &Changes, policy: MergePolicy) -> Merged {
        self.merge(changes, policy, |_| {})
    }

    fn merge_table(
        &mut self,
        changes: &Changes,
        change: &Branch,
        policy: MergePolicy,
        merged: &mut Merged,
        won: &mut impl FnMut(Place),
    ) {
        let rows = changes.rows(change);
        if !policy.fits_id(&change.id) {
            merged.oversized += rows.iter().map(|row| changes.cells(row).len()).sum::<usize>();
            return;
        }
        let accepts = |row: &Branch| policy.fits_id(&row.id) && policy.accepts_row(changes.cells(row));
        let position = match self.tables.get_index_of(&change.id) {
            Some(position) => position,
            None if policy.has_room(self.size) && rows.iter().any(accepts) => {
                let table = Table { hlc: Hlc::EMPTY, hash: 0, rows: Map::new(self.hasher.clone()) };
                self.size.add_branch(&change.id);
                self.tables.add(&change.id, table, &mut self.size)
            }
            None => {
                rows.iter().for_each(|row| merged.pass_over(changes.cells(row), policy));
                return;
            }
        };
        let Some(table) = self.tables.get_mut(position) else { return };
        let old_hash = (!table.rows.is_empty()).then_some(table.hash);
        let won_before = merged.won;
        for change in rows {
            let cells = changes.cells(change);
            if !policy.fits_id(&change.id) {
                merged.oversized += cells.len();
                continue;
            }
            let row_position = match table.rows.get_index_of(&change.id) {
                Some(row_position) => row_position,
                // A table that has come into being gets a row, and a row below a cell, wherever that leads.
                None if (table.rows.is_empty() || policy.has_room(self.size)) && policy.accepts_row(cells) => {
                    self.size.add_branch(&change.id);
                    let row = Row::with_room(cells.len(), &mut self.size);
                    table.rows.add(&change.id, row, &mut self.size)
                }
                None => {
                    merged.pass_over(cells, policy);
                    continue;
                }
            };
            let Some(row) = table.rows.get_mut(row_position) else { continue };
            let old_hash = (!row.cells().is_empty()).then_some(row.hash);
            let place = |cell| Place { table: position as u32, row: row_position as u32, cell };
            self.snapshots.before_change(place(0), row, &self.ids);
            let row_won_before = merged.won;
            for cell in cells {
                let memory_limit = if row.cells().is_empty() { usize::MAX } else { policy.memory_limit };
                let context = (&mut self.ids, &self.hasher, &mut self.size);
                if let Some(cell) = merge_cell(row, cell, MergePolicy { memory_limit, ..policy }, context, merged) {
                    won(place(cell as u32));
                }
            }
            if old_hash.is_none() {
                row.fit(&mut self.size);
            }
            if merged.accepts_container(change.hlc, policy)
                && row.advance_hlc(change.hlc)
                && merged.won == row_won_before
            {
                won(place(0));
            }
            replace(&mut table.hash, &change.id, old_hash, row.hash);
        }
        if merged.accepts_container(change.hlc, policy)
            && advance_hlc(&mut table.hlc, &mut table.hash, change.hlc)
            && merged.won == won_before
        {
            won(Place { table: position as u32, row: 0, cell: 0 });
        }
        let new_hash = table.hash;
        replace(&mut self.hash, &change.id, old_hash, new_hash);
    }

    fn merge_values(
        &mut self,
        changes: &Changes,
        policy: MergePolicy,
        merged: &mut Merged,
        won: &mut impl FnMut(Place),
    ) {
        let won_before = merged.won;
        if !changes.values.is_empty() || changes.values_hlc > self.values.hlc {
            self.snapshots.before_change(Place::of_value(0), &self.values, &self.ids);
        }
        for value in &changes.values {
            let context = (&mut self.ids, &self.hasher, &mut self.size);
            if let Some(cell) = merge_cell(&mut self.values, value, policy, context, merged) {
                won(Place::of_value(cell));
            }
        }
        if merged.accepts_container(changes.values_hlc, policy)
            && self.values.advance_hlc(changes.values_hlc)
            && merged.won == won_before
        {
            won(Place::of_value(0));
        }
    }
}

impl MergePolicy {
    /// Whether a row may come into being: a cell of it must be acceptable.
    fn accepts_row(self, cells: &[CellChange]) -> bool {
        cells.iter().any(|cell| self.accepts_cell(cell))
    }

    /// Whether a cell is not too long, nor its id.
    fn fits(self, cell: &CellChange) -> bool {
        cell.value.len() <= self.max_value_bytes && self.fits_id(&cell.id)
    }

    fn fits_id(self, id: &str) -> bool {
        id.len() <= self.max_id_bytes
    }

    /// Whether anything may be added to a store of this size.
    fn has_room(self, size: Size) -> bool {
        self.max_growth(size).is_none()
    }

    /// How many bytes a value may become longer by in a store of this size; `None` where it does not matter.
    fn max_growth(self, size: Size) -> Option<usize> {
        let limit = self.memory_limit;
        match size.memory.checked_sub(limit) {
            None => None,
            Some(over) if over < limit / 4 => Some(SMALL_GROWTH_BYTES),
            Some(_) => Some(0),
        }
    }

    fn accepts_cell(self, cell: &CellChange) -> bool {
        !cell.hlc.is_future(self.now_ms, self.max_future_ms)
            && self.fits(cell)
            && (!cell.is_malformed || self.deletes_malformed)
    }
}

/// Merges one cell into a row. Answers its place where it won.
fn merge_cell(
    row: &mut Row,
    change: &CellChange,
    policy: MergePolicy,
    (ids, hasher, size): (&mut Ids, &FixedState, &mut Size),
    merged: &mut Merged,
) -> Option<usize> {
    if !merged.accepts_cell(change, policy) {
        return None;
    }
    let value = if change.is_malformed { "" } else { &*change.value };
    let id = ids.find(&change.id);
    let place = id.and_then(|id| row.find(id));
    let own = place.and_then(|place| row.cells().get(place));
    if own.is_some_and(|own| change.hlc < own.hlc || change.hlc == own.hlc && !policy.replaces_equal) {
        merged.lost += 1;
        return None;
    }
    if let Some(max_growth) = policy.max_growth(*size)
        && own.is_none_or(|own| value.len() > own.value.len() + max_growth)
    {
        merged.refused += 1;
        return None;
    }
    let id = id.unwrap_or_else(|| ids.add(&change.id, size));
    merged.won += 1;
    Some(row.put(place, Cell::new(id, value, change.hlc), (ids, hasher, size)))
}

/// Exchanges a child's part in the hash of a table or of the tables; `old` is none for a child that is new.
fn replace(hash: &mut u32, id: &str, old: Option<u32>, new: u32) {
    if old != Some(new) {
        let prefix = IdPrefix::new(id);
        *hash ^= old.map_or(0, |old| prefix.in_table(old)) ^ prefix.in_table(new);
    }
}
