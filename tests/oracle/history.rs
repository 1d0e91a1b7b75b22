//! Random histories: changes as they would arrive one after the other, and who asks for what in between.

use super::change::{Change, Entries, Leaf, Noise, Speller, Stamp, Units};
use super::pool;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::Index;
use proptest::strategy::BoxedStrategy;
use std::collections::BTreeSet;

/// Changes in order of their arrival.
#[derive(Clone, Debug)]
pub struct History {
    pub steps: Vec<Step>,
}

/// A change that arrives.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its text.
    pub change: String,
    /// Whether the store that asks merges it as well.
    pub asker: Asker,
    /// How what the asker says differs from what it holds.
    pub noise: Vec<u8>,
}

/// When the asker merges a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    Never,
    Then,
    /// Before the first step: the asker is ahead.
    Before,
}

/// What a history is made of.
pub struct Kind {
    pub ids: BoxedStrategy<Units>,
    pub values: BoxedStrategy<String>,
    /// How many ids and stamps there are: with few of them changes meet.
    pub ids_count: usize,
    pub hlcs_count: usize,
    /// Which stamps leaves have.
    pub stamps: BoxedStrategy<Hlc>,
    /// How many leaves a change has at most.
    pub leaves: usize,
    pub containers: bool,
    /// Empty rows and tables, and keys that stand twice.
    pub twists: bool,
    /// Needless escapes, white space, hashes in stamps, and no closing 1.
    pub odd: bool,
}

/// Which stamp something has.
#[derive(Clone, Debug)]
pub enum Hlc {
    OfWorld(Index),
    Empty,
    Missing,
    /// An empty one, as JavaScript's *undefined*.
    Undefined,
    Future(String),
}

impl Hlc {
    pub fn some() -> BoxedStrategy<Self> {
        any::<Index>().prop_map(Self::OfWorld).boxed()
    }

    /// Often none.
    pub fn or_empty() -> BoxedStrategy<Self> {
        prop_oneof![5 => Self::some(), 3 => Just(Self::Empty), 3 => Just(Self::Missing), 1 => Just(Self::Undefined)]
            .boxed()
    }

    /// Now and then one from too far ahead.
    pub fn or_future() -> BoxedStrategy<Self> {
        prop_oneof![5 => Self::or_empty(), 2 => pool::future_hlc().prop_map(Self::Future)].boxed()
    }
}

impl Kind {
    pub fn ordinary() -> Self {
        Self {
            ids: pool::ordinary_id(),
            values: pool::value(),
            ids_count: 4,
            hlcs_count: 6,
            stamps: Hlc::some(),
            leaves: 4,
            containers: false,
            twists: false,
            odd: false,
        }
    }

    pub fn histories(self) -> BoxedStrategy<History> {
        let world = (vec(self.ids.clone(), self.ids_count), vec(pool::hlc(), self.hlcs_count));
        let steps = vec(self.step(), 1..6);
        (world, steps)
            .prop_map(|((ids, hlcs), plans)| {
                let world = World { ids, hlcs };
                let mut steps: Vec<Step> = Vec::new();
                for StepPlan { change, repeats, asker, noise } in plans {
                    let earlier = repeats.filter(|_| !steps.is_empty()).map(|index| index.get(&steps).change.clone());
                    let change = earlier.unwrap_or_else(|| change.text(&world));
                    steps.push(Step { change, asker, noise });
                }
                History { steps }
            })
            .boxed()
    }

    fn step(&self) -> BoxedStrategy<StepPlan> {
        let asker = prop_oneof![Just(Asker::Then), Just(Asker::Never), Just(Asker::Before)];
        (self.change(), option::weighted(0.1, any::<Index>()), asker, pool::noise())
            .prop_map(|(change, repeats, asker, noise)| StepPlan { change, repeats, asker, noise })
            .boxed()
    }

    fn change(&self) -> BoxedStrategy<ChangePlan> {
        let path = prop_oneof![
            3 => any::<[Index; 3]>().prop_map(Path::Cell),
            1 => any::<Index>().prop_map(Path::Value),
        ];
        let leaf = (path, self.values.clone(), self.stamps.clone(), option::weighted(0.1, any::<u32>()))
            .prop_map(|(path, value, hlc, hash)| LeafPlan { path, value, hlc, hash });
        let containers = vec((any::<Index>(), self.stamps.clone()), 0..if self.containers { 4 } else { 1 });
        let twists = vec((any::<Index>(), self.stamps.clone(), any::<u8>()), 0..if self.twists { 4 } else { 1 });
        let odd = if self.odd { option::weighted(0.8, pool::noise()).boxed() } else { Just(None).boxed() };
        (vec(leaf, 1..=self.leaves), containers, twists, odd)
            .prop_map(|(leaves, containers, twists, odd)| ChangePlan { leaves, containers, twists, odd })
            .boxed()
    }
}

/// The ids and stamps of one history.
struct World {
    ids: Vec<Units>,
    hlcs: Vec<String>,
}

#[derive(Clone, Debug)]
struct StepPlan {
    change: ChangePlan,
    repeats: Option<Index>,
    asker: Asker,
    noise: Vec<u8>,
}

