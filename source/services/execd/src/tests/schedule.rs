//! Recipes and wishes: what policyd is asked, what the kernel is told, what the log says.

use super::*;

use nexus_wire::recipe::Qos;

/// The usual recipe with one more program.
fn with(add: impl FnOnce(&mut Entry)) -> Recipe {
    let mut recipe = recipe();
    let mut timed = entry("timed", Start::Asked);
    add(&mut timed);
    recipe.services.push(timed).expect("room");
    recipe
}

fn qos(class: QosClass, shares: u64, latency: u64, burst: u64) -> Option<Qos> {
    Some(Qos {
        class,
        shares: Shares::exact(shares).expect("in range"),
        latency: LatencyHint::clamped_ms(latency),
        burst: BurstHint::clamped_ms(burst),
    })
}

fn place(harts: u64, policy: AffinityPolicy) -> Option<Placement> {
    Some(Placement { harts: HartMask(harts), policy })
}

impl Rig {
    /// Boots: policyd is the first task, and there is no app.
    fn booted(mut recipe: Recipe, allowed: &[(&'static str, Action, &'static str)]) -> Self {
        for entry in recipe.services.iter_mut().filter(|entry| entry.start == Start::Default) {
            entry.start = Start::Asked;
        }
        let mut rig = Self::with(recipe);
        rig.world.borrow_mut().allowed = allowed.to_vec();
        rig.bench.service.begin(None, "", Nanos(0));
        rig
    }

    fn schedule(&mut self, caller: Caller, task: TaskId, change: Change) -> Answer {
        let id = self.bench.call(caller, &Request::Schedule { task: task.to_wire(), change });
        self.answer(id).expect("an answer at once")
    }

    fn set(&self) -> Vec<String> {
        self.world.borrow().set.iter().map(|(_, what)| what.clone()).collect()
    }

    fn log(&self) -> Vec<String> {
        self.world.borrow().log.clone()
    }
}

fn task(n: u32) -> TaskId {
    TaskId::new(n, 1)
}

const REFUSED: Answer = Answer::Refused(Refusal::Denied(Denial::NoRuleForAction));

#[test]
fn a_recipe_is_asked_about_applied_and_then_said() {
    let recipe = with(|timed| {
        timed.affinity = place(0b1101, AffinityPolicy::Prefer);
        timed.qos = qos(QosClass::PerfBurst, 501, 1, 2);
    });
    let rules = [("timed", Action::QosPerfBurst, "timed"), ("timed", Action::SharesAbove500, "timed")];
    let mut rig = Rig::booted(recipe, &rules);
    rig.spawn("timed", Restart::Never);
    assert_eq!(rig.set(), ["harts 0x1 prefer", "class perf_burst", "shares 501", "latency 1", "burst 2"]);
    assert_eq!(
        rig.log(),
        [
            "execd: affinity set (svc=timed mask=0x1 policy=prefer)",
            "execd: qos set (svc=timed class=perf_burst shares=501 lat=1 burst=2)",
        ]
    );
    assert_eq!(rig.world.borrow().spawned[1].3, HartMask::ANY, "preferred, not confined");
}

#[test]
fn what_policyd_denies_a_recipe_is_left_at_its_default_and_the_program_runs() {
    let recipe = with(|timed| timed.qos = qos(QosClass::PerfBurst, 501, 1, 0));
    let mut rig = Rig::booted(recipe, &[]);
    rig.spawn("timed", Restart::Never);
    assert_eq!(rig.set(), ["latency 1"]);
    assert_eq!(
        rig.log(),
        [
            "[execd] timed goes without qos.perf_burst: no rule allows the subject this action",
            "[execd] timed goes without sched.shares_above_500: no rule allows the subject this action",
            "execd: qos set (svc=timed class=normal shares=100 lat=1 burst=0)",
        ]
    );
}

