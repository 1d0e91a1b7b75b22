//! A model of a TinyBase client, drawn after the published packages: a store, its synchronizer, and the persister under
//! that. It has no socket: what it sends it puts into its outbox, and time is handed in.
//!
//! What decides whether it ends up whole is in here. It waits a second for each answer and drops what comes later. An
//! edit that it makes while it loads is told to nobody. A pull that fails is begun anew as a load, after which it says
//! nothing. What it is told before its first load is over it drops, or keeps for later, by its version.

use super::clock;
use super::replica::Replica;
use super::tree::Tree;
use std::collections::{BTreeMap, VecDeque};

/// How long it waits for an answer.
const PATIENCE_MS: u64 = 1_000;
/// How many answers one from 9.3 on waits for.
const MAX_REQUESTS: usize = 100;
/// How far ahead of its own clock one from 9.3 on takes a stamp.
const MAX_FUTURE_MS: u64 = 5 * 60_000;

/// Versions that behave alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Era {
    /// 5.0: before its first load is over it tells nobody its hashes, and drops hashes and changes. A pull of its that fails
    /// has no consequence.
    V5_0,
    /// Up to 5.3: a pull that fails is begun anew as a load, during which its edits are told to nobody.
    V5_3,
    /// 5.4: from the start it tells its hashes and pulls, but what comes of it is dropped, as changes are, until its first
    /// load is over. Like the former it misreads what has no stamp.
    V5_4,
    /// 6.0 to 9.2.
    V6_0,
    /// From 9.3 on: what comes during its first load is taken in behind it, and a change with a stamp more than five
    /// minutes ahead of its own clock is dropped whole.
    V9_3,
}

impl Era {
    pub const ALL: [Self; 5] = [Self::V5_0, Self::V5_3, Self::V5_4, Self::V6_0, Self::V9_3];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Idle,
    Loading,
    Saving,
}

/// What happens one after the other: each waits for a load before it.
#[derive(Debug)]
enum Action {
    Load,
    /// Tells a change of its own, or else its hashes.
    Save(Option<String>),
    Apply(Vec<Answer>),
}

/// The text of a message with changes in it, and where in its payload they are.
type Answer = (u8, String);

/// A client.
pub struct Client {
    pub replica: Replica,
    pub outbox: VecDeque<String>,
    /// How far its clock is ahead.
    pub skew_ms: i64,
    /// How many changes it has dropped for a stamp from the future.
    pub dropped: usize,
    name: &'static str,
    era: Era,
    /// The newest stamp it has made or seen.
    newest: String,
    syncs: bool,
    listens: bool,
    saves: bool,
    is_first_load: bool,
    status: Status,
    actions: VecDeque<Action>,
    loads: bool,
    scheduled: usize,
    loads_after_save: bool,
    default_content: Option<String>,
    requests: BTreeMap<String, Request>,
    ids: usize,
}

struct Request {
    until_ms: u64,
    pull: Pull,
}

/// A pull: what it asks next, and what has come so far.
#[derive(Default)]
struct Pull {
    /// Whom it asks: nobody yet where it began with a question to everybody.
    from: Option<String>,
    is_load: bool,
    asks_for_values: bool,
    answers: Vec<Answer>,
}

impl Client {
    /// A client whose name is the last five characters of its stamps.
    pub fn new(name: &'static str, era: Era) -> Self {
        Self {
            replica: Replica::new(era <= Era::V5_4),
            outbox: VecDeque::new(),
            skew_ms: 0,
            dropped: 0,
            name,
            era,
            newest: String::new(),
            syncs: false,
            listens: false,
            saves: false,
            is_first_load: false,
            status: Status::Idle,
            actions: VecDeque::new(),
            loads: false,
            scheduled: 0,
            loads_after_save: false,
            default_content: None,
            requests: BTreeMap::new(),
            ids: 0,
        }
    }

    pub fn era(&self) -> Era {
        self.era
    }

