//! A model of a TinyBase client: a store, and the client's side of the protocol. It sends by putting texts in its outbox.

use super::stores::merge;
use std::collections::{BTreeMap, VecDeque};
use tinyroom::store::{AnswerLimits, ContentHashes, Store};
use tinyroom::wire::message::{self, hashes_text};
use tinyroom::wire::{Body, Message, MessageType, Response};

/// What a client does before its first load has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// Up to 5.3: it tells nobody its hashes, and drops hashes and changes.
    Old,
    /// From 5.4 on: it tells its hashes and pulls, and still drops changes.
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Loading,
    Synced,
}

/// A client.
pub struct Client {
    pub store: Store,
    pub outbox: VecDeque<String>,
    name: &'static str,
    era: Era,
    state: State,
    requests: usize,
    pulls: BTreeMap<String, Pull>,
    lost_its_load: bool,
}

/// A pull that waits for an answer.
#[derive(Default)]
struct Pull {
    /// Whom it asks: nobody yet where it began with a question to everybody.
    from: Option<String>,
    is_load: bool,
    asks_for_values: bool,
    answers: Vec<String>,
}

impl Client {
    pub fn new(name: &'static str, era: Era) -> Self {
        Self {
            store: Store::new(3),
            outbox: VecDeque::new(),
            name,
            era,
            state: State::Idle,
            requests: 0,
            pulls: BTreeMap::new(),
            lost_its_load: false,
        }
    }

    /// Starts to sync, or does so anew as a page does that is loaded again with its store at hand.
    pub fn start_sync(&mut self) {
        self.state = State::Loading;
        self.lost_its_load = false;
        self.pulls.clear();
        self.ask(Pull { is_load: true, ..Pull::default() }, MessageType::GetContentHashes, "\"\"");
    }

    /// The socket is gone, and with it every answer that was waited for.
    pub fn disconnect(&mut self) {
        self.lost_its_load |= self.pulls.values().any(|pull| pull.is_load);
        self.pulls.clear();
        self.outbox.clear();
    }

    /// A second is over: a load that was not answered has ended.
    pub fn give_up(&mut self) {
        if std::mem::take(&mut self.lost_its_load) {
            self.end_load();
        }
    }

    /// Whether a load of its waits for an answer that is lost.
    pub fn will_give_up(&self) -> bool {
        self.lost_its_load
    }

    /// Makes a change of its own, if it wins over what is there. Answers whether it did.
    pub fn edit(&mut self, change: &str) -> bool {
        if merge(&mut self.store, change).won == 0 {
            return false;
        }
        if self.state == State::Synced {
            let id = self.new_id();
            self.outbox.push_back(format!("\n[\"{id}\",3,{change}]"));
        }
        true
    }

    /// Takes a text from its socket.
    pub fn receive(&mut self, text: &str) {
        let (from, body) = text.split_once('\n').unwrap();
        let message = Message::read(body).unwrap_or_else(|error| panic!("{}: {error}: {text}", self.name));
        let tells = match self.state {
            State::Idle => false,
            State::Loading => self.era == Era::New,
            State::Synced => true,
        };
        let answer = match &message.body {
            Body::Response(response) => {
                let id = message.id.0.as_deref().unwrap_or_default();
                self.answered(id, from, body, response);
                return;
            }
            Body::ContentHashes(theirs) => {
                if tells {
                    self.pull(Pull { from: Some(from.to_owned()), ..Pull::default() }, *theirs);
                }
                return;
            }
            Body::ContentDiff(_) => {
                if self.state == State::Synced {
                    merge(&mut self.store, message.payload);
                }
                return;
            }
            Body::GetContentHashes if !tells => return,
            Body::GetContentHashes => hashes_text(self.store.content_hashes()),
            Body::GetTableDiff(theirs) => self.store.table_diff(theirs, AnswerLimits::whole()).text,
            Body::GetRowDiff(theirs) => self.store.row_diff(theirs, AnswerLimits::whole()).text,
            Body::GetCellDiff(theirs) => self.store.cell_diff(theirs, AnswerLimits::whole()).text,
            Body::GetValueDiff(theirs) => self.store.value_diff(theirs, AnswerLimits::whole()).text,
        };
        self.outbox.push_back(format!("{from}\n{}", message::text(&message.id, MessageType::Response, &answer)));
    }

    fn answered(&mut self, id: &str, from: &str, body: &str, response: &Response) {
        let Some(mut pull) = self.pulls.remove(id) else { return };
        assert!(pull.from.as_deref().is_none_or(|asked| asked == from), "{from} answers for another");
        pull.from = Some(from.to_owned());
        match response {
            Response::ContentHashes(theirs) => self.pull(pull, *theirs),
            Response::Difference(_, differing) => {
                pull.answers.push(body.to_owned());
                // Of tables that differ the rows are asked for, and of rows the cells.
                let is_of_tables = pull.answers.len() == 1;
                let hashes =
                    if is_of_tables { self.store.row_hashes(differing) } else { self.store.cell_hashes(differing) };
                let type_ = if is_of_tables { MessageType::GetRowDiff } else { MessageType::GetCellDiff };
                match hashes {
                    Some(hashes) => self.ask(pull, type_, &hashes),
                    None => self.ask_for_values(pull),
                }
            }
            _ => {
                pull.answers.push(body.to_owned());
                self.ask_for_values(pull);
            }
        }
    }

    fn pull(&mut self, mut pull: Pull, theirs: ContentHashes) {
        let ours = self.store.content_hashes();
        pull.asks_for_values = ours.values != theirs.values;
        if ours.tables == theirs.tables {
            self.ask_for_values(pull);
        } else {
            let hashes = self.store.table_hashes();
            self.ask(pull, MessageType::GetTableDiff, &hashes);
        }
    }

    fn ask_for_values(&mut self, mut pull: Pull) {
        if std::mem::take(&mut pull.asks_for_values) {
            let hashes = self.store.value_hashes();
            self.ask(pull, MessageType::GetValueDiff, &hashes);
            return;
        }
        for answer in &pull.answers {
            let message = Message::read(answer).unwrap();
            if let Some(changes) = message.body.changes() {
                self.store.merge(changes, super::fixtures::LATER_MS, |_| {});
            }
        }
        if pull.is_load {
            self.end_load();
        }
    }

    fn end_load(&mut self) {
        self.state = State::Synced;
        let (id, hashes) = (self.new_id(), hashes_text(self.store.content_hashes()));
        self.outbox.push_back(format!("\n[\"{id}\",2,{hashes}]"));
    }

    fn ask(&mut self, pull: Pull, type_: MessageType, payload: &str) {
        let id = self.new_id();
        let to = pull.from.clone().unwrap_or_default();
        self.outbox.push_back(format!("{to}\n[\"{id}\",{},{payload}]", type_ as u8));
        self.pulls.insert(id, pull);
    }

    fn new_id(&mut self) -> String {
        self.requests += 1;
        format!("{}.{}", self.name, self.requests)
    }
}