#[test]
fn nothing_is_said_that_the_kernel_has_not_accepted() {
    let recipe = with(|timed| {
        timed.affinity = place(1, AffinityPolicy::Prefer);
        timed.qos = qos(QosClass::Idle, 100, 0, 0);
    });
    let mut rig = Rig::booted(recipe, &[]);
    rig.world.borrow_mut().set_fails = Some(Error::Invalid);
    rig.spawn("timed", Restart::Never);
    assert_eq!(
        rig.log(),
        [
            "[execd] timed runs anywhere: an argument is out of range",
            "[execd] timed runs as it is: an argument is out of range",
        ]
    );
}

#[test]
fn a_program_that_ends_before_it_is_scheduled_is_not_said_to_run() {
    let recipe = with(|timed| {
        timed.affinity = place(1, AffinityPolicy::Prefer);
        timed.qos = qos(QosClass::Idle, 100, 0, 0);
    });
    let mut rig = Rig::booted(recipe, &[]);
    rig.world.borrow_mut().set_fails = Some(Error::Invalid);
    rig.world.borrow_mut().at_once_gone = true;
    rig.spawn("timed", Restart::Never);
    assert_eq!(rig.log(), Vec::<String>::new());
}

#[test]
fn a_pinned_program_is_never_anywhere_else() {
    let recipe = with(|timed| timed.affinity = place(0b10, AffinityPolicy::Pin));
    let mut rig = Rig::booted(recipe, &[]);
    rig.spawn("timed", Restart::Never);
    assert_eq!(rig.world.borrow().spawned[1].3, HartMask(0b10));
    assert_eq!(rig.set(), ["harts 0x2 pin"]);
}

#[test]
fn a_recipe_that_pins_to_absent_harts_runs_anywhere_and_the_log_says_so() {
    let recipe = with(|timed| timed.affinity = place(1 << 40, AffinityPolicy::Pin));
    let mut rig = Rig::booted(recipe, &[]);
    rig.spawn("timed", Restart::Never);
    assert_eq!(rig.world.borrow().spawned[1].3, HartMask::ANY);
    assert_eq!(rig.log(), ["[execd] timed runs anywhere: an argument is out of range"]);
}

#[test]
fn harts_that_a_spawner_names_go_before_the_recipe_s_and_absent_ones_are_refused() {
    let recipe = with(|timed| timed.affinity = place(0b01, AffinityPolicy::Pin));
    let mut rig = Rig::booted(recipe, &[]);
    let mut ask = |harts| rig.ask(Request::Spawn(Spawn { harts, ..Spawn::new("timed", "").expect("short") }));
    assert!(matches!(ask(0b10), Answer::Spawned { .. }));
    assert_eq!(ask(1 << 40), Answer::Refused(Refusal::Invalid));
    assert_eq!(rig.world.borrow().spawned[1].3, HartMask(0b10));
    assert_eq!(rig.set(), Vec::<String>::new());
}

#[test]
fn policyd_is_started_first_and_asked_about_itself_afterwards() {
    let mut recipe = recipe();
    let policyd = recipe.services.iter_mut().find(|entry| entry.name == JUDGE).expect("there");
    policyd.qos = qos(QosClass::Interactive, 100, 0, 0);
    let rig = Rig::booted(recipe, &[(JUDGE, Action::QosRaise, JUDGE)]);
    assert_eq!(rig.world.borrow().asked, [(JUDGE.into(), Action::QosRaise, JUDGE.into())]);
    assert_eq!(rig.set(), ["class interactive"]);
}

#[test]
fn without_policyd_nothing_is_allowed_and_it_is_not_waited_for() {
    let recipe = with(|timed| timed.qos = qos(QosClass::Interactive, 100, 0, 0));
    let mut rig = Rig::booted(recipe, &[("timed", Action::QosRaise, "timed")]);
    rig.dies(1, CRASH);
    rig.world.borrow_mut().log.clear();
    rig.spawn("timed", Restart::Never);
    assert_eq!(rig.world.borrow().asked, [], "there is nobody to ask");
    let without = "[execd] timed goes without qos.raise: policyd does not answer, so nothing is allowed";
    let said = "execd: qos set (svc=timed class=normal shares=100 lat=0 burst=0)";
    assert_eq!(rig.log(), [without, said]);
    assert_eq!(rig.schedule(shell(), task(2), Change::Shares(5)), Answer::Refused(Refusal::NoPolicy));
}

