//! Has libFuzzer look for what costs most. It keeps what reaches something new; so how much an input costs for each byte
//! counts as reached, step by step.
#![no_main]

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};
use tinyroom_fuzz::cost::{self, Kind, LOADS, Measure, Record};
use tinyroom_fuzz::counting::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MEASURES: usize = Measure::Loads as usize + 1;
const KINDS: usize = Kind::Several as usize + 1;
/// How many steps there are where a ratio doubles, and in all.
const STEPS_A_DOUBLING: f64 = 16.0;
const STEPS: usize = 256;
/// The ratio below which none is reached.
const LEAST: f64 = 1.0 / 16.0;

/// Where libFuzzer looks for what else an input has reached.
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static REACHED: [AtomicU8; MEASURES * KINDS * STEPS] = [const { AtomicU8::new(0) }; MEASURES * KINDS * STEPS];

/// Whether to tell what each input costs.
static TELLS: LazyLock<bool> = LazyLock::new(|| std::env::var_os("COSTS").is_some());

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    for record in cost::run(input) {
        reach(&record);
        if *TELLS {
            println!("{record}");
        }
    }
});

/// Who reaches a ratio has reached all below it: so whoever goes further makes others needless.
fn reach(record: &Record) {
    let steps = ((record.ratio / LEAST).log2() * STEPS_A_DOUBLING).ceil().clamp(0.0, STEPS as f64);
    let start = (record.measure as usize * KINDS + record.kind as usize) * STEPS;
    REACHED[start..][..steps as usize].iter().for_each(|step| step.store(1, Ordering::Relaxed));
}

/// What the compiler has called at each load, if it was told to: `fuzz/run.sh` does.
macro_rules! count_loads {
    ($($name:ident)*) => {
        $(#[unsafe(no_mangle)]
        extern "C" fn $name(_: *const u8) {
            LOADS.store(LOADS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        })*
    };
}

count_loads!(__sanitizer_cov_load1 __sanitizer_cov_load2 __sanitizer_cov_load4 __sanitizer_cov_load8 __sanitizer_cov_load16);
