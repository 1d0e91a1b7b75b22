//! JSON as JavaScript reads and prints it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod support;

use std::collections::BTreeMap;
use support::fixtures::{list, text};
use support::stores::{scalar, store_of};
use support::tree::Tree;
use tinyroom::json::{ReadError, Reader};

#[test]
fn numbers_read_as_javascript_reads_them() {
    for case in list("numbers", "cases") {
        let (written, printed) = (text(&case, "in"), text(&case, "out"));
        let read = scalar(written);
        if printed == "null" {
            assert_eq!(read.unwrap_err().found, "a number beyond a double", "{written}");
        } else {
            assert_eq!(read.as_deref(), Ok(printed), "{written}");
        }
    }
    for unreadable in list("numbers", "unreadable") {
        assert!(scalar(unreadable.as_str().unwrap()).is_err(), "{unreadable}");
    }
}

#[test]
fn strings_read_as_javascript_reads_them() {
    for case in list("strings", "cases") {
        let (written, printed) = (text(&case, "in"), text(&case, "out"));
        assert_eq!(scalar(written).as_deref(), Ok(printed), "{written}");
        let id = format!(r#"[[{{}}],[{{{written}:[1]}}],1]"#);
        let content = store_of([&*id]).content_text();
        assert_eq!(content.find(&format!("{{{printed}:[1,")), Some(content.find("[{\"").unwrap() + 1), "{content}");
    }
    for unreadable in list("strings", "unreadable") {
        let unreadable = unreadable.as_str().unwrap();
        assert!(structure(unreadable).is_err(), "{unreadable}");
    }
}

#[test]
fn structures_read_as_javascript_reads_them() {
    for case in list("strings", "structures") {
        let read = structure(text(&case, "in")).unwrap();
        assert_eq!(Tree::parse(&read), Tree::parse(text(&case, "out")));
    }
}

/// Reads any JSON, and writes it again without what stands twice.
fn structure(text: &str) -> Result<String, ReadError> {
    fn read(reader: &mut Reader) -> Result<String, ReadError> {
        match reader.peek() {
            Some(b'[') => {
                let mut cursor = reader.array("an array")?;
                let mut elements = Vec::new();
                while reader.element(&mut cursor)? {
                    elements.push(read(reader)?);
                }
                Ok(format!("[{}]", elements.join(",")))
            }
            Some(b'{') => {
                let mut cursor = reader.object("an object")?;
                let mut properties = BTreeMap::new();
                while let Some(key) = reader.key(&mut cursor)? {
                    properties.insert(key.into_owned(), read(reader)?);
                }
                let properties = properties.iter().map(|(key, value)| format!("\"{key}\":{value}"));
                Ok(format!("{{{}}}", properties.collect::<Vec<_>>().join(",")))
            }
            _ => Ok(reader.scalar("JSON")?.into_owned()),
        }
    }
    let mut reader = Reader::new(text);
    let written = read(&mut reader)?;
    reader.end()?;
    Ok(written)
}
