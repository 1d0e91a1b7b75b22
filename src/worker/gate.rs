//! Who comes in: what `gateway.js` asks, in the Worker before a room is woken, and in a room that a request reached by another
//! way.
//!
//! Nothing here waits. What a token's signature takes, which is the runtime's cryptography and perhaps a fetch, `gateway.js` does
//! in between, and asks again with what came of it. So all that is decided is decided in one place, from the request alone.

use super::bindings::{bytes, set};
use super::http::{self, Answer};
use super::object::now_ms;
use super::settings;
use crate::access::{Access, Algorithm, Carriers, Grant, KeySet, KeySource, Refusal, Token, TokenError, without_token};
use crate::address::{self, Address};
use crate::settings::Settings;
use crate::subprotocol;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;
use worker::js_sys::{Array, Object, Uint8Array};
use worker::web_sys::Request;

/// What is to be done about a request.
enum Next {
    /// Let it into a room.
    Enter { room: String, grant: Grant, had_token: bool },
    /// Answer it.
    Answer(Answer),
    /// Refuse it, over HTTP.
    Refuse(Refusal),
    /// Accept the socket, and close it: a browser tells a page nothing of a socket that was not accepted.
    Close(Refusal),
    /// Verify the signature of its token, and ask again.
    Verify(Box<Token>),
}

/// What is to be done about a request for the room that its URL names, or for this one. `verdict` says what came of verifying
/// its token: nothing yet, an empty text for a good one, or what is wrong.
#[wasm_bindgen]
pub fn gate(request: &Request, env: &Env, room: Option<String>, verdict: Option<String>) -> JsValue {
    let settings = settings::of(env);
    let (origin, offers) = (http::header(request, "origin"), http::offers(request));
    let next = next(request, &settings, room, verdict.as_deref(), origin.as_deref(), &offers);
    let object = Object::new();
    let say = |name: &str, value: &JsValue| set(&object, name, value);
    say("isUpgrade", &http::is_upgrade(request).into());
    say("subprotocol", &subprotocol::choose(&offers).ok().flatten().into());
    if settings.gate.origins.is_any() {
        say("cors", &"*".into());
    } else if settings.gate.origins.allows(origin.as_deref()) {
        say("cors", &origin.map_or(JsValue::NULL, Into::into));
    }
    match next {
        Next::Answer(answer) => say("response", &http::promised(answer.map(Into::into))),
        Next::Refuse(refusal) => {
            say("isRefused", &true.into());
            say("response", &http::promised(http::refused(refusal).map(Into::into)));
        }
        Next::Close(refusal) => {
            say("code", &refusal.close_code().into());
            say("reason", &refusal.to_string().into());
        }
        Next::Verify(token) => say("token", &plan(&token, &settings)),
        Next::Enter { room, grant, had_token } => {
            let url = request.url();
            say("room", &room.into());
            say("url", &(&*without_token(&url)).into());
            say("subprotocols", &subprotocol::without_tokens(&offers).into());
            say("hadToken", &had_token.into());
            say("access", &grant.access.to_string().into());
            say("sub", &grant.sub.into());
            say("expiresAtMs", &grant.expires_at_ms.map(|at_ms| at_ms as f64).into());
        }
    }
    object.into()
}

/// The keys of a set that may have signed a token, as texts of JWKs; *undefined* where it is no set.
#[wasm_bindgen]
pub fn keys(set: &str, token: &str) -> Option<Array> {
    let (set, token) = (KeySet::read(set).ok()?, Token::read(token).ok()?);
    Some(keys_in(&set, &token))
}

fn next(
    request: &Request,
    settings: &Settings,
    room: Option<String>,
    verdict: Option<&str>,
    origin: Option<&str>,
    offers: &str,
) -> Next {
    let url = request.url();
    let method = request.method();
    match method.as_str() {
        "GET" | "HEAD" => {}
        "OPTIONS" => return Next::Answer(http::options()),
        _ => return Next::Answer(http::method_not_allowed()),
    }
    let is_upgrade = http::is_upgrade(request);
    let name = match (room, Address::of(&url, settings.max_name_bytes)) {
        (Some(name), _) => name,
        (None, Ok(Address::Room(name))) => name.to_owned(),
        (None, Ok(Address::Robots)) if !is_upgrade => return Next::Answer(http::robots()),
        (None, Ok(Address::Robots | Address::Favicon)) => return Next::Answer(http::not_found()),
        (None, Err(error)) => return Next::Answer(http::bad_request(&error.to_string())),
    };
    if is_upgrade && let Err(error) = subprotocol::choose(offers) {
        return Next::Answer(http::bad_request(&error.to_string()));
    }
    let asks = address::query_value(&url, "access").is_some();
    let refuse = |refusal: Refusal| match is_upgrade && !asks {
        true => Next::Close(refusal),
        false => Next::Refuse(refusal),
    };
    if (is_upgrade || asks)
        && let Err(refusal) = settings.gate.admits_page(origin)
    {
        return refuse(refusal);
    }
    let (authorization, cookies) = (http::header(request, "authorization"), http::header(request, "cookie"));
    let carriers = Carriers {
        authorization: authorization.as_deref(),
        subprotocols: is_upgrade.then_some(offers),
        url: &url,
        cookies: cookies.as_deref(),
        cookie_name: None,
    };
    let token = match (settings.gate.token(carriers, now_ms()), verdict) {
        (Err(refusal), _) => return refuse(refusal),
        (Ok(Some(token)), None) => return Next::Verify(Box::new(token)),
        (Ok(Some(_)), Some(problem)) if !problem.is_empty() => return refuse(problem_of(problem).into()),
        (Ok(token), _) => token,
    };
    let claims = token.as_ref().map(Token::claims);
    let decided = settings.gate.policy.decide(&name, claims).and_then(|grant| {
        grant.require(Access::Read)?;
        Ok(grant)
    });
    match decided {
        Err(refusal) => refuse(refusal),
        Ok(grant) if asks => Next::Answer(http::access(&grant)),
        Ok(grant) => Next::Enter { room: name, grant, had_token: token.is_some() },
    }
}

/// What a token is to be verified with: one of these keys, or one of those at a URL.
fn plan(token: &Token, settings: &Settings) -> JsValue {
    let object = Object::new();
    let say = |name: &str, value: &JsValue| set(&object, name, value);
    let algorithm = token.algorithm();
    say("text", &token.text().into());
    say("algorithm", &algorithm.name().into());
    say("input", &bytes(token.signing_input()));
    say("signature", &Uint8Array::from(token.signature()));
    match &settings.gate.keys {
        _ if algorithm == Algorithm::Hs256 => {
            let secrets = settings.gate.secrets.candidates(token).map(|secret| JsValue::from(Uint8Array::from(secret)));
            say("keys", &secrets.collect::<Array>());
        }
        KeySource::None => say("keys", &Array::new()),
        KeySource::Keys(set) => say("keys", &keys_in(set, token)),
        KeySource::Url(url) => say("url", &url.into()),
    }
    object.into()
}

fn keys_in(set: &KeySet, token: &Token) -> Array {
    set.candidates(token).map(|key| JsValue::from(key.text())).collect()
}

/// What is wrong with a token, by the name that `gateway.js` has for it.
fn problem_of(name: &str) -> TokenError {
    match name {
        "unknown key" => TokenError::UnknownKey,
        "keys unavailable" => TokenError::KeysUnavailable,
        _ => TokenError::Signature,
    }
}