#[test]
fn a_policyd_that_is_silent_is_one_that_denies() {
    let mut rig = Rig::booted(recipe(), &[("shell", Action::SchedOthers, "p")]);
    rig.world.borrow_mut().silent = true;
    rig.spawn("p", Restart::Never);
    assert_eq!(rig.schedule(shell(), task(2), Change::Shares(5)), Answer::Refused(Refusal::NoPolicy));
    assert_eq!(rig.set(), Vec::<String>::new());
}

#[test]
fn a_restarted_program_is_scheduled_as_its_recipe_says_again() {
    let recipe = with(|timed| timed.qos = qos(QosClass::Interactive, 100, 0, 0));
    let mut rig =
        Rig::booted(recipe, &[("timed", Action::QosRaise, "timed"), ("shell", Action::SchedOthers, "timed")]);
    rig.spawn("timed", Restart::Always);
    assert_eq!(rig.schedule(shell(), task(2), Change::BurstMs(7)), Answer::Scheduled { stored: 7 });
    rig.dies(2, CRASH);
    rig.advance(500);
    let set = rig.world.borrow().set.clone();
    let expected = [(2, "class interactive"), (2, "burst 7"), (3, "class interactive")];
    assert_eq!(set, expected.map(|(n, what)| (task(n), what.to_string())));
}

#[test]
fn test_reject_qos_raise_of_a_spawner_without_a_rule() {
    let mut rig = Rig::booted(recipe(), &[]);
    let mut ask =
        |class| rig.ask(Request::Spawn(Spawn { class: Some(class), ..Spawn::new("p", "").expect("short") }));
    assert_eq!(ask(2), REFUSED);
    assert!(matches!(ask(1), Answer::Spawned { .. }));
    assert!(matches!(ask(0), Answer::Spawned { .. }));
    assert_eq!(rig.world.borrow().asked, [("shell".into(), Action::QosRaise, "p".into())]);
    assert_eq!((rig.count(), rig.set()), (3, ["class idle".to_string()].to_vec()));
}

#[test]
fn a_spawner_with_a_rule_chooses_the_class_and_no_marker_says_it_was_a_recipe() {
    let mut rig = Rig::booted(recipe(), &[("shell", Action::QosRaise, "p")]);
    let spawn = Spawn::new("p", "").expect("short").at(QosClass::Interactive).restarting(Restart::Always);
    assert!(matches!(rig.ask(Request::Spawn(spawn)), Answer::Spawned { .. }));
    assert_eq!((rig.set(), rig.log()), (["class interactive".to_string()].to_vec(), Vec::new()));

    rig.world.borrow_mut().allowed.clear();
    rig.dies(2, CRASH);
    rig.advance(500);
    assert_eq!(rig.count(), 3, "it comes back without what is no longer allowed");
    assert_eq!(rig.set(), ["class interactive"]);
}

#[test]
fn test_reject_invalid_qos_class() {
    let mut rig = Rig::booted(recipe(), &[("shell", Action::SchedOthers, "p")]);
    rig.spawn("p", Restart::Never);
    let spawn = Spawn { class: Some(4), ..Spawn::new("p", "").expect("short") };
    assert_eq!(rig.ask(Request::Spawn(spawn)), Answer::Refused(Refusal::Invalid));
    for change in [
        Change::Class(4),
        Change::Class(u64::MAX),
        Change::Affinity { harts: 0, policy: 0 },
        Change::Affinity { harts: 1, policy: 3 },
        Change::Shares(0),
    ] {
        assert_eq!(rig.schedule(shell(), task(2), change), Answer::Refused(Refusal::Invalid), "{change:?}");
    }
    assert_eq!((rig.count(), rig.set()), (2, Vec::new()));
    assert_eq!(rig.world.borrow().asked, [], "nonsense needs no judge");
}

