//! A server runs as urgently as the most urgent of those who wait for it, for as long as they do, on their time.
//!
//! ```text
//!   client (PerfBurst) ─call─▶ server (Idle)        hog (Normal): runs without end
//! ```
//!
//! All on the last hart. By its own class the server would wait for the hog; what the client waits is the server's
//! work, and nothing of the hog.

use alloc::vec::Vec;

use nexus_abi::info::TaskState;
use nexus_abi::user;
use nexus_abi::{Error, Handle, HartMask, Nanos, QosClass, Rights};
use selftest_client::Op;
use timer_coalescer::compose::class_window;

use super::perf_burst::PROGRAM;
use super::time_is_virtual;
use crate::check::{Because, Verdict, Why, refused, same, within};
use crate::ledger::machine;
use crate::partner::{Hireling, PATIENCE, Pace, Partner, patience, rest};

/// A server's work: turns, and the nanoseconds they take where an instruction takes one.
const TURNS: u64 = 2_500_000;
const WORK: u64 = 2 * TURNS;
/// Enough that some is left when the client comes, and twice as much is less than the hog waits before it is granted
/// a millisecond.
const QUEUE_TURNS: u64 = 7 * TURNS;
const QUEUE_WORK: u64 = 7 * WORK;
/// More work than anybody waits for, on one hart too, where whoever ends it gets a millisecond now and then.
const LONG_TURNS: u64 = 1_000_000_000;
/// How long somebody waits who gives up.
const SOON: Nanos = Nanos::from_millis(10);
/// Instructions of the calls, switches and interrupts around a server's work.
const CALLING: u64 = 30_000;
/// After this the slow caller, who wakes as late as an Idle task may, has called, and been received.
const QUEUED: Nanos = class_window(QosClass::Idle).after(Nanos::from_millis(1));
/// By then the client has called.
const LEAD: Nanos = Nanos::from_millis(40);
/// Less than an Idle task waits at most: one that is on its own gets nothing in this time.
const WATCHED: u64 = 100_000;
/// Where an endpoint is in a peer's table.
const OWN: u64 = 1;
const NEXT: u64 = 2;

pub fn run() -> Verdict {
    bounded_by_the_work()?;
    the_queue_lends_too()?;
    chain_of_three()?;
    for ending in [Ending::GivesUp, Ending::Dies] {
        withdrawn(ending, Place::First)?;
        withdrawn(ending, Place::Queued)?;
    }
    circles()
}

/// The client's call takes what the server's work takes, and costs the client that.
fn bounded_by_the_work() -> Verdict {
    let stage = Stage::new()?;
    let server = stage.server(None, TURNS)?;
    let hog = stage.hog()?;
    let before = (stage.client.status()?.donated_ns, server.status()?.received_ns);
    stage.call_takes(WORK, WORK)?;
    let donated = stage.client.status()?.donated_ns - before.0;
    same("the server received", server.status()?.received_ns - before.1, donated)?;
    if stage.exact {
        within("the client donated", donated, WORK, WORK + CALLING)?;
    }
    hog.end()?;
    server.end()?;
    stage.close()
}

/// The server works for a caller that lends it nothing; from the moment the client queues, that is urgent too.
fn the_queue_lends_too() -> Verdict {
    let stage = Stage::new()?;
    let server = stage.idle()?;
    serve(&server, stage.endpoint, None, QUEUE_TURNS, 2)?;
    let slow = stage.slow_caller()?;
    let hog = stage.hog()?;
    // All of its own work, and of the other's what was not done before the hog came.
    stage.call_takes(QUEUE_WORK + WORK, 2 * QUEUE_WORK)?;
    hog.end()?;
    slow.last()?.because("the slow caller's answer")?;
    server.end()?;
    slow.end()?;
    stage.close()
}

/// Each server calls the next one; the class goes along.
fn chain_of_three() -> Verdict {
    let stage = Stage::new()?;
    let ends = [(); 2].map(|()| user::endpoint_create());
    let [middle, end] = ends;
    let (middle, end) = (middle.because("endpoint")?, end.because("endpoint")?);
    let servers = [
        stage.server_at(stage.endpoint, Some(middle), TURNS)?,
        stage.server_at(middle, Some(end), TURNS)?,
        stage.server_at(end, None, TURNS)?,
    ];
    let hog = stage.hog()?;
    stage.call_takes(3 * WORK, 3 * WORK)?;
    hog.end()?;
    servers.into_iter().try_for_each(Partner::end)?;
    for endpoint in [middle, end] {
        user::handle_close(endpoint).because("closing")?;
    }
    stage.close()
}

/// How a client stops waiting before it has its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    GivesUp,
    Dies,
}

/// Where it waits until then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// The server works for it.
    First,
    /// In the queue, while the server works for somebody Idle.
    Queued,
}

/// Once nobody urgent waits for it, the server is as Idle as before: the hog runs.
fn withdrawn(ending: Ending, place: Place) -> Verdict {
    let stage = Stage::new()?;
    let server = stage.server(None, LONG_TURNS)?;
    let slow = if place == Place::Queued { Some(stage.slow_caller()?) } else { None };
    let hog = stage.hog()?;
    let Stage { client, endpoint, exact, .. } = stage;
    let before = server.status()?.cpu_ns;
    let moment = user::clock_now().after(LEAD);
    let wait = if ending == Ending::GivesUp { SOON } else { PATIENCE };
    client.ask(Op::Clocked, &[NEXT, moment.0, wait.0])?;
    user::sleep_until(moment.after(SOON));
    if ending == Ending::GivesUp {
        let (took, status) = client.ask(Op::Last, &[])?;
        same("a call nobody answers", status, Error::TimedOut.to_wire())?;
        if exact {
            within("giving up", took, SOON.0, SOON.0 + CALLING)?;
            let ran = server.status()?.cpu_ns - before;
            within("what the server ran for the client", ran, SOON.0 - CALLING, SOON.0 + CALLING)?;
        }
    }
    client.dismiss()?;
    let before = server.status()?.cpu_ns;
    rest(WATCHED);
    if exact {
        within("what the server ran for nobody", server.status()?.cpu_ns - before, 0, CALLING)?;
    }
    hog.end()?;
    server.end()?;
    slow.map_or(Ok(()), Partner::end)?;
    user::handle_close(endpoint).because("closing")
}

