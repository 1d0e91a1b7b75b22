//! How far ahead of a client the room may send.
//!
//! A socket takes what it is sent and keeps it until the client has read it, and does not say how much that is. So the room
//! counts what it sends, and asks a question now and then that costs next to nothing to answer: a `GetCellDiff` about no
//! cell, the *probe*, with an id that only whoever reads it can know. The answer acknowledges all that was sent before it.
//! (Whatever else a client says tells nothing: it may write and not read.)
//!
//! What is sent and not acknowledged is bounded by a window of bytes and of frames, as TCP's congestion window is: it
//! doubles while acknowledgements come soon and the window was too small, and halves when one is late. It begins with a few
//! frames, since nothing is known of a new client's pace, and grows at once to what that pace turns out to be worth. Late is
//! measured against the soonest one, so that a far client is not taken for a slow one: the soonest ever, until the least that
//! is sent at a time takes longer. Beyond the window nothing is sent: it is deferred to the client's backlog, where each cell
//! is sent in its newest state only.

use crate::sync::RequestToken;

/// How much may be unacknowledged at first, in bytes, and the least that a window shrinks to.
const BYTES: (usize, usize) = (128 << 10, 16 << 10);
/// The same in frames: a client may be as slow as it likes at each.
const FRAMES: (usize, usize) = (4, 2);
/// Up to this a window grows in frames whether it was full or not, so that who keeps up is probed rarely; and the most that it
/// grows to.
const MANY_FRAMES: (usize, usize) = (64, 4096);
/// How much later than the soonest an acknowledgement may come, in milliseconds, for the window of bytes to grow, and from
/// where on it shrinks. Between them it stays.
const LATE_BYTES_MS: (u64, u64) = (500, 1000);
/// The same for that of frames. Who takes long for each takes long for the first as well, and hides a part of it: so a small
/// window grows one by one.
const LATE_FRAMES_MS: (u64, u64) = (250, 500);
/// Up to so many bytes, and to [`MANY_FRAMES`], a window grows at once: to what its client, by what it has just read and how
/// long that took, can be expected to read before the next acknowledgement is late.
const EXPECTED_BYTES: usize = 1 << 20;
/// Below so many milliseconds a time says nothing.
const LEAST_MS: u64 = 10;
/// How much is read so soon that, where its acknowledgement is late, the client has become farther away, in bytes.
const LITTLE_BYTES: usize = 64 << 10;
/// Fewer frames are few: they are not worth a probe for the time alone.
const FEW_FRAMES: usize = 8;
/// A client is through with a frame after so long, in milliseconds, if none follows.
const SLOW_TRAFFIC_MS: u64 = 8_000;
/// How long an acknowledgement may take at the least, in milliseconds, before its client counts as silent.
const PATIENCE_MS: u64 = 15_000;
/// How slowly a client may read that is never silent, in bytes each millisecond: 64 kB/s.
const LEAST_BYTES_PER_MS: u64 = 64;

/// What a client was sent, and has not acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendWindow {
    unacked_bytes: usize,
    unacked_frames: usize,
    /// When the first of them was sent.
    unacked_since_ms: u64,
    probe: Option<Probe>,
    max_bytes: usize,
    max_frames: usize,
    /// Whether the window held something back since the last acknowledgement.
    was_full: bool,
    soonest_ms: Option<u64>,
}

/// A probe that is not answered yet.
#[derive(Clone, Copy, Debug)]
struct Probe {
    token: RequestToken,
    sent_ms: u64,
    /// What was sent before it.
    bytes: usize,
    frames: usize,
}

impl Default for SendWindow {
    fn default() -> Self {
        Self {
            unacked_bytes: 0,
            unacked_frames: 0,
            unacked_since_ms: 0,
            probe: None,
            max_bytes: BYTES.0,
            max_frames: FRAMES.0,
            was_full: false,
            soonest_ms: None,
        }
    }
}