#[test]
fn test_reject_perf_burst_without_recipe_or_without_rule() {
    let burst = |image: &str| Request::Spawn(Spawn::new(image, "").expect("short").at(QosClass::PerfBurst));
    let recipe = with(|timed| timed.qos = qos(QosClass::PerfBurst, 100, 0, 0));
    let rules = [
        ("shell", Action::QosPerfBurst, "p"),
        ("shell", Action::SchedOthers, "p"),
        ("shell", Action::SchedOthers, "timed"),
        ("shell", Action::SchedOthers, "foreign"),
        ("shell", Action::QosPerfBurst, "foreign"),
    ];
    let mut rig = Rig::booted(recipe, &rules);
    assert_eq!(rig.ask(burst("p")), Answer::Refused(Refusal::NoRecipe));
    assert_eq!(rig.ask(burst("timed")), REFUSED);
    assert_eq!(rig.ask(burst("q")), REFUSED, "policyd is asked, and so remembers");
    rig.spawn("p", Restart::Never);
    rig.spawn("timed", Restart::Never);
    let change = Change::Class(QosClass::PerfBurst as u64);
    assert_eq!(rig.schedule(shell(), task(2), change), Answer::Refused(Refusal::NoRecipe));
    assert_eq!(rig.schedule(shell(), task(3), change), REFUSED);
    assert_eq!(
        rig.schedule(shell(), task(77), change),
        Answer::Refused(Refusal::NoRecipe),
        "a name is no proof"
    );
    assert_eq!(rig.set(), Vec::<String>::new());
}

#[test]
fn test_reject_qos_set_unauthorized_other_pid() {
    let mut rig = Rig::booted(recipe(), &[("app", Action::SchedOthers, "q")]);
    rig.spawn("p", Restart::Never);
    for caller in [by(ServiceId::APP, 5), by(ServiceId::SELFTEST, 6), shell()] {
        for change in [
            Change::Class(0),
            Change::Shares(1),
            Change::Affinity { harts: 1, policy: 0 },
            Change::LatencyMs(1),
        ] {
            assert_eq!(rig.schedule(caller, task(2), change), REFUSED);
        }
    }
    assert_eq!(rig.set(), Vec::<String>::new());
}

#[test]
fn test_reject_qos_set_unauthorized_self_raise() {
    let mut rig = Rig::booted(recipe(), &[("p", Action::SchedSelf, "p")]);
    rig.spawn("p", Restart::Never);
    let caller = Caller { task: task(2), service: ServiceId::APP, class: QosClass::PerfBurst };
    for target in [TaskId::NONE, task(2)] {
        assert_eq!(
            rig.schedule(caller, target, Change::Class(2)),
            REFUSED,
            "its class on the message is only lent"
        );
        assert_eq!(rig.schedule(caller, target, Change::Shares(501)), REFUSED);
        assert_eq!(rig.schedule(caller, target, Change::Shares(500)), Answer::Scheduled { stored: 500 });
    }
    let asked = rig.world.borrow().asked.clone();
    assert_eq!(asked[0], ("p".to_string(), Action::SchedSelf, "p".to_string()));
}

#[test]
fn who_asks_is_what_the_kernel_and_execd_know_and_not_what_a_task_is_called() {
    let mut rig = Rig::booted(recipe(), &[]);
    rig.spawn("shell", Restart::Never);
    rig.spawn("p", Restart::Never);
    let subject = |rig: &mut Rig, caller| {
        assert_eq!(rig.schedule(caller, task(77), Change::Shares(5)), REFUSED);
        rig.world.borrow().asked.last().expect("asked").0.clone()
    };
    assert_eq!(subject(&mut rig, by(ServiceId::SELFTEST, 3)), "selftest-client");
    assert_eq!(subject(&mut rig, Caller { task: task(3), ..by(ServiceId::APP, 0) }), "p");
    // A stranger, and one whose kernel record says `foreign`: neither was started by execd.
    assert_eq!(subject(&mut rig, by(ServiceId::APP, 50)), "app");
    assert_eq!(
        rig.schedule(Caller { task: task(77), ..by(ServiceId::APP, 0) }, task(77), Change::Shares(5)),
        REFUSED
    );
    assert_eq!(rig.world.borrow().asked.last().expect("asked").0, "app");
}

