//! Hashes as text.

use super::write::{write_key, write_number};

/// Writes a tree of hashes, leaving out branches with nothing in them.
pub(super) struct HashWriter {
    out: String,
    entered: Vec<usize>,
}

impl HashWriter {
    pub fn new() -> Self {
        Self { out: String::from("{"), entered: Vec::new() }
    }

    pub fn enter(&mut self, id: &str) {
        self.entered.push(self.out.len());
        self.key(id);
        self.out.push('{');
    }

    pub fn leaf(&mut self, id: &str, hash: u32) {
        self.key(id);
        write_number(&mut self.out, hash);
    }

    pub fn leave(&mut self) {
        let start = self.entered.pop().unwrap_or_default();
        if self.out.ends_with('{') {
            self.out.truncate(start);
        } else {
            self.out.push('}');
        }
    }

    /// Leaves a branch, though there be nothing in it.
    pub fn leave_open(&mut self) {
        self.entered.pop();
        self.out.push('}');
    }

    /// How long exactly the text is at its end. Of branches within each other that are both empty it may count one.
    pub fn length(&self) -> usize {
        let last = if self.out.ends_with('{') { self.entered.last() } else { None };
        last.map_or(self.out.len() + 1, |&start| start) + self.entered.len()
    }

    /// How much was written.
    pub fn mark(&self) -> usize {
        self.out.len()
    }

    /// Takes back what was written since.
    pub fn take_back(&mut self, mark: usize) {
        self.out.truncate(mark);
    }

    pub fn finish(mut self) -> String {
        self.out.push('}');
        self.out
    }

    pub fn finish_unless_empty(self) -> Option<String> {
        (self.out.len() > 1).then(|| self.finish())
    }

    fn key(&mut self, id: &str) {
        let comma = !self.out.ends_with('{');
        write_key(&mut self.out, id, comma);
    }
}
