//! Settings: read once, when a room is constructed, from the variables that `wrangler.toml` gives the Worker.
//!
//! | variable | unit | default | what it does, and costs |
//! |---|---|---|---|
//! | `GREET_AFTER_MS` | ms | 250 | How long a new connection has to begin by itself before it is asked what it holds. Shorter heals reconnected sockets sooner; too short costs a starting client two frames. |
//! | `MAX_WINDOW_MS` | ms | 50 | How long edits of a busy room may gather at most before they leave as one. Longer means fewer frames and rows, and later edits. |
//! | `MAX_MEMORY_BYTES` | bytes | 67108864 | How much memory a room's content may take. Beyond it nothing is added, and what exists can be changed and deleted. All rooms of an isolate share 128 MB. |
//! | `MOVE_IN_TABLE` | name | `tinybase` | The table in which an earlier server kept its content as JSON, where that was not TinyBase's default. Looked at once, by a room that has stored nothing yet. |
//!
//! A number that is not a whole one is reported in the log, and its default holds.

use crate::{journal, room};
use std::fmt::Display;
use std::str::FromStr;
use worker::{Env, console_error};

/// Everything that can be set.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub room: room::Settings,
    pub journal: journal::Settings,
    pub move_in_table: Option<String>,
}

impl Settings {
    pub fn read(env: &Env) -> Self {
        let mut settings = Self::default();
        read(env, "GREET_AFTER_MS", &mut settings.room.greet_after_ms);
        read(env, "MAX_WINDOW_MS", &mut settings.room.max_window_ms);
        read(env, "MAX_MEMORY_BYTES", &mut settings.room.max_memory_bytes);
        settings.move_in_table = text(env, "MOVE_IN_TABLE");
        settings
    }
}

fn text(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|variable| variable.to_string())
}

fn read<Number: FromStr + Display>(env: &Env, name: &str, setting: &mut Number) {
    let Some(text) = text(env, name) else { return };
    match text.trim().parse() {
        Ok(value) => *setting = value,
        Err(_) => console_error!("the variable {name} must be a whole number, and is {text:?}: it stays {setting}"),
    }
}
