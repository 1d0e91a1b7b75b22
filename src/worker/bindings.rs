//! What `worker` does not bind.

use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{BigUint64Array, Function, JsString};
use worker::{Storage, WebSocket};

#[wasm_bindgen]
extern "C" {
    /// A socket, for texts that are JavaScript's already: `worker` would copy and decode one for each socket.
    type TextSocket;

    #[wasm_bindgen(method, catch)]
    fn send(this: &TextSocket, text: &JsString) -> Result<(), JsValue>;

    type SyncStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &SyncStorage,
        transaction: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout_raw(callback: &Function, milliseconds: f64) -> JsValue;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(array: &BigUint64Array);
}

/// Sends a text. A socket that is closing takes none, and is left to its close event.
pub(super) fn send(socket: &WebSocket, text: &JsString) {
    let socket: &JsValue = socket.as_ref();
    let _ = socket.unchecked_ref::<TextSocket>().send(text);
}

/// Runs `transaction`: where it fails, nothing of what it wrote is kept.
pub(super) fn transaction(
    storage: &Storage,
    transaction: &mut dyn FnMut() -> worker::Result<()>,
) -> worker::Result<()> {
    let storage: &JsValue = storage.as_raw().as_ref();
    storage
        .unchecked_ref::<SyncStorage>()
        .transaction_sync(&mut || transaction().map(|()| JsValue::UNDEFINED).map_err(JsValue::from))?;
    Ok(())
}

/// Calls back once. The callback runs as an event of the object that sets it.
pub(super) fn set_timeout(callback: impl FnOnce() + 'static, milliseconds: u64) {
    let callback = Closure::once_into_js(callback);
    set_timeout_raw(callback.unchecked_ref(), milliseconds as f64);
}

/// A number that nobody can guess.
pub(super) fn random_seed() -> u64 {
    let array = BigUint64Array::new_with_length(1);
    get_random_values(&array);
    array.get_index(0)
}
