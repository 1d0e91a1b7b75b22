//! Whatever a client sends is read or refused. What is read, merged and written out reads back.

use super::cells::{assert_reads_back, assert_same, merge};
use super::{NOW_MS, each_change};
use tinyroom::json::Reader;
use tinyroom::store::{AnswerLimits, Changes, HashTree, Store};
use tinyroom::sync::RequestToken;
use tinyroom::wire::fragments::{Fragment, Fragments};
use tinyroom::wire::{Body, Envelope, Message, MessageType, Response, message};

/// What the room holds when a client asks what it lacks.
const HELD: &str = r#"[[{"t":[{"r":[{"c":[1],"d":[2]}],"1":[{"c":[3]}]}],"":[{"":[{"":[4]}]}]}],[{"v":[5],"":[6]}],1]"#;

pub fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Some(envelope) = Envelope::open(text) else { return };
    if let Some(fragment) = Fragment::read(envelope.body) {
        let mut fragments = Fragments::default();
        if let Ok(Some(whole)) = fragments.add(envelope.to, fragment, NOW_MS, 1000) {
            assert_eq!(whole.envelope().map(|whole| whole.to), Some(envelope.to));
        }
        return;
    }
    let message = match Message::read(envelope.body) {
        Ok(message) => message,
        Err(error) => {
            assert!(error.at <= envelope.body.len());
            return;
        }
    };
    RequestToken::of(&message.id);
    writes_alike(&message);
    let mut store = Store::new(1);
    each_change(&message, |changes| {
        store.merge(changes, NOW_MS, |_| {});
    });
    assert_reads_back(&store);
    if let Body::ContentDiff(changes) = &message.body {
        goes_on_as_it_came(changes, message.payload);
    }
    ask(&message.body);
}

/// What the room writes of a message is the message.
fn writes_alike(original: &Message) {
    let text = message::text(&original.id, type_of(&original.body), original.payload);
    let copy = Message::read(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((&copy.id, copy.payload), (&original.id, original.payload));
}

/// A change that is kept and relayed as it came means the same alone.
fn goes_on_as_it_came(changes: &Changes, payload: &str) {
    if !changes.is_canonical() {
        return;
    }
    assert!(!payload.contains('\n'), "a line of the journal ends in {payload:?}");
    let (mut one, mut other) = (Store::new(1), Store::new(2));
    one.merge(changes, NOW_MS, |_| {});
    merge(&mut other, payload);
    assert_same(&one, &other, payload);
}

/// Answers are changes; questions are hashes.
fn ask(body: &Body) {
    let mut store = Store::new(1);
    merge(&mut store, HELD);
    let held = store.content_text().len();
    for bytes in [1, usize::MAX] {
        let limits = AnswerLimits { bytes, ..AnswerLimits::whole() };
        let (answer, is_change) = match body {
            Body::GetTableDiff(theirs) => (store.table_diff(theirs, limits), false),
            Body::GetRowDiff(theirs) => (store.row_diff(theirs, limits), false),
            Body::GetCellDiff(theirs) => (store.cell_diff(theirs, limits), true),
            Body::GetValueDiff(theirs) => (store.value_diff(theirs, limits), true),
            _ => continue,
        };
        assert!(answer.text.len() <= 2 * held, "an answer of {} bytes", answer.text.len());
        let text = format!("[\"x\",0,{}]", answer.text);
        let read = Message::read(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let is_stamp = matches!(&read.body, Body::Response(response) if response.changes().is_some());
        assert!(!is_change || is_stamp || answer.text.starts_with("[{}"), "{text}");
    }
    if let Body::Response(Response::Difference(_, differing)) = body {
        for (hashes, levels) in [(store.row_hashes(differing), 2), (store.cell_hashes(differing), 3)] {
            let Some(hashes) = hashes else { continue };
            assert!(hashes.len() <= 2 * held, "a question of {} bytes", hashes.len());
            HashTree::read(&mut Reader::new(&hashes), levels).unwrap_or_else(|error| panic!("{error}: {hashes}"));
        }
    }
}

fn type_of(body: &Body) -> MessageType {
    match body {
        Body::Response(_) => MessageType::Response,
        Body::GetContentHashes => MessageType::GetContentHashes,
        Body::ContentHashes(_) => MessageType::ContentHashes,
        Body::ContentDiff(_) => MessageType::ContentDiff,
        Body::GetTableDiff(_) => MessageType::GetTableDiff,
        Body::GetRowDiff(_) => MessageType::GetRowDiff,
        Body::GetCellDiff(_) => MessageType::GetCellDiff,
        Body::GetValueDiff(_) => MessageType::GetValueDiff,
        Body::Long(type_) => *type_,
    }
}