impl SendWindow {
    /// What is not acknowledged, in bytes.
    pub fn unacked_bytes(&self) -> usize {
        self.unacked_bytes
    }

    /// How much may be sent now, in bytes: none where the window is full or an acknowledgement is late.
    pub fn room(&self, now_ms: u64) -> usize {
        let is_late =
            self.probe.is_some_and(|probe| now_ms > probe.sent_ms + self.soonest_ms.unwrap_or(0) + LATE_BYTES_MS.1);
        match is_late && self.unacked_frames > 0 || self.unacked_frames >= self.max_frames {
            true => 0,
            false => self.max_bytes.saturating_sub(self.unacked_bytes),
        }
    }

    /// Whether a change may be sent now. One that is longer than the window may where nothing else is on its way.
    pub fn has_room_for(&mut self, bytes: usize, now_ms: u64) -> bool {
        let has_room = self.unacked_bytes == 0 || bytes <= self.room(now_ms);
        self.was_full |= !has_room;
        has_room
    }

    /// How much of a backlog is sent at a time, in bytes: while a part is acknowledged the next is on its way.
    pub fn slice_bytes(&self) -> usize {
        self.max_bytes / 2
    }

    /// Whether the next part of a backlog may be sent now.
    pub fn has_room_for_slice(&mut self, now_ms: u64) -> bool {
        let has_room = self.unacked_bytes == 0 || self.room(now_ms) >= self.slice_bytes();
        self.was_full |= !has_room;
        has_room
    }

    /// Notes that a question is sent, or an answer. They are no frames that pile up: each stands for one of the client's own.
    pub fn on_talked(&mut self, bytes: usize) {
        self.unacked_bytes += bytes;
    }

    /// Notes that a change is sent.
    pub fn on_sent(&mut self, bytes: usize, now_ms: u64) {
        // What is sent now and then piles up nowhere: it is not worth a probe.
        if self.probe.is_none() && now_ms >= self.unacked_since_ms + SLOW_TRAFFIC_MS {
            self.unacked_frames = 0;
        }
        if self.unacked_frames == 0 {
            self.unacked_since_ms = now_ms;
        }
        self.unacked_bytes += bytes;
        self.unacked_frames += 1;
    }

    /// Whether it is time to probe. Where many are connected a probe for each comes less often: `interval_ms` is how often
    /// at most for the time alone.
    pub fn wants_probe(&self, now_ms: u64, interval_ms: u64) -> bool {
        let age_ms = now_ms.saturating_sub(self.unacked_since_ms);
        self.probe.is_none()
            && (self.unacked_bytes >= self.max_bytes / 2
                || self.unacked_frames >= self.max_frames / 2
                || self.unacked_frames >= FEW_FRAMES && age_ms >= interval_ms)
    }

    /// Whether a probe waits for its answer.
    pub fn is_probing(&self) -> bool {
        self.probe.is_some()
    }

    /// Whether it is to be found out now how soon an acknowledgement can come: a second change follows a first.
    pub fn is_unknown(&self, now_ms: u64) -> bool {
        self.soonest_ms.is_none()
            && self.unacked_frames > 0
            && now_ms < self.unacked_since_ms + SLOW_TRAFFIC_MS
            && self.probe.is_none()
    }

    /// Whether it is known how soon an acknowledgement can come.
    pub fn knows_distance(&self) -> bool {
        self.soonest_ms.is_some()
    }

    /// Notes that a probe is sent.
    pub fn on_probe(&mut self, token: RequestToken, now_ms: u64) {
        self.probe = Some(Probe { token, sent_ms: now_ms, bytes: self.unacked_bytes, frames: self.unacked_frames });
    }

