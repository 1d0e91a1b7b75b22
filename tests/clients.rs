//! The model of a client, `support/client.rs`, held against what the real packages say, and when.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::client::{Client, Era};
use support::fixtures::{self, NOW_MS, text, texts};
use support::stores::cell;

fn era(version: &str) -> Era {
    match version {
        "5.0" => Era::V5_0,
        "5.3" => Era::V5_3,
        "5.4" => Era::V5_4,
        "6.7" | "7.3" | "8.5" => Era::V6_0,
        _ => Era::V9_3,
    }
}

/// What a client says in a story, each with its time, and the cells that it holds in the end.
fn play(era: Era, script: &[Value]) -> (Vec<String>, Vec<String>) {
    let mut client = Client::new("Bobby", era);
    let (mut said, mut requests) = (Vec::new(), BTreeMap::new());
    let mut collect = |client: &mut Client, requests: &mut BTreeMap<String, String>, at_ms: u64| {
        for text in client.outbox.drain(..) {
            let (_, body) = text.split_once('\n').unwrap();
            let message: Value = serde_json::from_str(body).unwrap();
            requests.insert(message[1].to_string(), message[0].to_string());
            said.push(format!("{at_ms}: {}", message[1]));
        }
    };
    client.start_sync(NOW_MS);
    collect(&mut client, &mut requests, 0);
    for step in script {
        let at_ms = step[0].as_u64().unwrap();
        while let Some(until_ms) = client.poll_timeout().filter(|&until_ms| until_ms <= NOW_MS + at_ms) {
            client.timeout(until_ms);
            collect(&mut client, &mut requests, until_ms - NOW_MS);
        }
        let now_ms = NOW_MS + at_ms;
        match step[1].as_str().unwrap() {
            "receive" => client.receive(step[2].as_str().unwrap(), now_ms),
            "edit" => drop(client.edit(now_ms, |hlc| cell("t", "r", step[2].as_str().unwrap(), "1", hlc))),
            "answer" => {
                let id = requests.get(&step[2].to_string()).cloned().unwrap_or_else(|| "\"none\"".to_owned());
                client.receive(&format!("S\n[{id},0,{}]", step[3].as_str().unwrap()), now_ms);
            }
            _ => {}
        }
        collect(&mut client, &mut requests, at_ms);
    }
    (said, client.replica.leaves().into_keys().filter_map(|mut path| path.pop()).collect())
}

#[test]
fn the_model_says_what_the_packages_say_and_when() {
    for case in fixtures::list("clients", "stories") {
        for version in texts(&case, "versions") {
            let (said, holds) = play(era(version), case["script"].as_array().unwrap());
            assert_eq!(said, texts(&case, "said"), "{version}: {}", text(&case, "name"));
            assert_eq!(holds, texts(&case, "holds"), "{version}: {}", text(&case, "name"));
        }
    }
}