/// A call that would wait for itself is refused, and everybody else's goes on: on its own, and through another.
fn circles() -> Verdict {
    circle(1)?;
    circle(2)
}

/// So many servers, each of which calls the next, and the last one the first.
fn circle(length: usize) -> Verdict {
    let endpoints = (0..length).map(|_| user::endpoint_create().because("endpoint"));
    let endpoints = endpoints.collect::<Result<Vec<_>, Why>>()?;
    let nexts = endpoints.iter().cycle().skip(1);
    let servers = endpoints.iter().zip(nexts).map(|(own, next)| {
        let server = Partner::spawn()?;
        serve(&server, *own, Some(*next), 0, 1)?;
        Ok(server)
    });
    let servers = servers.collect::<Result<Vec<_>, Why>>()?;
    let first = endpoints.first().copied().ok_or("no circle")?;
    let called = user::call_with(first, user::Outgoing::default(), &mut [], patience());
    called.because("a call into a circle")?;
    for (n, server) in servers.into_iter().enumerate() {
        let called = server.last()?;
        // The last one would have closed the circle; the others were answered.
        if n + 1 == length {
            refused("closing a circle", called, Error::Deadlock)?;
        } else {
            same("a call in the circle", called, Ok((1, 0)))?;
        }
        server.end()?;
    }
    endpoints.into_iter().try_for_each(|endpoint| user::handle_close(endpoint).because("closing"))
}

/// A client of the highest class, and the endpoint that it calls.
struct Stage {
    hart: usize,
    /// Time is what instructions take. Found out before anybody takes the hart.
    exact: bool,
    client: Hireling,
    endpoint: Handle,
}

impl Stage {
    fn new() -> Result<Self, Why> {
        let (hart, exact) = (machine()?.harts as usize - 1, time_is_virtual());
        let client = Hireling::hire(PROGRAM, HartMask::only(hart))?;
        let endpoint = user::endpoint_create().because("endpoint")?;
        client.give_copy(NEXT, endpoint, Rights::CALL)?;
        Ok(Self { hart, exact, client, endpoint })
    }

    /// An Idle peer.
    fn idle(&self) -> Result<Partner, Why> {
        let idle = Partner::on_hart(self.hart)?;
        same("lowering itself", idle.ask(Op::Qos, &[1, 0, QosClass::Idle as u64])?, (0, 0))?;
        Ok(idle)
    }

    /// An Idle server of the client's endpoint.
    fn server(&self, next: Option<Handle>, turns: u64) -> Result<Partner, Why> {
        self.server_at(self.endpoint, next, turns)
    }

    fn server_at(&self, own: Handle, next: Option<Handle>, turns: u64) -> Result<Partner, Why> {
        let server = self.idle()?;
        serve(&server, own, next, turns, 1)?;
        server.until(TaskState::Waiting)?;
        Ok(server)
    }

    /// An Idle caller whose call the server has received.
    fn slow_caller(&self) -> Result<Partner, Why> {
        let slow = self.idle()?;
        slow.give_copy(NEXT, self.endpoint, Rights::CALL)?;
        // At a moment for which we have a timer: else the emulator lets the server finish before we look.
        let moment = user::clock_now().after(LEAD);
        slow.ask(Op::Clocked, &[NEXT, moment.0, Nanos::NEVER.0])?;
        user::sleep_until(moment.after(QUEUED));
        slow.until(TaskState::AwaitingReply)?;
        Ok(slow)
    }

    /// Somebody Normal who takes all of the hart.
    fn hog(&self) -> Result<Partner, Why> {
        let hog = Partner::on_hart(self.hart)?;
        hog.spin_at(Pace::ENDLESS)?;
        Ok(hog)
    }

    /// The client calls, is answered, and waits for so much work and little else.
    fn call_takes(&self, least: u64, most: u64) -> Verdict {
        let moment = user::clock_now().after(LEAD);
        self.client.ask(Op::Clocked, &[NEXT, moment.0, PATIENCE.0])?;
        let (took, status) = self.client.ask(Op::Last, &[])?;
        same("the client's answer", status, 0)?;
        if self.exact { within("the client's wait", took, least, most + CALLING) } else { Ok(()) }
    }

    fn close(self) -> Verdict {
        self.client.dismiss()?;
        user::handle_close(self.endpoint).because("closing")
    }
}

/// Has `server` take so many calls at `own`, and call `next` for each.
fn serve(server: &Partner, own: Handle, next: Option<Handle>, turns: u64, calls: u64) -> Verdict {
    server.give_copy(OWN, own, Rights::RECEIVE)?;
    if let Some(next) = next {
        server.give_copy(NEXT, next, Rights::CALL)?;
    }
    let next = if next.is_some() { NEXT } else { 0 };
    server.ask(Op::Serve, &[OWN, turns, next, calls]).map(drop)
}
