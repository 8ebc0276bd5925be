//! The hostile program: as many calls as it is told to make, each decided by the seed.
//!
//! *Random* calls have any number and any registers, with known handles and addresses mixed in, so that some
//! get past the first check. *Guided* calls have the right shape and one thing or another wrong with them.
//! What a call makes goes into a pool that later calls draw from.
#![expect(unsafe_code, reason = "misuses the ABI on purpose, with addresses that are not its own")]

use core::ptr;

use nexus_abi::ipc::Shape;
use nexus_abi::spawn::SpawnFlags;
use nexus_abi::{Call, Handle, HartMask, Nanos, PAGE_SIZE, Rights, SpawnArgs, USER_BASE, USER_END, user};
use nexus_rt::startup::{EXTRA, SYSTEM};

use crate::plan::{Plan, SLEEPER, Style};
use crate::random::Random;

const POOL: usize = 24;
const WINDOWS: usize = 8;
const ARENA_WORDS: usize = 2048;

/// Makes the calls of `plan`, counting each on the score board.
pub fn run(plan: Plan) -> i32 {
    let Ok(score) = user::vmo_map(Plan::SCORE, 0, 1, Rights::READ | Rights::WRITE, Plan::SCORE_AT) else {
        return 1;
    };
    let _closed = user::handle_close(Plan::SCORE);
    let mut hostile = Hostile {
        random: Random::new(plan.seed),
        pool: [SYSTEM.to_wire(); POOL],
        windows: [0; WINDOWS],
        arena: [0; ARENA_WORDS],
        plan,
    };
    hostile.pool[1] = EXTRA.to_wire();
    let mut accepted = 0;
    for n in 1..=plan.calls {
        accepted += u64::from(hostile.one());
        // SAFETY: the score board is mapped, and no Rust object is there.
        unsafe {
            let lane = ptr::with_exposed_provenance_mut::<[u64; 2]>(score).add(plan.lane);
            lane.write_volatile([n, accepted]);
        }
    }
    0
}

struct Hostile {
    random: Random,
    pool: [u64; POOL],
    windows: [u64; WINDOWS],
    arena: [u64; ARENA_WORDS],
    plan: Plan,
}

/// The registers of a call.
struct Registers {
    a: [u64; 8],
    t: [u64; 5],
}

impl Hostile {
    /// Makes a call: true when it was accepted.
    fn one(&mut self) -> bool {
        let args = self.spawn_args();
        let (number, registers) = match self.plan.style {
            Style::Random => {
                let number =
                    if self.random.one_in(64) { self.random.skewed() } else { self.random.below(34) };
                (number, self.any(number))
            }
            Style::Guided => {
                let call = self.random.of(&Call::ALL);
                (call.to_wire(), self.shaped(call, &args))
            }
        };
        if number == Call::TaskExit.to_wire() && !self.random.one_in(500) {
            return false;
        }
        // SAFETY: none: the kernel may write anywhere in this task. It is hostile to itself, too.
        let (status, a0, a1) = unsafe { user::arbitrary(number, registers.a, registers.t) };
        if status == 0 {
            self.learn(number, a0, a1);
        }
        status == 0
    }

    /// Keeps what a call made.
    fn learn(&mut self, number: u64, a0: u64, a1: u64) {
        let at = 2 + self.random.below(POOL as u64 - 2) as usize;
        match Call::from_wire(number) {
            Some(
                Call::HandleCopy
                | Call::EndpointCreate
                | Call::NotificationCreate
                | Call::VmoCreate
                | Call::TaskSpawn
                | Call::IrqBind
                | Call::DeviceMap,
            ) => self.pool[at] = a0,
            Some(Call::BootFile) => self.pool[at] = a1,
            Some(Call::VmoMap) => self.windows[at % WINDOWS] = a0,
            _ => {}
        }
    }

    fn handle(&mut self) -> u64 {
        match self.random.below(16) {
            // A forgery that may hit.
            0..3 => Handle::new(self.random.below(48) as u16, 1 + self.random.below(4) as u16).to_wire(),
            3 => self.random.skewed(),
            4 => 0,
            _ => self.random.of(&self.pool),
        }
    }

