//! Virtual time: the service each unit of weight has had.
//!
//! A point is a count of units of 2⁻¹⁶ ticks per unit of weight. It wraps, and only the difference of two
//! points means something. All points of one class that are ever compared lie within a few requests of one
//! another, at most 2⁴⁹ units at the fastest clock, so the difference of 2⁶³ at which order would turn over
//! stays out of reach however long the machine runs.
//!
//! Dividing by a weight is multiplying by its [`Inverse`] and keeping the upper half. Nothing divides on the
//! way from one task to the next.

use crate::time::Ticks;

/// Binary digits after the tick. 16: rounding a charge down costs the clock of a class with 65,536 units of
/// weight one tick, and the greatest sums (100 ms bursts of 16,384 tasks at 1 GHz) still fit in 58 bits.
pub(crate) const SCALE_BITS: u32 = 16;

/// The longest charge taken at face value: 20 days at 10 MHz. More can only be one task's that ran alone.
const CHARGE_MAX: u64 = 1 << CHARGE_BITS;
const CHARGE_BITS: u32 = 44;

/// Service in units of 2⁻¹⁶ ticks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(transparent)]
pub(crate) struct Service(pub(crate) u64);

impl Service {
    /// The service of running for a span.
    #[inline(always)]
    pub(crate) const fn of(span: Ticks) -> Self {
        let ticks = if span.0 >> CHARGE_BITS == 0 { span.0 } else { CHARGE_MAX };
        Self(ticks << SCALE_BITS)
    }

    /// The shortest span in which that much is served.
    #[inline(always)]
    pub(crate) const fn ticks(self) -> Ticks {
        Ticks((self.0 + (1 << SCALE_BITS) - 1) >> SCALE_BITS)
    }
}

/// A point of a class's virtual time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub(crate) struct Virtual(pub(crate) u64);

impl Virtual {
    /// How far this is past `other`; negative when it is before.
    #[inline(always)]
    pub(crate) const fn lead_over(self, other: Self) -> i64 {
        self.0.wrapping_sub(other.0).cast_signed()
    }

    /// True when this comes after `other`.
    #[inline(always)]
    pub(crate) const fn is_past(self, other: Self) -> bool {
        self.lead_over(other) > 0
    }

    /// The point `units` later.
    #[inline(always)]
    pub(crate) const fn plus(self, units: u64) -> Self {
        Self(self.0.wrapping_add(units))
    }

    /// The point `lead` later, or earlier when it is negative.
    #[inline(always)]
    pub(crate) const fn led_by(self, lead: i64) -> Self {
        Self(self.0.wrapping_add_signed(lead))
    }

    /// The later of two.
    #[inline(always)]
    pub(crate) const fn later(self, other: Self) -> Self {
        if self.is_past(other) { self } else { other }
    }

    /// The earlier of two.
    #[inline(always)]
    pub(crate) const fn earlier(self, other: Self) -> Self {
        if self.is_past(other) { other } else { self }
    }
}

/// 2⁶⁴ divided by a weight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Inverse(u64);

impl Inverse {
    /// The inverse of a weight; of 0, that of 1.
    pub(crate) const fn of(weight: u64) -> Self {
        Self(u64::MAX / if weight == 0 { 1 } else { weight })
    }

    /// Units of virtual time in which the weight gets this service, rounded down.
    #[inline(always)]
    pub(crate) const fn spread(self, service: Service) -> u64 {
        (self.wide(service) >> 64) as u64
    }

    #[inline(always)]
    const fn wide(self, service: Service) -> u128 {
        self.0 as u128 * service.0 as u128
    }
}

/// A task's own point, with what rounding would lose. Its error is that of the inverse: one part in 2⁵⁴, less
/// than 20 ns of service in ten years.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) at: Virtual,
    /// Of a unit, in 2⁻⁶⁴.
    fraction: u64,
}

impl Progress {
    /// A point with no fraction.
    pub(crate) const fn at(at: Virtual) -> Self {
        Self { at, fraction: 0 }
    }

    /// Moves on by what the service amounts to for a weight.
    #[inline(always)]
    pub(crate) const fn advance(&mut self, inverse: Inverse, service: Service) {
        let wide = inverse.wide(service);
        let (fraction, carry) = self.fraction.overflowing_add(wide as u64);
        self.fraction = fraction;
        self.at = self.at.plus((wide >> 64) as u64 + carry as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One tick at a time for all weights, and the largest charge: the error is below a millionth of a tick.
    #[test]
    fn small_charges_add_up_to_the_large_one() {
        for weight in 1..=1000_u64 {
            let inverse = Inverse::of(weight);
            let (mut small, mut large) = (Progress::default(), Progress::default());
            for _ in 0..weight * 16 {
                small.advance(inverse, Service::of(Ticks(1)));
            }
            large.advance(inverse, Service::of(Ticks(weight * 16)));
            assert_eq!(small.at.0, (16 << SCALE_BITS) - 1, "just short of the exact quotient");
            assert_eq!(small.at, large.at);
            assert!(small.fraction > u64::MAX - (1 << 40));
        }
    }

    /// Ten years of service at 1 GHz for every weight, against exact division.
    #[test]
    fn ten_years_lose_less_than_twenty_ticks() {
        let year = 31_557_600_u128 * 1_000_000_000;
        for weight in 1..=1000_u64 {
            let mut progress = Progress::default();
            let mut served = 0_u128;
            let mut turned = 0_u128;
            let mut last = 0_u64;
            while served < 10 * year {
                progress.advance(Inverse::of(weight), Service::of(Ticks(CHARGE_MAX)));
                served += u128::from(CHARGE_MAX);
                turned += u128::from(progress.at.0 < last);
                last = progress.at.0;
            }
            let reached = ((turned << 64 | u128::from(last)) * u128::from(weight)) >> SCALE_BITS;
            assert!(served - reached < 20, "weight {weight} lost {} ticks", served - reached);
        }
    }

    #[test]
    fn order_survives_the_wrap() {
        let before = Virtual(u64::MAX - 5);
        let after = before.plus(10);
        assert_eq!(after, Virtual(4));
        assert!(after.is_past(before) && !before.is_past(after) && !before.is_past(before));
        assert_eq!(before.lead_over(after), -10);
        assert_eq!((before.later(after), before.earlier(after)), (after, before));
        assert_eq!(after.led_by(-10), before);
    }

    #[test]
    fn service_rounds_to_spans_that_suffice() {
        assert_eq!(Service::of(Ticks(3)).ticks(), Ticks(3));
        assert_eq!(Service(Service::of(Ticks(3)).0 + 1).ticks(), Ticks(4));
        assert_eq!(Service::of(Ticks::NEVER), Service::of(Ticks(CHARGE_MAX)));
    }
}
