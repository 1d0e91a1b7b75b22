//! Clients around a room, with edits, deletions, lost connections and evictions in any order: in the end all hold the
//! same, and nothing is lost.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use proptest::prelude::*;
use std::collections::VecDeque;
use support::client::{Client, Era};
use support::fixtures::NOW_MS;
use support::stamp::stamp;
use support::stores::merge;
use support::table::Table;
use support::tree::Tree;
use tinyroom::journal;
use tinyroom::room::{ConnectionId, Input, Output, Room, Settings};
use tinyroom::store::Store;

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// A client sets a cell, or a value where there is no row. `None` deletes.
    Edit { client: usize, row: Option<u8>, cell: u8, value: Option<u16> },
    /// The next of the texts that are under way arrives; which queue's, the number decides.
    Deliver(usize),
    /// Time passes.
    Pass(u64),
    /// A client loses its socket. So many of its texts still arrive at the room.
    Disconnect { client: usize, arrive: usize },
    /// A client gets a socket again: as a page that is loaded anew, or under a client that does not notice.
    Connect { client: usize, anew: bool },
    /// The room is evicted, if it has nothing to wait for.
    Hibernate,
    /// What was to be kept is on disk.
    Kept,
    /// What is stored is read, and the room goes on with it.
    Read,
    /// The room is lost with everything in memory, and all sockets stay open.
    Reset,
    /// The room is lost with everything in memory, and with all sockets.
    Crash,
}

struct World {
    room: Room,
    table: Table,
    settings: (Settings, journal::Settings),
    now_ms: u64,
    members: Vec<Member>,
    /// Connections that clients have lost, with the texts that still arrive before the room learns of it.
    closing: Vec<(ConnectionId, VecDeque<String>)>,
    /// Every edit, merged without any protocol.
    expected: Store,
    edits: u32,
    wakes: u64,
}

struct Member {
    name: &'static str,
    client: Client,
    skew_ms: u64,
    link: Option<Link>,
}

/// An open connection: texts to the room, and from it.
struct Link {
    id: ConnectionId,
    up: VecDeque<String>,
    down: VecDeque<String>,
}

impl World {
    fn new(eras: &[Era], settings: (Settings, journal::Settings)) -> Self {
        let names = ["Alice", "Bobby", "Carol"];
        let members = names.into_iter().zip(eras).enumerate().map(|(index, (name, &era))| Member {
            name,
            client: Client::new(name, era),
            skew_ms: 3_000 * index as u64,
            link: None,
        });
        Self {
            room: Room::new(settings.0, Store::new(1), journal::Journal::new(settings.1), 1),
            table: Table::default(),
            settings,
            now_ms: NOW_MS - 1_000_000,
            members: members.collect(),
            closing: Vec::new(),
            expected: Store::new(1),
            edits: 0,
            wakes: 0,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Edit { client, row, cell, value } => self.edit(client, row, cell, value),
            Event::Deliver(pick) => drop(self.deliver(pick)),
            Event::Pass(ms) => self.pass(ms),
            Event::Disconnect { client, arrive } => self.disconnect(client, arrive),
            Event::Connect { client, anew } => self.connect(client, anew),
            Event::Hibernate if self.room.poll_timeout().is_some() => {}
            Event::Hibernate | Event::Reset => {
                let open: Vec<_> = self.room.connections().collect();
                self.load();
                open.into_iter().for_each(|id| self.handle(Input::Resumed(id)));
            }
            Event::Kept => self.handle(Input::Kept),
            Event::Read => {
                self.handle(Input::Read);
                if !self.room.is_compacting() {
                    self.room.unload();
                    let (store, journal) = self.table.load(self.settings.1);
                    self.room.reload(store, journal);
                    self.carry_out();
                }
            }
            Event::Crash => {
                self.closing.clear();
                (0..self.members.len()).for_each(|client| self.disconnect(client, 0));
                self.closing.clear();
                self.load();
            }
        }
    }

