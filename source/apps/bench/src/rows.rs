//! The rows: each prepares its peers, times its operation, and leaves nothing behind.

use alloc::format;
use alloc::vec;

use bench::{Role, SHARED_PAGES};
use nexus_abi::user::{self, Outgoing};
use nexus_abi::{HartMask, MESSAGE_BYTES_MAX, Nanos, Rights, SpawnArgs};
use nexus_rt::startup::SYSTEM;

use crate::crew::{Crew, image};
use crate::measure::{self, During, Trouble, time};

/// The least a call can cost.
pub fn null_call() -> Result<(), Trouble> {
    measure::row("null_call", 2000, 1, |count| {
        time(count, || {
            user::task_self();
            Ok(())
        })
    })
}

/// Round trips to a server in another address space, with `others` tasks waiting elsewhere.
pub fn messages(suffix: &str, others: usize) -> Result<(), Trouble> {
    let mut crew = Crew::new()?;
    for _ in 0..others {
        crew.add(Role::Sleep, HartMask::ANY, &[])?;
    }
    let endpoint = user::endpoint_create().during("an endpoint")?;
    crew.add(Role::Echo, HartMask::ANY, &[(endpoint, Rights::RECEIVE)])?;
    let_others_wait()?;
    let round_trips = |id: &str, words| {
        measure::row(&format!("{id}{suffix}"), 500, 1, |count| {
            time(count, || user::call(endpoint, words).map(drop).during("call"))
        })
    };
    round_trips("ipc_rt_32", [1, 2, 3, 4, 0, 0, 0, 0])?;
    if others == 0 {
        round_trips("ipc_rt_64", [1, 2, 3, 4, 5, 6, 7, 8])?;
    }
    crew.dismiss()?;
    user::handle_close(endpoint).during("closing an endpoint")
}

/// Sleeps until every other task waits: one that was started has yet to run before it does.
fn let_others_wait() -> Result<(), Trouble> {
    const TRIES: usize = 100;
    for _ in 0..TRIES {
        // POLL: nobody is told that the others wait.
        user::sleep_until(user::clock_now().after(Nanos::from_millis(1)));
        if user::hart_info(SYSTEM, 0).during("hart info")?.runnable == 0 {
            return Ok(());
        }
    }
    Err(format!("other tasks still run after {TRIES} ms"))
}

/// Round trips with bytes, which the kernel copies there and back.
pub fn buffers() -> Result<(), Trouble> {
    let mut crew = Crew::new()?;
    let endpoint = user::endpoint_create().during("an endpoint")?;
    crew.add(Role::Bytes, HartMask::ANY, &[(endpoint, Rights::RECEIVE)])?;
    let mut answer = vec![0; MESSAGE_BYTES_MAX];
    for (id, len) in [("ipc_rt_64_bytes", 64), ("ipc_rt_4k", MESSAGE_BYTES_MAX)] {
        let sent = vec![7; len];
        measure::row(id, 200, 1, |count| {
            time(count, || {
                let out = Outgoing { bytes: &sent, ..Outgoing::default() };
                user::call_with(endpoint, out, &mut answer, Nanos::NEVER).map(drop).during("call")
            })
        })?;
        if answer.get(..len) != Some(&sent[..]) {
            return Err(format!("{id}: other bytes came back than were sent"));
        }
    }
    crew.dismiss()?;
    user::handle_close(endpoint).during("closing an endpoint")
}

/// Round trips of bits.
pub fn notifications() -> Result<(), Trouble> {
    let mut crew = Crew::new()?;
    let ping = user::notification_create().during("a notification")?;
    let pong = user::notification_create().during("a notification")?;
    crew.add(Role::Pong, HartMask::ANY, &[(ping, Rights::RECEIVE), (pong, Rights::NOTIFY)])?;
    measure::row("notify_rt", 500, 1, |count| {
        time(count, || {
            user::notify(ping, 1).during("notify")?;
            user::wait(pong, Nanos::NEVER).map(drop).during("wait")
        })
    })?;
    crew.dismiss()?;
    user::handle_close(ping).during("closing")?;
    user::handle_close(pong).during("closing")
}

