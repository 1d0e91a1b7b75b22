//! What can be set, and by which variable.
//!
//! | variable | unit | default | what it does, and costs |
//! |---|---|---|---|
//! | `ACCESS` | `open`, `closed`, or rules | `closed` | Who may do what in which rooms: see [`Rules`]. `open` lets anyone write, `closed` only who has a token, and a JSON list of rules says it room by room. |
//! | `TOKEN_SECRETS` | texts | none | The secrets, of 32 bytes or more and with white space between them, any of which may have signed a token (HS256). |
//! | `TOKEN_JWKS` | JSON or URL | none | The public keys, any of which may have signed a token (RS256, ES256, EdDSA), as a JWK set or as its URL. That is fetched once an hour, and costs the first who comes then a round trip. |
//! | `TOKEN_ISSUER` | text | none | What a token's `iss` must be, if anything. |
//! | `TOKEN_AUDIENCE` | texts | none | Of which a token's `aud` must name one, with white space between them, if any. |
//! | `TOKEN_LEEWAY_S` | s | 60 | How far clocks may be apart: for so long a token is good before its `nbf` and after its `exp`. |
//! | `TOKEN_COOKIE` | name | none | The cookie that may hold a token, if any. It counts only where `ALLOWED_ORIGINS` names origins, since a browser sends it along for any page. |
//! | `ALLOWED_ORIGINS` | origins | `*` | Which pages may connect, and read what comes over HTTP: see [`Origins`]. |
//! | `MAX_NAME_BYTES` | bytes | 1024 | How long the name of a room may be. Cloudflare takes no longer one. |
//! | `GREET_AFTER_MS` | ms | 250 | How long a new connection has to begin by itself before it is asked what it holds. Shorter heals reconnected sockets sooner; too short costs a starting client two frames. |
//! | `MAX_WINDOW_MS` | ms | 50 | How long edits of a busy room may gather at most before they leave as one. Longer means fewer frames and rows, and later edits. |
//! | `KEEP_WITHIN_MS` | ms | 0 | How long an edit that others have seen may wait to be stored: what comes meanwhile is stored with it, each cell once. 0 stores each before anyone sees it; 60000 is the most. With 1000 a pointer dragged at 60 Hz is 1 row a second, not 60. Lost are then, if the object dies and everybody who has them goes for good, the edits of the last so many milliseconds, and nothing else. An edit keeps the object awake for as much longer, and after a wake each client is asked at its next message what it holds. |
//! | `FRAGMENT_SILENCE_MS` | ms | 10000 | How long the next part of a message in fragments may take to come before the message is dropped. Longer forgives slower lines, and keeps what will never be whole in memory for longer. |
//! | `MAX_FUTURE_MS` | ms | 240000 | How far ahead a stamp may be before it is left out. A client of TinyBase 9.3 or later refuses 300000 by its own clock, so this less is what its clock may lag by. |
//! | `MAX_MEMORY_BYTES` | bytes | 67108864 | How much memory a room's content may take. Beyond it nothing is added, and what exists can be changed and deleted. All rooms of an isolate share 128 MB. |
//! | `MAX_SOCKETS` | sockets | 10000 | How many sockets may be open in a room. Each takes some kilobytes while the room is in memory. |
//! | `MAX_SOCKETS_PER_SUB` | sockets | 100 | How many of them may be of one `sub`. |
//! | `MAX_MESSAGE_BYTES` | bytes | 33554432 | How long a message may be; of a change 16 MiB are taken, the most that clients do. |
//! | `MAX_VALUE_BYTES` | bytes | 16777216 | How long a cell or value may be, in bytes of its JSON. A longer one is refused, and what came with it is not. |
//! | `MAX_ID_BYTES` | bytes | 16777216 | How long an id of a table, row, cell or value may be. What is under a longer one is refused. |
//! | `CLIENT_BURST_BYTES` | bytes | 268435456 | How much a client may send and ask for at once. |
//! | `CLIENT_BYTES_PER_S` | bytes/s | 8388608 | How much it may send and ask for each second ever after. |
//! | `MAX_CORRECTIONS_BYTES` | bytes | 262144 | How much memory what is undone at one who may not write may take: its ids, and 128 bytes for each cell. Beyond it that one is closed, and where sixteen times as much is undone at all of a room, whoever has most of it. |
//! | `ISOLATE_MEMORY_BYTES` | bytes | 100663296 | How much of WebAssembly's memory all rooms in one isolate may take, of which a quarter is for what comes and goes. Where their contents come to more than the rest, those used longest ago let go of theirs, and load them again at their next event: a read of so many bytes from the disk. Their sockets stay open. |
//! | `MOVE_IN_TABLE` | name | `tinybase` | The table in which an earlier server kept its content as JSON, where that was not TinyBase's default. Looked at once, by a room that has stored nothing yet. |
//!
//! Texts and numbers both count. What cannot be read leaves the default; for who may come in that means nobody more. More than 2^31 counts as that much: nothing lasts so
//! many milliseconds or has so many bytes, and sums with it do not overflow.

