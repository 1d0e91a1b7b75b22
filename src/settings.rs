//! What can be set, and by which variable.
//!
//! | variable | unit | default | what it does, and costs |
//! |---|---|---|---|
//! | `GREET_AFTER_MS` | ms | 250 | How long a new connection has to begin by itself before it is asked what it holds. Shorter heals reconnected sockets sooner; too short costs a starting client two frames. |
//! | `MAX_WINDOW_MS` | ms | 50 | How long edits of a busy room may gather at most before they leave as one. Longer means fewer frames and rows, and later edits. |
//! | `KEEP_WITHIN_MS` | ms | 0 | How long an edit that others have seen may wait to be stored: what comes meanwhile is stored with it, each cell once. 0 stores each before anyone sees it; 60000 is the most. With 1000 a pointer dragged at 60 Hz is 1 row a second, not 60. Lost are then, if the object dies and everybody who has them goes for good, the edits of the last so many milliseconds, and nothing else. An edit keeps the object awake for as much longer, and after a wake each client is asked at its next message what it holds. |
//! | `FRAGMENT_SILENCE_MS` | ms | 10000 | How long the next part of a message in fragments may take to come before the message is dropped. Longer forgives slower lines, and keeps what will never be whole in memory for longer. |
//! | `MAX_FUTURE_MS` | ms | 240000 | How far ahead a stamp may be before it is left out. A client of TinyBase 9.3 or later refuses 300000 by its own clock, so this less is what its clock may lag by. |
//! | `MAX_MEMORY_BYTES` | bytes | 67108864 | How much memory a room's content may take. Beyond it nothing is added, and what exists can be changed and deleted. All rooms of an isolate share 128 MB. |
//! | `ISOLATE_MEMORY_BYTES` | bytes | 100663296 | How much of WebAssembly's memory all rooms in one isolate may take, of which a quarter is for what comes and goes. Where their contents come to more than the rest, those used longest ago let go of theirs, and load them again at their next event: a read of so many bytes from the disk. Their sockets stay open. |
//! | `MOVE_IN_TABLE` | name | `tinybase` | The table in which an earlier server kept its content as JSON, where that was not TinyBase's default. Looked at once, by a room that has stored nothing yet. |
//!
//! Texts and numbers both count. What cannot be read leaves the default. More than 2^31 counts as that much: nothing lasts so
//! many milliseconds or has so many bytes, and sums with it do not overflow.

use crate::{journal, room};

/// What a larger number counts as.
const MOST: u32 = 1 << 31;

type Access = fn(&mut Settings) -> &mut dyn Setting;

/// Every variable, and what it sets.
const VARIABLES: [(&str, Access); 8] = [
    ("GREET_AFTER_MS", |settings| &mut settings.room.greet_after_ms),
    ("MAX_WINDOW_MS", |settings| &mut settings.room.max_window_ms),
    ("KEEP_WITHIN_MS", |settings| &mut settings.room.keep_within_ms),
    ("FRAGMENT_SILENCE_MS", |settings| &mut settings.room.fragment_silence_ms),
    ("MAX_FUTURE_MS", |settings| &mut settings.room.max_future_ms),
    ("MAX_MEMORY_BYTES", |settings| &mut settings.room.max_memory_bytes),
    ("ISOLATE_MEMORY_BYTES", |settings| &mut settings.isolate_memory_bytes),
    ("MOVE_IN_TABLE", |settings| &mut settings.move_in_table),
];

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How rooms behave.
    pub room: room::Settings,
    /// How journals divide their text.
    pub journal: journal::Settings,
    /// How much memory the contents of all rooms in an isolate may take, in bytes: beyond it those used longest ago are let
    /// go, and loaded again at their next event. Default 96 MiB.
    pub isolate_memory_bytes: usize,
    /// The table in which an earlier server kept its content as JSON.
    pub move_in_table: String,
}

impl Default for Settings {
    fn default() -> Self {
        let (room, journal) = Default::default();
        Self { room, journal, isolate_memory_bytes: 96 << 20, move_in_table: "tinybase".to_owned() }
    }
}

impl Settings {
    /// Reads variables, each with its text; without one where it is neither a text nor a number. Answers also what
    /// whoever set them should know. That does not tell what is in an unknown variable: it may be a secret.
    pub fn read<'a>(variables: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> (Self, Vec<String>) {
        let mut settings = Self::default();
        let mut warnings = Vec::new();
        for (name, text) in variables {
            match (VARIABLES.iter().find(|(known, _)| *known == name), text) {
                (Some((_, setting)), text) => {
                    let setting = setting(&mut settings);
                    if !text.is_some_and(|text| setting.set(text)) {
                        let (kind, found) = (setting.kind(), text.unwrap_or("[object Object]"));
                        warnings.push(format!("{name} must be {kind}, and is {found:?}: its default holds"));
                    }
                }
                (None, Some(_)) => warnings.push(format!("{name} is no setting of Tinyroom's")),
                // A binding.
                (None, None) => {}
            }
        }
        (settings, warnings)
    }
}