#[derive(Clone, Debug)]
struct ChangePlan {
    leaves: Vec<LeafPlan>,
    containers: Vec<(Index, Hlc)>,
    twists: Vec<(Index, Hlc, u8)>,
    odd: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct LeafPlan {
    path: Path,
    value: String,
    hlc: Hlc,
    hash: Option<u32>,
}

#[derive(Clone, Debug)]
enum Path {
    Cell([Index; 3]),
    Value(Index),
}

impl ChangePlan {
    fn text(&self, world: &World) -> String {
        let mut change = Change { tables: Vec::new().into(), values: Vec::new().into(), closed: true };
        self.leaves.iter().for_each(|leaf| leaf.put_into(&mut change, world));
        for (index, hlc) in &self.containers {
            let mut containers = hlcs_of_containers(&mut change);
            *containers.swap_remove(index.index(containers.len())) = hlc.text(world);
        }
        for (index, hlc, how) in &self.twists {
            twist(&mut change, index, hlc.text(world), Noise::new(&[*how]));
        }
        match &self.odd {
            Some(noise) => {
                change.closed = !Noise::new(noise).one_in(8);
                Speller::odd(noise).change(&change)
            }
            None => {
                without_hashes(&mut change);
                Speller::plain().change(&change)
            }
        }
    }
}

impl LeafPlan {
    fn put_into(&self, change: &mut Change, world: &World) {
        let hlc = self.hlc.text(world);
        let leaf = Leaf { inside: self.value.clone(), hash: self.hash.filter(|_| hlc.is_some()), hlc };
        match &self.path {
            Path::Cell([table, row, cell]) => {
                // Few tables and rows, so that they fill.
                let table = table.get(&world.ids[..world.ids.len().div_ceil(2)]);
                let row = row.get(&world.ids[..world.ids.len().div_ceil(2)]);
                let table = entry(&mut change.tables.inside, table);
                let row = entry(&mut table.inside, row);
                put(&mut row.inside, cell.get(&world.ids), leaf);
            }
            Path::Value(id) => put(&mut change.values.inside, id.get(&world.ids), leaf),
        }
    }
}

impl Hlc {
    fn text(&self, world: &World) -> Option<String> {
        match self {
            Self::OfWorld(index) => Some(index.get(&world.hlcs).clone()),
            Self::Empty => Some(String::new()),
            Self::Missing => None,
            Self::Undefined => Some(pool::UNDEFINED.to_owned()),
            Self::Future(hlc) => Some(hlc.clone()),
        }
    }
}

fn entry<'a, T: Default>(entries: &'a mut Entries<Stamp<T>>, id: &Units) -> &'a mut Stamp<T> {
    let position = entries.iter().position(|(other, _)| other == id).unwrap_or(entries.len());
    if position == entries.len() {
        entries.push((id.clone(), T::default().into()));
    }
    &mut entries[position].1
}

fn put(entries: &mut Entries<Leaf>, id: &Units, leaf: Leaf) {
    match entries.iter_mut().find(|(other, _)| other == id) {
        Some((_, old)) => *old = leaf,
        None => entries.push((id.clone(), leaf)),
    }
}

fn hlcs_of_containers(change: &mut Change) -> Vec<&mut Option<String>> {
    let mut hlcs = vec![&mut change.values.hlc, &mut change.tables.hlc];
    for (_, table) in &mut change.tables.inside {
        hlcs.push(&mut table.hlc);
        hlcs.extend(table.inside.iter_mut().map(|(_, row)| &mut row.hlc));
    }
    hlcs
}

fn without_hashes(change: &mut Change) {
    let rows = change.tables.inside.iter_mut().flat_map(|(_, table)| &mut table.inside);
    let cells = rows.flat_map(|(_, row)| &mut row.inside);
    cells.chain(&mut change.values.inside).for_each(|(_, leaf)| leaf.hash = None);
}

/// Lets a row or table be empty, or anything stand twice; the last counts.
fn twist(change: &mut Change, index: &Index, hlc: Option<String>, mut noise: Noise) {
    let how = noise.byte();
    let ids: BTreeSet<Units> = change.tables.inside.iter().map(|(id, _)| id.clone()).collect();
    let ids: Vec<Units> = ids.into_iter().collect();
    if ids.is_empty() {
        twice(&mut change.values.inside, index, how);
        return;
    }
    let tables = &mut change.tables.inside;
    match how % 5 {
        0 => place(tables, index.get(&ids).clone(), Stamp { inside: Vec::new(), hlc, hash: None }, how),
        1 => {
            let (_, table) = index_mut(tables, index);
            let id = table.inside.first().map_or_else(Units::new, |(id, _)| id.clone());
            place(&mut table.inside, id, Stamp { inside: Vec::new(), hlc, hash: None }, how);
        }
        2 => {
            let (_, table) = index_mut(tables, index);
            place(&mut table.inside, vec![0x65], Stamp { inside: Vec::new(), hlc, hash: None }, how);
        }
        3 => twice(tables, index, how),
        _ => {
            let (_, table) = index_mut(tables, index);
            twice(&mut table.inside, index, how);
            if let Some((_, row)) = table.inside.first_mut() {
                twice(&mut row.inside, index, how);
            }
        }
    }
}

fn index_mut<'a, T>(entries: &'a mut [T], index: &Index) -> &'a mut T {
    &mut entries[index.index(entries.len())]
}

/// In front, where it is taken for naught if it stands twice, or at the end.
fn place<T>(entries: &mut Entries<T>, id: Units, entry: T, how: u8) {
    let position = if how & 128 == 0 { 0 } else { entries.len() };
    entries.insert(position, (id, entry));
}

fn twice<T: Clone>(entries: &mut Entries<T>, index: &Index, how: u8) {
    if !entries.is_empty() {
        // The contents of one, under the id of another.
        let (_, contents) = entries[index.index(entries.len())].clone();
        let id = entries[usize::from(how) % entries.len()].0.clone();
        place(entries, id, contents, how);
    }
}
