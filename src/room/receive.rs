//! What clients send is taken in: frames, the parts of a message, and long messages, part by part.

use super::budget::MESSAGE_BYTES;
use super::inbox::Unread;
use super::long_message::{Kind, LongMessage, Part};
use super::timers::Timer;
use super::{ConnectionId, Room, Session};
use crate::sync::{RequestToken, Step};
use crate::wire::fragments::{Fragment, MAX_ROOM_BYTES};
use crate::wire::message::RequestId;
use crate::wire::{Body, Envelope, MAX_INCOMING_BYTES, MAX_TEXT_BYTES, Message, MessageType, Recipient, WireError};
use std::rc::Rc;

/// How much of short messages that have waited is read at a time, in bytes, with [`MESSAGE_BYTES`] for each.
const TURN_BYTES: usize = 256 << 10;

impl Room {
    /// Debits a client what was done with what it sent, and closes the client where that failed.
    pub(super) fn conclude(&mut self, from: ConnectionId, taken: Result<(), WireError>) {
        let debited = self.debit_work(from, 0);
        if let Err(error) = taken.and(debited) {
            self.close(from, &error);
        }
    }

    /// Takes in a text frame.
    pub(super) fn text(&mut self, from: ConnectionId, text: &Rc<String>) {
        let taken = self.frame(from, text);
        self.conclude(from, taken);
        if self.inbox.is_full() {
            self.pause();
        }
    }

    /// Takes in a text frame. One without a line break is somebody's heartbeat.
    fn frame(&mut self, from: ConnectionId, text: &Rc<String>) -> Result<(), WireError> {
        self.debit_message(from, text.len())?;
        let now_ms = self.now_ms();
        let Some(session) = self.sessions.get_mut(&from) else { return Ok(()) };
        if session.conversation.on_message(now_ms) {
            self.ask_for_hashes(from);
        }
        self.check_length(text)?;
        let Some(envelope) = Envelope::open(text) else { return Ok(()) };
        let Some(fragment) = Fragment::read(envelope.body) else {
            return self.message(from, text);
        };
        self.expire_fragments();
        let Some(session) = self.sessions.get_mut(&from) else { return Ok(()) };
        let whole = session.fragments.add(envelope.to, fragment, now_ms, self.settings.fragment_silence_ms)?;
        self.bound_fragments(from);
        self.time_fragments();
        let whole = whole.filter(|_| self.sessions.contains_key(&from));
        let Some(whole) = whole else { return Ok(()) };
        let text = whole.into_text();
        self.check_length(&text)?;
        self.message(from, &Rc::new(text))
    }

    fn check_length(&self, text: &str) -> Result<(), WireError> {
        let (limit, found) = (MAX_INCOMING_BYTES.min(self.settings.limits.message_bytes), text.len());
        if found > limit { Err(WireError::Limit { what: "socket", limit, found }) } else { Ok(()) }
    }

    /// Takes in a binary frame.
    pub(super) fn binary(&mut self, from: ConnectionId, bytes: usize) {
        let taken = self.binary_frame(from, bytes);
        self.conclude(from, taken);
    }

    fn binary_frame(&mut self, from: ConnectionId, bytes: usize) -> Result<(), WireError> {
        self.debit_message(from, bytes)?;
        if bytes == 0 { Ok(()) } else { Err(WireError::Binary) }
    }

    /// Takes in a message, after all that the client sent before.
    fn message(&mut self, from: ConnectionId, text: &Rc<String>) -> Result<(), WireError> {
        if self.inbox.holds_of(from) {
            let may_write = self.may_write(from);
            self.inbox.put(from, Unread { text: text.clone(), may_write, begun: None });
            return Ok(());
        }
        self.read(from, text)
    }

    /// Reads a message, or begins to. A change is the room's, whomever it is for, and so it is told to everybody like any other:
    /// nobody is left behind. Nothing else from one client to another serves any: every answer comes from the room.
    fn read(&mut self, from: ConnectionId, text: &Rc<String>) -> Result<(), WireError> {
        let Some(envelope) = Envelope::open(text) else { return Ok(()) };
        let message = Message::read(envelope.body)?;
        let is_change = matches!(message.body, Body::ContentDiff(_) | Body::Long(MessageType::ContentDiff));
        if is_change && envelope.body.len() > MAX_TEXT_BYTES {
            return Err(WireError::Limit { what: "socket", limit: MAX_TEXT_BYTES, found: envelope.body.len() });
        }
        let is_heard = self.sessions.contains_key(&from) && !matches!(envelope.to, Recipient::Client(_));
        match message.body {
            Body::ContentDiff(changes) => {
                self.apply(from, &changes, Some((envelope.body, message.payload)));
                Ok(())
            }
            _ if !is_change && !is_heard => Ok(()),
            Body::Long(type_) => {
                self.begin(from, text, (message.id, type_), envelope.body.len(), message.payload.len())
            }
            Body::Response(response) => self.on_response(from, &message.id, response, envelope.body.len()),
            body => self.on_request(from, &message.id, &body),
        }
    }

