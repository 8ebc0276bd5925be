//! What an incarnation of the hostile program is told, as text in its arguments.

use nexus_abi::Handle;
use nexus_rt::startup::option;

/// Text that makes the program rest a moment and exit.
pub const SLEEPER: &str = "role=sleeper";
/// Where programs begin.
pub const PROGRAM: u64 = 0x10_0000;

/// How calls are chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Anything.
    Random = 0,
    /// Something that looks right.
    Guided = 1,
}

/// One incarnation's orders.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Decides every call.
    pub seed: u64,
    /// How many calls.
    pub calls: u64,
    /// How they are chosen.
    pub style: Style,
    /// Its word of the score board.
    pub lane: usize,
    /// Index of `bin/tiny`.
    pub tiny: u32,
    /// Index of this program.
    pub own: u32,
    /// Page of the console's registers.
    pub console: u64,
}

impl Plan {
    /// The VMO in which it counts its calls.
    pub const SCORE: Handle = Handle::startup(3);
    /// Where it maps it: far from anything a random address hits.
    pub const SCORE_AT: usize = 0x2f_1234_5000;

    /// Reads the orders.
    pub fn read(text: &str) -> Option<Self> {
        let number = |key| option(text, key)?.parse::<u64>().ok();
        Some(Self {
            seed: number("seed")?,
            calls: number("calls")?,
            style: if number("guided")? == 1 { Style::Guided } else { Style::Random },
            lane: number("lane")? as usize % 8,
            tiny: number("tiny")? as u32,
            own: number("own")? as u32,
            console: number("console")?,
        })
    }
}

impl core::fmt::Display for Plan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { seed, calls, style, lane, tiny, own, console } = self;
        let guided = u8::from(*style == Style::Guided);
        write!(
            f,
            "role=hostile seed={seed} calls={calls} guided={guided} lane={lane} tiny={tiny} own={own} console={console}"
        )
    }
}
