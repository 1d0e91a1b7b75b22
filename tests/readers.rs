//! Those who read the content of a room: what they get, until when, and how much of it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use support::fixtures::NOW_MS;
use support::harness::Harness;
use support::stamp::stamp;
use support::stores::{cell, store_of};
use tinyroom::room::{Input, READER_SILENCE_MS, Rate, RetryAfter};
use tinyroom::store::SnapshotId;

/// A room that holds this many cells of 100 kB each.
fn room_of(cells: usize) -> Harness {
    let text = format!("\"{}\"", "x".repeat(100_000));
    let changes: Vec<_> =
        (0..cells).map(|row| cell("t", &format!("r{row}"), "c", &text, &stamp(NOW_MS, 0, "Alice"))).collect();
    let mut room = Harness::new().with_store(store_of(changes.iter().map(String::as_str)));
    room.handle(Input::FlushForRead);
    room
}

fn read_on(room: &mut Harness, reader: SnapshotId, read: &mut String) -> Option<bool> {
    let mut part = String::new();
    let is_last = room.room.read_on(reader, &mut part, room.now_ms)?;
    read.push_str(&part);
    Some(is_last)
}

#[test]
fn the_content_is_read_in_parts_of_about_128_kilobytes() {
    let mut room = room_of(10);
    let content = room.room.store().content_text();
    let reader = room.room.open_reader();
    let mut read = String::new();
    let mut parts = 0;
    loop {
        let before = read.len();
        let is_last = read_on(&mut room, reader, &mut read).unwrap();
        assert!(read.len() - before <= (128 << 10) + 100);
        parts += 1;
        assert_eq!(room.room.has_reader(reader), !is_last);
        if is_last {
            break;
        }
    }
    assert_eq!((parts, read == content), (8, true));
    assert_eq!(room.timeout_in_ms(), None, "nobody is waited for");
}

#[test]
fn a_reader_that_takes_nothing_for_a_minute_is_given_up() {
    let mut room = room_of(10);
    let reader = room.room.open_reader();
    for _ in 0..3 {
        room.pass(READER_SILENCE_MS - 1);
        let mut part = String::new();
        assert_eq!(read_on(&mut room, reader, &mut part), Some(false));
    }
    assert_eq!(room.timeout_in_ms(), Some(READER_SILENCE_MS));
    room.pass(READER_SILENCE_MS);
    assert!(!room.room.has_reader(reader));
    assert_eq!(read_on(&mut room, reader, &mut String::new()), None);
    assert_eq!(room.timeout_in_ms(), None);
    room.expect(&[]);
}

#[test]
fn a_reader_that_goes_is_waited_for_no_longer() {
    let mut room = room_of(1);
    let reader = room.room.open_reader();
    assert_eq!(room.timeout_in_ms(), Some(READER_SILENCE_MS));
    room.room.close_reader(reader);
    assert_eq!((room.room.has_reader(reader), room.timeout_in_ms()), (false, None));
}

#[test]
fn readers_end_where_the_content_is_loaded_anew() {
    let ends: [fn(&mut Harness); 3] = [|room| room.room.unload(), Harness::reload, Harness::fail];
    for end in ends {
        let mut room = room_of(10);
        let reader = room.room.open_reader();
        let mut read = String::new();
        assert_eq!(read_on(&mut room, reader, &mut read), Some(false));
        end(&mut room);
        assert_eq!(read_on(&mut room, reader, &mut read), None);
    }
}

#[test]
fn edits_meanwhile_are_left_out_and_relayed_as_ever() {
    let mut room = room_of(10);
    room.connect("a");
    room.say("a", "\n[\"q\",1,\"\"]");
    room.outputs();
    let content = room.room.store().content_text();
    let reader = room.room.open_reader();
    let mut read = String::new();
    let mut round = 0;
    loop {
        round += 1;
        let hlc = stamp(NOW_MS, round, "Alice");
        for row in [0, 9, 20 + round] {
            let change = cell("t", &format!("r{row}"), "c", &format!("\"edit {round}\""), &hlc);
            room.say("a", &format!("\n[null,3,{change}]"));
            room.pass(1_000);
            assert!(room.outputs().iter().any(|line| line.starts_with("keep a")));
        }
        if read_on(&mut room, reader, &mut read).unwrap() {
            break;
        }
    }
    assert!(read == content && read != room.room.store().content_text());
}

#[test]
fn all_readers_have_one_account_and_are_told_when_it_is_paid_off() {
    let mut room = room_of(100);
    let bytes = room.room.store().text_bytes() as u64;
    let mut debits = 0;
    let refused = loop {
        match room.room.debit_readers() {
            Ok(()) => debits += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(debits, Rate::DEFAULT.burst_bytes / bytes);
    let missing = (debits + 1) * bytes - Rate::DEFAULT.burst_bytes;
    assert_eq!(refused, RetryAfter(missing.div_ceil(Rate::DEFAULT.bytes_per_s)));
    assert_eq!(room.room.debit_readers(), Err(refused), "who is refused pays nothing");
    let RetryAfter(seconds) = refused;
    for _ in 1..seconds {
        room.pass(1_000);
        room.handle(Input::FlushForRead);
        assert!(room.room.debit_readers().is_err());
    }
    room.pass(1_000);
    room.handle(Input::FlushForRead);
    assert_eq!(room.room.debit_readers(), Ok(()));
    assert!(room.room.debit_readers().is_err());
}
