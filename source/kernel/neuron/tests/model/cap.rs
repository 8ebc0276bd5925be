//! As much of kernel objects as a port needs.

pub mod object {
    /// The start of every kernel object. Ports live as long as their scenario.
    #[derive(Debug)]
    pub struct Header;

    #[derive(Debug)]
    pub enum Kind {
        Port,
    }

    impl Header {
        pub const fn new(_: Kind) -> Self {
            Self
        }
    }

    /// As in the kernel; nothing here counts.
    ///
    /// # Safety
    ///
    /// None is needed: nobody asks for the header.
    #[expect(unsafe_code, reason = "the kernel's trait is unsafe to implement")]
    #[expect(dead_code, reason = "ports implement it, nobody asks")]
    pub unsafe trait Counted {
        fn header(&self) -> &Header;
    }
}

pub mod stripes {
    use crate::sync::RawLock;

    /// One lock for everything.
    #[derive(Debug)]
    pub struct Stripes(RawLock);

    impl Stripes {
        pub fn of_one(lock: RawLock) -> Self {
            Self(lock)
        }

        pub fn of<T>(&self, _object: *const T) -> &RawLock {
            &self.0
        }
    }
}