    /// Notes that a probe is answered. Answers how many bytes that acknowledges; `None` where it is not the one that was
    /// sent: the room was evicted since.
    pub fn on_ack(&mut self, token: RequestToken, max_bytes: usize, now_ms: u64) -> Option<usize> {
        let probe = self.probe.take_if(|probe| probe.token == token)?;
        self.unacked_bytes -= probe.bytes;
        self.unacked_frames -= probe.frames;
        self.unacked_since_ms = probe.sent_ms;
        let took_ms = now_ms.saturating_sub(probe.sent_ms);
        self.max_bytes = self.max_bytes.max(expected(probe.bytes, took_ms, LATE_BYTES_MS.0).min(EXPECTED_BYTES));
        self.max_frames = self.max_frames.max(expected(probe.frames, took_ms, LATE_FRAMES_MS.0).min(MANY_FRAMES.0));
        let Some(soonest_ms) = self.soonest_ms.replace(took_ms.min(self.soonest_ms.unwrap_or(took_ms))) else {
            // It tells how soon the next can come: of lateness it tells nothing.
            self.max_bytes = self.max_bytes.min(max_bytes);
            self.was_full = false;
            return Some(probe.bytes);
        };
        // So little cannot have piled up: the line has become longer, or its client slower for good.
        if self.max_frames == FRAMES.1 && probe.frames <= FRAMES.1 && probe.bytes <= LITTLE_BYTES {
            self.soonest_ms = Some(soonest_ms.max(took_ms.saturating_sub(reading_ms(probe.bytes))));
        }
        let late_ms = took_ms.saturating_sub(soonest_ms);
        if late_ms > LATE_BYTES_MS.1 {
            self.max_bytes /= 2;
        } else if late_ms <= LATE_BYTES_MS.0 && self.was_full {
            self.max_bytes *= 2;
        }
        if late_ms > LATE_FRAMES_MS.1 {
            self.max_frames /= 2;
        } else if late_ms <= LATE_FRAMES_MS.0 && (self.was_full || self.max_frames < MANY_FRAMES.0) {
            self.max_frames += if self.max_frames < FEW_FRAMES { 1 } else { self.max_frames };
        }
        self.max_frames = self.max_frames.clamp(FRAMES.1, MANY_FRAMES.1);
        self.max_bytes = self.max_bytes.clamp(BYTES.1, max_bytes);
        self.was_full = false;
        Some(probe.bytes)
    }

    /// Whether a probe has waited for longer than it takes the slowest of readers to come to it.
    pub fn is_silent(&self, now_ms: u64) -> bool {
        self.probe.is_some_and(|probe| {
            now_ms >= probe.sent_ms + PATIENCE_MS + self.soonest_ms.unwrap_or(0) + reading_ms(probe.bytes)
        })
    }
}

/// How much can be expected to be read within `within_ms`, where `amount` was read in `took_ms`, as a power of two: those of a
/// crowd then take the same parts of what they lack.
fn expected(amount: usize, took_ms: u64, within_ms: u64) -> usize {
    let expected = amount.saturating_mul(within_ms as usize) / took_ms.max(LEAST_MS) as usize;
    expected.checked_ilog2().map_or(0, |log| 1 << log)
}

/// How long the slowest of readers takes to read so much.
fn reading_ms(bytes: usize) -> u64 {
    bytes as u64 / LEAST_BYTES_PER_MS
}

#[cfg(test)]
mod tests {
    use super::{BYTES, FRAMES, LEAST_BYTES_PER_MS, MANY_FRAMES, PATIENCE_MS, SendWindow};
    use crate::sync::{RequestToken, Step};
    use fastrand::Rng;

    const MAX: usize = 1 << 20;

    fn probe(window: &mut SendWindow, random: &mut Rng, now_ms: u64) -> RequestToken {
        let token = RequestToken::new(Step::Probe, random);
        window.on_probe(token, now_ms);
        token
    }

    /// Sends frames until the window is full, or a thousand. Answers how many.
    fn fill(window: &mut SendWindow, bytes: usize, now_ms: u64) -> usize {
        let sent = (0..1000).take_while(|_| {
            let has_room = window.has_room_for(bytes, now_ms);
            if has_room {
                window.on_sent(bytes, now_ms);
            }
            has_room
        });
        sent.count()
    }

