//! What both sides work on. `bench/micro/texts.mjs` makes the same, character for character.

use crate::stamp::stamp;

pub const ROWS: u32 = 20_000;
/// The rows of a large change.
pub const MANY: u32 = 1_000;
/// Of so many rows the asker holds one as it was before.
pub const DIFFERS: u32 = 100;
/// The time of every room here, after every stamp in it.
pub const NOW_MS: u64 = BEGIN_MS + 1_000_000_000;

const BEGIN_MS: u64 = 1_750_000_000_000;
const SEED: u32 = 5;
const WORDS: [&str; 8] = ["walk", "Ärger", "call", "mend", "read", "\\\"buy\\\"", "rest", "write"];

/// The whole content as one change: a string, a number and a boolean a row.
pub fn content() -> String {
    let mut random = Random(SEED);
    let rows = (0..ROWS).map(|row| {
        let (word, number, done) = (WORDS[random.below(8) as usize], random.below(1_000_000), random.below(2) == 1);
        let stamps = [0, 1, 2].map(|cell| stamp(BEGIN_MS + u64::from(row), cell, "bench"));
        let [title, count, checked] = &stamps;
        format!(
            r#""row{row}":[{{"title":["{word} {number}","{title}"],"count":[{number},"{count}"],"done":[{done},"{checked}"]}}]"#
        )
    });
    change(&rows.collect::<Vec<_>>().join(","))
}

/// Changes of one cell each, each newer than all before it.
pub fn edits() -> impl Iterator<Item = String> {
    let mut random = Random(SEED);
    (1..).map(move |edit| {
        let (row, number) = (random.below(ROWS), random.below(1_000_000));
        let hlc = stamp(BEGIN_MS + u64::from(ROWS) + edit, 0, "bench");
        change(&format!(r#""row{row}":[{{"count":[{number},"{hlc}"]}}]"#))
    })
}

/// Changes of all cells of many rows in a sequence, each newer than all before it.
pub fn large_changes() -> impl Iterator<Item = String> {
    let mut random = Random(SEED);
    (1..).map(move |edit| {
        let first = random.below(ROWS - MANY);
        let rows = (first..first + MANY).map(|row| {
            let number = random.below(1_000_000);
            let stamps = [0, 1, 2].map(|cell| stamp(BEGIN_MS + u64::from(ROWS) + edit, 3 * row + cell, "bench"));
            let [title, count, checked] = &stamps;
            format!(
                r#""row{row}":[{{"title":["new {number}","{title}"],"count":[{number},"{count}"],"done":[true,"{checked}"]}}]"#
            )
        });
        change(&rows.collect::<Vec<_>>().join(","))
    })
}

/// A change of one cell in each row that the asker lacks.
pub fn difference() -> String {
    let hlc = |row: u32| stamp(BEGIN_MS + u64::from(ROWS), row, "bench");
    let rows = (0..ROWS).filter(|row| row % DIFFERS == 0);
    let rows = rows.map(|row| format!(r#""row{row}":[{{"count":[{row},"{}"]}}]"#, hlc(row)));
    change(&rows.collect::<Vec<_>>().join(","))
}

fn change(rows: &str) -> String {
    format!(r#"[[{{"tasks":[{{{rows}}}]}}],[{{}}],1]"#)
}

/// A generator small enough to be written twice.
struct Random(u32);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((u64::from(self.0) * u64::from(limit)) >> 32) as u32
    }
}
