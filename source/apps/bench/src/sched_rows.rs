//! The rows about the scheduler: how late tasks wake beside others that only run, how fairly those share the hart,
//! and what a call costs that lends its class.

use alloc::format;
use alloc::vec::Vec;

use bench::Role;
use nexus_abi::user;
use nexus_abi::{Handle, HartMask, Nanos, QosClass, Rights};

use crate::crew::{Crew, Urgent};
use crate::measure::{self, During, Trouble, time};

/// Wake-ups of each class.
const NAPS: u64 = 400;
/// What is compared is what ran in half a second, and in ten of them.
const WINDOW: Nanos = Nanos::from_millis(500);
const WINDOWS: usize = 10;
/// What they asked for before all of them ran is done by then.
const SETTLING: Nanos = Nanos::from_millis(110);
const MILLION: u64 = 1_000_000;

/// Tasks that run without end.
fn spinners(count: usize) -> Result<Crew, Trouble> {
    let mut crew = Crew::new()?;
    for _ in 0..count {
        crew.add(Role::Spin, HartMask::ANY, &[])?;
    }
    Ok(crew)
}

/// Wake-ups at a moment beside two spinners, in each class above Idle.
pub fn wakeups() -> Result<(), Trouble> {
    let spinners = spinners(2)?;
    let endpoint = user::endpoint_create().during("an endpoint")?;
    let waker = Urgent::start(Role::Waker, endpoint)?;
    let mut worst = 0;
    for class in [QosClass::PerfBurst, QosClass::Interactive, QosClass::Normal] {
        let [least, middle, tail, most] = naps(endpoint, class)?;
        measure::spread(&format!("wake_{}", class.name()), NAPS, [least, middle, most]);
        if class == QosClass::PerfBurst {
            measure::exact("wake_rt_p99", "instr", tail);
        }
        worst = most.max(worst);
    }
    measure::exact("wake_worst", "instr", worst);
    waker.dismiss()?;
    spinners.dismiss()?;
    user::handle_close(endpoint).during("closing an endpoint")
}

fn naps(endpoint: Handle, class: QosClass) -> Result<[u64; 4], Trouble> {
    user::call(endpoint, [class.to_wire(), NAPS, 0, 0, 0, 0, 0, 0]).during("asking for wake-ups")?;
    let [least, middle, tail, most, ..] = user::call(endpoint, [0; 8]).during("asking how late they were")?;
    Ok([least, middle, tail, most])
}

/// By how much, in millionths of what is due, anybody's time is wrong: in the worst half second, and over five seconds.
pub fn shares(heavy: u64, light: u64) -> Result<(), Trouble> {
    let (shares, name) = ([heavy, light], format!("{heavy}_{light}"));
    let crew = spinners(shares.len())?;
    crew.share_out(&shares)?;
    user::sleep_until(user::clock_now().after(SETTLING));
    let mut samples: Vec<Vec<u64>> = [crew.ran()?].into();
    for _ in 0..WINDOWS {
        user::sleep_until(user::clock_now().after(WINDOW));
        samples.push(crew.ran()?);
    }
    crew.dismiss()?;
    let worst = samples.windows(2).map(|pair| error(&shares, &pair[0], &pair[1])).max().unwrap_or(0);
    measure::exact(&format!("share_{name}_500ms"), "ppm", worst);
    measure::exact(&format!("share_{name}_5s"), "ppm", error(&shares, &samples[0], &samples[WINDOWS]));
    Ok(())
}

/// The greatest error of anybody between two looks.
fn error(shares: &[u64], from: &[u64], to: &[u64]) -> u64 {
    let ran: Vec<u64> = from.iter().zip(to).map(|(from, to)| to - from).collect();
    let (all, weight): (u64, u64) = (ran.iter().sum(), shares.iter().sum());
    let wrong = |(had, shares): (&u64, &u64)| {
        let due = (all * shares / weight).max(1);
        had.abs_diff(due) * MILLION / due
    };
    ran.iter().zip(shares).map(wrong).max().unwrap_or(0)
}

/// Round trips of a caller in the highest class to an Idle server, which each of them lifts and lets down again.
pub fn lent_class() -> Result<(), Trouble> {
    let mut crew = Crew::new()?;
    let control = user::endpoint_create().during("an endpoint")?;
    let server = user::endpoint_create().during("an endpoint")?;
    crew.add(Role::IdleEcho, HartMask::ANY, &[(server, Rights::RECEIVE)])?;
    let client = Urgent::start(Role::Client, control)?;
    let copy = user::handle_copy(server, Rights::CALL | Rights::MOVE).during("a handle for a peer")?;
    let out = user::Outgoing { handle: Some(copy), ..user::Outgoing::default() };
    user::call_with(control, out, &mut [], Nanos::NEVER).during("telling a peer whom to call")?;
    measure::row("ipc_rt_lent", 500, 1, |count| {
        time(1, || user::call(control, [count, 0, 0, 0, 0, 0, 0, 0]).map(drop).during("urgent calls"))
    })?;
    client.dismiss()?;
    crew.dismiss()?;
    user::handle_close(control).during("closing")?;
    user::handle_close(server).during("closing")
}