    #[test]
    fn a_window_grows_for_who_acknowledges_soon_and_halves_for_who_is_late() {
        let (mut window, mut random) = (SendWindow::default(), Rng::with_seed(1));
        let first = probe(&mut window, &mut random, 0);
        assert_eq!(window.on_ack(first, MAX, 3_000), Some(0), "a far client: three seconds are its distance");
        let soon = [4, 5, 6, 7, 8, 16].map(|frames| (3_250, frames));
        let late = [(3_251, 32), (3_500, 32), (3_501, 32), (9_000, 16), (9_000, 8)];
        for (took_ms, frames) in soon.into_iter().chain(late) {
            assert_eq!(fill(&mut window, 10, 10_000), frames);
            let token = probe(&mut window, &mut random, 10_000);
            assert_eq!(window.on_ack(token, MAX, 10_000 + took_ms), Some(10 * frames));
        }
        assert_eq!(fill(&mut window, 10, 0), 4);
    }

    /// Fills the window with frames, which are acknowledged at once.
    fn acknowledge_all(window: &mut SendWindow, random: &mut Rng) {
        let frames = window.max_frames;
        acknowledge(window, random, frames, frames);
    }

    /// Sends so much in so many frames, which is acknowledged after a second: its client is far away.
    fn acknowledge(window: &mut SendWindow, random: &mut Rng, frames: usize, bytes: usize) {
        acknowledge_after(window, random, frames, bytes, 1_000);
    }

    fn acknowledge_after(window: &mut SendWindow, random: &mut Rng, frames: usize, bytes: usize, took_ms: u64) {
        (0..frames).for_each(|_| window.on_sent(bytes / frames, 0));
        let token = probe(window, random, 0);
        assert!(window.on_ack(token, MAX, took_ms).is_some());
    }

    #[test]
    fn a_window_grows_at_once_to_what_its_client_has_shown_to_read() {
        for (frames, bytes, took_ms, expected) in [
            (1, 40, 0, (BYTES.0, 16)),
            (2, 40, 0, (BYTES.0, 32)),
            (9, 40, 0, (BYTES.0, MANY_FRAMES.0)),
            (2, BYTES.0, 0, (1 << 20, 32)),
            (2, BYTES.0, 100, (512 << 10, 4)),
            (2, BYTES.0, 2_000, (BYTES.0, 4)),
        ] {
            let (mut window, mut random) = (SendWindow::default(), Rng::with_seed(1));
            acknowledge_after(&mut window, &mut random, frames, bytes, took_ms);
            assert_eq!((window.max_bytes, window.max_frames), expected, "{frames} frames, {bytes} bytes, {took_ms} ms");
        }
    }

    #[test]
    fn a_window_grows_by_what_shows_that_it_can() {
        let (mut window, mut random) = (SendWindow::default(), Rng::with_seed(1));
        let limits = |window: &SendWindow| (window.max_bytes, window.max_frames);
        acknowledge(&mut window, &mut random, 4, 40);
        assert_eq!(limits(&window), (BYTES.0, 4), "the first tells the distance alone");
        acknowledge(&mut window, &mut random, 4, 40);
        assert_eq!(limits(&window), (BYTES.0, 5));
        window.on_sent(1, 0);
        assert!(!window.has_room_for(BYTES.0, 0));
        acknowledge(&mut window, &mut random, 4, 40);
        assert_eq!(limits(&window), (2 * BYTES.0, 6), "it was too small");
        (0..9).for_each(|_| acknowledge_all(&mut window, &mut random));
        assert_eq!(limits(&window), (2 * BYTES.0, MANY_FRAMES.0), "and is large enough for who never fills it");
    }

