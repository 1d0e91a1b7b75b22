//! Clients around a room, with edits, deletions, slow lines, lost connections, evictions, clocks that are wrong and disks
//! that are full, in any order: in the end all hold the same, nothing is lost, nobody was closed, and it is quiet.
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
use support::client::Era;
use support::network::{Line, World};
use tinyroom::access::Access;
use tinyroom::journal;
use tinyroom::room::Settings;

const NAMES: [&str; 3] = ["Alice", "Bobby", "Carol"];
const HOUR_MS: i64 = 3_600_000;
/// Near enough for an answer to come within the second that a client waits for it, whatever lies in between.
const NEAR_MS: u64 = 200;
const FAR_MS: u64 = 10_000;

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// A client sets a cell, or a value where there is no row. `None` deletes.
    Edit { client: usize, row: Option<u8>, cell: u8, value: Option<u16> },
    /// A client loses its socket. So many of its texts still arrive at the room, which learns of it so much later.
    Disconnect { client: usize, arrive: usize, later_ms: u64 },
    /// A client gets a socket again: as a page that is loaded anew, or under a client that does not notice.
    Connect { client: usize, anew: bool },
    /// The room is evicted, if it has nothing to wait for.
    Hibernate,
    /// What is stored is read, and the room goes on with it.
    Read,
    /// The room's clock is set.
    Clock(i64),
    /// The disk is full from now on, or has room again.
    Disk { is_full: bool },
    /// The room is lost with everything in memory, and all sockets stay open.
    Reset,
    /// The room is lost with everything in memory, and with all sockets.
    Crash,
}

/// A client: its version, its line, and how far its clock is ahead.
type Person = (Era, Line, i64);

fn happen(world: &mut World, event: Event) {
    let client = |client: usize| client % world.members.len();
    match event {
        Event::Edit { client: whose, row, cell, value } => {
            let (whose, value) = (client(whose), value.map_or("\"\u{fffc}\"".to_owned(), |value| value.to_string()));
            match world.members[whose].access {
                Access::Read => world.edit_in_vain(whose, |hlc| change(row, cell, &value, hlc)),
                _ => world.edit(whose, |hlc| change(row, cell, &value, hlc)),
            }
        }
        Event::Disconnect { client: whose, arrive, later_ms } => world.disconnect(client(whose), arrive, later_ms),
        Event::Connect { client: whose, anew } => world.connect(client(whose), anew),
        Event::Hibernate => world.evict(),
        Event::Read => world.read(),
        Event::Clock(skew_ms) => world.skew_ms = skew_ms,
        Event::Disk { is_full } => world.disk_is_full = is_full,
        Event::Reset => world.reset(),
        Event::Crash => world.crash(),
    }
}

