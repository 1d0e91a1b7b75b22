//! Decisions and texts, read off the bytes of an input.

/// Ends a text in an input. No UTF-8 has this byte.
const END: u8 = 0xff;

const IDS: [&str; 12] =
    ["t", "r", "c", "", "1", "0", "__proto__", "a\\nb", "\\\"", "\\ud800", "é🎉", "a rather long id it is"];
const VALUES: [&str; 16] = [
    "1",
    "2.5",
    "-0",
    "1e21",
    "true",
    "null",
    "\"\"",
    "\"\\u0041\"",
    "\"\\ud83d\"",
    "\"a\\n\"",
    "\"\u{fffd}{}\"",
    "\"\u{fffd}[\\\"a\\\\n\\\"]\"",
    "\"\u{fffd}{bad\"",
    "\"\u{fffc}\"",
    "\"a value that is rather long, longer than a stamp\"",
    "123456789012345678",
];
/// In ascending order; the last two lie too far in the future.
const HLCS: [&str; 8] = [
    "",
    "----------------",
    "---------------0",
    "Ohqqe------Alice",
    "Ohqqe------Bobby",
    "OhqrnjV----Alice",
    "OhrAzkV----Alice",
    "zzzzzzzzzzzzzzzz",
];
const PRESENT_HLCS: usize = 6;

/// What is left of an input. All that is read behind its end is zero or empty.
pub struct Source<'a> {
    rest: &'a [u8],
}

impl<'a> Source<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub fn is_over(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        first
    }

    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// Whatever stands up to the end of a text, as far as it is UTF-8.
    pub fn text(&mut self) -> &'a str {
        let end = self.rest.iter().position(|&byte| byte == END).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        text.utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }
}

/// How changes are put together.
#[derive(Clone, Copy)]
pub struct Change {
    /// Whether rows, tables and all of them have stamps of their own.
    pub containers: bool,
    /// Whether stamps may be empty or lie in the future.
    pub any_stamp: bool,
    /// Whether one stamp may come with several values at one place. Otherwise the value follows from both.
    pub conflicts: bool,
}

impl Change {
    pub const ANY: Self = Self { containers: true, any_stamp: true, conflicts: true };

    /// The text of a change.
    pub fn text(self, source: &mut Source) -> String {
        let tables = self.entries(source, 0, |source, table| {
            let rows = self.entries(source, table, |source, row| {
                let cells = self.entries(source, row, |source, cell| self.leaf(source, cell));
                self.container(source, cells)
            });
            self.container(source, rows)
        });
        let tables = self.container(source, tables);
        let values = self.entries(source, 7, |source, value| self.leaf(source, value));
        format!("[{tables},{},1]", self.container(source, values))
    }

    /// Up to three entries. `seed` tells where they are, and so does what each is handed.
    fn entries(self, source: &mut Source, seed: usize, entry: impl Fn(&mut Source, usize) -> String) -> String {
        let entries: Vec<String> = (0..source.below(4))
            .map(|_| {
                // Ids without lone surrogates, where hashes must tell apart what differs.
                let id = source.below(IDS.len());
                let id = if IDS[id] == "\\ud800" && !self.conflicts { 0 } else { id };
                format!("\"{}\":{}", IDS[id], entry(source, seed * 31 + id + 1))
            })
            .collect();
        format!("{{{}}}", entries.join(","))
    }

    fn leaf(self, source: &mut Source, place: usize) -> String {
        let hlc = self.hlc(source);
        let which = if self.conflicts { source.below(VALUES.len()) } else { (place * 17 + hlc) % VALUES.len() };
        let value = VALUES[which];
        if self.any_stamp && hlc == 0 && source.one_in(2) {
            return format!("[{value}]");
        }
        format!("[{value},\"{}\"]", HLCS[hlc])
    }

    fn container(self, source: &mut Source, inside: String) -> String {
        if self.containers && source.one_in(4) {
            format!("[{inside},\"{}\"]", HLCS[self.hlc(source)])
        } else {
            format!("[{inside}]")
        }
    }

    fn hlc(self, source: &mut Source) -> usize {
        if self.any_stamp { source.below(HLCS.len()) } else { 1 + source.below(PRESENT_HLCS - 1) }
    }
}
