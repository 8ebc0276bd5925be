//! An idle machine lets the host sleep: with nothing due, every hart is in `wfi` and the emulator uses next to no
//! processor time. Measured where a person would look, in the emulator's own process.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use nexus_proof::{Marker, Service};

use crate::emulator::{Console, Event, Machine, Running};
use crate::image::Image;
use crate::process::say;
use crate::workspace::Workspace;

/// Most processor time of one host core that an idle machine may use, in percent.
const LIMIT_PERCENT: u32 = 5;

/// Time for what boots last to come to rest.
const SETTLE: Duration = Duration::from_secs(2);

const MEASURE: Duration = Duration::from_secs(5);

/// Boots to the shell on two harts and measures.
pub fn idle(workspace: &Workspace, image: Image) -> Result<()> {
    let machine = Machine { harts: 2, command_line: "app=shell".to_owned(), ..Machine::new(image) };
    say(format!("idling on {machine}"));
    let log = workspace.log("idle")?;
    let mut running = Running::start(&machine, Console::File(&log))?;
    let ready = Marker::Ready(Service::Shell).to_string();
    loop {
        match running.next()? {
            Event::Line(line) if line == ready => break,
            Event::Line(_) | Event::Quiet => {}
            Event::Exited(_) | Event::TimedOut => {
                bail!("the shell never came up; see {}", workspace.relative(&log).display())
            }
        }
    }
    rest(&mut running, SETTLE)?;
    let before = running.cpu_time()?;
    let start = Instant::now();
    rest(&mut running, MEASURE)?;
    let used = running.cpu_time()?.saturating_sub(before);
    let percent = 100.0 * used.as_secs_f64() / start.elapsed().as_secs_f64();
    say(format!("idle: {percent:.1} % of a host core (at most {LIMIT_PERCENT} %)"));
    ensure!(percent <= f64::from(LIMIT_PERCENT), "the idle machine keeps a host core busy");
    Ok(())
}

fn rest(running: &mut Running, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        if let Event::Exited(_) | Event::TimedOut = running.next()? {
            bail!("the machine did not stay idle: it ended");
        }
    }
    Ok(())
}
