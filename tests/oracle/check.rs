//! One history, merged by a room's store and by TinyBase, which are asked the same after each change.

use super::change::Noise;
use super::history::{Asker, History, Step};
use super::json::Json;
use super::pool::NOW_MS;
use super::process::{Batch, Oracle};
use super::room_rule::RoomRule;
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;
use tinyroom::json::Reader;
use tinyroom::store::{AnswerLimits, Changes, HashTree, Store};

/// Something that both are asked.
struct Question {
    what: String,
    /// The place of TinyBase's answer in the batch.
    place: usize,
    ours: String,
    /// What of an answer is compared.
    compared: fn(&Json) -> Json,
}

/// A room's store beside the rule of what TinyBase must be given, and another store that asks.
struct Rehearsal {
    store: Store,
    asker: Store,
    rule: RoomRule,
    /// Whether TinyBase has lost its way: a row or table that holds something has the hash 0, which it takes for absent.
    /// From then on it is given the content at once, in an empty store, where it does not matter.
    has_cancelled: bool,
    batch: Batch,
    questions: Vec<Question>,
}

/// Runs a history; fails where the room's store and TinyBase say different things.
pub fn check(history: &History) -> Result<(), TestCaseError> {
    let mut rehearsal = Rehearsal {
        store: Store::new(1),
        asker: Store::new(2),
        rule: RoomRule::default(),
        has_cancelled: false,
        batch: Batch::default(),
        questions: Vec::new(),
    };
    rehearsal.batch.add("reset", &[]);
    rehearsal.batch.add("new", &["room"]);
    let ahead = history.steps.iter().filter(|step| step.asker == Asker::Before);
    ahead.for_each(|step| merge(&mut rehearsal.asker, &step.change));
    for (number, step) in history.steps.iter().enumerate() {
        rehearsal.step(number, step);
    }
    let Rehearsal { batch, questions, .. } = rehearsal;
    let answers: Result<Vec<String>, String> = Oracle::lock().ask(&batch).into_iter().collect();
    let answers = answers.unwrap_or_else(|error| panic!("the oracle failed: {error}"));
    for Question { what, place, ours, compared } in questions {
        let (ours, theirs) = (compared(&Json::exact(&ours)), compared(&Json::exact(&answers[place])));
        if let Some(difference) = ours.difference(&theirs) {
            return Err(TestCaseError::fail(format!("{what}{difference}\nours:   {ours}\ntheirs: {theirs}")));
        }
    }
    Ok(())
}

impl Rehearsal {
    fn step(&mut self, number: usize, step: &Step) {
        merge(&mut self.store, &step.change);
        if step.asker == Asker::Then {
            merge(&mut self.asker, &step.change);
        }
        let given = self.rule.apply(&step.change);
        self.batch.add("merge", &["room", &given]);
        let content = self.store.content_text();
        self.has_cancelled |= has_cancelled(&Json::exact(&content));
        let mut name = "room";
        if self.has_cancelled {
            self.question(number, "content", &["room"], content.clone(), without_hashes);
            name = "at once";
            let at_once = format!("{},1]", content.strip_suffix(']').unwrap());
            self.batch.add("new", &[name]);
            self.batch.add("merge", &[name, &at_once]);
        }
        let hashes = self.store.content_hashes();
        self.question(number, "hashes", &[name], format!("[{},{}]", hashes.tables, hashes.values), Json::clone);
        self.question(number, "content", &[name], content, Json::clone);
        self.ask_for_differences(number, name, step);
        self.say_what_is_held(number, name, step);
    }

    /// The answers to a client that says what it holds.
    fn ask_for_differences(&mut self, number: usize, name: &str, step: &Step) {
        let asks = Asks::of(&self.asker, &step.noise);
        let limits = AnswerLimits::whole();
        for (command, text, levels) in [
            ("tableDiff", &asks.tables, 1),
            ("rowDiff", &asks.rows, 2),
            ("cellDiff", &asks.cells, 3),
            ("valueDiff", &asks.values, 1),
        ] {
            let theirs = HashTree::read(&mut Reader::new(text), levels).unwrap();
            let answer = match command {
                "tableDiff" => self.store.table_diff(&theirs, limits),
                "rowDiff" => self.store.row_diff(&theirs, limits),
                "cellDiff" => self.store.cell_diff(&theirs, limits),
                _ => self.store.value_diff(&theirs, limits),
            };
            assert!(answer.owed.is_empty(), "there is no limit");
            self.question(number, command, &[name, text], answer.text, Json::clone);
        }
    }

