//! The battery: a curve from a file, and what is left.

use nexus_abi::Nanos;
use power_governor::Percent;
use serde::Deserialize;

/// The curve that every simulation uses.
const CURVE: &str = include_str!("../../fixtures/power/battery.toml");

/// Energy, in thousand-millionths of a model unit: a unit per second for a nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Energy(pub u128);

impl Energy {
    /// Whole units.
    pub const fn units(units: u64) -> Self {
        Self(units as u128 * 1_000_000_000)
    }

    /// So many units per second, for so long.
    pub const fn spent(per_second: u64, span: Nanos) -> Self {
        Self(per_second as u128 * span.0 as u128)
    }

    /// In whole units, rounded down.
    pub const fn in_units(self) -> u64 {
        (self.0 / 1_000_000_000) as u64
    }
}

impl std::ops::AddAssign for Energy {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

/// What a full battery holds, and what a gauge shows.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    capacity: u64,
    /// Thousandths of the charge, and the percent shown: both ascending, from 0 to 1000 and to 100.
    curve: Vec<(u16, u8)>,
}

impl Curve {
    /// The curve of `fixtures/power/`.
    pub fn fixture() -> Result<Self, String> {
        Self::parse(CURVE)
    }

    /// Reads a curve and checks it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let curve: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let ascends = curve.curve.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let ends = (curve.curve.first(), curve.curve.last()) == (Some(&(0, 0)), Some(&(1_000, 100)));
        match (curve.capacity, ascends && ends) {
            (0, _) => Err("capacity must be at least 1".to_owned()),
            (_, false) => Err("curve must ascend from [0, 0] to [1000, 100]".to_owned()),
            _ => Ok(curve),
        }
    }

    /// What a full battery holds.
    pub const fn capacity(&self) -> Energy {
        Energy::units(self.capacity)
    }

    /// What the gauge shows: the nearest whole percent.
    fn shown(&self, charge: Energy) -> Percent {
        let millionths = (charge.0 * 1_000_000 / self.capacity().0) as u64;
        let after = self.curve.partition_point(|(at, _)| u64::from(*at) * 1_000 <= millionths);
        let percent = match (self.curve.get(after.wrapping_sub(1)), self.curve.get(after)) {
            (Some((from, low)), Some((to, high))) => {
                let (way, part) = (u64::from(to - from) * 1_000, millionths - u64::from(*from) * 1_000);
                low + ((u64::from(high - low) * part + way / 2) / way) as u8
            }
            _ => Percent::FULL.get(),
        };
        Percent::clamped(percent)
    }
}

/// The battery of one device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Battery {
    curve: Curve,
    charge: Energy,
}

impl Battery {
    /// A full one.
    pub fn full(curve: Curve) -> Self {
        let charge = curve.capacity();
        Self { curve, charge }
    }

    /// Charge flows in and out. What does not fit is lost, and less than nothing is nothing.
    pub fn flow(&mut self, into: Energy, out: Energy) {
        let charge = (self.charge.0 + into.0).saturating_sub(out.0);
        self.charge = Energy(charge).min(self.curve.capacity());
    }

    /// What the gauge shows.
    pub fn percent(&self) -> Percent {
        self.curve.shown(self.charge)
    }

    /// True when there is nothing left.
    pub const fn is_empty(&self) -> bool {
        self.charge.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixture_shows_its_own_points() {
        let curve = Curve::fixture().unwrap();
        for (mille, percent) in curve.curve.clone() {
            let charge = Energy(curve.capacity().0 * u128::from(mille) / 1_000);
            assert_eq!(curve.shown(charge).get(), percent, "at {mille} thousandths");
        }
    }

    #[test]
    fn what_does_not_fit_is_lost_and_less_than_nothing_is_nothing() {
        let mut battery =
            Battery::full(Curve::parse("capacity = 10\ncurve = [[0, 0], [1000, 100]]").unwrap());
        battery.flow(Energy::units(5), Energy::units(1));
        assert_eq!(battery.percent().get(), 100);
        battery.flow(Energy::default(), Energy::units(4));
        assert_eq!(battery.percent().get(), 60);
        battery.flow(Energy::default(), Energy::units(7));
        assert!(battery.is_empty() && battery.percent().get() == 0);
    }

    #[test]
    fn test_reject_curve_that_does_not_ascend() {
        for curve in ["[[0, 0], [500, 60], [400, 70], [1000, 100]]", "[[0, 0], [1000, 99]]", "[]"] {
            assert!(Curve::parse(&format!("capacity = 1\ncurve = {curve}")).is_err(), "{curve}");
        }
        assert!(Curve::parse("capacity = 0\ncurve = [[0, 0], [1000, 100]]").is_err());
    }
}