trait Setting {
    /// What it must be.
    fn kind(&self) -> &'static str {
        "a whole number"
    }

    /// Takes what a text says, and answers whether it says anything.
    fn set(&mut self, text: &str) -> bool;
}

impl Setting for u64 {
    fn set(&mut self, text: &str) -> bool {
        text.trim().parse().map(|number: u64| *self = number.min(MOST.into())).is_ok()
    }
}

impl Setting for usize {
    fn set(&mut self, text: &str) -> bool {
        text.trim().parse().map(|number: u64| *self = number.min(MOST.into()) as usize).is_ok()
    }
}

impl Setting for String {
    fn kind(&self) -> &'static str {
        "a text"
    }

    fn set(&mut self, text: &str) -> bool {
        text.clone_into(self);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, VARIABLES};

    fn read(variables: &[(&str, &str)]) -> (Settings, Vec<String>) {
        Settings::read(variables.iter().map(|&(name, text)| (name, Some(text))))
    }

    fn same(a: &Settings, b: &Settings) -> bool {
        format!("{a:?}") == format!("{b:?}")
    }

    /// The first column of a table in Markdown, which names variables, and the one called `default`.
    fn table(page: &str) -> Vec<(&str, &str)> {
        let rows = page.lines().filter_map(|line| line.trim_start_matches("//! ").strip_prefix("| "));
        let cells = rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches('`')).collect::<Vec<_>>());
        let mut cells = cells.skip_while(|cells| cells.first() != Some(&"variable"));
        let head = cells.next().expect("a table of variables");
        let default = head.iter().position(|&title| title == "default").expect("a column of defaults");
        cells.map(|cells| (cells[0], cells[default])).take_while(|(name, _)| *name == name.to_uppercase()).collect()
    }

    #[test]
    fn the_readme_and_this_page_name_every_variable_with_its_default() {
        for page in [include_str!("../README.md"), include_str!("settings.rs")] {
            let table = table(page);
            let names = |table: &[(&str, &str)]| table.iter().map(|row| row.0.to_owned()).collect::<Vec<_>>();
            assert_eq!(names(&table), VARIABLES.map(|(name, _)| name));
            let (settings, warnings) = read(&table);
            assert!(same(&settings, &Settings::default()), "{table:?}");
            assert_eq!(warnings, [""; 0]);
        }
    }

    #[test]
    fn each_variable_sets_something_of_its_own() {
        let mut seen = vec![Settings::default()];
        for (name, _) in VARIABLES {
            let (settings, warnings) = read(&[(name, " 123456 ")]);
            assert!(seen.iter().all(|other| !same(other, &settings)), "{name}");
            assert_eq!(warnings, [""; 0]);
            seen.push(settings);
        }
    }

    #[test]
    fn more_than_anything_can_be_is_the_most_that_there_is() {
        let (settings, _) = read(&[("MAX_MEMORY_BYTES", "18446744073709551615"), ("GREET_AFTER_MS", "2147483649")]);
        assert_eq!((settings.room.max_memory_bytes, settings.room.greet_after_ms), (1 << 31, 1 << 31));
    }

    #[test]
    fn what_is_no_whole_number_leaves_the_default_and_is_said() {
        for text in ["", "-1", "0.5", "1e21", "5 s", "1_000", "99999999999999999999"] {
            let (settings, warnings) = read(&[("MAX_WINDOW_MS", text), ("GREET_AFTER_MS", "7")]);
            assert_eq!((settings.room.max_window_ms, settings.room.greet_after_ms), (50, 7));
            assert_eq!(warnings, [format!("MAX_WINDOW_MS must be a whole number, and is {text:?}: its default holds")]);
        }
    }

    #[test]
    fn what_is_neither_text_nor_number_is_said_of_a_setting_and_passed_over_elsewhere() {
        let (settings, warnings) = Settings::read([("MOVE_IN_TABLE", None), ("ROOMS", None)]);
        assert!(same(&settings, &Settings::default()));
        assert_eq!(warnings, ["MOVE_IN_TABLE must be a text, and is \"[object Object]\": its default holds"]);
    }

    #[test]
    fn an_unknown_variable_is_said_without_what_is_in_it() {
        let (settings, warnings) = read(&[("GREET_AFTER", "5"), ("greet_after_ms", "secret")]);
        assert!(same(&settings, &Settings::default()));
        assert_eq!(warnings, ["GREET_AFTER is no setting of Tinyroom's", "greet_after_ms is no setting of Tinyroom's"]);
    }
}
