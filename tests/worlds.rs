//! A room and its clients where the world is not kind: far lines, slow readers, slow clients, clocks that are wrong. Each
//! runs on a virtual network (`support/network.rs`), so that what takes minutes takes none.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use support::client::Era;
use support::network::{Line, World};
use support::replica::Replica;
use support::stores::cell;
use support::tree::Tree;
use tinyroom::room::Settings;

const NEAR: Line = Line::of_rtt(10);
const MINUTE_MS: u64 = 60_000;
const GREET_AFTER_MS: u64 = 250;
const RTTS_MS: [u64; 9] = [200, 450, 600, 900, 1_000, 1_100, 2_400, 5_000, 10_000];

/// So many rows of two tables as `{row: …}`, each with three cells of so many characters.
fn rows(rows: std::ops::Range<usize>, length: usize, hlc: &str) -> String {
    let value = "x".repeat(length);
    let row = |n: usize| {
        let cells = ["a", "b", "c"].map(|id| format!(r#""{id}":["{n}{value}","{hlc}"]"#));
        format!(r#""r{n}":[{{{}}}]"#, cells.join(","))
    };
    let tables = ["even", "odd"].into_iter().enumerate().map(|(odd, table)| {
        let rows: Vec<_> = rows.clone().filter(|n| n % 2 == odd).map(row).collect();
        format!(r#""{table}":[{{{}}}]"#, rows.join(","))
    });
    format!("[[{{{}}}],[{{}}],1]", tables.collect::<Vec<_>>().join(","))
}

/// A change of a value.
fn value(id: &str, value: &str, hlc: &str) -> String {
    format!(r#"[[{{}}],[{{"{id}":["{value}","{hlc}"]}}],1]"#)
}

/// A room with content, two clients near by, and nothing left to say.
fn filled(settings: Settings, length: usize) -> World {
    let mut world = World::new(settings);
    let writer = world.join("Alice", Era::V9_3, NEAR);
    let _watcher = world.join("Bobby", Era::V6_0, NEAR);
    world.rest(MINUTE_MS);
    world.edit(writer, |hlc| rows(0..60, length, hlc));
    for id in ["v", "w"] {
        world.edit(writer, |hlc| value(id, "1", hlc));
    }
    world.rest(MINUTE_MS);
    assert!(world.are_whole());
    world
}

/// Whether the room and everybody in it hold what was ever edited.
fn all_hold(world: &World) -> bool {
    world.are_whole() && world.members.iter().all(|member| member.client.replica.hashes() == world.expected.hashes())
}

/// How long a client may take to be whole: eight round trips, and what the bytes take, three times over, since the first
/// to come may come too late. Before that a room waits whether the client begins by itself.
fn limit_ms(world: &World, line: Line) -> u64 {
    let bytes = 3 * world.room.store().text_bytes() as u64;
    GREET_AFTER_MS + 8 * line.rtt_ms + (bytes * 1_000).checked_div(line.bytes_per_s).unwrap_or_default()
}

/// A newcomer to a filled room.
fn newcomer(world: &mut World, era: Era, line: Line) -> Option<u64> {
    world.join("Carol", era, line);
    world.until(limit_ms(world, line), all_hold)
}

/// A client that has lost its socket, missed edits and made some.
fn cut_off(world: &mut World, era: Era, line: Line) -> usize {
    let back = world.join("Carol", era, NEAR);
    assert!(world.until(MINUTE_MS, all_hold).is_some());
    world.rest(MINUTE_MS);
    world.members[back].line = line;
    world.disconnect(back, 0, 0);
    world.pass(5_000);
    for (member, row) in [(0, "r1"), (back, "r2")] {
        world.edit(member, |hlc| cell("even", row, "a", "true", hlc));
        world.edit(member, |hlc| cell("even", &format!("new {member}"), "a", "true", hlc));
        world.edit(member, |hlc| cell(&format!("table {member}"), "r", "a", "true", hlc));
        world.edit(member, |hlc| cell("odd", "r3", &format!("cell {member}"), "true", hlc));
        world.edit(member, |hlc| value(&format!("value {member}"), "2", hlc));
    }
    world.edit(0, |hlc| cell("odd", "r5", "a", "1", hlc));
    world.edit(back, |hlc| cell("odd", "r5", "a", "2", hlc));
    world.pass(5_000);
    back
}

/// A socket that comes back under it.
fn reconnect(world: &mut World, era: Era, line: Line) -> Option<u64> {
    let back = cut_off(world, era, line);
    world.connect(back, false);
    world.until(limit_ms(world, line), all_hold)
}

/// The same beside a newcomer.
fn both_at_once(world: &mut World, era: Era, line: Line) -> Option<u64> {
    let back = cut_off(world, era, line);
    world.join("David", era, line);
    world.connect(back, false);
    world.until(limit_ms(world, line), all_hold)
}

/// Who is not whole in time, after a story that begins in a filled room.
fn late(
    settings: Settings,
    length: usize,
    lines: &[Line],
    story: impl Fn(&mut World, Era, Line) -> Option<u64>,
) -> Vec<(Era, Line)> {
    let mut late = Vec::new();
    for &line in lines {
        for era in Era::ALL {
            let mut world = filled(settings, length);
            if story(&mut world, era, line).is_none() {
                late.push((era, line));
                continue;
            }
            assert!(world.rest(10 * MINUTE_MS), "{era:?} on {line:?} never comes to rest");
            assert_eq!(world.closed, []);
            world.assert_all_hold(0..world.members.len());
        }
    }
    late
}

// ── Distance ─────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_newcomer_of_any_version_is_whole_after_eight_round_trips() {
    let late = late(Settings::default(), 10, &RTTS_MS.map(Line::of_rtt), newcomer);
    assert!(late.is_empty(), "{late:?}");
}

#[test]
fn whoever_comes_back_with_edits_and_missed_some_is_whole_after_eight_round_trips_and_so_are_all() {
    let late = late(Settings::default(), 10, &RTTS_MS.map(Line::of_rtt), reconnect);
    assert!(late.is_empty(), "{late:?}");
}

#[test]
fn a_newcomer_beside_one_who_comes_back_delays_nobody() {
    let late = late(Settings::default(), 10, &RTTS_MS.map(Line::of_rtt), both_at_once);
    assert!(late.is_empty(), "{late:?}");
}

/// A client may answer like one that has loaded, and drop what it is told until the second that it gives its load is over.
/// When it says what it holds then, it may have said the same before.
#[test]
fn what_a_client_drops_while_it_loads_comes_again_when_it_says_that_it_has_loaded() {
    let mut faults = Vec::new();
    for era in Era::ALL {
        for (edit_ms, rtt_ms) in (0..960).step_by(20).flat_map(|edit_ms| [(edit_ms, 90), (edit_ms, 110)]) {
            for evicts in [false, true] {
                let mut world = World::new(Settings::default());
                let near = world.join("Alice", Era::V5_0, NEAR);
                let other = world.join("Bobby", Era::V5_0, Line::of_rtt(126));
                // Its socket is lost as its load begins, and comes back.
                let loading = world.join("Carol", era, Line::of_rtt(rtt_ms));
                world.pass(7);
                world.edit(near, |hlc| cell("t", "r", "c", "1", hlc));
                world.pass(5);
                world.edit(other, |hlc| cell("t", "s", "c", "1", hlc));
                world.disconnect(loading, 0, 0);
                world.pass(4);
                world.edit(loading, |hlc| value("x", "1", hlc));
                world.connect(loading, false);
                world.pass(edit_ms);
                world.edit(other, |hlc| value("x", "2", hlc));
                world.pass(985 + rtt_ms / 2 - edit_ms);
                if evicts {
                    world.evict();
                }
                world.pass(8 * rtt_ms + 2_000);
                if !all_hold(&world) || !world.rest(MINUTE_MS) || !world.closed.is_empty() {
                    faults.push((era, rtt_ms, edit_ms, evicts));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} worlds, among them {:?}", faults.len(), faults[0]);
}

/// Four megabytes in rows of which everybody has edited each, so that all of them have to be compared.
#[test]
fn however_much_has_changed_on_both_sides_all_are_whole_after_eight_round_trips() {
    let mut late = Vec::new();
    for line in [Line::of_rtt(600), Line::of_rtt(10_000)] {
        for era in [Era::V5_0, Era::V9_3] {
            let mut world = filled(Settings::default(), 22_000);
            let back = cut_off(&mut world, era, line);
            for row in 0..60 {
                let table = ["even", "odd"][row % 2];
                for (member, id) in [(0, "b"), (back, "c")] {
                    world.edit(member, |hlc| cell(table, &format!("r{row}"), id, "true", hlc));
                }
            }
            world.pass(5_000);
            world.connect(back, false);
            let whole_ms = world.until(MINUTE_MS * 10, all_hold);
            if whole_ms.is_none_or(|whole_ms| whole_ms > GREET_AFTER_MS + 8 * line.rtt_ms) {
                late.push((era, line, whole_ms));
            }
        }
    }
    assert!(late.is_empty(), "{late:?}");
}

/// On a train, say: the socket stays, and what was taken for a late acknowledgement would be one for ever.
#[test]
fn who_moves_far_away_gets_what_others_write_in_a_number_of_round_trips() {
    for rtt_ms in [2_000, 10_000] {
        let mut world = filled(Settings::default(), 10);
        let mover = world.join("Carol", Era::V9_3, NEAR);
        for n in 0..100 {
            world.edit(0, |hlc| cell("even", "r0", "a", &n.to_string(), hlc));
            world.pass(100);
        }
        world.members[mover].line = Line::of_rtt(rtt_ms);
        world.edit(0, |hlc| rows(100..160, 22_000, hlc));
        for n in 0..20 {
            world.edit(0, |hlc| cell("even", "r0", "a", &n.to_string(), hlc));
            world.pass(50);
        }
        assert!(world.until(20 * rtt_ms, all_hold).is_some(), "at {rtt_ms} ms");
    }
}

/// There is never a moment in which nothing is on its way to it.
#[test]
fn whoever_comes_back_slowly_to_people_who_edit_without_a_pause_is_made_whole_meanwhile() {
    let slow = Line { frame_ms: 200, ..Line::of_rtt(100) };
    let mut faults = Vec::new();
    for line in [Line::of_rtt(600), Line::of_rtt(5_000), slow] {
        for era in Era::ALL {
            let mut world = filled(Settings::default(), 10);
            let back = cut_off(&mut world, era, line);
            world.connect(back, false);
            let holds = |world: &World, member: usize, whose: usize| {
                world.members[member].client.replica.cell(&format!("table {whose}"), "r", "a").is_some()
            };
            let mut since_ms = 0;
            while !(holds(&world, 0, back) && holds(&world, back, 0)) && since_ms < 2 * MINUTE_MS {
                world.edit(0, |hlc| cell("marker", "r", "a", &since_ms.to_string(), hlc));
                world.pass(20);
                since_ms += 20;
            }
            if since_ms > GREET_AFTER_MS + 12 * line.rtt_ms + 40 * line.frame_ms {
                faults.push((era, line, since_ms));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:?}");
}

/// A megabyte takes 16 s, so no answer with all of it comes in time.
#[test]
fn on_a_narrow_line_all_are_whole_when_the_bytes_have_come() {
    let lines = [(200, 64_000), (1_200, 64_000), (600, 350_000), (5_000, 350_000)];
    let lines = lines.map(|(rtt_ms, bytes_per_s)| Line { rtt_ms, bytes_per_s, frame_ms: 0 });
    for (name, story) in [("newcomer", newcomer as fn(&mut World, Era, Line) -> Option<u64>), ("back", reconnect)] {
        let late = late(Settings::default(), 5_500, &lines, story);
        assert!(late.is_empty(), "{name}: {late:?}");
    }
}

// ── Slow readers ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// So many who join a room and read slowly, beside so many who do nothing, while another edits.
struct SlowReaders {
    readers: usize,
    idle: usize,
    bytes_per_s: u64,
}

impl SlowReaders {
    /// Lets them read for as long as they need to get everything three times.
    fn read(&self, world: &mut World) {
        for _ in 0..self.idle {
            let idle = world.add("David", Era::V9_3, NEAR);
            world.connect(idle, false);
        }
        let line = Line { rtt_ms: 100, bytes_per_s: self.bytes_per_s, frame_ms: 0 };
        for n in 0..self.readers {
            world.join("Carol", Era::ALL[n % Era::ALL.len()], line);
        }
        let reads_ms = 3_000 * world.room.store().text_bytes() as u64 / self.bytes_per_s;
        for n in 0..reads_ms / 300 {
            world.edit(0, |hlc| cell("even", &format!("r{}", n % 60), "a", &n.to_string(), hlc));
            world.pass(300);
        }
    }
}

#[test]
fn whoever_reads_slowly_but_steadily_is_not_closed_and_gets_all() {
    let cases = [(1, 0, 22_000, 64_000), (1, 24, 28_000, 250_000), (6, 18, 28_000, 64_000), (30, 0, 5_500, 64_000)];
    for (readers, idle, length, bytes_per_s) in cases {
        let mut world = filled(Settings::default(), length);
        SlowReaders { readers, idle, bytes_per_s }.read(&mut world);
        let case = format!("{readers} beside {idle}, at {bytes_per_s} bytes a second");
        assert_eq!(world.closed, [], "{case}");
        let are_whole = |world: &World| {
            let (idle, members) = (2..2 + idle, 0..world.members.len());
            members.filter(|member| !idle.contains(member)).all(|member| world.is_whole(member))
        };
        assert!(world.until(5_000, are_whole).is_some(), "{case}: not whole");
        assert!(world.rest(10 * MINUTE_MS), "{case}: it never comes to rest");
        assert_eq!(world.closed, [], "{case}");
    }
}

// ── Slow clients ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// When the newest edit was made that a client shows, in milliseconds ago.
fn behind_ms(world: &World, member: usize) -> u64 {
    let newest = world.members[member].client.replica.cell("marker", "r", "a").and_then(|at_ms| at_ms.parse().ok());
    newest.map_or(0, |at_ms: u64| world.now_ms - at_ms)
}

#[test]
fn a_client_that_takes_frames_slower_than_they_come_gets_fewer_and_wider_ones() {
    const RTT_MS: u64 = 100;
    let mut faults = Vec::new();
    for (frame_ms, edits_per_s) in [(80, 20), (200, 20), (200, 100), (30, 100), (400, 1_000)] {
        let mut world = filled(Settings::default(), 10);
        let fast = world.join("Carol", Era::V9_3, NEAR);
        let slow = world.join("David", Era::V6_0, Line { frame_ms, ..Line::of_rtt(RTT_MS) });
        world.rest(MINUTE_MS);
        world.members[slow].most_under_way = (0, 0);
        let (mut edits, mut fast_behind_ms, mut slow_behind_ms) = (0, 0, 0);
        // Two write, each up to fifty times a second.
        let (every_ms, at_once) = if edits_per_s < 100 { (1_000 / edits_per_s, 1) } else { (20, edits_per_s / 50) };
        for _ in 0..MINUTE_MS / every_ms {
            let now_ms = world.now_ms.to_string();
            world.edit(0, |hlc| cell("marker", "r", "a", &now_ms, hlc));
            for n in edits + 1..edits + at_once {
                world.edit((n % 2) as usize, |hlc| cell("even", &format!("r{}", n % 40), "a", &n.to_string(), hlc));
            }
            edits += at_once;
            world.pass(every_ms);
            fast_behind_ms = fast_behind_ms.max(behind_ms(&world, fast));
            slow_behind_ms = slow_behind_ms.max(behind_ms(&world, slow));
        }
        let case = format!("{frame_ms} ms a frame, {edits_per_s} edits a second");
        let (texts, bytes) = world.members[slow].most_under_way;
        if fast_behind_ms > 100 {
            faults.push(format!("{case}: the fast one is {fast_behind_ms} ms behind"));
        }
        if texts as u64 * frame_ms > 2_000 + RTT_MS || bytes > 2 * world.room.store().text_bytes() {
            faults.push(format!("{case}: {texts} texts of {bytes} bytes are under way"));
        }
        if slow_behind_ms > 2 * (2_000 + RTT_MS) {
            faults.push(format!("{case}: the slow one is {slow_behind_ms} ms behind"));
        }
        if !world.rest(MINUTE_MS) || !all_hold(&world) || !world.closed.is_empty() {
            faults.push(format!("{case}: {:?} closed, and not all are whole or at rest", world.closed));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

// ── Rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Up to 5.4.9 a client that is given cells with no stamp takes other hashes for theirs, and goes on differing.
#[test]
fn a_difference_that_stays_comes_to_rest() {
    for era in [Era::V5_0, Era::V5_3, Era::V5_4] {
        for answer_bytes in [4 << 10, 1 << 20] {
            let settings = Settings { answer_bytes, load_answer_bytes: answer_bytes, ..Settings::default() };
            let mut world = World::new(settings);
            let content = rows(0..100, 10, "").replace(",\"\"", "");
            world.join_with("Alice", Era::V9_3, NEAR, &content);
            world.rest(MINUTE_MS);
            let old = world.join("Bobby", era, NEAR);
            let [wrong, right] = [true, false].map(|misreads| {
                let mut replica = Replica::new(misreads);
                replica.merge(&Tree::parse(&content));
                replica.hashes()
            });
            assert_ne!(wrong, right);
            let case = format!("{era:?}, {answer_bytes} bytes an answer");
            let texts = |world: &World| world.members.iter().map(|member| member.received).sum::<usize>();
            world.pass(MINUTE_MS);
            let first = texts(&world);
            assert!(first < 200, "{case}: {first} texts");
            world.pass(10 * MINUTE_MS);
            assert_eq!(texts(&world), first, "{case}: it goes on");
            // One more full round at most, when something has changed.
            world.edit(0, |hlc| cell("even", "r0", "a", "1", hlc));
            world.pass(MINUTE_MS);
            let second = texts(&world);
            assert!(second < first + 200, "{case}: {} texts after an edit", second - first);
            world.pass(10 * MINUTE_MS);
            assert_eq!(texts(&world), second, "{case}: it goes on after an edit");
            assert_eq!(world.members[old].client.replica.cell("even", "r0", "a"), Some("1"));
            assert_eq!(world.closed, []);
        }
    }
}

// ── Clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_clock_that_is_set_holds_nobody_up() {
    for hours in [-1, 1] {
        let mut world = filled(Settings::default(), 10);
        let back = world.join("Carol", Era::V6_0, NEAR);
        world.rest(MINUTE_MS);
        world.disconnect(back, 0, 0);
        world.edit(0, |hlc| cell("even", "r0", "a", "1", hlc));
        world.pass(1_000);
        // A question to it is due when the clock is set, and a client that does not answer has been asked.
        let silent = world.add("Erika", Era::V5_0, NEAR);
        world.connect(silent, false);
        world.pass(200);
        world.connect(back, false);
        world.pass(100);
        world.skew_ms = hours * 60 * MINUTE_MS as i64;
        let newcomers = Era::ALL.map(|era| world.join("David", era, NEAR));
        world.pass(10_000);
        for member in [0, 1, back].into_iter().chain(newcomers) {
            assert!(world.is_whole(member), "{member}, {hours} h");
        }
        assert!(world.rest(MINUTE_MS), "it never comes to rest");
        assert_eq!(world.closed, []);
    }
}

/// Whether a client has this cell.
fn has(world: &World, member: usize, row: &str) -> bool {
    world.members[member].client.replica.cell("t", row, "c").is_some()
}

#[test]
fn an_edit_from_the_future_is_asked_for_once_its_time_has_come() {
    let mut world = filled(Settings::default(), 10);
    let early = world.join("Carol", Era::V9_3, NEAR);
    world.rest(MINUTE_MS);
    world.members[early].client.skew_ms = 10 * MINUTE_MS as i64;
    world.edit(early, |hlc| cell("t", "early", "c", "1", hlc));
    world.pass(MINUTE_MS);
    assert!(!has(&world, 0, "early"));
    world.pass(8 * MINUTE_MS);
    let before = world.members[early].received;
    world.edit(0, |hlc| cell("t", "late", "c", "1", hlc));
    assert!(world.until(5_000, all_hold).is_some(), "it is not asked for at the first event");
    assert!(world.rest(MINUTE_MS));
    let texts = world.members[early].received - before;
    assert!(texts <= 14, "{texts} texts");
    assert_eq!(world.closed, []);
}

/// A room with one whose clock is behind and one whose is ahead, as far as a room lets pass.
fn behind_and_ahead(behind_ms: i64) -> (World, usize, usize) {
    let mut world = filled(Settings::default(), 10);
    let behind = world.join("Carol", Era::V9_3, NEAR);
    let ahead = world.join("David", Era::V9_3, NEAR);
    world.rest(MINUTE_MS);
    world.members[behind].client.skew_ms = -behind_ms;
    world.members[ahead].client.skew_ms = 4 * MINUTE_MS as i64 - 5_000;
    (world, behind, ahead)
}

/// A client drops a change with a stamp in it that is five minutes ahead of its own clock.
#[test]
fn of_what_leaves_together_a_client_whose_clock_is_behind_loses_nothing_but_what_is_too_far_ahead() {
    for behind_ms in [3_000, 55_000, 120_000] {
        let (mut world, behind, ahead) = behind_and_ahead(behind_ms);
        world.edit(1, |hlc| cell("t", "first", "c", "1", hlc));
        world.edit(0, |hlc| cell("t", "second", "c", "1", hlc));
        world.edit_in_vain(ahead, |hlc| cell("t", "ahead", "c", "1", hlc));
        world.edit(1, |hlc| cell("t", "third", "c", "1", hlc));
        world.pass(2_000);
        assert!(["first", "second", "third"].iter().all(|row| has(&world, behind, row)), "{behind_ms} ms behind");
        assert_eq!(has(&world, behind, "ahead"), behind_ms < 60_000, "{behind_ms} ms behind");
        assert_eq!(world.closed, []);
    }
}

#[test]
fn a_newcomer_whose_clock_is_behind_is_told_all_but_what_is_too_far_ahead_for_it() {
    for behind_ms in [3_000, 55_000, 120_000] {
        let (mut world, _, ahead) = behind_and_ahead(0);
        world.edit_in_vain(ahead, |hlc| cell("t", "ahead", "c", "1", hlc));
        world.edit_in_vain(ahead, |hlc| cell("even", "r0", "a", "1", hlc));
        world.edit_in_vain(ahead, |hlc| value("v", "2", hlc));
        world.pass(1_000);
        let newcomer = world.add("Erika", Era::V9_3, NEAR);
        world.members[newcomer].client.skew_ms = -behind_ms;
        world.connect(newcomer, true);
        world.pass(10_000);
        let found = world.members[newcomer].client.replica.leaves();
        let lacks: Vec<_> = world.expected.leaves().into_keys().filter(|path| !found.contains_key(path)).collect();
        let may_lack = |path: &Vec<String>| behind_ms > 60_000 && (path[0] == "v" || path[1..] == ["r0", "a"]);
        assert!(lacks.iter().all(may_lack), "{behind_ms} ms behind: {lacks:?}");
        assert_eq!(world.is_whole(newcomer), behind_ms < 60_000, "{behind_ms} ms behind");
        assert_eq!(world.closed, []);
    }
}

/// What whoever is ahead writes is refused, and reaches nobody.
#[test]
fn a_liar_disturbs_nobody() {
    let mut world = filled(Settings::default(), 10);
    let people = Era::ALL.map(|era| world.join("Carol", era, Line::of_rtt(80)));
    let liar = world.join("David", Era::V5_0, NEAR);
    world.rest(MINUTE_MS);
    for (n, member) in people.into_iter().enumerate() {
        world.members[member].client.skew_ms = [-120_000, -20_000, 0, 60_000, 120_000][n];
    }
    world.members[liar].client.skew_ms = 60 * MINUTE_MS as i64;
    for n in 0..60 {
        world.edit_in_vain(liar, |hlc| cell("even", &format!("r{n}"), "a", "false", hlc));
        let member = people[n % people.len()];
        world.edit(member, |hlc| cell("even", &format!("r{}", n % 7), "a", &n.to_string(), hlc));
        world.pass(500);
        if n % 20 == 10 {
            world.disconnect(liar, 0, 0);
            world.connect(liar, n == 10);
        }
    }
    assert!(world.rest(10 * MINUTE_MS), "it never comes to rest");
    world.assert_all_hold([0, 1].into_iter().chain(people));
    assert_eq!(world.closed, []);
}

// ── A full disk ──────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn while_a_disk_is_full_next_to_nothing_is_done_and_then_everything_is_kept() {
    let mut world = filled(Settings::default(), 10);
    let people: Vec<_> = (0..20).map(|n| world.join("Carol", Era::ALL[n % Era::ALL.len()], Line::of_rtt(60))).collect();
    world.rest(MINUTE_MS);
    let texts = |world: &World| world.members.iter().map(|member| member.received).sum::<usize>();
    world.disk_is_full = true;
    let before = texts(&world);
    for n in 0..200 {
        let member = people[n % people.len()];
        world.edit(member, |hlc| cell("even", &format!("r{}", n % 60), "b", &n.to_string(), hlc));
        world.pass(3_000);
    }
    let told = texts(&world) - before;
    assert!(world.failures <= 40, "{} attempts in ten minutes", world.failures);
    assert!(told <= 2 * 20 * 20, "{told} texts in ten minutes");
    assert_eq!(world.closed, []);
    // A minute at most until the next attempt, and then a pull from each, with their edits passed on.
    world.disk_is_full = false;
    let before = texts(&world);
    assert!(world.until(65_000, all_hold).is_some(), "not all have all");
    assert!(world.rest(MINUTE_MS), "it never comes to rest");
    let told = texts(&world) - before;
    assert!(told <= 22 * 40, "{told} texts to heal");
    world.assert_all_hold(0..world.members.len());
    assert_eq!(world.closed, []);
}
