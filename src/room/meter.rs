//! What a client may send and ask for.
//!
//! What a client sends, and what it asks for, is debited to it in bytes. [`BURST_BYTES`] are free at once, to move in with a
//! large document, and [`BYTES_PER_SECOND`] ever after: far more than the busiest app needs.

/// What a client may send and ask for at once, in bytes.
pub const BURST_BYTES: u64 = 256 << 20;
/// What it may send and ask for each second ever after.
pub const BYTES_PER_SECOND: u64 = 8 << 20;

/// One client's account.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    /// What it was debited and has not paid off by waiting, in bytes.
    debt_bytes: u64,
    at_ms: u64,
}

/// A client has taken more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overdrawn {
    pub debt_bytes: u64,
}

impl Meter {
    /// Debits a client.
    pub fn debit(&mut self, bytes: u64, now_ms: u64) -> Result<(), Overdrawn> {
        let waited_ms = now_ms.saturating_sub(self.at_ms);
        self.at_ms = now_ms;
        let paid_off = waited_ms.saturating_mul(BYTES_PER_SECOND) / 1000;
        self.debt_bytes = self.debt_bytes.saturating_sub(paid_off) + bytes;
        if self.debt_bytes > BURST_BYTES { Err(Overdrawn { debt_bytes: self.debt_bytes }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST_BYTES, BYTES_PER_SECOND, Meter, Overdrawn};

    #[test]
    fn what_is_debited_is_paid_off_by_waiting() {
        let mut meter = Meter::default();
        assert_eq!(meter.debit(BURST_BYTES, 0), Ok(()));
        assert_eq!(meter.debit(1, 0), Err(Overdrawn { debt_bytes: BURST_BYTES + 1 }));
        let mut meter = Meter::default();
        assert_eq!(meter.debit(BURST_BYTES, 0), Ok(()));
        assert_eq!(meter.debit(BYTES_PER_SECOND, 1000), Ok(()));
        assert!(meter.debit(1, 1000).is_err());
    }
}
