//! Settings, from the variables that `wrangler.toml` gives the Worker: the same for all rooms of an isolate.

use super::bindings;
use crate::settings::Settings;
use std::cell::OnceCell;
use std::rc::Rc;
use worker::{Env, console_warn};

thread_local! {
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
}

/// The settings. Whoever asks first reads them, so that what is wrong with them is said once an isolate.
pub(super) fn of(env: &Env) -> Rc<Settings> {
    SETTINGS.try_with(|settings| settings.get_or_init(|| Rc::new(read(env))).clone()).unwrap_or_default()
}

fn read(env: &Env) -> Settings {
    let variables = bindings::variables(env);
    let (settings, warnings) = Settings::read(variables.iter().map(|(name, text)| (name.as_str(), text.as_deref())));
    for warning in warnings {
        console_warn!("variables: {warning}");
    }
    settings
}
