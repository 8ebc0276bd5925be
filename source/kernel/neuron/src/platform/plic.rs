//! The platform-level interrupt controller: which device interrupts which hart.
//!
//! ```text
//! device ── line ─▶ priority > threshold? ─▶ enabled for context? ─▶ hart's external interrupt
//!                                                      claim ◀── hart ──▶ complete
//! ```
//!
//! A [`Line`] is a device's number (1 up to the controller's count), a [`Context`] is one hart's S-mode.
//! Between claim and complete a line stays silent, which is how an interrupt is masked until the task it
//! was delivered to says it is done. Completion counts only at a context where the line is enabled, and
//! belongs to the context that claimed: complete first, disable then.
//!
//! Registers of different contexts are different words, so each hart may claim and complete on its own
//! without a lock. `enable`, `disable` and `set_priority` read and write words that lines share: the
//! caller serialises them. Every operation is O(1), `reset_context` is O(lines / 32).

use super::mmio::Mmio;

const PRIORITY: usize = 0;
const PENDING: usize = 0x1000;
const ENABLE: usize = 0x2000;
const ENABLE_STRIDE: usize = 0x80;
const THRESHOLD: usize = 0x20_0000;
const CLAIM: usize = 0x20_0004;
const CONTEXT_STRIDE: usize = 0x1000;
/// Most lines the layout has room for; 0 means "none".
const LINES_MAX: u32 = 1023;

/// A device's interrupt line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Line(u16);

impl Line {
    /// Fills unused places of tables; no controller has it.
    pub(crate) const NONE: Self = Self(0);