use crate::access::{Gate, KeySource, Origins, Rules, Secrets};
use crate::address::MAX_NAME_BYTES;
use crate::{journal, room};

/// What a larger number counts as.
const MOST: u32 = 1 << 31;

type Field = fn(&mut Settings) -> &mut dyn Setting;

/// Every variable, and what it sets.
const VARIABLES: [(&str, Field); 25] = [
    ("ACCESS", |settings| &mut settings.gate.policy.rules),
    ("TOKEN_SECRETS", |settings| &mut settings.gate.secrets),
    ("TOKEN_JWKS", |settings| &mut settings.gate.keys),
    ("TOKEN_ISSUER", |settings| &mut settings.gate.policy.expectations.issuer),
    ("TOKEN_AUDIENCE", |settings| &mut settings.gate.policy.expectations.audiences),
    ("TOKEN_LEEWAY_S", |settings| &mut settings.gate.policy.expectations.leeway_s),
    ("TOKEN_COOKIE", |settings| &mut settings.gate.cookie),
    ("ALLOWED_ORIGINS", |settings| &mut settings.gate.origins),
    ("MAX_NAME_BYTES", |settings| &mut settings.max_name_bytes),
    ("GREET_AFTER_MS", |settings| &mut settings.room.greet_after_ms),
    ("MAX_WINDOW_MS", |settings| &mut settings.room.max_window_ms),
    ("KEEP_WITHIN_MS", |settings| &mut settings.room.keep_within_ms),
    ("FRAGMENT_SILENCE_MS", |settings| &mut settings.room.fragment_silence_ms),
    ("MAX_FUTURE_MS", |settings| &mut settings.room.max_future_ms),
    ("MAX_MEMORY_BYTES", |settings| &mut settings.room.max_memory_bytes),
    ("MAX_SOCKETS", |settings| &mut settings.room.limits.sockets),
    ("MAX_SOCKETS_PER_SUB", |settings| &mut settings.room.limits.sockets_per_sub),
    ("MAX_MESSAGE_BYTES", |settings| &mut settings.room.limits.message_bytes),
    ("MAX_VALUE_BYTES", |settings| &mut settings.room.limits.value_bytes),
    ("MAX_ID_BYTES", |settings| &mut settings.room.limits.id_bytes),
    ("CLIENT_BURST_BYTES", |settings| &mut settings.room.limits.rate.burst_bytes),
    ("CLIENT_BYTES_PER_S", |settings| &mut settings.room.limits.rate.bytes_per_s),
    ("MAX_CORRECTIONS_BYTES", |settings| &mut settings.room.limits.corrections_bytes),
    ("ISOLATE_MEMORY_BYTES", |settings| &mut settings.isolate_memory_bytes),
    ("MOVE_IN_TABLE", |settings| &mut settings.move_in_table),
];

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who may come in.
    pub gate: Gate,
    /// How long the name of a room may be, in bytes. Default 1,024, the most that Cloudflare takes.
    pub max_name_bytes: usize,
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
        let (gate, room, journal) = Default::default();
        let (isolate_memory_bytes, move_in_table) = (96 << 20, "tinybase".to_owned());
        Self { gate, max_name_bytes: MAX_NAME_BYTES, room, journal, isolate_memory_bytes, move_in_table }
    }
}

impl Settings {
    /// Whether there is a variable of this name.
    pub fn has(name: &str) -> bool {
        VARIABLES.iter().any(|(known, _)| *known == name)
    }

    /// Reads variables, each with its text; without one where it is neither a text nor a number. Answers also what
    /// whoever set them should know. That does not tell what is in an unknown variable, nor in one that holds secrets.
    pub fn read<'a>(variables: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> (Self, Vec<String>) {
        let mut settings = Self::default();
        let mut warnings = Vec::new();
        for (name, text) in variables {
            match (VARIABLES.iter().find(|(known, _)| *known == name), text) {
                (Some((_, setting)), text) => {
                    let text = text.unwrap_or("[object Object]");
                    if let Err(problem) = setting(&mut settings).set(text) {
                        warnings.push(format!("{name} {problem}"));
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
    /// Takes what a text says, or answers what is wrong with it, and what holds now.
    fn set(&mut self, text: &str) -> Result<(), String>;
}

fn whole_number(text: &str) -> Result<u32, String> {
    let number = text.trim().parse().map(|number: u64| number.min(MOST.into()) as u32);
    number.map_err(|_| format!("must be a whole number, and is {text:?}: its default holds"))
}

impl Setting for u32 {
    fn set(&mut self, text: &str) -> Result<(), String> {
        whole_number(text).map(|number| *self = number)
    }
}

impl Setting for u64 {
    fn set(&mut self, text: &str) -> Result<(), String> {
        whole_number(text).map(|number| *self = number.into())
    }
}

impl Setting for usize {
    fn set(&mut self, text: &str) -> Result<(), String> {
        whole_number(text).map(|number| *self = number as usize)
    }
}

impl Setting for String {
    fn set(&mut self, text: &str) -> Result<(), String> {
        text.trim().clone_into(self);
        Ok(())
    }
}

/// White space and nothing else says nothing.
impl Setting for Option<String> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        *self = Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(())
    }
}

/// With white space between them.
impl Setting for Vec<String> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        *self = text.split_whitespace().map(str::to_owned).collect();
        Ok(())
    }
}

