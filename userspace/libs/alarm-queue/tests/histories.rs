//! Random histories: the promises that hold whatever happens.

mod harness;

use std::collections::BTreeMap;

use alarm_queue::*;
use harness::*;
use nexus_abi::Nanos;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Set { app: u8, kind: Kind, ahead_s: u64 },
    SetWeekly { app: u8, minute: u16 },
    Cancel { nth: u64 },
    Pace { app: u8, rings: u16, window_s: u64, hold_s: u64 },
    Clock { wall_s: i64 },
    Sleep { span_s: u64 },
    Reboot { off_s: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let app = 0u8..3;
    let kind = proptest::sample::select(vec![Kind::Inexact, Kind::Exact, Kind::AlarmClock]);
    prop_oneof![
        4 => (app.clone(), kind, 0u64..4_000).prop_map(|(app, kind, ahead_s)| Step::Set { app, kind, ahead_s }),
        1 => (app.clone(), 0u16..1_440).prop_map(|(app, minute)| Step::SetWeekly { app, minute }),
        1 => (0u64..30).prop_map(|nth| Step::Cancel { nth }),
        1 => (app, 1u16..4, 1u64..2_000, 0u64..2_000)
            .prop_map(|(app, rings, window_s, hold_s)| Step::Pace { app, rings, window_s, hold_s }),
        1 => (0i64..200_000).prop_map(|wall_s| Step::Clock { wall_s }),
        4 => (0u64..3_000).prop_map(|span_s| Step::Sleep { span_s }),
        1 => (0u64..100_000).prop_map(|off_s| Step::Reboot { off_s }),
    ]
}

/// A device that wakes up exactly when the queue asks for it.
struct Device {
    queue: AlarmQueue,
    now: Nanos,
    wall: Wall,
    missed_rang: Option<Nanos>,
    paced: BTreeMap<App, (Pace, Vec<Nanos>)>,
}

impl Device {
    fn sleep(&mut self, span: Nanos) {
        let end = self.now.after(span);
        while let Some(wakeup) = self.queue.wakeup().filter(|wakeup| wakeup.until <= end) {
            assert!(wakeup.from <= wakeup.until);
            let wake = wakeup.until.max(self.now);
            self.pass(wake);
            let Some(first) = self.queue.ring(wake) else { panic!("it asked to be woken and nothing rings") };
            self.check(&first);
            while let Some(ring) = self.queue.ring(wake) {
                self.check(&ring);
            }
        }
        self.pass(end);
    }

    fn pass(&mut self, until: Nanos) {
        self.wall = self.wall.after(until.since(self.now));
        self.now = until;
    }

    fn check(&mut self, ring: &Ring) {
        if let When::Wall(wall) = ring.alarm.when {
            assert!(wall <= self.wall, "early");
        }
        if let When::Elapsed(at) = ring.alarm.when {
            assert!(at <= self.now, "early");
        }
        if ring.missed.is_some() {
            assert!(self.missed_rang.is_none_or(|last| self.now.since(last) >= MISSED_GAP), "stampede");
            self.missed_rang = Some(self.now);
        } else if ring.alarm.kind == Kind::AlarmClock {
            assert_eq!(ring.late, Nanos(0), "an alarm clock is on time or missed");
        }
        let (pace, rings) = self.paced.entry(ring.alarm.app.clone()).or_insert((Pace::IN_USE, Vec::new()));
        if !ring.alarm.kind.passes_standby() {
            assert!(self.now >= pace.not_before, "in standby");
            rings.push(self.now);
            let quota = usize::from(pace.quota.rings());
            if let Some(first) = rings.len().checked_sub(quota + 1) {
                assert!(self.now.since(rings[first]) >= pace.quota.window(), "beyond the quota");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_histories_keep_every_promise(steps in proptest::collection::vec(step(), 1..60)) {
        let mut device = Device {
            queue: queue_at_monday(),
            now: s(0),
            wall: Wall::from_secs(MONDAY_S),
            missed_rang: None,
            paced: BTreeMap::new(),
        };
        for step in steps {
            let now = device.now;
            let name = |app: u8| format!("app{app}");
            match step {
                // Past moments ring late by nature: not asked for here, so that punctuality can be asserted.
                Step::Set { app, kind, ahead_s } => {
                    let when = if ahead_s % 2 == 0 {
                        When::Elapsed(now.after(s(ahead_s)))
                    } else {
                        When::Wall(device.wall.after(s(ahead_s)))
                    };
                    let _full = device.queue.set(alarm(&name(app), kind, when), ALL, now);
                }
                Step::SetWeekly { app, minute } => {
                    let alarm = alarm(&name(app), Kind::AlarmClock, weekly(Days::ALL, minute));
                    let _full = device.queue.set(alarm, ALL, now);
                }
                Step::Cancel { nth } => {
                    let _gone = device.queue.cancel(&app(&name((nth % 3) as u8)), AlarmId(nth));
                }
                Step::Pace { app: index, rings, window_s, hold_s } => {
                    let quota = Quota::new(rings, s(window_s)).unwrap();
                    let pace = Pace { quota, not_before: now.after(s(hold_s)) };
                    device.queue.set_pace(&app(&name(index)), pace, now).unwrap();
                    device.paced.entry(app(&name(index))).or_insert((pace, Vec::new())).0 = pace;
                }
                Step::Clock { wall_s } => {
                    device.wall = Wall::from_secs(MONDAY_S + wall_s);
                    device.queue.clock_set(device.wall, now);
                }
                Step::Sleep { span_s } => device.sleep(s(span_s)),
                Step::Reboot { off_s } => {
                    let file = device.queue.save(now);
                    device.wall = device.wall.after(s(off_s));
                    device.now = s(0);
                    device.missed_rang = None;
                    device.paced.clear();
                    let restored = AlarmQueue::restore(&file, Zone::UTC, Some(device.wall), s(0)).unwrap();
                    prop_assert_eq!(restored.alarms().count(), device.queue.alarms().count());
                    device.queue = restored;
                }
            }
            let queue = &device.queue;
            let first = queue.alarms().filter_map(|(id, _)| queue.standing(id)?.rings_from).min();
            prop_assert_eq!(queue.wakeup().map(|wakeup| wakeup.from), first, "when the first alarm may ring");
        }
        // A month later everything that is to ring once has rung.
        device.sleep(s(31 * 86_400));
        prop_assert!(device.queue.alarms().all(|(_, alarm)| matches!(alarm.when, When::Weekly(_))));
    }
}
