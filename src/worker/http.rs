//! Responses. `gateway.js` adds which pages may read them.

use super::bindings::{self, Response};
use crate::access::{Grant, Refusal};
use crate::journal::Fault;
use crate::json::string::escape;
use crate::room::RetryAfter;
use crate::store::Store;
use std::fmt::Write;
use wasm_bindgen::JsValue;
use worker::js_sys::Promise;
use worker::web_sys::{ReadableStream, Request};

/// A response, where it could be made.
pub(super) type Answer = Result<Response, JsValue>;
/// A header's name, and what it says.
type Header<'a> = (&'static str, &'a str);

/// What is before the content in a body.
pub(super) const BEFORE_DATA: &str = "{\"data\":";
const SUBPROTOCOL: &str = "sec-websocket-protocol";
const METHODS: &str = "GET, HEAD, OPTIONS";
const ROBOTS: &str = "User-agent: *\nDisallow: /\n";
const ALLOW: Header = ("allow", METHODS);
const CACHEABLE: Header = ("cache-control", "public, max-age=86400");

/// An answer as JavaScript takes it: one that could not be made as a promise that is not kept, since what is thrown stands for
/// a broken module.
pub(super) fn promised(answer: Result<JsValue, JsValue>) -> JsValue {
    answer.unwrap_or_else(|error| Promise::reject(&error).into())
}

/// Whether a request is to become a WebSocket.
pub(super) fn is_upgrade(request: &Request) -> bool {
    header(request, "upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// The subprotocols that a client offers.
pub(super) fn offers(request: &Request) -> String {
    header(request, SUBPROTOCOL).unwrap_or_default()
}

/// What a header of a request says.
pub(super) fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

/// The other end of a socket, with the subprotocol that was chosen.
pub(super) fn socket(socket: &JsValue, subprotocol: Option<&str>) -> Answer {
    let header = subprotocol.map(|protocol| (SUBPROTOCOL, protocol));
    bindings::response(101, &JsValue::NULL, socket, &mut header.into_iter())
}

/// The content of a room, and what of it could not be read.
pub(super) fn data(store: &Store, faults: &[Fault]) -> Answer {
    let mut body = String::from(BEFORE_DATA);
    if store.is_empty() {
        body.push_str("null");
    } else {
        store.write_content(&mut body);
    }
    write_unreadable(&mut body, faults);
    json(200, &body)
}

/// Writes the end of a body that says what could not be read.
pub(super) fn write_unreadable(body: &mut String, faults: &[Fault]) {
    for (index, fault) in faults.iter().enumerate() {
        body.push_str(if index == 0 { ",\"unreadable\":[" } else { "," });
        let _ = write!(body, "{{\"sequence\":{},\"problem\":\"", fault.sequence);
        escape(&fault.problem.to_string(), body);
        body.push_str("\"}");
    }
    body.push_str(if faults.is_empty() { "}" } else { "]}" });
}

/// The same as [`data`], from a stream.
pub(super) fn stream(body: &ReadableStream) -> Answer {
    respond(200, body, &[])
}

/// The same without a body.
pub(super) fn head() -> Answer {
    respond(200, &JsValue::NULL, &[])
}

/// Whether a room held what is stored, and what of that could not be read.
pub(super) fn verified(is_same: bool, faults: &[Fault]) -> Answer {
    let mut body = String::from(if is_same { "{\"verified\":true" } else { "{\"verified\":false" });
    write_unreadable(&mut body, faults);
    json(200, &body)
}

/// What a room's journal holds, and what the room has used since it woke.
pub(super) fn journal(listing: &str, (read, written): (usize, usize), memory: u64) -> Answer {
    let used = format!("{{\"rows_read\":{read},\"rows_written\":{written},\"memory_bytes\":{memory}}}");
    json(200, &format!("{{\"journal\":{listing},\"since_wake\":{used}}}"))
}

/// A room that cannot be read.
pub(super) fn unavailable(reason: &str) -> Answer {
    error(503, reason, &[])
}

/// A room whose readers have had more than they may.
pub(super) fn too_many(RetryAfter(seconds): RetryAfter) -> Answer {
    error(429, "This room is read more than it may be.", &[("retry-after", &seconds.to_string())])
}

/// What somebody may do in a room, for an app that asks before it connects.
pub(super) fn access(grant: &Grant) -> Answer {
    let mut body = format!("{{\"access\":\"{}\"", grant.access);
    if let Some(sub) = &grant.sub {
        body.push_str(",\"sub\":\"");
        escape(sub, &mut body);
        body.push('"');
    }
    if let Some(at_ms) = grant.expires_at_ms {
        let _ = write!(body, ",\"expiresAt\":{at_ms}");
    }
    body.push('}');
    json(200, &body)
}

/// Somebody who may not do this, and what a socket would be told: a problem document, as RFC 9457 has them.
pub(super) fn refused(refusal: Refusal) -> Answer {
    let (status, title, detail) = (refusal.status(), refusal.title(), refusal.detail());
    let (code, reason) = (refusal.close_code(), refusal.to_string());
    let mut body = format!("{{\"title\":\"{title}\",\"status\":{status},\"detail\":\"");
    escape(&detail, &mut body);
    let _ = write!(body, "\",\"code\":{code},\"reason\":\"");
    escape(&reason, &mut body);
    body.push_str("\"}");
    let challenge = refusal.challenge();
    let challenge = challenge.as_deref().map(|challenge| ("www-authenticate", challenge));
    let retry = (status == 503).then_some(("retry-after", "10"));
    let headers: Vec<_> =
        [Some(("content-type", "application/problem+json")), challenge, retry].into_iter().flatten().collect();
    respond(status, &bindings::bytes(&body), &headers)
}

/// A request that no room can take.
pub(super) fn bad_request(reason: &str) -> Answer {
    error(400, reason, &[])
}

/// What nobody need look for again today.
pub(super) fn not_found() -> Answer {
    error(404, "There is nothing here, and no room.", &[CACHEABLE])
}

/// What crawlers may visit: nothing.
pub(super) fn robots() -> Answer {
    respond(200, &bindings::bytes(ROBOTS), &[("content-type", "text/plain; charset=utf-8"), CACHEABLE])
}

/// A method other than those that read.
pub(super) fn method_not_allowed() -> Answer {
    error(405, &format!("Rooms are read with {METHODS}, and changed through a WebSocket."), &[ALLOW])
}

/// The answer to a browser that asks what it may do.
pub(super) fn options() -> Answer {
    let headers = [
        ALLOW,
        ("access-control-allow-methods", METHODS),
        // The asterisk stands for every header but that one.
        ("access-control-allow-headers", "authorization, *"),
        ("access-control-max-age", "86400"),
    ];
    respond(204, &JsValue::NULL, &headers)
}

fn error(status: u16, reason: &str, headers: &[Header]) -> Answer {
    let mut text = String::from("{\"error\":\"");
    escape(reason, &mut text);
    text.push_str("\"}");
    respond(status, &bindings::bytes(&text), headers)
}

fn json(status: u16, body: &str) -> Answer {
    respond(status, &bindings::bytes(body), &[])
}

/// A response with these headers, and those that all have where these say nothing else.
fn respond(status: u16, body: &JsValue, headers: &[Header]) -> Answer {
    let usual = [("cache-control", "no-store"), ("content-type", "application/json; charset=utf-8")];
    bindings::response(status, body, &JsValue::UNDEFINED, &mut usual.iter().chain(headers).copied())
}