    /// Starts to sync, or does so anew as a page does that is loaded again with its store at hand.
    pub fn start_sync(&mut self, now_ms: u64) {
        let (replica, outbox) = (std::mem::take(&mut self.replica), std::mem::take(&mut self.outbox));
        let newest = std::mem::take(&mut self.newest);
        let (dropped, skew_ms, ids) = (self.dropped, self.skew_ms, self.ids);
        let default_content = self.default_content.take();
        let new = Self::new(self.name, self.era);
        *self = Self { replica, outbox, newest, dropped, skew_ms, ids, default_content, ..new };
        self.syncs = true;
        self.listens = self.era >= Era::V9_3;
        self.is_first_load = true;
        self.load(now_ms);
    }

    /// Starts to sync with initial content, a change with no stamps: it is the client's own where its load brings nothing.
    pub fn start_sync_with(&mut self, content: &str, now_ms: u64) {
        self.default_content = Some(content.to_owned());
        self.start_sync(now_ms);
    }

    /// Makes a change of its own, and answers it. It is given the stamp, and always wins in the client's own store.
    pub fn edit(&mut self, now_ms: u64, change: impl FnOnce(&str) -> String) -> String {
        let hlc = clock::next(&self.newest, self.clock_ms(now_ms), self.name);
        let change = change(&hlc);
        assert_eq!(self.replica.merge(&Tree::parse(&change)), hlc, "an edit of one's own wins");
        self.newest = hlc;
        if self.saves {
            self.save(Some(change.clone()), now_ms);
        }
        change
    }

    /// When to call [`timeout`](Self::timeout).
    pub fn poll_timeout(&self) -> Option<u64> {
        self.requests.values().map(|request| request.until_ms).min()
    }

    /// Gives up what was waited for in vain.
    pub fn timeout(&mut self, now_ms: u64) {
        let over = |request: &Request| request.until_ms <= now_ms;
        let ids: Vec<_> = self.requests.iter().filter(|(_, request)| over(request)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            if let Some(request) = self.requests.remove(&id) {
                self.pull_ended(request.pull, false, now_ms);
            }
        }
    }

    /// Takes a text from its socket.
    pub fn receive(&mut self, text: &str, now_ms: u64) {
        let (from, body) = text.split_once('\n').unwrap_or_else(|| panic!("{}: no envelope: {text}", self.name));
        assert!(body.starts_with('['), "{}: in parts, and it has sent none: {text}", self.name);
        let message = Tree::parse(body);
        let (type_, payload) = (message.at("1").scalar(), message.at("2"));
        let takes = if self.era <= Era::V5_3 { self.listens } else { self.syncs };
        let tells = if self.era <= Era::V5_3 { self.saves } else { self.syncs };
        let answer = match type_ {
            "0" => return self.answered(message.at("0").scalar().trim_matches('"'), from, body, payload, now_ms),
            "1" if tells => self.hashes_text(),
            "2" if takes => {
                let pull = Pull { from: Some(from.to_owned()), ..Pull::default() };
                return self.pull(pull, payload, now_ms);
            }
            "3" if takes => return self.listener(Some(vec![(3, body.to_owned())]), now_ms),
            "4" => self.replica.table_diff(payload),
            "5" => self.replica.row_diff(payload),
            "6" => self.replica.cell_diff(payload),
            "7" => self.replica.value_diff(payload),
            _ => return,
        };
        self.outbox.push_back(format!("{from}\n[{},0,{answer}]", message.at("0").scalar()));
    }