    /// `None` unless a controller with `lines` lines has it.
    pub const fn new(number: u32, lines: u32) -> Option<Self> {
        if number >= 1 && number <= lines && number <= LINES_MAX { Some(Self(number as u16)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    const fn word(self) -> usize {
        (self.0 / 32) as usize * 4
    }

    const fn bit(self) -> u32 {
        1 << (self.0 % 32)
    }
}

/// One hart's privilege mode as an interrupt target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context(u16);

impl Context {
    /// Fills unused places of tables.
    pub(crate) const NONE: Self = Self(u16::MAX);

    /// Most contexts the layout has room for.
    pub const MAX: u32 = 15_872;

    /// `None` beyond [`Self::MAX`].
    pub const fn new(number: u32) -> Option<Self> {
        if number < Self::MAX { Some(Self(number as u16)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0 as u32
    }

    const fn register(self, of_context_0: usize) -> usize {
        of_context_0 + self.0 as usize * CONTEXT_STRIDE
    }

    const fn enables(self) -> usize {
        ENABLE + self.0 as usize * ENABLE_STRIDE
    }
}

/// How urgent a line is. A context hears those above its threshold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Priority(pub u32);

impl Priority {
    /// Never delivered; as a threshold: everything else is.
    pub const NEVER: Self = Self(0);
    /// What every line in use gets: QoS is the scheduler's business, not the controller's.
    pub const NORMAL: Self = Self(1);
}

/// The controller.
#[derive(Clone, Copy, Debug)]
pub struct Plic {
    registers: Mmio,
    lines: u32,
}

impl Plic {
    /// A controller with `lines` lines behind these registers.
    pub const fn new(registers: Mmio, lines: u32) -> Self {
        Self { registers, lines: if lines < LINES_MAX { lines } else { LINES_MAX } }
    }

    /// A line of this controller.
    pub const fn line(&self, number: u32) -> Option<Line> {
        Line::new(number, self.lines)
    }

    /// Makes a context deaf to every line and open to all priorities: its state before anything is bound.
    pub fn reset_context(&self, context: Context) {
        for word in 0..=self.lines as usize / 32 {
            self.registers.write32(context.enables() + word * 4, 0);
        }
        self.set_threshold(context, Priority::NEVER);
    }

    /// Sets a line's priority.
    pub fn set_priority(&self, line: Line, priority: Priority) {
        self.registers.write32(PRIORITY + line.number() as usize * 4, priority.0);
    }

    /// Delivers a line to a context; other contexts keep their setting.
    pub fn enable(&self, line: Line, context: Context) {
        let word = context.enables() + line.word();
        self.registers.write32(word, self.registers.read32(word) | line.bit());
    }

    /// Stops delivering a line to a context.
    pub fn disable(&self, line: Line, context: Context) {
        let word = context.enables() + line.word();
        self.registers.write32(word, self.registers.read32(word) & !line.bit());
    }

    /// A context hears only priorities above `priority`.
    pub fn set_threshold(&self, context: Context, priority: Priority) {
        self.registers.write32(context.register(THRESHOLD), priority.0);
    }

    /// Takes the most urgent pending line of a context; it stays silent until [`Self::complete`]. `None`
    /// when nothing is pending, which is normal: another hart may have been faster.
    pub fn claim(&self, context: Context) -> Option<Line> {
        self.line(self.registers.read32(context.register(CLAIM)))
    }

    /// Lets a line interrupt again. `context` is the one that claimed it.
    pub fn complete(&self, context: Context, line: Line) {
        self.registers.write32(context.register(CLAIM), line.number());
    }

    /// True while a line waits to be claimed.
    pub fn is_pending(&self, line: Line) -> bool {
        self.registers.read32(PENDING + line.word()) & line.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::mmio::fake;

    const CONTEXT: Context = Context(3);

    fn plic() -> (Mmio, Plic) {
        let registers = fake::registers(0x60_0000);
        (registers, Plic::new(registers, 95))
    }

    #[test]
    fn lines_exist_from_one_to_the_count() {
        let (_, plic) = plic();
        assert_eq!((plic.line(0), plic.line(96), plic.line(u32::MAX)), (None, None, None));
        assert_eq!(plic.line(95).map(Line::number), Some(95));
        assert_eq!(Line::new(1024, 4096), None);
        assert_eq!(Context::new(Context::MAX), None);
    }

    #[test]
    fn enabling_one_line_leaves_its_neighbours_and_other_contexts_alone() {
        let (registers, plic) = plic();
        let word = 0x2000 + 3 * 0x80 + 4;
        registers.write32(word, 1 << 9);
        plic.enable(plic.line(33).unwrap(), CONTEXT);
        assert_eq!(registers.read32(word), 1 << 9 | 1 << 1);
        plic.disable(plic.line(41).unwrap(), CONTEXT);
        assert_eq!(registers.read32(word), 1 << 1);
        assert_eq!((registers.read32(word - 0x80), registers.read32(word + 0x80)), (0, 0));
    }

    #[test]
    fn reset_silences_a_context_and_only_that() {
        let (registers, plic) = plic();
        for context in [2, 3, 4] {
            plic.enable(plic.line(10).unwrap(), Context(context));
            plic.set_threshold(Context(context), Priority(7));
        }
        plic.reset_context(CONTEXT);
        let enables = [2, 3, 4].map(|context| registers.read32(0x2000 + context * 0x80));
        let thresholds = [2, 3, 4].map(|context| registers.read32(0x20_0000 + context * 0x1000));
        assert_eq!((enables, thresholds), ([1 << 10, 0, 1 << 10], [7, 0, 7]));
    }

    #[test]
    fn claim_reads_and_complete_writes_the_contexts_own_register() {
        let (registers, plic) = plic();
        let register = 0x20_3004;
        assert_eq!(plic.claim(CONTEXT), None);
        registers.write32(register, 10);
        let line = plic.claim(CONTEXT).unwrap();
        assert_eq!(line.number(), 10);
        registers.write32(register, 0);
        plic.complete(CONTEXT, line);
        assert_eq!(registers.read32(register), 10);
        registers.write32(register, 96);
        assert_eq!(plic.claim(CONTEXT), None, "a line the controller does not have");
    }

    #[test]
    fn priority_and_pending_are_where_the_specification_puts_them() {
        let (registers, plic) = plic();
        let line = plic.line(40).unwrap();
        plic.set_priority(line, Priority::NORMAL);
        assert_eq!(registers.read32(160), 1);
        assert!(!plic.is_pending(line));
        registers.write32(0x1004, 1 << 8);
        assert!(plic.is_pending(line));
    }
}
