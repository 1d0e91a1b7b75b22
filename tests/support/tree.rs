//! JSON as a tree whose strings and numbers stay as they are spelled, so that comparing trees compares every byte but
//! the order of keys.

use std::collections::BTreeMap;

/// A JSON text taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree<'a> {
    Object(BTreeMap<&'a str, Tree<'a>>),
    Array(Vec<Tree<'a>>),
    /// A string with its quotes, a number, or a word.
    Scalar(&'a str),
}

impl<'a> Tree<'a> {
    /// Takes apart a text with no white space between its tokens and no key that stands twice.
    pub fn parse(text: &'a str) -> Self {
        let mut rest = text;
        let tree = parse(&mut rest);
        assert_eq!(rest, "", "behind the end of {text}");
        tree
    }

    /// The child behind a key, or at an index.
    pub fn at(&self, key: &str) -> &Self {
        match self {
            Self::Object(object) => object.get(key).unwrap_or_else(|| panic!("no {key} in {object:?}")),
            Self::Array(array) => &array[key.parse::<usize>().unwrap()],
            Self::Scalar(text) => panic!("no {key} in {text}"),
        }
    }

    pub fn object(&self) -> &BTreeMap<&'a str, Self> {
        let Self::Object(object) = self else { panic!("no object: {self:?}") };
        object
    }

    pub fn array(&self) -> &[Self] {
        let Self::Array(array) = self else { panic!("no array: {self:?}") };
        array
    }

    pub fn scalar(&self) -> &'a str {
        let Self::Scalar(text) = self else { panic!("no scalar: {self:?}") };
        text
    }
}

/// A value and its stamp, by the path to it.
pub type Leaves = BTreeMap<Vec<String>, (String, String)>;

/// The value and stamp of each cell and value of a content, by its path.
pub fn leaves(content: &Tree) -> Leaves {
    let mut leaves = Leaves::new();
    let mut add = |path: &[&str], leaf: &Tree| {
        let path = path.iter().map(|&id| id.to_owned()).collect();
        leaves.insert(path, (leaf.at("0").scalar().to_owned(), leaf.at("1").scalar().to_owned()));
    };
    for (table, rows) in content.at("0").at("0").object() {
        for (row, cells) in rows.at("0").object() {
            cells.at("0").object().iter().for_each(|(cell, leaf)| add(&[table, row, cell], leaf));
        }
    }
    content.at("1").at("0").object().iter().for_each(|(value, leaf)| add(&[value], leaf));
    leaves
}

fn parse<'a>(rest: &mut &'a str) -> Tree<'a> {
    match rest.as_bytes()[0] {
        b'{' => {
            let mut object = BTreeMap::new();
            each(rest, '}', |rest| {
                let key = take(rest, string_length(rest));
                assert_eq!(take(rest, 1), ":");
                let value = parse(rest);
                assert!(object.insert(&key[1..key.len() - 1], value).is_none(), "{key} stands twice");
            });
            Tree::Object(object)
        }
        b'[' => {
            let mut array = Vec::new();
            each(rest, ']', |rest| array.push(parse(rest)));
            Tree::Array(array)
        }
        b'"' => Tree::Scalar(take(rest, string_length(rest))),
        _ => Tree::Scalar(take(rest, rest.find([',', ']', '}']).unwrap_or(rest.len()))),
    }
}

fn each<'a>(rest: &mut &'a str, close: char, mut element: impl FnMut(&mut &'a str)) {
    take(rest, 1);
    if rest.starts_with(close) {
        take(rest, 1);
        return;
    }
    loop {
        element(rest);
        match take(rest, 1) {
            "," => {}
            end => return assert_eq!(end, close.to_string()),
        }
    }
}

fn string_length(text: &str) -> usize {
    let mut end = 1;
    loop {
        end += text[end..].find('"').expect("the end of a string");
        let escapes = text[..end].bytes().rev().take_while(|&byte| byte == b'\\').count();
        end += 1;
        if escapes % 2 == 0 {
            return end;
        }
    }
}

fn take<'a>(rest: &mut &'a str, length: usize) -> &'a str {
    let (taken, behind) = rest.split_at(length);
    *rest = behind;
    taken
}
