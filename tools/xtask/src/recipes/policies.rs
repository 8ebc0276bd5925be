//! `policies/*.toml`: who may do what. Only rules that allow; what no rule allows is denied.

use access_policy::{Name, Object, Policy, RULES_MAX, Rule, WHY_MAX, Why};
use nexus_wire::policyd::Action;
use toml::de::DeValue;

use super::document::{Key, Report, Section, one_of, pick};

pub const FOLDER: &str = "policies";

/// The only kind of section.
const ALLOW: &str = "allow";
/// Stands for every object.
const ANY: &str = "*";

const SUBJECT: Key = Key {
    name: "subject",
    meaning: "who may do it",
    allowed: || "the name of a program of the image".to_owned(),
    default: None,
};
const ACTION: Key =
    Key { name: "action", meaning: "what it may do", allowed: || one_of(&Action::ALL), default: None };
const OBJECT: Key = Key {
    name: "object",
    meaning: "to whom; the subject's own name for what it does to itself",
    allowed: || format!("the name of a program of the image, or \"{ANY}\" for any"),
    default: None,
};
const WHY: Key = Key {
    name: "why",
    meaning: "why that is right; it stands in every answer and in the audit",
    allowed: || format!("a text of 1 to {WHY_MAX} bytes"),
    default: None,
};

/// Every key of a rule.
pub const KEYS: [Key; 4] = [SUBJECT, ACTION, OBJECT, WHY];

/// Adds one file's rules to the policy. `programs` are those of the boot image.
pub fn read(report: &mut Report<'_>, programs: &[String], policy: &mut Policy<Action>) {
    let Some(mut root) = report.root() else { return };
    let sections = root.take_list(ALLOW, report);
    root.close(&["[[allow]]"], report);
    for section in sections {
        add(section, programs, policy, report);
    }
}

fn add(mut section: Section<'_>, programs: &[String], policy: &mut Policy<Action>, report: &mut Report<'_>) {
    let program = |value: &DeValue<'_>| {
        let name = value.as_str().filter(|name| programs.iter().any(|program| program == name))?;
        Name::try_from(name).ok()
    };
    let subject = section.take(&SUBJECT, report, program);
    let action = section.take(&ACTION, report, |value| pick(value, &Action::ALL));
    let object = section.take(&OBJECT, report, |value| match value.as_str() {
        Some(ANY) => Some(Object::Any),
        _ => program(value).map(Object::Named),
    });
    let why = section.take(&WHY, report, |value| {
        let text = value.as_str().filter(|text| !text.trim().is_empty())?;
        Why::try_from(text).ok()
    });
    if let (Some(subject), Some(action), Some(object), Some(why)) = (subject, action, object, why) {
        let same = |other: &&Rule<Action>| {
            other.subject == subject.value && other.action == action.value && other.object == object.value
        };
        if let Some(other) = policy.rules().iter().find(same) {
            section
                .complain(report, format_args!(": an earlier rule says the same, because \"{}\"", other.why));
        }
        let rule =
            Rule { subject: subject.value, action: action.value, object: object.value, why: why.value };
        if policy.add(rule).is_err() {
            section.complain(report, format_args!(": more than {RULES_MAX} rules"));
        }
    }
    section.close(&KEYS.map(|key| key.name), report);
}