impl Setting for Rules {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let read = Self::read(text);
        *self = read.as_ref().cloned().unwrap_or(Self::Closed);
        read.map(drop).map_err(|error| format!("cannot be read, and all rooms are closed: {error}"))
    }
}

impl Setting for Secrets {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let secrets = Self::read(text).map_err(|error| format!("counts for nothing: {error}"))?;
        *self = secrets;
        Ok(())
    }
}

impl Setting for KeySource {
    fn set(&mut self, text: &str) -> Result<(), String> {
        *self = Self::read(text).map_err(|error| format!("counts for nothing: {error}"))?;
        Ok(())
    }
}

impl Setting for Origins {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let read = Self::read(text);
        *self = read.as_ref().cloned().unwrap_or_else(|_| Self::none());
        read.map(drop).map_err(|error| format!("cannot be read, and no page may connect: {error}"))
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

    /// The first column of a table in Markdown, which names variables, and the one called `default`, empty for none.
    fn table(page: &str) -> Vec<(&str, &str)> {
        let rows = page.lines().filter_map(|line| line.trim_start_matches("//! ").strip_prefix("| "));
        let cells = rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches('`')).collect::<Vec<_>>());
        let mut cells = cells.skip_while(|cells| cells.first() != Some(&"variable"));
        let head = cells.next().expect("a table of variables");
        let default = head.iter().position(|&title| title == "default").expect("a column of defaults");
        cells
            .map(|cells| (cells[0], if cells[default] == "none" { "" } else { cells[default] }))
            .take_while(|(name, _)| *name == name.to_uppercase())
            .collect()
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
            let text = match name {
                "ACCESS" => " open ",
                "TOKEN_SECRETS" => " 0123456789abcdef0123456789abcdef ",
                "TOKEN_JWKS" | "ALLOWED_ORIGINS" => " https://host ",
                _ => " 123456 ",
            };
            let (settings, warnings) = read(&[(name, text)]);
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
        let (settings, warnings) = Settings::read([("MAX_WINDOW_MS", None), ("ROOMS", None)]);
        assert!(same(&settings, &Settings::default()));
        assert_eq!(warnings, ["MAX_WINDOW_MS must be a whole number, and is \"[object Object]\": its default holds"]);
    }

    #[test]
    fn who_may_come_in_is_never_left_to_what_cannot_be_read() {
        let closed = Settings::default();
        for text in ["Open", "", "[{}]", "[object Object]"] {
            let (settings, warnings) = read(&[("ACCESS", text)]);
            assert!(same(&settings, &closed));
            assert_eq!(warnings.len(), 1, "{text}");
            assert!(warnings[0].starts_with("ACCESS cannot be read, and all rooms are closed: "), "{}", warnings[0]);
        }
        let (settings, warnings) = read(&[("ALLOWED_ORIGINS", "app.example.com")]);
        assert!(!settings.gate.origins.allows(Some("https://app.example.com")));
        assert!(
            warnings[0].starts_with("ALLOWED_ORIGINS cannot be read, and no page may connect: "),
            "{}",
            warnings[0]
        );
    }

    #[test]
    fn a_secret_that_counts_for_nothing_is_not_told() {
        let (settings, warnings) = read(&[("TOKEN_SECRETS", "too-short-to-be-a-secret")]);
        assert!(settings.gate.secrets.is_empty());
        assert_eq!(warnings.len(), 1);
        assert!(!warnings[0].contains("too-short"), "{}", warnings[0]);
    }

    #[test]
    fn an_unknown_variable_is_said_without_what_is_in_it() {
        let (settings, warnings) = read(&[("GREET_AFTER", "5"), ("greet_after_ms", "secret")]);
        assert!(same(&settings, &Settings::default()));
        assert_eq!(warnings, ["GREET_AFTER is no setting of Tinyroom's", "greet_after_ms is no setting of Tinyroom's"]);
    }
}
