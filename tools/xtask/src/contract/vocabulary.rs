//! What a line of the console means, in the vocabulary of `nexus-proof`.

use std::fmt;

use nexus_abi::HartMask;
use nexus_proof::{Marker, Service, looks_like_marker};
use nexus_wire::recipe::{self, Qos, Recipe, Start};

/// A line as far as the contract cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// No marker: a log line, the firmware's banner.
    Text,
    /// Claims to be a marker and is none.
    Unknown,
    /// Must come once, at its place. `Passed` cases among them.
    Ordered(Marker<'a>),
    /// May come at any time, but once.
    Free,
    Failed,
    /// A fatal one ends the machine.
    Panic {
        fatal: bool,
    },
    End {
        pass: u32,
        fail: u32,
    },
}

pub fn meaning(line: &str) -> Meaning<'_> {
    match Marker::parse(line) {
        None if looks_like_marker(line) => Meaning::Unknown,
        None => Meaning::Text,
        Some(Marker::KernelPanic { .. } | Marker::BootFailure { .. }) => Meaning::Panic { fatal: true },
        Some(Marker::UserPanic { .. }) => Meaning::Panic { fatal: false },
        Some(Marker::Failed { .. }) => Meaning::Failed,
        Some(Marker::End { pass, fail }) => Meaning::End { pass, fail },
        Some(Marker::IdleEnterL1 | Marker::IdleLeaveL1) => Meaning::Free,
        // Evidence for people: how often it comes depends on what programs ask for.
        Some(Marker::TimerAudit { .. }) => Meaning::Text,
        Some(marker) => Meaning::Ordered(marker),
    }
}

/// A marker that a run has to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    line: String,
    pub place: Place,
    /// Of the boot marker: it is recognised whatever it counts, because a wrong count is a complaint of its own and
    /// not a missing marker.
    pub harts: Option<u32>,
}

/// Where a marker has to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// After those expected before it.
    InOrder,
    /// Anywhere: it races with what the program it is about prints itself.
    Anywhere,
    /// The same, and again each time that the program it is about is started again, which a selftest does.
    AnywhereAgain,
    /// Whenever the program it is about is started, which may be never.
    EachStart,
}

impl Expectation {
    pub fn is(&self, marker: &Marker) -> bool {
        match marker {
            Marker::Boot { .. } => self.harts.is_some(),
            found => self.line == found.to_string(),
        }
    }

    fn new(marker: &Marker, place: Place) -> Self {
        let harts = if let Marker::Boot { harts, .. } = marker { Some(*harts) } else { None };
        Self { line: marker.to_string(), place, harts }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// A full selftest run.
pub fn selftest(harts: u32, memory_mib: u32, recipe: &Recipe) -> Vec<Expectation> {
    let cases = nexus_proof::expected(harts, memory_mib.into())
        .filter(|marker| matches!(marker, Marker::Passed(_)))
        .map(|marker| Expectation::new(&marker, Place::InOrder));
    boot(harts, memory_mib, recipe, "selftest-client").into_iter().chain(cases).collect()
}

/// A fuzzing run proves itself by surviving and by its exit code: it only has to boot.
pub fn fuzz_run(harts: u32, memory_mib: u32, recipe: &Recipe) -> Vec<Expectation> {
    boot(harts, memory_mib, recipe, "fuzzer")
}

/// A boot to the shell.
pub fn shell_run(harts: u32, memory_mib: u32, recipe: &Recipe) -> Vec<Expectation> {
    let shell = Service::Shell;
    let ready = Expectation::new(&Marker::Ready(shell), Place::InOrder);
    boot(harts, memory_mib, recipe, shell.name()).into_iter().chain([ready]).collect()
}

/// What comes before the app: execd starts the services of the recipe one after the other, hears policyd before it
/// schedules anything, and then starts the app.
fn boot(harts: u32, memory_mib: u32, recipe: &Recipe, app: &str) -> Vec<Expectation> {
    let ready = nexus_proof::expected(harts, memory_mib.into())
        .filter(|marker| !matches!(marker, Marker::Passed(_)))
        .map(|marker| Expectation::new(&marker, Place::InOrder));
    let scheduled = |service, place| {
        scheduled(service, harts).into_iter().map(move |marker| Expectation::new(&marker, place))
    };
    let is_timed = |service: &recipe::Service| service.name == Service::Timed.name();
    let timed = recipe.starting(Start::Boot).find(|service| is_timed(service));
    let timed = timed.map(|_| Expectation::new(&Marker::Ready(Service::Timed), Place::AnywhereAgain));
    let services = recipe.starting(Start::Boot).flat_map(|service| {
        scheduled(service, if is_timed(service) { Place::AnywhereAgain } else { Place::InOrder })
    });
    let the_app = recipe.find(app).into_iter().flat_map(|service| scheduled(service, Place::Anywhere));
    let asked = recipe.starting(Start::Asked).filter(|service| service.name != app);
    let asked = asked.flat_map(|service| scheduled(service, Place::EachStart));
    ready.chain(timed).chain(services).chain(the_app).chain(asked).collect()
}

/// What execd says when it has scheduled a program as its recipe says. Harts that are not online are dropped, and a
/// place without any is no place.
fn scheduled(service: &recipe::Service, harts: u32) -> Vec<Marker<'_>> {
    let svc = service.name.as_str();
    let online = 1u64.checked_shl(harts).map_or(u64::MAX, |end| end - 1);
    let affinity = service
        .affinity
        .map(|place| (HartMask(place.harts.0 & online), place.policy))
        .filter(|(mask, _)| mask.0 != 0)
        .map(|(mask, policy)| Marker::AffinitySet { svc, mask, policy });
    let qos = service.qos.map(|Qos { class, shares, latency, burst }| Marker::QosSet {
        svc,
        class,
        shares,
        latency,
        burst,
    });
    affinity.into_iter().chain(qos).collect()
}