    fn edit(&mut self, client: usize, row: Option<u8>, cell: u8, value: Option<u16>) {
        let value = value.map_or("\"\u{fffc}\"".to_owned(), |value| value.to_string());
        let (now_ms, edits) = (self.now_ms, &mut self.edits);
        let Some(member) = self.members.get_mut(client) else { return };
        // A client's clock has seen every stamp in its store, so its own edit always wins there.
        for ahead_ms in (0..).step_by(500) {
            *edits += 1;
            let hlc = stamp(now_ms + member.skew_ms + ahead_ms, *edits, member.name);
            let change = match row {
                Some(row) => {
                    format!(r#"[[{{"t{}":[{{"r{row}":[{{"c{cell}":[{value},"{hlc}"]}}]}}]}}],[{{}}],1]"#, row % 2)
                }
                None => format!(r#"[[{{}}],[{{"v{cell}":[{value},"{hlc}"]}}],1]"#),
            };
            if member.client.edit(&change) {
                merge(&mut self.expected, &change);
                break;
            }
        }
        self.collect(client);
    }

    fn connect(&mut self, client: usize, anew: bool) {
        if self.members.get(client).is_none_or(|member| member.link.is_some()) {
            return;
        }
        let id = self.room.new_id();
        self.handle(Input::Opened(id));
        let member = &mut self.members[client];
        member.link = Some(Link { id, up: VecDeque::new(), down: VecDeque::new() });
        if anew {
            member.client.start_sync();
        }
        self.collect(client);
    }

    fn disconnect(&mut self, client: usize, arrive: usize) {
        let Some(member) = self.members.get_mut(client) else { return };
        if let Some(mut link) = member.link.take() {
            link.up.truncate(arrive);
            self.closing.push((link.id, link.up));
            member.client.disconnect();
        }
    }

    /// Puts what a client sends on its way; without a socket it is lost.
    fn collect(&mut self, client: usize) {
        let member = &mut self.members[client];
        let texts = member.client.outbox.drain(..);
        if let Some(link) = &mut member.link {
            link.up.extend(texts);
        }
    }

    /// Lets the next text of some queue arrive. Answers whether there was one.
    fn deliver(&mut self, pick: usize) -> bool {
        let queues = 2 * self.members.len() + self.closing.len();
        (0..queues).any(|offset| self.deliver_from((pick + offset) % queues))
    }

    fn deliver_from(&mut self, queue: usize) -> bool {
        let count = self.members.len();
        if queue >= 2 * count {
            let (id, texts) = &mut self.closing[queue - 2 * count];
            let id = *id;
            match texts.pop_front() {
                Some(text) => self.handle(Input::Text(id, &text)),
                None => {
                    self.closing.remove(queue - 2 * count);
                    self.handle(Input::Closed(id));
                }
            }
            return true;
        }
        let client = queue % count;
        let Some(link) = &mut self.members[client].link else { return false };
        if queue < count {
            let (id, text) = (link.id, link.up.pop_front());
            text.is_some_and(|text| {
                self.handle(Input::Text(id, &text));
                true
            })
        } else {
            let text = link.down.pop_front();
            text.is_some_and(|text| {
                self.members[client].client.receive(&text);
                self.collect(client);
                true
            })
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        if self.room.poll_timeout().is_some_and(|at_ms| at_ms <= self.now_ms) {
            self.handle(Input::Timeout);
        }
        if ms >= 1_000 {
            for client in 0..self.members.len() {
                self.members[client].client.give_up();
                self.collect(client);
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.room.handle(input, self.now_ms);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Persist { commit, .. } => self.table.carry_out(&commit),
                Output::Send { to, text } => self.send(text, |id| id == to),
                Output::Broadcast { except, text } => self.send(text, |id| !except.contains(&id)),
                Output::Pause => {}
                Output::Close { reason, .. } => panic!("a client is closed: {reason}"),
            }
        }
    }

    fn send(&mut self, text: String, to: impl Fn(ConnectionId) -> bool) {
        let links = self.members.iter_mut().filter_map(|member| member.link.as_mut());
        links.filter(|link| to(link.id)).for_each(|link| link.down.push_back(text.clone()));
    }

    fn load(&mut self) {
        let (store, journal) = self.table.load(self.settings.1);
        self.wakes += 1;
        self.room = Room::new(self.settings.0, store, journal, 1 + self.wakes);
    }

    /// Connects everybody, and lets everything happen that still will.
    fn settle(&mut self, anew: bool) {
        (0..self.members.len()).for_each(|client| self.connect(client, anew));
        for step in 0.. {
            assert!(step < 5_000, "it never comes to rest");
            if !self.deliver(step) {
                let waits = self.members.iter().any(|member| member.client.will_give_up());
                match self.room.poll_timeout() {
                    Some(at_ms) => self.pass(at_ms.saturating_sub(self.now_ms)),
                    None if waits => self.pass(1_000),
                    None => return,
                }
            }
        }
    }

    /// Checks that all hold what was ever edited.
    fn assert_equal(&self) {
        let expected = self.expected.content_text();
        let expected = Tree::parse(&expected);
        let loaded = self.table.load(self.settings.1).0;
        let members = self.members.iter().map(|member| (member.name, &member.client.store));
        for (name, store) in members.chain([("the room", self.room.store()), ("the journal", &loaded)]) {
            assert_eq!(Tree::parse(&store.content_text()), expected, "{name}");
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let client = 0..3usize;
    let edit = (
        client.clone(),
        proptest::option::weighted(0.8, 0..4u8),
        0..3u8,
        proptest::option::weighted(0.8, any::<u16>()),
    );
    prop_oneof![
        6 => edit.prop_map(|(client, row, cell, value)| Event::Edit { client, row, cell, value }),
        20 => any::<usize>().prop_map(Event::Deliver),
        4 => prop_oneof![0..5u64, 5..60u64, 200..1_200u64].prop_map(Event::Pass),
        2 => (client.clone(), 0..3usize).prop_map(|(client, arrive)| Event::Disconnect { client, arrive }),
        4 => (client, any::<bool>()).prop_map(|(client, anew)| Event::Connect { client, anew }),
        1 => Just(Event::Hibernate),
        3 => Just(Event::Kept),
        1 => Just(Event::Read),
    ]
}

fn any_settings() -> impl Strategy<Value = (Settings, journal::Settings)> {
    let small = journal::Settings {
        level0_bytes: 100,
        level0_entries: 2,
        level1_bytes: 300,
        row_bytes: 700,
        slice_bytes: 150,
        slack_bytes: 200,
    };
    (any::<bool>(), any::<bool>()).prop_map(move |(stingy, compacts)| {
        let room = Settings::default();
        let room =
            if stingy { Settings { load_answer_bytes: 80, answer_bytes: 80, change_bytes: 80, ..room } } else { room };
        (room, if compacts { small } else { journal::Settings::default() })
    })
}

fn any_era() -> impl Strategy<Value = Era> {
    prop_oneof![Just(Era::Old), Just(Era::New)]
}

fn run(eras: &[Era], settings: (Settings, journal::Settings), events: Vec<Event>, anew: bool) -> World {
    let mut world = World::new(eras, settings);
    (0..eras.len()).for_each(|client| world.connect(client, true));
    events.into_iter().for_each(|event| world.happen(event));
    world.settle(anew);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn two_clients_and_a_room_end_equal(
        eras in proptest::collection::vec(any_era(), 2),
        settings in any_settings(),
        events in proptest::collection::vec(any_event(), 0..120),
        anew in any::<bool>(),
    ) {
        run(&eras, settings, events, anew).assert_equal();
    }

    #[test]
    fn three_clients_and_a_room_end_equal(
        eras in proptest::collection::vec(any_era(), 3),
        settings in any_settings(),
        events in proptest::collection::vec(any_event(), 0..200),
        anew in any::<bool>(),
    ) {
        run(&eras, settings, events, anew).assert_equal();
    }

    /// A room that is lost forgets what it has not kept, and what a client sent comes back when the client does.
    #[test]
    fn what_a_lost_room_has_not_kept_comes_back_with_the_next_connection(
        eras in proptest::collection::vec(any_era(), 3),
        settings in any_settings(),
        events in proptest::collection::vec(
            prop_oneof![30 => any_event(), 1 => Just(Event::Reset), 1 => Just(Event::Crash)],
            0..200,
        ),
        anew in any::<bool>(),
    ) {
        let mut world = run(&eras, settings, events, anew);
        (0..eras.len()).for_each(|client| world.disconnect(client, 0));
        world.settle(anew);
        world.assert_equal();
    }
}
