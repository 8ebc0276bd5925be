//! Numbers as people read them. Integer arithmetic only: the shell keeps no floating-point state.

use alloc::format;
use alloc::string::String;

use nexus_abi::{Nanos, PAGE_SIZE};

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A span: `850 ns`, `12.3 µs`, `4.56 s`, `3 min 05 s`, `2 d 07 h`.
pub(crate) fn span(span: Nanos) -> String {
    let ns = span.0;
    match ns {
        0..MICROSECOND => format!("{ns} ns"),
        MICROSECOND..MILLISECOND => decimal(ns, MICROSECOND, "µs"),
        MILLISECOND..SECOND => decimal(ns, MILLISECOND, "ms"),
        SECOND..MINUTE => decimal(ns, SECOND, "s"),
        MINUTE..HOUR => format!("{} min {:02} s", ns / MINUTE, ns % MINUTE / SECOND),
        HOUR..DAY => format!("{} h {:02} min", ns / HOUR, ns % HOUR / MINUTE),
        DAY.. => format!("{} d {:02} h", ns / DAY, ns % DAY / HOUR),
    }
}

/// Memory: `8 KiB`, `1.5 MiB`.
pub(crate) fn memory(pages: u64) -> String {
    let kib = pages.saturating_mul(PAGE_SIZE as u64 / 1024);
    match kib {
        0..1024 => format!("{kib} KiB"),
        1024..0x10_0000 => decimal(kib, 1024, "MiB"),
        _ => decimal(kib, 0x10_0000, "GiB"),
    }
}

/// A share: `99.1 %`; of nothing, a dash. Rounded down, so that 100 % means all of it.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::from("-");
    }
    let per_mille = u128::from(part) * 1000 / u128::from(whole);
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// How often in a second: `10.5`; in no time, a dash.
pub(crate) fn rate(count: u64, passed: Nanos) -> String {
    if passed == Nanos(0) {
        return String::from("-");
    }
    let tenths = u128::from(count) * 10 * u128::from(SECOND) / u128::from(passed.0);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Three digits that matter: `1.23`, `12.3`, `123`.
fn decimal(value: u64, unit: u64, name: &str) -> String {
    let whole = value / unit;
    let hundredths = u128::from(value % unit) * 100 / u128::from(unit);
    match whole {
        0..10 => format!("{whole}.{hundredths:02} {name}"),
        10..100 => format!("{whole}.{} {name}", hundredths / 10),
        _ => format!("{whole} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_are_short_at_every_size() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (850_000_000, "850 ms"),
            (4_567_000_000, "4.56 s"),
            (59_999_999_999, "59.9 s"),
            (185 * SECOND, "3 min 05 s"),
            (HOUR + 4 * MINUTE, "1 h 04 min"),
            (2 * DAY + 7 * HOUR, "2 d 07 h"),
        ];
        for (ns, text) in cases {
            assert_eq!(span(Nanos(ns)), text);
        }
    }

    #[test]
    fn memory_is_in_the_unit_that_fits() {
        assert_eq!(memory(0), "0 KiB");
        assert_eq!(memory(3), "12 KiB");
        assert_eq!(memory(384), "1.50 MiB");
        assert_eq!(memory(32_768), "128 MiB");
        assert_eq!(memory(524_288), "2.00 GiB");
    }

    #[test]
    fn shares_are_never_rounded_up_to_all() {
        assert_eq!(share(9999, 10_000), "99.9 %");
        assert_eq!(share(1, 1), "100.0 %");
        assert_eq!(share(0, 0), "-");
        assert_eq!(share(u64::MAX, u64::MAX), "100.0 %");
    }

    #[test]
    fn rates_have_a_tenth() {
        assert_eq!(rate(21, Nanos(2 * SECOND)), "10.5");
        assert_eq!(rate(0, Nanos(SECOND)), "0.0");
        assert_eq!(rate(1, Nanos(0)), "-");
        assert_eq!(rate(u64::MAX, Nanos(1)).len(), 31);
    }

    proptest! {
        #[test]
        fn every_value_has_a_short_text(value: u64, whole: u64) {
            prop_assert!(span(Nanos(value)).chars().count() <= 14);
            prop_assert!(memory(value).chars().count() <= 20);
            prop_assert!(share(value, whole).chars().count() <= 24);
        }
    }
}
