//! Fragments of one connection: what is held of messages that are not whole stays within limits, and what becomes whole is
//! what was divided.

use super::NOW_MS;
use super::source::Source;
use std::collections::BTreeMap;
use tinyroom::wire::fragments::{Fragment, Fragments};
use tinyroom::wire::{Envelope, MAX_TEXT_BYTES};

/// How long the parts of a message wait for the next.
const SILENCE_MS: u64 = 1000;
const MAX_MESSAGES: usize = 100;
const MAX_PARTS: usize = 1000;

/// The parts of a message that have come, and when its time is over.
struct Held {
    parts: BTreeMap<usize, String>,
    deadline_ms: u64,
}

pub fn run(input: &[u8]) {
    let mut source = Source::new(input);
    let mut fragments = Fragments::default();
    let mut held: BTreeMap<(String, String), Held> = BTreeMap::new();
    let mut now_ms = NOW_MS;
    while !source.is_over() {
        now_ms += u64::from(source.byte()) * 4;
        held.retain(|_, held| held.deadline_ms > now_ms);
        let text = if source.one_in(2) { source.text().to_owned() } else { fragment(&mut source) };
        let Some(envelope) = Envelope::open(&text) else { continue };
        let Some(fragment) = Fragment::read(envelope.body) else { continue };
        let lines: Vec<&str> = envelope.body.splitn(4, '\n').collect();
        let [message, index, count, part] = lines[..] else { panic!("a fragment of {} lines", lines.len()) };
        let (index, count) =
            (index.parse::<usize>().unwrap_or(usize::MAX), count.parse::<usize>().unwrap_or(usize::MAX));
        let key = (envelope.to.line().to_owned(), message.to_owned());
        // A connection that breaks a rule is closed.
        let Ok(whole) = fragments.add(envelope.to, fragment, now_ms, SILENCE_MS) else { return };
        assert!(index < count && count <= MAX_PARTS, "part {index} of {count} was taken");
        let message = held.entry(key.clone()).or_insert_with(|| Held { parts: BTreeMap::new(), deadline_ms: 0 });
        message.deadline_ms = now_ms + SILENCE_MS;
        assert_eq!(message.parts.insert(index, part.to_owned()), None, "part {index} was taken twice");
        assert_eq!(whole.is_some(), message.parts.len() == count, "{} parts of {count}", message.parts.len());
        if let Some(whole) = whole {
            let joined: String = message.parts.values().map(String::as_str).collect();
            let whole = whole.envelope().map(|whole| (whole.to.line().to_owned(), whole.body.to_owned()));
            assert_eq!(whole, Some((key.0.clone(), joined)));
            held.remove(&key);
        }
        stays_within_limits(&held);
        let deadline_ms = held.values().map(|held| held.deadline_ms).min();
        assert_eq!(fragments.deadline_ms(), deadline_ms);
    }
}

fn stays_within_limits(held: &BTreeMap<(String, String), Held>) {
    assert!(held.len() <= MAX_MESSAGES, "{} messages are held", held.len());
    let parts = held.values().flat_map(|held| held.parts.values());
    let bytes: usize = parts.chain(held.keys().flat_map(|(to, message)| [to, message])).map(String::len).sum();
    assert!(bytes <= MAX_TEXT_BYTES, "{bytes} bytes are held");
}

/// A fragment from few bytes of input: one of many messages, up to 2 MiB long.
fn fragment(source: &mut Source) -> String {
    let to = "x".repeat(length(source));
    let (message, index, count) = (source.byte(), source.byte(), source.byte());
    let count = if source.one_in(8) { usize::from(count) * 8 } else { usize::from(count % 4) };
    let index = if source.one_in(8) { usize::from(index) * 8 } else { usize::from(index % 4) };
    format!("{to}\nmessage-number{message:02x}\n{index}\n{count}\n{}", "é".repeat(length(source)))
}

fn length(source: &mut Source) -> usize {
    let exponent = source.below(32);
    if exponent <= 20 { (1 << exponent) - 1 } else { 0 }
}