#[test]
fn a_task_that_does_not_exist_or_is_of_an_earlier_generation_is_said_so() {
    let rules = [("shell", Action::SchedOthers, "p"), ("shell", Action::SchedOthers, "")];
    let mut rig = Rig::booted(recipe(), &rules);
    rig.spawn("p", Restart::Never);
    for nobody in [TaskId::new(2, 2), TaskId::new(9999, 1), TaskId::from_wire(u64::MAX)] {
        let answer = rig.schedule(shell(), nobody, Change::Shares(5));
        assert_eq!(answer, Answer::Refused(Refusal::NoSuchTask));
    }
    rig.world.borrow_mut().set_fails = Some(Error::Invalid);
    let answer = rig.schedule(shell(), task(2), Change::Shares(5));
    assert_eq!(answer, Answer::Refused(Refusal::Invalid), "it died meanwhile");
}

#[test]
fn test_reject_qos_set_unauthorized_stale_pid() {
    let mut rig = Rig::booted(recipe(), &[("app", Action::SchedOthers, "p")]);
    for nobody in [TaskId::new(2, 2), TaskId::new(9999, 1), TaskId::from_wire(u64::MAX)] {
        let answer = rig.schedule(by(ServiceId::APP, 5), nobody, Change::Class(3));
        assert_eq!(answer, REFUSED, "whether there is such a task is not said");
    }
    let asked = ("app".to_string(), Action::SchedOthers, String::new());
    assert_eq!(rig.world.borrow().asked, [asked.clone(), asked.clone(), asked], "all are audited");
}

#[test]
fn numbers_clamp_and_the_answer_is_what_was_stored() {
    let rules = [("shell", Action::SchedOthers, "p"), ("shell", Action::SharesAbove500, "p")];
    let mut rig = Rig::booted(recipe(), &rules);
    rig.spawn("p", Restart::Never);
    for (change, stored) in [
        (Change::Shares(1), 1),
        (Change::Shares(u64::MAX), 1000),
        (Change::LatencyMs(1001), 1000),
        (Change::BurstMs(101), 100),
        (Change::BurstMs(0), 0),
        (Change::Affinity { harts: 0b1110, policy: 0 }, 0b10),
        (Change::Class(0), 0),
    ] {
        assert_eq!(rig.schedule(shell(), task(2), change), Answer::Scheduled { stored }, "{change:?}");
    }
    assert_eq!(rig.log(), Vec::<String>::new(), "markers are for recipes");
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0u64..6).prop_map(Change::Class),
        (0u64..8, 0u64..5).prop_map(|(harts, policy)| Change::Affinity { harts, policy }),
        prop_oneof![0u64..1200, any::<u64>()].prop_map(Change::Shares),
        any::<u64>().prop_map(Change::LatencyMs),
        any::<u64>().prop_map(Change::BurstMs),
    ]
}

proptest! {
    #[test]
    fn nothing_is_set_that_policyd_did_not_allow(
        changes in proptest::collection::vec((0u32..4, 0u32..5, change()), 1..60),
    ) {
        let mut rig = Rig::booted(recipe(), &[]);
        rig.spawn("p", Restart::Never);
        for (service, target, change) in changes {
            let answer = rig.schedule(by(ServiceId(service), 5), task(target), change);
            prop_assert!(matches!(answer, Answer::Refused(_)));
        }
        prop_assert_eq!(rig.set(), Vec::<String>::new());
    }
}
