//! Responses. Reading is open to every origin: a room's address is all one needs to join it anyway.

use crate::journal::Fault;
use crate::json::string::escape;
use crate::store::Store;
use std::fmt::Write;
use worker::web_sys::Request;
use worker::{Headers, Response, ResponseBuilder, Result};

pub(super) const SUBPROTOCOL: &str = "sec-websocket-protocol";
const METHODS: &str = "GET, HEAD, OPTIONS";
const ROBOTS: &str = "User-agent: *\nDisallow: /\n";

/// Whether a request is to become a WebSocket.
pub(super) fn is_upgrade(request: &Request) -> bool {
    header(request, "upgrade").eq_ignore_ascii_case("websocket")
}

/// The subprotocols that a client offers.
pub(super) fn offers(request: &Request) -> String {
    header(request, SUBPROTOCOL)
}

fn header(request: &Request, name: &str) -> String {
    request.headers().get(name).ok().flatten().unwrap_or_default()
}

/// The content of a room, and what of it could not be read.
pub(super) fn data(store: &Store, faults: &[Fault]) -> Result<Response> {
    let mut body = String::from("{\"data\":");
    if store.is_empty() {
        body.push_str("null");
    } else {
        store.write_content(&mut body);
    }
    for (index, fault) in faults.iter().enumerate() {
        body.push_str(if index == 0 { ",\"unreadable\":[" } else { "," });
        let _ = write!(body, "{{\"sequence\":{},\"problem\":\"", fault.sequence);
        escape(&fault.problem.to_string(), &mut body);
        body.push_str("\"}");
    }
    body.push_str(if faults.is_empty() { "}" } else { "]}" });
    json(200, body)
}

/// What a room's journal holds, and what the room has used since it woke.
pub(super) fn journal(listing: &str, (read, written): (usize, usize), memory: u64) -> Result<Response> {
    let used = format!("{{\"rows_read\":{read},\"rows_written\":{written},\"memory_bytes\":{memory}}}");
    json(200, format!("{{\"journal\":{listing},\"since_wake\":{used}}}"))
}

/// A room that cannot be read.
pub(super) fn unavailable(reason: &str) -> Result<Response> {
    error(503, reason)
}

/// A request that no room can take.
pub(super) fn bad_request(reason: &str) -> Result<Response> {
    error(400, reason)
}

/// What nobody need look for again today.
pub(super) fn not_found() -> Result<Response> {
    cacheable(error(404, "There is nothing here, and no room.")?)
}

/// What crawlers may visit: nothing.
pub(super) fn robots() -> Result<Response> {
    let response = json(200, ROBOTS.to_owned())?;
    response.headers().set("content-type", "text/plain; charset=utf-8")?;
    cacheable(response)
}

fn cacheable(response: Response) -> Result<Response> {
    response.headers().set("cache-control", "public, max-age=86400")?;
    Ok(response)
}

/// A method other than those that read.
pub(super) fn method_not_allowed() -> Result<Response> {
    let response = error(405, &format!("Rooms are read with {METHODS}, and changed through a WebSocket."))?;
    response.headers().set("allow", METHODS)?;
    Ok(response)
}

/// The answer to a browser that asks what it may do.
pub(super) fn options() -> Result<Response> {
    let headers = headers()?;
    headers.set("allow", METHODS)?;
    headers.set("access-control-allow-methods", METHODS)?;
    // The asterisk stands for every header but that one.
    headers.set("access-control-allow-headers", "authorization, *")?;
    headers.set("access-control-max-age", "86400")?;
    Ok(ResponseBuilder::new().with_status(204).with_headers(headers).empty())
}

fn error(status: u16, reason: &str) -> Result<Response> {
    let mut text = String::new();
    escape(reason, &mut text);
    json(status, format!("{{\"error\":\"{text}\"}}"))
}

fn json(status: u16, body: String) -> Result<Response> {
    let headers = headers()?;
    headers.set("content-type", "application/json; charset=utf-8")?;
    Ok(Response::from_bytes(body.into_bytes())?.with_status(status).with_headers(headers))
}

fn headers() -> Result<Headers> {
    let headers = Headers::new();
    headers.set("access-control-allow-origin", "*")?;
    headers.set("cache-control", "no-store")?;
    Ok(headers)
}