    #[test]
    fn a_window_keeps_within_its_bounds() {
        let (mut window, mut random) = (SendWindow::default(), Rng::with_seed(1));
        for _ in 0..16 {
            acknowledge_all(&mut window, &mut random);
            window.was_full = true;
        }
        assert_eq!((window.max_bytes, window.max_frames), (MAX, MANY_FRAMES.1));
        for _ in 0..16 {
            (0..3).for_each(|_| window.on_sent(10, 0));
            let token = probe(&mut window, &mut random, 0);
            window.on_ack(token, MAX, 60_000);
        }
        assert_eq!((window.max_bytes, window.max_frames), (BYTES.1, FRAMES.1));
        assert!(window.has_room_for(MAX, 0), "however long it is, one may go");
    }

    #[test]
    fn who_has_moved_away_is_far_and_not_late() {
        let (mut window, mut random) = (SendWindow::default(), Rng::with_seed(1));
        let mut frames_after = |took_ms| {
            window.on_sent(10, 0);
            let token = probe(&mut window, &mut random, 0);
            window.on_ack(token, MAX, took_ms);
            window.max_frames
        };
        assert_eq!([50, 50, 2_000, 2_000].map(&mut frames_after), [4, 5, 2, 2]);
        assert_eq!([2_000, 2_100, 2_300].map(&mut frames_after), [3, 4, 4], "two seconds are its distance");
        assert_eq!([50, 2_000].map(&mut frames_after), [5, 2], "and here it is back");
    }

    #[test]
    fn what_waits_for_a_late_acknowledgement_is_followed_by_nothing() {
        let (mut window, mut random) = (SendWindow::default(), Rng::with_seed(1));
        window.on_sent(10, 0);
        probe(&mut window, &mut random, 0);
        window.on_sent(10, 0);
        assert!(window.has_room_for(10, 1_000));
        assert!(!window.has_room_for(10, 1_001));
    }

    #[test]
    fn steady_traffic_is_probed_and_a_trickle_is_not() {
        let (mut window, mut random) = (SendWindow::default(), Rng::with_seed(1));
        assert_eq!(
            [1, 2].map(|_| {
                window.on_sent(10, 0);
                window.wants_probe(0, 500)
            }),
            [false, true],
            "nothing is known yet"
        );
        (0..9).for_each(|_| acknowledge_all(&mut window, &mut random));
        (0..7).for_each(|n| window.on_sent(10, 100 * n));
        assert!(!window.wants_probe(700, 500));
        window.on_sent(10, 700);
        assert!(window.wants_probe(700, 500) && !window.wants_probe(700, 701));
        (0..1_000).for_each(|n| {
            window.on_sent(10, 8_000 + 8_000 * n);
            assert!(!window.wants_probe(8_000 + 8_000 * n, 500) && window.has_room_for(10, 8_000 + 8_000 * n));
        });
        (0..32).for_each(|_| window.on_sent(10, 8_008_000));
        assert!(window.wants_probe(8_008_000, 500), "half the window at once");
        let mut window = SendWindow::default();
        window.on_sent(BYTES.0 / 2, 0);
        assert!(window.wants_probe(0, 500));
    }

    #[test]
    fn only_who_reads_more_slowly_than_the_slowest_is_silent() {
        let (mut window, mut random) = (SendWindow::default(), Rng::with_seed(1));
        window.on_sent(64_000, 0);
        assert!(!window.is_silent(u64::MAX), "nothing was asked");
        let token = probe(&mut window, &mut random, 0);
        let last_ms = PATIENCE_MS + 64_000 / LEAST_BYTES_PER_MS;
        assert!(!window.is_silent(last_ms - 1) && window.is_silent(last_ms));
        let other = RequestToken::new(Step::Probe, &mut random);
        assert_eq!(window.on_ack(other, MAX, 0), None);
        assert_eq!(window.on_ack(token, MAX, 0), Some(64_000));
        assert!(!window.is_silent(u64::MAX));
    }
}
