//! Handles: a task's names for kernel objects, and what it may do through them.

/// A task's name for a kernel object: an index into its own table and the generation of that slot.
///
/// A closed handle never comes to mean something else: the slot's next tenant has another generation
/// (16 bits, so a stale handle would have to survive 65,535 reuses of its slot to be mistaken).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Handle(u32);

impl Handle {
    /// No handle. Generations start at 1, so this is never a live one.
    pub const NONE: Self = Self(0);
    /// Handles a spawner may give to a new task.
    pub const STARTUP_MAX: usize = 8;

    /// Composes a handle; the kernel's side of the table uses this.
    pub const fn new(index: u16, generation: u16) -> Self {
        Self((generation as u32) << 16 | index as u32)
    }

    /// The handle under which a new task finds the `n`-th handle its spawner gave it.
    pub const fn startup(n: usize) -> Self {
        Self::new(n as u16, 1)
    }

    /// The slot.
    pub const fn index(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    /// The generation of the slot.
    pub const fn generation(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// The value that travels in a register.
    pub const fn to_wire(self) -> u64 {
        self.0 as u64
    }

    /// Reads a register: the lower 32 bits count.
    pub const fn from_wire(value: u64) -> Self {
        Self(value as u32)
    }

    /// `None` for [`Handle::NONE`].
    pub fn present(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

impl core::fmt::Debug for Handle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "h{}.{}", self.index(), self.generation())
    }
}

/// What a handle allows. Copying can only take rights away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct Rights(u16);

impl Rights {
    /// Nothing at all.
    pub const NONE: Self = Self(0);
    /// `handle_copy` may duplicate it.
    pub const COPY: Self = Self(1 << 0);
    /// A message or a spawn may move it to another task.
    pub const MOVE: Self = Self(1 << 1);
    /// Endpoint: call it.
    pub const CALL: Self = Self(1 << 2);
    /// Endpoint: receive from it. Notification: wait for it.
    pub const RECEIVE: Self = Self(1 << 3);
    /// Endpoint or notification: set bits; interrupt binding and supervision deliver through it.
    pub const NOTIFY: Self = Self(1 << 4);
    /// VMO or device memory: map for reading. System: read boot files.
    pub const READ: Self = Self(1 << 5);
    /// VMO or device memory: map for writing.
    pub const WRITE: Self = Self(1 << 6);
    /// VMO: map for executing (never together with writing).
    pub const EXECUTE: Self = Self(1 << 7);
    /// Task: kill it. VMO: revoke it. Interrupt: acknowledge it.
    pub const MANAGE: Self = Self(1 << 8);
    /// Task: read its state. System: list tasks, harts and memory.
    pub const INSPECT: Self = Self(1 << 9);
    /// System: spawn tasks from the boot image.
    pub const SPAWN: Self = Self(1 << 10);
    /// System: write to the log and read it.
    pub const LOG: Self = Self(1 << 11);
    /// System: bind interrupts and map device memory.
    pub const HARDWARE: Self = Self(1 << 12);
    /// System: end the machine.
    pub const POWER: Self = Self(1 << 13);
    /// System: switch tracing and read the trace.
    pub const TRACE: Self = Self(1 << 14);
    /// Every right there is.
    pub const ALL: Self = Self((1 << 15) - 1);

    /// Reads a register; bits that mean nothing are refused.
    pub const fn from_wire(value: u64) -> Option<Self> {
        if value & !(Self::ALL.0 as u64) == 0 { Some(Self(value as u16)) } else { None }
    }

    /// The value that travels in a register.
    pub const fn to_wire(self) -> u64 {
        self.0 as u64
    }

    /// True when every right of `needed` is here.
    pub const fn contains(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }

    /// The rights in either.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The rights in both.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl core::ops::BitOr for Rights {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn startup_handles_are_distinct_and_present() {
        for n in 0..Handle::STARTUP_MAX {
            assert_eq!(Handle::startup(n).index(), n);
            assert_eq!(Handle::startup(n).present(), Some(Handle::startup(n)));
        }
        assert_eq!(Handle::NONE.present(), None);
    }

    #[test]
    fn unknown_rights_are_refused() {
        assert_eq!(Rights::from_wire(1 << 15), None);
        assert_eq!(Rights::from_wire(Rights::ALL.to_wire()), Some(Rights::ALL));
    }
}
