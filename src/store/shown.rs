//! What an answer shows: which of what the room holds a client lacks.
//!
//! The answer of a client that holds much is long, and then it is read in [parts](super::change_reader), of which each is merged and
//! then looked at. A table or a row may go on in the next part, so what is known of it is kept until another begins. One that
//! stands in it once more is not looked at again, or a short answer could have the room look at much, again and again. (No
//! client writes such an answer. It may be sent what it has already.)

use super::changes::{CellChange, Changes};
use super::diff::by_position;
use super::hash_tree::{HashNode, HashTree};
use super::row::Row;
use super::{Place, Store, Table, at_most, push_range};
use crate::hlc::Hlc;
use std::ops::Range;

/// How many ranges may differ.
const MAX_DIFFERING: usize = 4096;

/// What an answer shows. Both lists ascend.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Where what the client lacks lies.
    pub lacking: Vec<Range<Place>>,
    /// Where the tables, or rows, lie of which it holds something else than we do. Where that is in very many places, there lie
    /// others between them.
    pub differing: Vec<Range<Place>>,
}

impl Comparison {
    /// Whether it shows nothing.
    pub fn is_empty(&self) -> bool {
        self.lacking.is_empty() && self.differing.is_empty()
    }
}

/// What an answer about tables, rows or cells has shown so far.
#[derive(Debug)]
pub struct Shown<'t> {
    about: About<'t>,
    found: Comparison,
    /// Of each table whether it was sent, wholly or in part.
    sent: Vec<bool>,
    table: Option<OpenTable>,
    row: Option<OpenRow>,
    /// Of each cell of that row whether the client holds it as it is here, or newer.
    held: Vec<bool>,
}

/// What the question was about, and the hashes in its answer.
#[derive(Debug)]
enum About<'t> {
    Tables(TablesHashes<'t>),
    Rows(TablesHashes<'t>),
    Cells,
}

/// The hashes in an answer, and of each table that we had when it came where its node is among them.
#[derive(Debug)]
struct TablesHashes<'t> {
    tree: HashTree<'t>,
    nodes: Vec<Option<usize>>,
}

impl<'t> TablesHashes<'t> {
    fn new(store: &Store, tree: HashTree<'t>) -> Self {
        let mut nodes = vec![None; store.tables.len()];
        for (index, node) in tree.top().iter().enumerate() {
            let position = node.name.position(&|id| store.tables.get_index_of(id));
            if let Some(slot) = position.and_then(|position| nodes.get_mut(position)) {
                *slot = Some(index);
            }
        }
        Self { tree, nodes }
    }

    /// The node of a table. One that has come into being since was not asked for.
    fn of_table(&self, position: usize) -> Option<&HashNode<'t>> {
        self.tree.top().get(self.nodes.get(position).copied().flatten()?)
    }
}

/// A table whose rows are being sent.
#[derive(Debug)]
struct OpenTable {
    position: usize,
    /// Of each row whether it was sent.
    sent: Vec<bool>,
    /// Whether nothing is known that the client lacks of it.
    is_whole: bool,
}

/// A row whose cells are being sent.
#[derive(Debug)]
struct OpenRow {
    start: Place,
    hlc: Hlc,
}

impl<'t> Shown<'t> {
    /// What the answer to [`table_names`](Store::table_names) shows, with these hashes in it.
    pub fn of_tables(store: &Store, theirs: HashTree<'t>) -> Self {
        Self::new(About::Tables(TablesHashes::new(store, theirs)))
    }

    /// What the answer to [`row_names`](Store::row_names) shows.
    pub fn of_rows(store: &Store, theirs: HashTree<'t>) -> Self {
        Self::new(About::Rows(TablesHashes::new(store, theirs)))
    }

    /// What the answer to [`cell_names`](Store::cell_names) shows: of its rows all that the client holds has been sent.
    pub fn of_cells() -> Self {
        Self::new(About::Cells)
    }

    fn new(about: About<'t>) -> Self {
        Self { about, found: Comparison::default(), sent: Vec::new(), table: None, row: None, held: Vec::new() }
    }

    /// Looks at the next part of the answer, after it has been merged.
    pub fn take(&mut self, store: &Store, part: &Changes) {
        for sent in &part.tables {
            let Some((position, table)) = store.tables.get_full(&sent.id) else { continue };
            if !self.enter_table(store, position, table) {
                continue;
            }
            for sent in part.rows(sent) {
                let Some((row_position, row)) = table.rows.get_full(&sent.id) else { continue };
                if self.enter_row(store, Place::range_of_row(position, row_position).start) {
                    self.note_row(store, row, part.cells(sent), sent.hlc);
                }
            }
        }
    }

    /// The answer is over.
    pub fn finish(mut self, store: &Store) -> Comparison {
        self.leave_table(store);
        if !matches!(self.about, About::Cells) {
            store.look_at(store.tables.len());
            for (position, table) in store.tables.values().enumerate() {
                if !self.sent.get(position).is_some_and(|was_sent| *was_sent) {
                    self.note_unsent(store, position, table);
                }
            }
        }
        // A stamp of their own travels with any cell.
        if matches!(self.about, About::Tables(_)) && self.found.is_empty() && !store.hlc.is_empty() {
            self.found.lacking.push(Place::START.range());
        }
        in_order(&mut self.found.lacking);
        in_order(&mut self.found.differing);
        // It is kept until all of it has been compared.
        self.found.differing = at_most(MAX_DIFFERING, self.found.differing);
        self.found.differing.shrink_to_fit();
        self.found
    }

