//! The documentation of every key: a table for each table of the recipe.

use power_config::{KEYS, SECTIONS};

use super::schema::description;

/// The tables, with a heading each.
pub fn tables() -> String {
    let mut text = String::new();
    for (name, about) in SECTIONS {
        text += &format!(
            "### [{name}]\n\n{about}\n\n| key | what it says | allowed | without it |\n|---|---|---|---|\n"
        );
        for entry in KEYS.iter().filter(|entry| entry.section == name) {
            let allowed = entry.allowed();
            text +=
                &format!("| `{}` | {} | {allowed} | {} |\n", entry.name, description(entry), entry.default);
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}