fn change(row: Option<u8>, cell: u8, value: &str, hlc: &str) -> String {
    match row {
        Some(row) => format!(r#"[[{{"t{}":[{{"r{row}":[{{"c{cell}":[{value},"{hlc}"]}}]}}]}}],[{{}}],1]"#, row % 2),
        None => format!(r#"[[{{}}],[{{"v{cell}":[{value},"{hlc}"]}}],1]"#),
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
    let disconnect = (client.clone(), 0..3usize, prop_oneof![0..50u64, 0..30_000u64]);
    prop_oneof![
        12 => edit.prop_map(|(client, row, cell, value)| Event::Edit { client, row, cell, value }),
        3 => disconnect.prop_map(|(client, arrive, later_ms)| Event::Disconnect { client, arrive, later_ms }),
        5 => (client, any::<bool>()).prop_map(|(client, anew)| Event::Connect { client, anew }),
        1 => Just(Event::Hibernate),
        1 => Just(Event::Read),
    ]
}

/// Events, each so many milliseconds after the one before.
fn events(any: impl Strategy<Value = Event>) -> impl Strategy<Value = Vec<(u64, Event)>> {
    let pause = prop_oneof![3 => Just(0), 4 => 1..60u64, 4 => 60..3_000u64, 1 => 3_000..30_000u64];
    proptest::collection::vec((pause, any), 0..60)
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
    let keep_within_ms = prop_oneof![2 => Just(0), 1 => 1..200u64, 1 => 200..30_000u64];
    (any::<bool>(), any::<bool>(), keep_within_ms).prop_map(move |(stingy, compacts, keep_within_ms)| {
        let room = Settings { keep_within_ms, ..Settings::default() };
        let room =
            if stingy { Settings { load_answer_bytes: 80, answer_bytes: 80, change_bytes: 80, ..room } } else { room };
        (room, if compacts { small } else { journal::Settings::default() })
    })
}

fn any_person(most_rtt_ms: u64) -> impl Strategy<Value = Person> {
    let rtt_ms = prop_oneof![0..40u64, 40..most_rtt_ms];
    let bytes_per_s = prop_oneof![Just(0), 64_000..1_000_000u64];
    let frame_ms = prop_oneof![4 => Just(0), 1 => 1..(most_rtt_ms / 10).min(300)];
    let line = (rtt_ms, bytes_per_s, frame_ms);
    let line = line.prop_map(|(rtt_ms, bytes_per_s, frame_ms)| Line { rtt_ms, bytes_per_s, frame_ms });
    let skew_ms = prop_oneof![Just(0), -120_000..120_000i64];
    (proptest::sample::select(Era::ALL.to_vec()), line, skew_ms)
}

fn any_people(count: usize, most_rtt_ms: u64) -> impl Strategy<Value = Vec<Person>> {
    proptest::collection::vec(any_person(most_rtt_ms), count)
}

fn run(people: &[Person], settings: (Settings, journal::Settings), disk_ms: u64, events: Vec<(u64, Event)>) -> World {
    run_with_readers(0, people, settings, disk_ms, events)
}

/// The last so many of these people may not write.
fn run_with_readers(
    readers: usize,
    people: &[Person],
    settings: (Settings, journal::Settings),
    disk_ms: u64,
    events: Vec<(u64, Event)>,
) -> World {
    let mut world = World::with(settings.0, settings.1);
    world.disk_ms = disk_ms;
    for (index, (&name, &(era, line, skew_ms))) in NAMES.iter().zip(people).enumerate() {
        let member = world.add(name, era, line);
        if index + readers >= people.len() {
            world.members[member].access = Access::Read;
        }
        world.connect(member, true);
        world.members[member].client.skew_ms = skew_ms;
    }
    for (pause_ms, event) in events {
        world.pass(pause_ms);
        happen(&mut world, event);
    }
    world
}

/// All is well again, everybody connects, and everything happens that still will. Whoever is closed comes back.
fn settle(world: &mut World, anew: bool) {
    (world.skew_ms, world.disk_is_full) = (0, false);
    for _ in 0..20 {
        (0..world.members.len()).for_each(|member| world.connect(member, anew));
        assert!(world.rest(30 * 60_000), "it never comes to rest");
        if (0..world.members.len()).all(|member| world.is_connected(member)) {
            return;
        }
    }
    panic!("clients are closed again and again: {:?}", world.closed);
}

/// Checks that all hold the same, that nobody was closed, and that a wake has nothing to say.
fn assert_equal(world: &World) {
    assert_eq!(world.closed, []);
    assert!(world.are_whole());
    world.assert_all_hold(0..world.members.len());
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn two_clients_and_a_room_end_equal(
        people in any_people(2, NEAR_MS),
        settings in any_settings(),
        disk_ms in prop_oneof![Just(0), 0..200u64],
        events in events(any_event()),
        anew in any::<bool>(),
    ) {
        let mut world = run(&people, settings, disk_ms, events);
        settle(&mut world, anew);
        assert_equal(&world);
    }

    #[test]
    fn three_clients_and_a_room_end_equal(
        people in any_people(3, NEAR_MS),
        settings in any_settings(),
        disk_ms in prop_oneof![Just(0), 0..200u64],
        events in events(any_event()),
        anew in any::<bool>(),
    ) {
        let mut world = run(&people, settings, disk_ms, events);
        settle(&mut world, anew);
        assert_equal(&world);
    }

    #[test]
    fn however_far_they_are_all_end_equal(
        people in any_people(3, FAR_MS),
        settings in any_settings(),
        disk_ms in prop_oneof![Just(0), 0..200u64],
        events in events(prop_oneof![30 => any_event(), 1 => Just(Event::Reset), 1 => Just(Event::Crash)]),
        anew in any::<bool>(),
    ) {
        let mut world = run(&people, settings, disk_ms, events);
        settle(&mut world, anew);
        (0..people.len()).for_each(|client| world.disconnect(client, 0, 0));
        settle(&mut world, anew);
        assert_equal(&world);
    }

    /// What a reader edits is nobody else's, and in the end not its own any more.
    #[test]
    fn readers_end_with_what_the_room_holds_and_nothing_of_theirs_is_told_or_kept(
        readers in 1..3usize,
        people in any_people(3, FAR_MS),
        settings in any_settings(),
        disk_ms in prop_oneof![Just(0), 0..200u64],
        events in events(prop_oneof![
            30 => any_event(),
            1 => Just(Event::Reset),
            1 => Just(Event::Crash),
            1 => any::<bool>().prop_map(|is_full| Event::Disk { is_full }),
        ]),
        anew in any::<bool>(),
    ) {
        let mut world = run_with_readers(readers, &people, settings, disk_ms, events);
        settle(&mut world, anew);
        (0..people.len()).for_each(|client| world.disconnect(client, 0, 0));
        settle(&mut world, anew);
        prop_assert_eq!(&world.closed, &[]);
        let writers = people.len() - readers;
        world.assert_all_hold(0..writers);
        for (reader, person) in people.iter().enumerate().skip(writers) {
            prop_assert!(world.shows_the_room(reader), "reader {} is {:?}", reader, person);
        }
    }

    /// Without their connecting anew, also where the room has slept meanwhile.
    #[test]
    fn readers_show_what_the_room_holds_after_the_next_event(
        readers in 1..3usize,
        people in any_people(3, FAR_MS),
        settings in any_settings(),
        events in events(any_event()),
        anew in any::<bool>(),
    ) {
        let mut world = run_with_readers(readers, &people, settings, 0, events);
        settle(&mut world, anew);
        for value in ["true", "false"] {
            world.evict();
            world.edit(0, |hlc| change(Some(9), 0, value, hlc));
            prop_assert!(world.rest(30 * 60_000));
        }
        prop_assert_eq!(&world.closed, &[]);
        let writers = people.len() - readers;
        world.assert_all_hold(0..writers);
        for (reader, person) in people.iter().enumerate().skip(writers) {
            prop_assert!(world.shows_the_room(reader), "reader {} is {:?}", reader, person);
        }
    }

    /// A room that is lost forgets what it has not kept, and what a client sent comes back when the client does.
    #[test]
    fn what_a_lost_room_has_not_kept_comes_back_with_the_next_connection(
        people in any_people(3, NEAR_MS),
        settings in any_settings(),
        disk_ms in prop_oneof![Just(0), 0..200u64],
        events in events(prop_oneof![30 => any_event(), 1 => Just(Event::Reset), 1 => Just(Event::Crash)]),
        anew in any::<bool>(),
    ) {
        let mut world = run(&people, settings, disk_ms, events);
        settle(&mut world, anew);
        (0..people.len()).for_each(|client| world.disconnect(client, 0, 0));
        settle(&mut world, anew);
        assert_equal(&world);
    }

    /// Where changes may be kept later than they are relayed. Nobody has to connect anew: whoever says something is asked.
    #[test]
    fn what_a_lost_room_had_relayed_and_not_kept_comes_back_with_the_next_messages(
        people in any_people(3, NEAR_MS),
        settings in any_settings(),
        keep_within_ms in 1..10_000u64,
        disk_ms in prop_oneof![Just(0), 0..200u64],
        events in events(prop_oneof![30 => any_event(), 2 => Just(Event::Reset)]),
        anew in any::<bool>(),
    ) {
        let settings = (Settings { keep_within_ms, ..settings.0 }, settings.1);
        let mut world = run(&people, settings, disk_ms, events);
        settle(&mut world, anew);
        for (client, _) in people.iter().enumerate() {
            world.edit(client, |hlc| change(Some(9), client as u8, "true", hlc));
        }
        settle(&mut world, anew);
        assert_equal(&world);
    }

    /// Where changes may be kept later than they are relayed, one client that survives a crash is enough.
    #[test]
    fn what_one_client_has_seen_of_a_room_that_crashes_is_not_lost(
        people in any_people(3, NEAR_MS),
        settings in any_settings(),
        keep_within_ms in 1..10_000u64,
        events in events(prop_oneof![30 => any_event(), 1 => Just(Event::Reset), 1 => Just(Event::Crash)]),
        anew in any::<bool>(),
    ) {
        let settings = (Settings { keep_within_ms, ..settings.0 }, settings.1);
        let mut world = run(&people, settings, 0, events);
        world.crash();
        // The others never come back.
        world.members.truncate(1);
        world.expected = world.members[0].client.replica.clone();
        let seen = world.expected.leaves();
        settle(&mut world, anew);
        let found = world.members[0].client.replica.leaves();
        prop_assert!(seen.keys().all(|path| found.contains_key(path)));
        world.expected = world.members[0].client.replica.clone();
        assert_equal(&world);
    }

    /// While its clock is behind, everything comes from the future to a room.
    #[test]
    fn whatever_the_rooms_clock_does_all_end_equal_and_no_timer_hangs(
        people in any_people(3, NEAR_MS),
        settings in any_settings(),
        events in events(prop_oneof![
            12 => any_event(),
            1 => (-HOUR_MS..HOUR_MS).prop_map(Event::Clock),
            1 => Just(Event::Clock(-HOUR_MS)),
            1 => Just(Event::Clock(HOUR_MS)),
            1 => Just(Event::Clock(0)),
        ]),
        anew in any::<bool>(),
    ) {
        let mut world = run(&people, settings, 0, events);
        world.skew_ms = 0;
        world.pass(60_000);
        // What was refused is asked for at the first event after its time has come.
        for (client, _) in people.iter().enumerate() {
            world.connect(client, false);
            world.edit(client, |hlc| change(Some(9), client as u8, "true", hlc));
        }
        settle(&mut world, anew);
        assert_equal(&world);
    }

    /// What could not be kept is neither lost nor its author's fault.
    #[test]
    fn after_a_disk_was_full_all_end_equal_and_nobody_was_closed(
        people in any_people(3, NEAR_MS),
        settings in any_settings(),
        events in events(prop_oneof![
            12 => any_event(),
            1 => any::<bool>().prop_map(|is_full| Event::Disk { is_full }),
        ]),
        anew in any::<bool>(),
    ) {
        let mut world = run(&people, settings, 0, events);
        world.disk_is_full = false;
        world.pass(60_000);
        for (client, _) in people.iter().enumerate() {
            world.connect(client, false);
            world.edit(client, |hlc| change(Some(9), client as u8, "true", hlc));
        }
        settle(&mut world, anew);
        assert_equal(&world);
    }
}

/// A client's window is full when the room is evicted and forgets what it was still to send; then others edit, and the room
/// probes the client again before it has answered the first time.
#[test]
fn what_an_evicted_room_was_to_send_is_made_up_though_it_probes_again_at_once() {
    let people = [(Era::V5_0, Line::NONE, 0), (Era::V5_0, Line::NONE, 0), (Era::V5_0, Line::of_rtt(94), 0)];
    let edit = |client, row, cell| Event::Edit { client, row, cell, value: None };
    let events = vec![
        (0, Event::Disconnect { client: 1, arrive: 0, later_ms: 0 }),
        (0, edit(0, None, 0)),
        (0, edit(1, None, 0)),
        (183, edit(0, Some(0), 0)),
        (0, edit(0, Some(0), 0)),
        (29, edit(2, None, 1)),
        (23, Event::Connect { client: 1, anew: true }),
        (0, Event::Hibernate),
        (0, edit(0, Some(0), 0)),
    ];
    let mut world = run(&people, Default::default(), 0, events);
    settle(&mut world, false);
    assert_equal(&world);
}
