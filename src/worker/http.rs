//! Responses. Reading is open to every origin: a room's address is all one needs to join it anyway.

use worker::{Headers, Response, ResponseBuilder, Result};

const METHODS: &str = "GET, HEAD, OPTIONS";

/// The content of a room.
pub(super) fn data(content: Option<&str>) -> Result<Response> {
    let content = content.unwrap_or("null");
    json(200, format!("{{\"data\":{content}}}"))
}

/// A room that cannot be read.
pub(super) fn unavailable(reason: &str) -> Result<Response> {
    error(503, reason)
}

/// A request that names no room.
pub(super) fn bad_request(reason: &str) -> Result<Response> {
    error(400, reason)
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
    headers.set("access-control-allow-headers", "*")?;
    headers.set("access-control-max-age", "86400")?;
    Ok(ResponseBuilder::new().with_status(204).with_headers(headers).empty())
}

fn error(status: u16, reason: &str) -> Result<Response> {
    let mut text = String::new();
    crate::json::string::escape(reason, &mut text);
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
