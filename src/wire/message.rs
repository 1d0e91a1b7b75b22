//! The eight types of message.

use crate::hlc::Hlc;
use crate::json::reader::Cursor;
use crate::json::{ReadError, Reader};
use crate::store::{ChangeReader, Changes, ContentHashes, HashTree, PartLimits};
use std::borrow::Cow;
use std::fmt::Write;

const MESSAGE: &str = "a message `[requestId, type, payload]`";
/// What an answer must be.
pub const RESPONSE: &str = "a response: hashes, a stamp, or a stamp and hashes";
/// What a message must end with.
pub const MESSAGE_END: &str = "the end of a message";
const HASHES: &str = "content hashes `[tablesHash, valuesHash]`";

/// A message as it arrives, borrowing from its text.
#[derive(Debug)]
pub struct Message<'a> {
    /// By which an answer names its request.
    pub id: RequestId<'a>,
    /// What it is, and what it carries.
    pub body: Body<'a>,
    /// The text of the payload; of a [long](Body::Long) message, of all that follows as well.
    pub payload: &'a str,
}

/// A request id: none, or a string in its canonical spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId<'a>(pub Option<Cow<'a, str>>);

/// The types, with the numbers they travel as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// The answer to a request, under the request's id.
    Response = 0,
    /// Asks for the hashes of the whole content.
    GetContentHashes = 1,
    /// Tells them; whoever differs now pulls.
    ContentHashes = 2,
    /// Tells a change, to be merged.
    ContentDiff = 3,
    /// Asks for tables, saying the hashes of one's own.
    GetTableDiff = 4,
    /// Asks for rows.
    GetRowDiff = 5,
    /// Asks for cells.
    GetCellDiff = 6,
    /// Asks for values.
    GetValueDiff = 7,
}

/// A message's type and what it carries.
#[derive(Debug)]
pub enum Body<'a> {
    /// Type 0.
    Response(Response<'a>),
    /// Type 1.
    GetContentHashes,
    /// Type 2.
    ContentHashes(ContentHashes),
    /// Type 3.
    ContentDiff(Changes<'a>),
    /// Type 4.
    GetTableDiff(HashTree<'a>),
    /// Type 5.
    GetRowDiff(HashTree<'a>),
    /// Type 6.
    GetCellDiff(HashTree<'a>),
    /// Type 7.
    GetValueDiff(HashTree<'a>),
    /// Type 0, or 3 to 7, where there is [more](PartLimits::WHOLE) in it than is read whole. The rest of it has not been read, and
    /// may be anything.
    Long(MessageType),
}

/// The payload of an answer. Which request it answers only its id tells; its form tells the rest.
#[derive(Debug)]
pub enum Response<'a> {
    /// To type 1.
    ContentHashes(ContentHashes),
    /// To types 4 and 5: what the asker lacks, and hashes of what differs.
    Difference(Changes<'a>, HashTree<'a>),
    /// To type 6.
    Tables(Changes<'a>),
    /// To type 7.
    Values(Changes<'a>),
    /// To types 6 and 7 where nothing differs: the HLC of the tables, or that of the values.
    Empty(Hlc),
}

impl MessageType {
    /// How many levels the hashes in a question have.
    pub fn levels(self) -> u8 {
        match self {
            Self::GetCellDiff => 3,
            Self::GetRowDiff => 2,
            _ => 1,
        }
    }
}

impl RequestId<'_> {
    /// The same, with nothing borrowed from the text.
    pub fn into_owned(self) -> RequestId<'static> {
        RequestId(self.0.map(|id| Cow::Owned(id.into_owned())))
    }
}

impl<'a> Message<'a> {
    /// Reads the text of a message.
    pub fn read(text: &'a str) -> Result<Self, ReadError> {
        let mut reader = Reader::new(text);
        let mut cursor = reader.array(MESSAGE)?;
        reader.expect_element(&mut cursor, MESSAGE)?;
        let id = read_id(&mut reader)?;
        reader.expect_element(&mut cursor, MESSAGE)?;
        let type_ = read_type(&mut reader)?;
        reader.expect_element(&mut cursor, MESSAGE)?;
        reader.peek();
        let start = reader.at();
        let Some(body) = read_body(&mut reader, type_)? else {
            return Ok(Self { id, body: Body::Long(type_), payload: text.get(start..).unwrap_or_default() });
        };
        let payload = reader.slice_from(start);
        reader.close(&cursor, MESSAGE_END)?;
        reader.end()?;
        Ok(Self { id, body, payload })
    }
}

impl<'a> Response<'a> {
    /// What it brings, where it brings anything.
    pub fn changes(&self) -> Option<&Changes<'a>> {
        match self {
            Self::Difference(changes, _) | Self::Tables(changes) | Self::Values(changes) => Some(changes),
            Self::ContentHashes(_) | Self::Empty(_) => None,
        }
    }
}

/// The text of a message.
pub fn text(id: &RequestId, type_: MessageType, payload: &str) -> String {
    let number = type_ as u8;
    let mut text = String::with_capacity(payload.len() + 40);
    // Writing to a String cannot fail.
    let _ = match &id.0 {
        Some(id) => write!(text, "[\"{id}\",{number},{payload}]"),
        None => write!(text, "[null,{number},{payload}]"),
    };
    text
}

/// The payload of content hashes.
pub fn hashes_text(hashes: ContentHashes) -> String {
    format!("[{},{}]", hashes.tables, hashes.values)
}

fn read_id<'a>(reader: &mut Reader<'a>) -> Result<RequestId<'a>, ReadError> {
    const ID: &str = "a request id, a string or null";
    Ok(RequestId(match reader.peek() {
        Some(b'n') => {
            reader.scalar(ID)?;
            None
        }
        _ => Some(reader.string(ID)?),
    }))
}

fn read_type(reader: &mut Reader) -> Result<MessageType, ReadError> {
    const TYPE: &str = "a type of message, 0 to 7";
    let ahead = reader.clone();
    Ok(match reader.hash(TYPE)? {
        0 => MessageType::Response,
        1 => MessageType::GetContentHashes,
        2 => MessageType::ContentHashes,
        3 => MessageType::ContentDiff,
        4 => MessageType::GetTableDiff,
        5 => MessageType::GetRowDiff,
        6 => MessageType::GetCellDiff,
        7 => MessageType::GetValueDiff,
        _ => return Err(ReadError { found: "another number", ..ahead.error(TYPE) }),
    })
}

/// Reads a payload; `None` where it is long.
fn read_body<'a>(reader: &mut Reader<'a>, type_: MessageType) -> Result<Option<Body<'a>>, ReadError> {
    Ok(Some(match type_ {
        MessageType::Response => return Ok(read_response(reader)?.map(Body::Response)),
        MessageType::GetContentHashes => {
            const NOTHING: &str = "an empty string as the payload";
            let ahead = reader.clone();
            if !reader.string(NOTHING)?.is_empty() {
                return Err(ReadError { found: "another string", ..ahead.error(NOTHING) });
            }
            Body::GetContentHashes
        }
        MessageType::ContentHashes => {
            let cursor = reader.array(HASHES)?;
            Body::ContentHashes(read_hashes(reader, cursor)?)
        }
        MessageType::ContentDiff => {
            return Ok(read_changes(reader, ChangeReader::of_change())?.map(Body::ContentDiff));
        }
        MessageType::GetTableDiff => return read_question(reader, type_, Body::GetTableDiff),
        MessageType::GetRowDiff => return read_question(reader, type_, Body::GetRowDiff),
        MessageType::GetCellDiff => return read_question(reader, type_, Body::GetCellDiff),
        MessageType::GetValueDiff => return read_question(reader, type_, Body::GetValueDiff),
    }))
}

