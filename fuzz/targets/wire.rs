#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tinyroom_fuzz::wire::run(input));
