//! The real TinyBase in its process: `oracle.mjs`, started once and asked by every test.

use serde_json::{Value, json};
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The TinyBase to ask: the environment's `TINYBASE`, or the newest.
pub static VERSION: LazyLock<String> = LazyLock::new(|| env::var("TINYBASE").unwrap_or_else(|_| "10.0".to_owned()));

static ORACLE: LazyLock<Mutex<Oracle>> = LazyLock::new(|| Mutex::new(Oracle::start(&VERSION)));

/// The process, and what it has answered.
pub struct Oracle {
    commands: ChildStdin,
    answers: Receiver<String>,
}

/// Commands to send together.
#[derive(Default)]
pub struct Batch {
    lines: String,
    count: usize,
}

impl Batch {
    /// Adds a command and answers its place in the batch.
    pub fn add(&mut self, command: &str, parameters: &[&str]) -> usize {
        let command = json!(command);
        let line: Vec<Value> = [command].into_iter().chain(parameters.iter().map(|text| json!(text))).collect();
        self.lines += &Value::Array(line).to_string();
        self.lines.push('\n');
        self.count += 1;
        self.count - 1
    }
}

impl Oracle {
    /// The one oracle of this test process, for as long as nobody else may ask it.
    pub fn lock() -> MutexGuard<'static, Self> {
        // A test that fails has read all of its answers, so the next finds nothing half said.
        ORACLE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An oracle of a version.
    pub fn start(version: &str) -> Self {
        let mut child = Command::new("node_modules/.bin/node")
            .args(["tests/oracle/oracle.mjs", version])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node, which `make setup` installs");
        let (sender, answers) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Whoever only writes, while the other side waits for its answers to be read, waits for ever.
        let commands = child.stdin.take().unwrap();
        thread::spawn(move || {
            lines.map_while(Result::ok).take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
            child.wait()
        });
        Self { commands, answers }
    }

    /// Sends the commands and answers the texts that came back, in the same order; errors where they failed.
    pub fn ask(&mut self, batch: &Batch) -> Vec<Result<String, String>> {
        self.commands.write_all(batch.lines.as_bytes()).expect("a living oracle");
        let lines: Vec<String> =
            (0..batch.count).map(|_| self.answers.recv().expect("an answer for each command")).collect();
        lines.iter().map(|line| text_of(line)).collect()
    }
}

fn text_of(line: &str) -> Result<String, String> {
    // An error may quote lone surrogates, which serde_json does not read.
    if line.starts_with("{\"error\":") {
        return Err(line.to_owned());
    }
    Ok(match serde_json::from_str(line).unwrap() {
        Value::String(text) => text,
        other => other.to_string(),
    })
}