/// Yields with `others` tasks that do the same: two switches are a round trip, however many take turns.
pub fn yields(suffix: &str, others: usize) -> Result<(), Trouble> {
    let mut crew = Crew::new()?;
    let gate = user::notification_create().during("a gate")?;
    for _ in 0..others {
        crew.add(Role::Yield, HartMask::ANY, &[(gate, Rights::RECEIVE)])?;
    }
    // Each gets where it waits, and is let go.
    user::sleep_until(user::clock_now().after(Nanos::from_millis(others as u64)));
    (0..others).try_for_each(|_| user::notify(gate, 1).during("opening the gate"))?;
    let turns = others as u64 + 1;
    let count = (2000 / turns).max(2);
    measure::row(&format!("yield_rt{suffix}"), count, 1, |count| {
        let spent = time(count, || {
            user::yield_now();
            Ok(())
        })?;
        Ok(spent * 2 / turns)
    })?;
    crew.dismiss()?;
    user::handle_close(gate).during("closing the gate")
}

/// A buffer handed to a server that maps it, touches it and lets go.
pub fn share_and_map() -> Result<(), Trouble> {
    let mut crew = Crew::new()?;
    let endpoint = user::endpoint_create().during("an endpoint")?;
    let vmo = user::vmo_create(SHARED_PAGES).during("a buffer")?;
    crew.add(Role::Share, HartMask::ANY, &[(endpoint, Rights::RECEIVE)])?;
    measure::row("share_map_64k", 200, 1, |count| {
        time(count, || {
            let copy = user::handle_copy(vmo, Rights::READ | Rights::MOVE).during("copying the buffer")?;
            let out = Outgoing { handle: Some(copy), ..Outgoing::default() };
            let answer = user::call_with(endpoint, out, &mut [], Nanos::NEVER).during("sharing")?;
            if answer.words[0] == 0 { Ok(()) } else { Err(format!("the server failed: {}", answer.words[0])) }
        })
    })?;
    crew.dismiss()?;
    user::handle_close(vmo).during("closing the buffer")?;
    user::handle_close(endpoint).during("closing an endpoint")
}

/// First touches of zeroed pages.
#[expect(unsafe_code, reason = "touches memory it has mapped")]
pub fn page_faults() -> Result<(), Trouble> {
    const PAGES: usize = 500;
    measure::row("page_fault", PAGES as u64, 1, |count| {
        let vmo = user::vmo_create(PAGES).during("memory")?;
        let base = user::vmo_map(vmo, 0, PAGES, Rights::READ | Rights::WRITE, 0).during("mapping")?;
        let mut at = base;
        let spent = time(count, || {
            // SAFETY: inside the mapping made above, which nothing else refers to.
            unsafe { core::ptr::write_volatile(at as *mut u8, 1) };
            at += nexus_abi::PAGE_SIZE;
            Ok(())
        })?;
        // SAFETY: nothing refers to the mapping any more.
        unsafe { user::vm_unmap(base) }.during("unmapping")?;
        user::handle_close(vmo).during("closing memory")?;
        Ok(spent)
    })
}

/// Starting the smallest program and hearing of its end.
pub fn spawns() -> Result<(), Trouble> {
    let deaths = user::notification_create().during("a notification")?;
    let mut spawn = SpawnArgs::new(image("bin/tiny")?);
    spawn.supervisor = deaths;
    spawn.supervisor_bits = 1;
    measure::row("spawn_wait", 30, 1, |count| {
        time(count, || {
            let (task, _) = user::task_spawn(SYSTEM, &spawn).during("spawning")?;
            user::wait(deaths, Nanos::NEVER).during("waiting for its end")?;
            user::handle_close(task).during("closing it")
        })
    })?;
    user::handle_close(deaths).during("closing")
}

/// Timer interrupts of a machine with nothing to do. The one that ends the measurement is not counted.
pub fn idle_machine() -> Result<(), Trouble> {
    let interrupts = || user::hart_info(SYSTEM, 0).map(|hart| hart.timer_irqs).during("hart info");
    let before = interrupts()?;
    user::sleep_until(user::clock_now().after(Nanos::from_millis(10_000)));
    measure::exact("idle_timer_irqs_10s", "count", interrupts()? - before - 1);
    Ok(())
}

/// Round trips between two harts: a client and a server, each at home on its own.
pub fn across_harts() -> Result<(), Trouble> {
    let mut crew = Crew::new()?;
    let control = user::endpoint_create().during("an endpoint")?;
    let server = user::endpoint_create().during("an endpoint")?;
    crew.add(Role::Echo, HartMask::only(1), &[(server, Rights::RECEIVE)])?;
    let handles = [(control, Rights::RECEIVE), (server, Rights::CALL)];
    crew.add(Role::Client, HartMask::only(0), &handles)?;
    measure::row("ipc_rt_xhart", 500, 1, |count| {
        time(1, || user::call(control, [count, 0, 0, 0, 0, 0, 0, 0]).map(drop).during("calls across harts"))
    })?;
    crew.dismiss()?;
    user::handle_close(control).during("closing")?;
    user::handle_close(server).during("closing")
}