    /// An address: mostly one's own, else anything that should not be one.
    fn address(&mut self) -> u64 {
        let arena = self.arena.as_ptr() as u64;
        let inside = arena + self.random.below(ARENA_WORDS as u64 * 8 - PAGE_SIZE as u64);
        match self.random.below(16) {
            0 => self.random.skewed(),
            1 => self.random.of(&[0, 8, 4095, USER_BASE as u64, USER_END as u64 - 8, 1 << 38, u64::MAX - 7]),
            2 => self.random.of(&[
                0xffff_ffff_8020_0000,
                0xffff_ffc0_8000_0000,
                0xffff_ffe0_0000_1000,
                1 << 46,
            ]),
            3 => {
                self.random.of(&[crate::plan::PROGRAM, crate::plan::PROGRAM - 4096, crate::plan::PROGRAM - 8])
            }
            4 => self.random.of(&self.windows).wrapping_add(self.random.below(4)),
            5 if self.random.one_in(40) => arena + ARENA_WORDS as u64 * 8 - 3,
            _ => inside,
        }
    }

    fn length(&mut self) -> u64 {
        match self.random.below(8) {
            0 => self.random.skewed(),
            1 => self.random.of(&[0, 1, 255, 256, 257, 4095, 4096, 4097]),
            _ => self.random.below(200),
        }
    }

    /// A moment soon; now and then one that never comes, so that somebody has to kill us there.
    fn moment(&mut self) -> u64 {
        match self.random.below(1024) {
            0 => Nanos::NEVER.0,
            1..4 => self.random.skewed(),
            4..200 => user::clock_now().0 + self.random.below(60_000),
            _ => 0,
        }
    }

    fn bits(&mut self) -> u64 {
        if self.random.one_in(8) { 0 } else { 1 << self.random.below(64) }
    }

    fn message(&mut self) -> [u64; 5] {
        let both = self.handle() & 0xffff_ffff | self.handle() << 32;
        let moved = if self.random.one_in(4) { self.handle() } else { 0 };
        let (send, room) = (self.length() as usize, self.length() as usize);
        let shape = match Shape::new(send, room, Handle::from_wire(moved)) {
            Some(shape) if !self.random.one_in(3) => shape.0,
            None if self.random.one_in(2) => self.random.next(),
            _ => 0,
        };
        [both, shape, self.address(), self.address(), self.moment()]
    }

    /// Any registers at all.
    fn any(&mut self, number: u64) -> Registers {
        let mut a = [0; 8];
        for register in &mut a {
            *register = match self.random.below(5) {
                0 => self.random.skewed(),
                1 => self.address(),
                2 => self.length(),
                _ => self.handle(),
            };
        }
        if number == Call::Wait.to_wire() {
            a[1] = self.moment();
        }
        if number == Call::LogWrite.to_wire() {
            // The console is for people: what is written there has a length that is refused.
            a[2] |= 1 << 9;
        }
        Registers { a, t: self.message() }
    }