    fn answered(&mut self, id: &str, from: &str, body: &str, payload: &Tree, now_ms: u64) {
        let asked = |request: &&Request| request.pull.from.as_deref().is_none_or(|asked| asked == from);
        if self.requests.get(id).filter(asked).is_none() {
            return;
        }
        let Some(Request { mut pull, .. }) = self.requests.remove(id) else { return };
        pull.from = Some(from.to_owned());
        match id.as_bytes().last() {
            Some(b'1') => self.pull(pull, payload, now_ms),
            Some(b'4') => {
                let differing = payload.at("1");
                let hashes = (!differing.object().is_empty()).then(|| self.replica.row_hashes(differing));
                self.pull_went_on(pull, (4, body), hashes.map(|hashes| (5, hashes)), now_ms);
            }
            Some(b'5') => {
                let differing = payload.at("1");
                let hashes = (!differing.object().is_empty()).then(|| self.replica.cell_hashes(differing));
                self.pull_went_on(pull, (5, body), hashes.map(|hashes| (6, hashes)), now_ms);
            }
            Some(b'6') => self.pull_went_on(pull, (6, body), None, now_ms),
            _ => self.pull_went_on(pull, (7, body), None, now_ms),
        }
    }

    /// Asks for what differs from these hashes.
    fn pull(&mut self, mut pull: Pull, theirs: &Tree, now_ms: u64) {
        let (tables, values) = self.replica.hashes();
        pull.asks_for_values = values.to_string() != theirs.at("1").scalar();
        if tables.to_string() == theirs.at("0").scalar() {
            self.ask_for_values(pull, now_ms);
        } else {
            self.ask(pull, 4, &self.replica.table_hashes(), now_ms);
        }
    }

    fn pull_went_on(&mut self, mut pull: Pull, (type_, body): (u8, &str), next: Option<(u8, String)>, now_ms: u64) {
        pull.answers.push((type_, body.to_owned()));
        match next {
            Some((type_, hashes)) => self.ask(pull, type_, &hashes, now_ms),
            None => self.ask_for_values(pull, now_ms),
        }
    }

    fn ask_for_values(&mut self, mut pull: Pull, now_ms: u64) {
        if std::mem::take(&mut pull.asks_for_values) {
            self.ask(pull, 7, &self.replica.value_hashes(), now_ms);
        } else {
            self.pull_ended(pull, true, now_ms);
        }
    }

    fn ask(&mut self, pull: Pull, type_: u8, payload: &str, now_ms: u64) {
        if self.era >= Era::V9_3 && self.requests.len() >= MAX_REQUESTS {
            return self.pull_ended(pull, false, now_ms);
        }
        let id = format!("{}.000{type_}", self.new_id());
        let to = pull.from.as_deref().unwrap_or_default();
        self.outbox.push_back(format!("{to}\n[\"{id}\",{type_},{payload}]"));
        self.requests.insert(id, Request { until_ms: now_ms + PATIENCE_MS, pull });
    }

    fn pull_ended(&mut self, pull: Pull, is_done: bool, now_ms: u64) {
        let answers = is_done.then_some(pull.answers);
        if !pull.is_load {
            return self.listener(answers, now_ms);
        }
        let default_content = self.default_content.take();
        match answers.filter(|answers| !answers.is_empty()) {
            Some(answers) => self.apply(&answers, now_ms),
            None => default_content.iter().for_each(|content| {
                self.replica.merge_own(&Tree::parse(content));
            }),
        }
        self.loads = false;
        // From 9.3 on it counts as loading until all that waits for a load is over.
        if self.era < Era::V9_3 {
            self.status = Status::Idle;
        }
        self.run(now_ms);
    }

    /// Something came from elsewhere: a change, or what a pull has brought, which is nothing where it failed.
    fn listener(&mut self, changes: Option<Vec<Answer>>, now_ms: u64) {
        if !self.listens {
            return;
        }
        let is_new = self.era >= Era::V9_3;
        let saving = self.status == Status::Saving;
        match changes {
            Some(changes) if is_new && (self.is_first_load || saving || self.scheduled > 0) => {
                self.scheduled += 1;
                self.status = Status::Loading;
                self.schedule(Action::Apply(changes), now_ms);
            }
            Some(_) if saving => {}
            Some(changes) => {
                self.apply(&changes, now_ms);
                self.status = Status::Idle;
            }
            None if self.era == Era::V5_0 => {}
            None if is_new && saving => self.loads_after_save = true,
            None => self.load(now_ms),
        }
    }

