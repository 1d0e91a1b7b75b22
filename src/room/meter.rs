//! What a client may send and ask for.
//!
//! What a client sends, and what it asks for, is debited to it in bytes. So many are free at once, to move in with a large
//! document, and so many each second ever after: by default far more than the busiest app needs.

/// How much a client may send and ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once, in bytes. Default 256 MiB.
    pub burst_bytes: u64,
    /// Each second ever after, in bytes. Default 8 MiB.
    pub bytes_per_s: u64,
}

impl Rate {
    /// The default.
    pub const DEFAULT: Self = Self { burst_bytes: 256 << 20, bytes_per_s: 8 << 20 };
}

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
    pub rate: Rate,
}

impl Meter {
    /// Debits a client.
    pub fn debit(&mut self, bytes: u64, now_ms: u64, rate: Rate) -> Result<(), Overdrawn> {
        let waited_ms = now_ms.saturating_sub(self.at_ms);
        self.at_ms = now_ms;
        let paid_off = waited_ms.saturating_mul(rate.bytes_per_s) / 1000;
        self.debt_bytes = self.debt_bytes.saturating_sub(paid_off) + bytes;
        if self.debt_bytes > rate.burst_bytes { Err(Overdrawn { debt_bytes: self.debt_bytes, rate }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, Overdrawn, Rate};

    #[test]
    fn what_is_debited_is_paid_off_by_waiting() {
        for rate in [Rate::DEFAULT, Rate { burst_bytes: 100, bytes_per_s: 7 }] {
            let mut meter = Meter::default();
            assert_eq!(meter.debit(rate.burst_bytes, 0, rate), Ok(()));
            let debt_bytes = rate.burst_bytes + 1;
            assert_eq!(meter.debit(1, 0, rate), Err(Overdrawn { debt_bytes, rate }));
            let mut meter = Meter::default();
            assert_eq!(meter.debit(rate.burst_bytes, 0, rate), Ok(()));
            assert_eq!(meter.debit(rate.bytes_per_s, 1000, rate), Ok(()));
            assert!(meter.debit(1, 1000, rate).is_err());
        }
    }
}