    /// The right shape for `call`.
    fn shaped(&mut self, call: Call, args: &SpawnArgs) -> Registers {
        let h = self.handle();
        let wild = self.random.skewed();
        let page = self.random.below(1 << 18) * PAGE_SIZE as u64;
        let a = match call {
            Call::Notify => [h, self.bits(), 0, 0, 0],
            Call::Wait => [h, self.moment(), 0, 0, 0],
            Call::HandleCopy => {
                let rights =
                    self.random.of(&[Rights::ALL.to_wire(), wild & Rights::ALL.to_wire(), 0, 1 << 15]);
                [h, rights, 0, 0, 0]
            }
            Call::HandleClose if h == SYSTEM.to_wire() && !self.random.one_in(50) => [0; 5],
            Call::VmoCreate => [self.random.of(&[0, 1, 2, 24, 25, 600, 262_144, 262_145]), 0, 0, 0, 0],
            Call::VmoMap => {
                let access = self.random.of(&[1 << 5, 3 << 5, 5 << 5, 7 << 5, 1 << 6, 0]);
                let place = self.random.of(&[0, 0, 0, page, wild]);
                [h, self.random.below(30), self.random.below(30), access, place]
            }
            Call::VmUnmap => {
                let window = self.random.of(&self.windows);
                [self.random.of(&[window, window, page, wild]), 0, 0, 0, 0]
            }
            Call::TaskQos => {
                let target = self.random.of(&[0, 1 << 32, user::task_self().to_wire(), wild]);
                [self.random.below(4), target, self.random.below(6), 0, 0]
            }
            Call::SchedSet | Call::SchedGet => {
                let target = self.random.of(&[0, 1 << 32, user::task_self().to_wire(), wild]);
                let value = self.random.of(&[0, 1, 2, 100, 1000, 1001, wild, u64::MAX]);
                [target, self.random.below(6), value, self.random.below(4), 0]
            }
            Call::TaskSpawn => [SYSTEM.to_wire(), ptr::from_ref(args) as u64, 0, 0, 0],
            Call::TaskStatus => [h, self.address(), 0, 0, 0],
            Call::TaskAdopt => {
                let near = 1 << 32 | self.random.below(40);
                [h, self.random.of(&[near, wild]), 0, 0, 0]
            }
            Call::IrqBind => [SYSTEM.to_wire(), self.random.below(130), h, self.bits(), 0],
            Call::DeviceMap => {
                let device = self.random.of(&[self.plan.console, self.plan.console + 1, 0x8000_0000, page]);
                // Never the device that ends the machine: that is what it is for.
                let device = if device == self.plan.console { device } else { device | 0x8000_0000 };
                [SYSTEM.to_wire(), device, self.random.below(3), 0, 0]
            }
            Call::LogWrite if !self.random.one_in(200) => [SYSTEM.to_wire(), 8, 9, 0, 0],
            Call::LogWrite => {
                let len = self.random.of(&[LINE.len() as u64, 257]);
                [SYSTEM.to_wire(), LINE.as_ptr() as u64, len, self.random.below(3), 0]
            }
            Call::LogRead => [SYSTEM.to_wire(), self.random.skewed(), self.address(), self.length(), 0],
            Call::Info => {
                [SYSTEM.to_wire(), self.random.below(8), self.random.below(40), self.address(), self.length()]
            }
            Call::BootFile => {
                [SYSTEM.to_wire(), PATH.as_ptr() as u64, self.random.of(&[PATH.len() as u64, 3, 300]), 0, 0]
            }
            Call::TraceControl => [SYSTEM.to_wire(), self.random.below(3), 0, 0, 0],
            Call::TraceRead => [
                SYSTEM.to_wire(),
                self.random.below(4),
                self.random.skewed(),
                self.address(),
                self.random.below(140),
            ],
            _ => [h, self.handle(), self.length(), self.address(), 0],
        };
        let [a0, a1, a2, a3, a4] = a;
        Registers { a: [a0, a1, a2, a3, a4, 5, 6, 7], t: self.message() }
    }

    /// A spawn with something wrong with it, more often than not. Children are programs that end by themselves.
    fn spawn_args(&mut self) -> SpawnArgs {
        let random = &mut self.random;
        let mut args = SpawnArgs::new(random.of(&[self.plan.tiny, self.plan.tiny, self.plan.own, 10_000]));
        args.flags = SpawnFlags(random.of(&[0, 0, 0, 1, 2]));
        args.class = random.of(&[0, 1, 1, 2, 4]);
        args.pages = random.of(&[0, 1, 2, 3, 10, 64, 64, 64]);
        args.handles = random.of(&[0, 7, 8, 16, 1024, 1025]);
        args.objects = random.of(&[0, 1, 8]);
        args.affinity = HartMask(random.of(&[u64::MAX, u64::MAX, 1, 2, 0]));
        args.stack_pages = random.of(&[0, 1, 4, 16, 129]);
        args.supervisor_bits = random.next();
        (args.args, args.args_len) = (SLEEPER.as_ptr() as u64, SLEEPER.len() as u64);
        if random.one_in(4) {
            args.supervisor = Handle::from_wire(self.handle());
        }
        if self.random.one_in(4) {
            let at = self.random.below(8) as usize;
            let handle = self.handle();
            // The system handle is kept, most of the time: without it there is little left to misuse.
            if handle != SYSTEM.to_wire() || self.random.one_in(50) {
                args.given[at] = Handle::from_wire(handle);
            }
        }
        if self.random.one_in(16) {
            (args.args, args.args_len) = (self.address(), self.length());
        }
        args
    }
}

const LINE: &str = "[fuzzer] a hostile line\n";
const PATH: &str = "bin/tiny";
