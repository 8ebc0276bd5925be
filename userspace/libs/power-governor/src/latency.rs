//! Who needs the machine to wake quickly.

use heapless::Vec;
use nexus_abi::{Nanos, TaskId};

use crate::LATENCY_REQUESTS_MAX;

/// The latency requests of all tasks, one each.
///
/// ```
/// use nexus_abi::{Nanos, TaskId};
/// use power_governor::LatencyRequests;
///
/// let [audio, radio] = [TaskId::new(1, 1), TaskId::new(2, 1)];
/// let mut requests = LatencyRequests::default();
/// requests.set(audio, Nanos::from_millis(5))?;
/// requests.set(radio, Nanos::from_millis(1))?;
/// assert_eq!(requests.strictest(), Some((Nanos::from_millis(1), radio)));
/// requests.withdraw(radio);
/// assert_eq!(requests.strictest(), Some((Nanos::from_millis(5), audio)));
/// # Ok::<(), power_governor::Full>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LatencyRequests {
    requests: Vec<(Nanos, TaskId), LATENCY_REQUESTS_MAX>,
    /// The least of them; of equals that of the lowest task.
    strictest: Option<(Nanos, TaskId)>,
}

/// There are [`LATENCY_REQUESTS_MAX`] requests.
///
/// ```
/// assert_eq!(power_governor::Full.to_string(), "too many latency requests");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl core::fmt::Display for Full {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("too many latency requests")
    }
}

impl core::error::Error for Full {}

impl LatencyRequests {
    /// `task` takes an exit latency of at most `latency`, whatever it took before. O(requests).
    pub fn set(&mut self, task: TaskId, latency: Nanos) -> Result<(), Full> {
        match self.requests.iter_mut().find(|(_, its)| *its == task) {
            Some(request) => request.0 = latency,
            None => self.requests.push((latency, task)).map_err(|_| Full)?,
        }
        self.settle();
        Ok(())
    }

    /// `task` takes any latency, or is no more. True when it had a request. O(requests).
    pub fn withdraw(&mut self, task: TaskId) -> bool {
        let before = self.requests.len();
        self.requests.retain(|(_, its)| *its != task);
        self.settle();
        self.requests.len() < before
    }

    /// The strictest request and whose it is; of equal ones that of the lowest task. O(1).
    pub const fn strictest(&self) -> Option<(Nanos, TaskId)> {
        self.strictest
    }

    /// The task that forbids this exit latency, if one does. O(1).
    pub fn forbids(&self, exit: Nanos) -> Option<TaskId> {
        self.strictest.filter(|(latency, _)| exit > *latency).map(|(_, task)| task)
    }

    fn settle(&mut self) {
        self.strictest = self.requests.iter().min().copied();
    }
}