    /// Of a table that was not sent the hash alone tells: none, or that of a table in which there is nothing, stands for a
    /// table that the client lacks.
    fn note_unsent(&mut self, store: &Store, position: usize, table: &Table) {
        let range = Place::range_of_table(position);
        match &self.about {
            About::Tables(theirs) => match theirs.of_table(position) {
                Some(theirs) if theirs.hash == table.hash => {}
                Some(HashNode { hash: 1.., .. }) => self.found.differing.push(range),
                _ => self.found.lacking.push(range),
            },
            About::Rows(theirs) if theirs.of_table(position).is_some() => {
                self.enter_table(store, position, table);
                self.leave_table(store);
            }
            About::Rows(_) | About::Cells => {}
        }
    }

    /// Answers whether the table is open now: not where it was before, and is closed.
    fn enter_table(&mut self, store: &Store, position: usize, table: &Table) -> bool {
        let rows = table.rows.len();
        if let Some(open) = self.table.as_mut().filter(|open| open.position == position) {
            open.sent.resize(rows, false);
            return true;
        }
        self.leave_table(store);
        self.sent.resize(store.tables.len(), false);
        let is_new = self.sent.get_mut(position).is_some_and(|sent| !std::mem::replace(sent, true));
        if is_new {
            self.table = Some(OpenTable { position, sent: vec![false; rows], is_whole: true });
        }
        is_new
    }

    /// Notes the rows of a table that were neither sent nor reported, and those that were reported with another hash.
    fn leave_table(&mut self, store: &Store) {
        self.leave_row(store);
        let Some(OpenTable { position, sent, mut is_whole }) = self.table.take() else { return };
        let Some(table) = store.tables.get(position).filter(|_| !matches!(self.about, About::Cells)) else { return };
        store.look_at(table.rows.len());
        let nodes = match &self.about {
            About::Rows(theirs) => theirs.of_table(position).map_or(&[][..], |node| theirs.tree.children(node)),
            About::Tables(_) | About::Cells => &[],
        };
        let theirs = by_position(nodes, table.rows.len(), &|id| table.rows.get_index_of(id));
        for (row_position, ((row, theirs), was_sent)) in table.rows.values().zip(theirs).zip(sent).enumerate() {
            let list = match theirs {
                Some(theirs) if theirs.hash == row.hash => continue,
                Some(_) => &mut self.found.differing,
                None if was_sent => continue,
                None => &mut self.found.lacking,
            };
            push_range(list, Place::range_of_row(position, row_position));
            is_whole = false;
        }
        if is_whole && !table.hlc.is_empty() {
            self.found.lacking.push(Place::range_of_row(position, 0).start.range());
        }
    }

    /// Answers whether the row is open now.
    fn enter_row(&mut self, store: &Store, start: Place) -> bool {
        if self.row.as_ref().is_some_and(|open| open.start == start) {
            return true;
        }
        self.leave_row(store);
        let sent = self.table.as_mut().and_then(|table| table.sent.get_mut(start.row as usize));
        let is_new = sent.is_some_and(|sent| !std::mem::replace(sent, true));
        if is_new {
            self.row = Some(OpenRow { start, hlc: Hlc::EMPTY });
        }
        is_new
    }

    fn note_row(&mut self, store: &Store, row: &Row, cells: &[CellChange], hlc: Hlc) {
        let Some(open) = &mut self.row else { return };
        open.hlc = open.hlc.max(hlc);
        note_held(&mut self.held, store, row, cells, |_, _| {});
    }

    /// Notes which cells of a row were not sent, or are older than here.
    fn leave_row(&mut self, store: &Store) {
        let Some(OpenRow { start, hlc }) = self.row.take() else { return };
        let row = store.tables.get(start.table as usize).and_then(|table| table.rows.get(start.row as usize));
        let Some(row) = row else { return };
        store.look_at(row.cells().len());
        let lacking = &mut self.found.lacking;
        let mut is_whole = true;
        for (cell, is_held) in (0..row.cells().len() as u32).zip(self.held.drain(..)) {
            if !is_held {
                push_range(lacking, Place { cell, ..start }.range());
                is_whole = false;
            }
        }
        if is_whole && matches!(self.about, About::Cells) && row.hlc > hlc {
            push_range(lacking, start.range());
        }
        if let Some(table) = &mut self.table {
            table.is_whole &= is_whole;
        }
    }
}

/// Notes which of a row's cells are among theirs, and no older there.
pub(super) fn note_held(
    held: &mut Vec<bool>,
    store: &Store,
    row: &Row,
    theirs: &[CellChange],
    mut sent: impl FnMut(usize, &CellChange),
) {
    held.resize(row.cells().len(), false);
    for theirs in theirs {
        let Some(position) = store.ids.get(&theirs.id).and_then(|id| row.find(id)) else { continue };
        let Some((own, held)) = row.cells().get(position).zip(held.get_mut(position)) else { continue };
        *held = theirs.hlc > own.hlc || theirs.hlc == own.hlc && (!own.hlc.is_empty() || *theirs.value == *own.value);
        sent(position, theirs);
    }
}

/// Puts ranges in order, and together where they touch.
fn in_order(ranges: &mut Vec<Range<Place>>) {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
}