    /// The questions of a room that was told what differs.
    fn say_what_is_held(&mut self, number: usize, name: &str, step: &Step) {
        let asks = Asks::of(&self.asker, &step.noise);
        let read = |text, levels| HashTree::read(&mut Reader::new(text), levels).unwrap();
        let nothing = || "{}".to_owned();
        let rows = self.store.row_hashes(&read(&asks.tables, 1)).unwrap_or_else(nothing);
        let cells = self.store.cell_hashes(&read(&asks.rows, 2)).unwrap_or_else(nothing);
        self.question(number, "tableHashes", &[name], self.store.table_hashes(), Json::clone);
        self.question(number, "rowHashes", &[name, &asks.tables], rows, Json::clone);
        self.question(number, "cellHashes", &[name, &asks.rows], cells, Json::clone);
        self.question(number, "valueHashes", &[name], self.store.value_hashes(usize::MAX), Json::clone);
    }

    fn question(
        &mut self,
        number: usize,
        command: &str,
        parameters: &[&str],
        ours: String,
        compared: fn(&Json) -> Json,
    ) {
        let place = self.batch.add(command, parameters);
        let asked = parameters.get(1).map_or(String::new(), |hashes| format!(" for {hashes}"));
        let what = format!("after change {number}, {command}{asked}");
        self.questions.push(Question { what, place, ours, compared });
    }
}

fn merge(store: &mut Store, change: &str) {
    let mut reader = Reader::new(change);
    let changes = Changes::read(&mut reader).and_then(|changes| reader.end().map(|()| changes));
    store.merge(&changes.unwrap_or_else(|error| panic!("{error}: {change}")), NOW_MS, |_| {});
}

/// What a store says it holds when it asks for what it lacks: its own hashes, but for some that are changed, left out,
/// added or said twice.
struct Asks {
    tables: String,
    rows: String,
    cells: String,
    values: String,
}

impl Asks {
    fn of(store: &Store, noise: &[u8]) -> Self {
        let content = Json::exact(&store.content_text());
        let [tables, values] = content.array() else { panic!("no content: {content}") };
        let mut noise = Noise::new(noise);
        let mut ask = |stamp, levels| {
            let mut out = String::new();
            write_hashes(stamp, levels, &mut noise, &mut out);
            out
        };
        Self { tables: ask(tables, 1), rows: ask(tables, 2), cells: ask(tables, 3), values: ask(values, 1) }
    }
}

fn write_hashes(stamp: &Json, levels: u8, noise: &mut Noise, out: &mut String) {
    let mut entries: Vec<(String, String)> = Vec::new();
    for (id, child) in stamp.array()[0].object() {
        if noise.one_in(7) {
            continue;
        }
        if noise.one_in(11) {
            entries.push((id.clone(), if levels == 1 { "7".to_owned() } else { "{}".to_owned() }));
        }
        let mut text = String::new();
        match levels {
            1 if noise.one_in(5) => text = u32::from(noise.byte() / 128).wrapping_neg().to_string(),
            1 => text = child.array()[2].to_string(),
            _ => write_hashes(child, levels - 1, noise, &mut text),
        }
        entries.push((id.clone(), text));
    }
    if noise.one_in(5) {
        entries.push(("no such".to_owned(), if levels == 1 { "1".to_owned() } else { "{}".to_owned() }));
    }
    let entries: Vec<String> = entries.into_iter().map(|(id, text)| format!("\"{id}\":{text}")).collect();
    *out = format!("{{{}}}", entries.join(","));
}

/// Whether a row or table has the hash 0.
fn has_cancelled(content: &Json) -> bool {
    let is_zero = |stamp: &Json| stamp.array()[2].scalar() == "0";
    let children = |stamp: &Json| stamp.array()[0].object().values().cloned().collect::<Vec<_>>();
    let tables = children(&content.array()[0]);
    tables.iter().any(|table| is_zero(table) || children(table).iter().any(is_zero))
}

/// The same with 0 for every hash.
fn without_hashes(content: &Json) -> Json {
    match content {
        Json::Array(stamp) if stamp.len() == 3 => {
            Json::Array(vec![without_hashes(&stamp[0]), stamp[1].clone(), Json::Scalar("0".to_owned())])
        }
        Json::Array(parts) => Json::Array(parts.iter().map(without_hashes).collect()),
        Json::Object(children) => {
            let children: BTreeMap<_, _> =
                children.iter().map(|(id, child)| (id.clone(), without_hashes(child))).collect();
            Json::Object(children)
        }
        Json::Scalar(_) => content.clone(),
    }
}
