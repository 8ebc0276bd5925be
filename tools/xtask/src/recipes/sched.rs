//! `recipes/sched/affinity.toml` and `recipes/sched/qos.toml`: where programs run, and how they are scheduled.

use access_policy::{Decision, Policy, Query};
use nexus_abi::{AffinityPolicy, BurstHint, HartMask, LatencyHint, QosClass, Shares};
use nexus_wire::policyd::Action;
use nexus_wire::recipe::{Placement, Qos, Recipe, Service};
use toml::de::DeValue;

use super::document::{Key, Placed, Report, Section, number, one_of, pick, value_or};
use super::services;

pub const AFFINITY_PATH: &str = "recipes/sched/affinity.toml";
pub const QOS_PATH: &str = "recipes/sched/qos.toml";

fn policies() -> [(&'static str, AffinityPolicy); 3] {
    AffinityPolicy::ALL.map(|policy| (policy.name(), policy))
}

fn classes() -> [(&'static str, QosClass); 4] {
    QosClass::ALL.map(|class| (class.name(), class))
}

const MASK: Key = Key {
    name: "mask",
    meaning: "the harts, hart 0 in the lowest bit; those that are not online are dropped at boot",
    allowed: || "a text like \"0x3\": up to 16 hexadecimal digits (64 harts), at least one hart".to_owned(),
    default: None,
};
const POLICY: Key = Key {
    name: "policy",
    meaning: "only these harts; these first; wherever there is room",
    allowed: || one_of(&policies()),
    default: None,
};

/// Every key of a section of `affinity.toml`.
pub const AFFINITY_KEYS: [Key; 2] = [MASK, POLICY];

const CLASS: Key = Key {
    name: "class",
    meaning: "scheduling class; above normal needs a rule in `policies/`",
    allowed: || one_of(&classes()),
    default: Some(|| format!("`\"{}\"`", QosClass::default().name())),
};
const SHARES: Key = Key {
    name: "shares",
    meaning: "weight inside the class; above 500 needs a rule in `policies/`",
    allowed: || format!("a number from {} to {}", Shares::MIN.get(), Shares::MAX.get()),
    default: Some(|| Shares::DEFAULT.get().to_string()),
};
const LATENCY: Key = Key {
    name: "latency_ms",
    meaning: "how long it is willing to wait for its first slice, 0 for no opinion",
    allowed: || format!("a number from 0 to {}", LatencyHint::MAX.as_ms()),
    default: Some(|| LatencyHint::NONE.as_ms().to_string()),
};
const BURST: Key = Key {
    name: "burst_ms",
    meaning: "how long it wants to run once it does, 0 for no opinion",
    allowed: || format!("a number from 0 to {}", BurstHint::MAX.as_ms()),
    default: Some(|| BurstHint::NONE.as_ms().to_string()),
};

/// Every key of a section of `qos.toml`.
pub const QOS_KEYS: [Key; 4] = [CLASS, SHARES, LATENCY, BURST];

/// Reads `affinity.toml` into the recipe.
pub fn read_affinity(report: &mut Report<'_>, recipe: &mut Recipe) {
    for mut section in report.sections().into_iter().flatten() {
        let harts = section.take(&MASK, report, mask);
        let policy = section.take(&POLICY, report, |value| pick(value, &policies()));
        let Some(service) = service(&section, recipe, report) else { continue };
        if let (Some(harts), Some(policy)) = (harts, policy) {
            service.affinity = Some(Placement { harts: harts.value, policy: policy.value });
        }
        section.close(&AFFINITY_KEYS.map(|key| key.name), report);
    }
}

/// Reads `qos.toml` into the recipe; what needs a rule of `policy` must have one.
pub fn read_qos(report: &mut Report<'_>, recipe: &mut Recipe, policy: &Policy<Action>) {
    for mut section in report.sections().into_iter().flatten() {
        let class = section.take(&CLASS, report, |value| pick(value, &classes()));
        let shares = section.take(&SHARES, report, |value| Shares::exact(number(value, 0..u64::MAX)?));
        let latency =
            section.take(&LATENCY, report, |value| LatencyHint::exact_ms(number(value, 0..u64::MAX)?));
        let burst = section.take(&BURST, report, |value| BurstHint::exact_ms(number(value, 0..u64::MAX)?));
        let Some(service) = service(&section, recipe, report) else { continue };
        if let Some(class) = &class {
            check(&service.name, Qos { class: class.value, ..Qos::default() }, class, policy, report);
        }
        if let Some(shares) = &shares {
            check(&service.name, Qos { shares: shares.value, ..Qos::default() }, shares, policy, report);
        }
        service.qos = Some(Qos {
            class: value_or(class, QosClass::default()),
            shares: value_or(shares, Shares::default()),
            latency: value_or(latency, LatencyHint::NONE),
            burst: value_or(burst, BurstHint::NONE),
        });
        section.close(&QOS_KEYS.map(|key| key.name), report);
    }
}

/// The program a section is about.
fn service<'r>(
    section: &Section<'_>,
    recipe: &'r mut Recipe,
    report: &mut Report<'_>,
) -> Option<&'r mut Service> {
    let place = recipe.services.iter().position(|service| service.name == section.name());
    if place.is_none() {
        let known: Vec<_> = recipe.services.iter().map(|service| service.name.as_str()).collect();
        let path = services::PATH;
        section.complain(report, format_args!(": not in {path}, which has {}", known.join(", ")));
    }
    recipe.services.get_mut(place?)
}

/// A wish that no rule grants would be denied at every boot: better said now.
fn check<T>(name: &str, wish: Qos, said: &Placed<T>, policy: &Policy<Action>, report: &mut Report<'_>) {
    for action in wish.actions() {
        if let Decision::Deny(_) = policy.decide(&Query { subject: name, action, object: name }) {
            let action = action.name();
            said.complain(report, format_args!("no rule in policies/ allows {name} {action} on itself"));
        }
    }
}

fn mask(value: &DeValue<'_>) -> Option<HartMask> {
    let digits = value.as_str()?.strip_prefix("0x")?;
    let hexadecimal =
        (1..=16).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let mask = hexadecimal.then(|| u64::from_str_radix(digits, 16).ok()).flatten()?;
    (mask != 0).then_some(HartMask(mask))
}