    fn load(&mut self, now_ms: u64) {
        if self.status != Status::Saving {
            self.status = Status::Loading;
            self.schedule(Action::Load, now_ms);
        }
    }

    fn save(&mut self, change: Option<String>, now_ms: u64) {
        if self.status != Status::Loading {
            self.status = Status::Saving;
            self.schedule(Action::Save(change), now_ms);
        }
    }

    fn schedule(&mut self, action: Action, now_ms: u64) {
        self.actions.push_back(action);
        self.run(now_ms);
    }

    fn run(&mut self, now_ms: u64) {
        while !self.loads {
            match self.actions.pop_front() {
                Some(Action::Load) => {
                    self.loads = true;
                    self.ask(Pull { is_load: true, ..Pull::default() }, 1, "\"\"", now_ms);
                }
                Some(Action::Save(change)) => {
                    let (type_, payload) = change.map_or_else(|| (2, self.hashes_text()), |change| (3, change));
                    let id = if self.era <= Era::V5_3 { "null".to_owned() } else { format!("\"{}\"", self.new_id()) };
                    self.outbox.push_back(format!("\n[{id},{type_},{payload}]"));
                    self.status = Status::Idle;
                    if std::mem::take(&mut self.loads_after_save) {
                        self.load(now_ms);
                    }
                }
                Some(Action::Apply(changes)) => {
                    self.apply(&changes, now_ms);
                    // Where a save has come in between it takes what it was told for an edit of its own.
                    if self.saves
                        && let (Status::Idle, [(3, text)]) = (self.status, &*changes)
                    {
                        self.save(Some(payload_of_change(text).to_owned()), now_ms);
                    }
                    self.scheduled -= 1;
                    if self.scheduled == 0 && self.status == Status::Loading {
                        self.status = Status::Idle;
                    }
                }
                None => {
                    if self.status == Status::Loading {
                        self.status = Status::Idle;
                    }
                    if !std::mem::take(&mut self.is_first_load) {
                        return;
                    }
                    self.listens = true;
                    self.save(None, now_ms);
                    self.saves = true;
                }
            }
        }
    }

    fn apply(&mut self, answers: &[Answer], now_ms: u64) {
        let latest_ms = self.clock_ms(now_ms) + MAX_FUTURE_MS;
        if self.era >= Era::V9_3 && answers.iter().any(|(_, text)| newest_time_ms(text) > latest_ms) {
            self.dropped += 1;
            return;
        }
        for (type_, text) in answers {
            let message = Tree::parse(text);
            let payload = message.at("2");
            let newest = match type_ {
                3 => self.replica.merge(payload),
                4 => self.replica.merge_tables(payload.at("0"), false),
                5 => self.replica.merge_tables(payload.at("0"), true),
                6 => self.replica.merge_tables(payload, true),
                _ => self.replica.merge_values(payload),
            };
            if newest > self.newest {
                self.newest = newest;
            }
        }
    }

    fn hashes_text(&self) -> String {
        let (tables, values) = self.replica.hashes();
        format!("[{tables},{values}]")
    }

    fn clock_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.skew_ms)
    }

    /// An id of eleven characters.
    fn new_id(&mut self) -> String {
        self.ids += 1;
        format!("{}{:06}", self.name, self.ids)
    }
}

/// The change in a message of type 3.
fn payload_of_change(text: &str) -> &str {
    let (_, payload) = text.split_once(",3,").unwrap_or_else(|| panic!("no change: {text}"));
    payload.strip_suffix(']').unwrap_or(payload)
}

/// The time of the newest stamp in a message.
fn newest_time_ms(text: &str) -> u64 {
    let ends = text.match_indices("\"]").map(|(end, _)| end);
    let stamps = ends.filter_map(|end| text.get(end.checked_sub(18)?..end)?.strip_prefix(",\""));
    stamps.map(clock::time_ms).max().unwrap_or_default()
}