    /// Begins to read a long message: the last so many bytes of the text are its body, and of that its payload the last so many.
    fn begin(
        &mut self,
        from: ConnectionId,
        text: &Rc<String>,
        (id, type_): (RequestId, MessageType),
        body_bytes: usize,
        payload_bytes: usize,
    ) -> Result<(), WireError> {
        let kind = match type_ {
            MessageType::ContentDiff => Kind::Change,
            MessageType::Response => match RequestToken::of(&id) {
                None => return Ok(()),
                Some(token @ RequestToken { step: Step::Probe, .. }) => {
                    self.on_ack(from, token);
                    return Ok(());
                }
                Some(RequestToken { step: Step::Hashes, .. }) => {
                    return Err(WireError::Answer { expected: "content hashes" });
                }
                Some(token) => Kind::Answer(token.step),
            },
            _ => Kind::Question(id.into_owned(), type_),
        };
        let begun = Some(Box::new(LongMessage::new(kind, text.len() - body_bytes, body_bytes - payload_bytes)));
        let may_write = self.may_write(from);
        self.inbox.put(from, Unread { text: text.clone(), may_write, begun });
        Ok(())
    }

    /// Reads on: a part of a long message, or some short ones.
    pub(super) fn read_inbox(&mut self) {
        let mut bytes = 0;
        while bytes < TURN_BYTES
            && let Some((from, next)) = self.inbox.take()
        {
            bytes += if next.begun.is_some() { TURN_BYTES } else { next.text.len() + MESSAGE_BYTES as usize };
            self.departed_writer = next.may_write.then_some(from);
            let read = self.read_part(from, next);
            self.departed_writer = None;
            if read.is_err() {
                self.inbox.forget(from);
            }
            self.conclude(from, read);
        }
    }

    fn read_part(&mut self, from: ConnectionId, mut next: Unread) -> Result<(), WireError> {
        let is_there = self.sessions.contains_key(&from);
        if !is_there && !next.may_write {
            return Ok(());
        }
        let Some(message) = &mut next.begun else { return self.read(from, &next.text) };
        if !is_there && !matches!(message.kind, Kind::Change) {
            return Ok(());
        }
        let body = next.text.get(message.body_at..).unwrap_or_default();
        match message.read(body, &self.store)? {
            Part::Read => {}
            Part::Changes(changes) => {
                message.won |= self.apply(from, &changes, None);
                message.shown.take(&self.store, &changes);
            }
            Part::Over => {
                let bytes = body.len();
                return next.begun.map_or(Ok(()), |message| self.on_read(from, *message, bytes));
            }
        }
        self.inbox.put_back(from, next);
        Ok(())
    }

    /// A long message has been read. No window is worth waiting for with the last of it.
    fn on_read(&mut self, from: ConnectionId, message: LongMessage, bytes: usize) -> Result<(), WireError> {
        self.commit();
        let LongMessage { kind, hashes, shown, won, .. } = message;
        match kind {
            Kind::Change => {}
            Kind::Answer(step) => self.on_shown(from, step, shown, won, bytes),
            Kind::Question(id, type_) => return self.answer_question(from, &id, type_, &hashes),
        }
        Ok(())
    }

    /// Forgets what has waited longest, where all together have too much in parts, and asks whose it is what they hold: nobody
    /// is closed for what others have left lying. What has just come from one is not it, if that can be helped.
    fn bound_fragments(&mut self, newest: ConnectionId) {
        let bytes = |session: &Session| session.fragments.memory_bytes();
        while self.sessions.values().map(bytes).sum::<usize>() > MAX_ROOM_BYTES {
            let waiting = self.sessions.iter_mut().filter(|(_, session)| bytes(session) > 0);
            let stalest = waiting.min_by_key(|(id, session)| (session.fragments.deadline_ms(), **id == newest));
            let Some((&id, session)) = stalest else { return };
            session.fragments.forget_stalest();
            self.ask_anew(id);
        }
    }

    /// Forgets messages whose next part has not come in time, and asks whose they are what they hold: what was in them is lost
    /// otherwise, since nobody sends it again.
    pub(super) fn expire_fragments(&mut self) {
        let now_ms = self.now_ms();
        let expired =
            self.sessions.iter_mut().filter_map(|(&id, session)| session.fragments.expire(now_ms).then_some(id));
        for id in expired.collect::<Vec<_>>() {
            self.ask_anew(id);
        }
        self.time_fragments();
    }

    fn time_fragments(&mut self) {
        let deadlines = self.sessions.values().filter_map(|session| session.fragments.deadline_ms());
        self.timers.set(Timer::Fragments, deadlines.min());
    }
}
