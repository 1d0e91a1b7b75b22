//! Settings: read once, when a room is constructed, from the variables that `wrangler.toml` gives the Worker.
//!
//! | variable | unit | default | what it does, and costs |
//! |---|---|---|---|
//! | `GREET_AFTER_MS` | ms | 250 | How long a new connection has to begin by itself before it is asked what it holds. Shorter heals reconnected sockets sooner; too short costs a starting client two frames. |
//! | `MAX_WINDOW_MS` | ms | 50 | How long edits of a busy room may gather at most before they leave as one. Longer means fewer frames and rows, and later edits. |
//!
//! A variable that is not a whole number is reported in the log, and its default holds.

use crate::{journal, room};
use worker::{Env, console_error};

/// Everything that can be set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    pub room: room::Settings,
    pub journal: journal::Settings,
}

impl Settings {
    pub fn read(env: &Env) -> Self {
        let mut settings = Self::default();
        read(env, "GREET_AFTER_MS", &mut settings.room.greet_after_ms);
        read(env, "MAX_WINDOW_MS", &mut settings.room.max_window_ms);
        settings
    }
}

fn read(env: &Env, name: &str, setting: &mut u64) {
    let Ok(text) = env.var(name).map(|variable| variable.to_string()) else { return };
    match text.trim().parse() {
        Ok(value) => *setting = value,
        Err(_) => console_error!("the variable {name} must be a whole number, and is {text:?}: it stays {setting}"),
    }
}
