//! What a peer can be told to do.
//!
//! A call's first word is the [`Op`], the next six are its arguments, the last is the slot in which a handle
//! that came along is kept. The answer's first word is 0 or an error's wire value. Ops marked *later* are
//! answered first and done afterwards; [`Op::Last`] tells how the latest of them went.

/// One instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Op {
    /// Sends words, bytes and handle back as they came.
    Echo = 0,
    /// Keeps the handle that came along and does nothing else.
    Keep,
    /// *Later*: calls the endpoint in slot a1 with a2 as first word, a3 bytes, until deadline a4.
    Call,
    /// *Later*: waits for the notification in slot a1 until deadline a2.
    Wait,
    /// *Later*: receives from the endpoint in slot a1 until deadline a2, keeps the reply in slot a3.
    Receive,
    /// *Later*: sleeps until a1.
    Sleep,
    /// *Later*: runs without end. With a1 it rests a2 nanoseconds after every a1 turns.
    Spin,
    /// *Later*: waits for the notification in slot a3, then does as for `Spin`.
    Start,
    /// *Later*: exits with code a1.
    Exit,
    /// *Later*: does the [`Misdeed`] a1.
    Misbehave,
    /// How the latest instruction done later went: status, and two values.
    Last,
    /// Maps a1 pages of the VMO in slot a2 with rights a3; the window replaces the earlier one. Answers the address.
    Map,
    /// Reads the window at byte a1.
    Peek,
    /// Writes a2 to the window at byte a1.
    Poke,
    /// *Later*: reads the window at byte a1 until it is not a2, at most until the moment a3. With a4
    /// it rests a4 nanoseconds after each reading.
    Watch,
    /// Keeps this call's reply in slot a1 and never answers.
    Stash,
    /// Makes an object of [`Kind`](Make) a1 (a VMO of a2 pages) and sends it back.
    Make,
    /// The raw `task_qos` call with a1, a2, a3: status and value.
    Qos,
    /// *Later*: fills the floating-point registers with values made from a1 and checks them a2 times, giving way
    /// in between, or counting down from a3 if that is not 0. The value counts what did not match.
    Float,
    /// Reads the clock.
    Clock,
    /// Closes the handle in slot a1.
    Close,
    /// Sets bits a2 at slot a1.
    Notify,
    /// Answers the reply in slot a1 with a2 as first word.
    Answer,
    /// Copies handle of slot a1 into its own table until that fails: how often it went, and the error.
    FillHandles,
    /// Makes notifications until that fails: how often it went, and the error. They are closed again.
    FillObjects,
    /// Touches pages of a VMO of a1 pages until that fails: the VMO dies with the peer.
    Touch,
    /// Maps a new VMO of a1 pages and touches none of them.
    Own,
    /// Touches a1 pages of its heap and frees them: own pages before, at most, after.
    Heap,
    /// Executes the beginning of the window.
    Execute,
    /// Its own `sched_get` of field a1: the value, and the policy.
    Sched,
    /// *Later*: from the moment a1 until a2 looks at the clock without end: how long it did not run at most, and how
    /// long it ran at most.
    Gaps,
    /// *Later*: takes a4 calls at the endpoint in slot a1; for each it works a2 turns, calls the endpoint in slot a3 if
    /// that is not 0, and answers. The status is that of its own calls; the value counts who heard the answer.
    Serve,
    /// *Later*: at the moment a2 calls the endpoint in slot a1 and waits at most a3 nanoseconds: how long that took,
    /// and how it ended.
    Clocked,
    /// Has timed set a timer for the moment a1: its id.
    SetTimer,
    /// Has timed cancel the timer a1: whether it was live.
    CancelTimer,
    /// *Later*: sleeps by timed until a1: its clock then.
    Doze,
    /// *Later*: in a2 rounds sets timers and cancels some of them, all by chance from seed a1: how many it has seen the
    /// end of, and how often something was lost, doubled or early.
    Churn,
}

/// Ops in wire order.
const OPS: [Op; 37] = [
    Op::Echo,
    Op::Keep,
    Op::Call,
    Op::Wait,
    Op::Receive,
    Op::Sleep,
    Op::Spin,
    Op::Start,
    Op::Exit,
    Op::Misbehave,
    Op::Last,
    Op::Map,
    Op::Peek,
    Op::Poke,
    Op::Watch,
    Op::Stash,
    Op::Make,
    Op::Qos,
    Op::Float,
    Op::Clock,
    Op::Close,
    Op::Notify,
    Op::Answer,
    Op::FillHandles,
    Op::FillObjects,
    Op::Touch,
    Op::Own,
    Op::Heap,
    Op::Execute,
    Op::Sched,
    Op::Gaps,
    Op::Serve,
    Op::Clocked,
    Op::SetTimer,
    Op::CancelTimer,
    Op::Doze,
    Op::Churn,
];

impl Op {
    /// Reads a word.
    pub fn from_wire(word: u64) -> Option<Self> {
        OPS.get(usize::try_from(word).ok()?).copied()
    }
}

/// What [`Op::Make`] makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Make {
    /// An endpoint.
    Endpoint = 0,
    /// A notification.
    Notification,
    /// A VMO, its first word written to 7.
    Vmo,
}

/// What the hardware, or the kernel's map, must forbid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Misdeed {
    /// Reads address 0.
    ReadNull = 0,
    /// Writes address 0.
    WriteNull,
    /// Jumps to address 0.
    JumpNull,
    /// Writes to its own code.
    WriteCode,
    /// Writes to its own constants.
    WriteConst,
    /// Executes its stack.
    ExecStack,
    /// Executes its constants.
    ExecConst,
    /// Writes just under its stack.
    UnderStack,
    /// Writes just above its stack, below its code.
    OverStack,
    /// Recurses until the stack is used up.
    Recurse,
    /// Reads the kernel's code.
    ReadKernel,
    /// Writes to the kernel's direct map.
    WriteDirectMap,
    /// Jumps into the kernel.
    JumpKernel,
    /// Reads an address that is not canonical.
    ReadHole,
    /// An instruction that does not exist.
    Illegal,
    /// Reads the cycle counter.
    ReadCycle,
    /// Reads a control register of the kernel.
    ReadControl,
    /// Returns from a trap it never took.
    ReturnFromTrap,
    /// A breakpoint.
    Break,
    /// Reads the first user address, where nothing is mapped.
    ReadUnmapped,
}

impl Misdeed {
    /// In wire order.
    pub const ALL: [Self; 20] = [
        Self::ReadNull,
        Self::WriteNull,
        Self::JumpNull,
        Self::WriteCode,
        Self::WriteConst,
        Self::ExecStack,
        Self::ExecConst,
        Self::UnderStack,
        Self::OverStack,
        Self::Recurse,
        Self::ReadKernel,
        Self::WriteDirectMap,
        Self::JumpKernel,
        Self::ReadHole,
        Self::Illegal,
        Self::ReadCycle,
        Self::ReadControl,
        Self::ReturnFromTrap,
        Self::Break,
        Self::ReadUnmapped,
    ];

    /// Reads a word.
    pub fn from_wire(word: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(word).ok()?).copied()
    }
}

/// Where programs begin; their stack ends a guard page below.
pub const PROGRAM: usize = 0x10_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_the_word() {
        for (word, op) in OPS.into_iter().enumerate() {
            assert_eq!(op as usize, word);
        }
        for (word, misdeed) in Misdeed::ALL.into_iter().enumerate() {
            assert_eq!(misdeed as usize, word);
        }
    }
}