fn read_question<'a>(
    reader: &mut Reader<'a>,
    type_: MessageType,
    body: fn(HashTree<'a>) -> Body<'a>,
) -> Result<Option<Body<'a>>, ReadError> {
    Ok(HashTree::read_unless_long(reader, type_.levels())?.map(body))
}

fn read_changes<'a>(reader: &mut Reader<'a>, mut parts: ChangeReader<'a>) -> Result<Option<Changes<'a>>, ReadError> {
    let changes = parts.read(reader, PartLimits::WHOLE)?;
    Ok(parts.is_over().then_some(changes))
}

fn read_hashes(reader: &mut Reader, mut cursor: Cursor) -> Result<ContentHashes, ReadError> {
    reader.expect_element(&mut cursor, HASHES)?;
    let tables = reader.hash("the hash of the tables")?;
    reader.expect_element(&mut cursor, HASHES)?;
    let values = reader.hash("the hash of the values")?;
    reader.close(&cursor, "the end of content hashes")?;
    Ok(ContentHashes { tables, values })
}

fn read_response<'a>(reader: &mut Reader<'a>) -> Result<Option<Response<'a>>, ReadError> {
    let start = reader.clone();
    let mut cursor = reader.array(RESPONSE)?;
    Ok(match reader.peek() {
        Some(b'[') => {
            reader.expect_element(&mut cursor, RESPONSE)?;
            let Some(new) = read_changes(reader, ChangeReader::of_stamp(false))? else { return Ok(None) };
            reader.expect_element(&mut cursor, RESPONSE)?;
            let levels = levels(reader.clone())?;
            let Some(differing) = HashTree::read_unless_long(reader, levels)? else { return Ok(None) };
            reader.close(&cursor, "the end of a response")?;
            Some(Response::Difference(new, differing))
        }
        Some(b'{') => {
            let of_values = is_of_values(reader.clone())?;
            *reader = start;
            let changes = read_changes(reader, ChangeReader::of_stamp(of_values == Some(true)))?;
            changes.map(|changes| match of_values {
                Some(true) => Response::Values(changes),
                Some(false) => Response::Tables(changes),
                None => Response::Empty(changes.tables_hlc()),
            })
        }
        _ => Some(Response::ContentHashes(read_hashes(reader, cursor)?)),
    })
}

/// Whether hashes are one level deep, or two.
pub fn levels(mut reader: Reader) -> Result<u8, ReadError> {
    let mut cursor = reader.object("an object of hashes")?;
    reader.key(&mut cursor)?;
    Ok(if reader.peek() == Some(b'{') { 2 } else { 1 })
}

/// Whether the stamps in an object are those of values: what they hold is not an object. `None` where there are none.
fn is_of_values(mut reader: Reader) -> Result<Option<bool>, ReadError> {
    let mut cursor = reader.object("an object of stamps")?;
    if reader.key(&mut cursor)?.is_none() {
        return Ok(None);
    }
    reader.array("a stamp")?;
    Ok(Some(reader.peek() != Some(b'{')))
}
