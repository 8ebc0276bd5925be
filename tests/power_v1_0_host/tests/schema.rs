//! The schema says what the types say: a validator that knows nothing of them agrees with them about every key.

#![expect(clippy::unwrap_used, reason = "a helper of tests may unwrap like a test")]

use std::path::Path;

use jsonschema::Validator;
use power_config::{KEYS, Mistake, SECTIONS, Values};
use serde_json::{Value, json};

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&read("schemas/power_v1_0.schema.json")).unwrap()
}

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn with(section: &str, name: &str, value: impl Into<Value>) -> Value {
    json!({ section: { name: value.into() } })
}

#[test]
fn the_schema_is_one_of_draft_2020_12() {
    assert_eq!(schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(jsonschema::draft202012::meta::is_valid(&schema()));
}

#[test]
fn the_recipe_as_delivered_is_valid_and_so_is_an_empty_one() {
    let recipe: Value = toml::from_str(&read("recipes/power.toml")).unwrap();
    let validator = validator();
    assert!(validator.is_valid(&recipe) && validator.is_valid(&json!({})));
    let keys: usize =
        recipe.as_object().unwrap().values().map(|section| section.as_object().unwrap().len()).sum();
    assert_eq!(keys, KEYS.len());
}

#[test]
fn it_allows_exactly_the_numbers_that_the_types_allow() {
    let validator = validator();
    for entry in KEYS {
        let ends = [entry.min, entry.max, entry.default];
        let near = ends.into_iter().flat_map(|end| end.saturating_sub(entry.step + 1)..=end + entry.step + 1);
        for value in near.chain([0, u32::MAX]) {
            let mistake = Mistake::OutOfRange(entry.key);
            let allowed = !Values::DEFAULT.with(entry.key, value).mistakes().any(|found| found == mistake);
            let json = with(entry.section, entry.name, value);
            assert_eq!(validator.is_valid(&json), allowed, "{} = {value}", entry.key);
        }
    }
}

#[test]
fn it_refuses_other_types_keys_and_tables() {
    let validator = validator();
    for entry in KEYS {
        for wrong in [json!("5"), json!(-1), json!(null), json!([entry.default]), json!(true), json!(0.5)] {
            assert!(
                !validator.is_valid(&with(entry.section, entry.name, wrong.clone())),
                "{} = {wrong}",
                entry.key
            );
        }
    }
    for (section, _) in SECTIONS {
        assert!(!validator.is_valid(&with(section, "turbo", 1)), "{section}");
        assert!(!validator.is_valid(&json!({ section: 1 })), "{section}");
    }
    assert!(!validator.is_valid(&json!({ "turbo": {} })));
}

#[test]
fn it_documents_every_key_with_its_default() {
    let schema = schema();
    for entry in KEYS {
        let key = &schema["properties"][entry.section]["properties"][entry.name];
        assert_eq!(key["default"], entry.default, "{}", entry.key);
        assert!(key["description"].as_str().unwrap().starts_with(entry.meaning), "{}", entry.key);
    }
}
