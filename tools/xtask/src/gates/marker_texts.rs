//! A marker's text stands in nexus-proof and nowhere else, so that what is printed and what is expected cannot drift
//! apart: no string literal of any other crate may begin like a marker.

use nexus_proof::looks_like_marker;

use super::sources::SourceFile;

const HOME: &str = "source/libs/nexus-proof/";

pub fn check(files: &[SourceFile]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.is_rust() && !file.path.starts_with(HOME));
    rust.flat_map(|file| {
        let lines = file.statements().filter(|(_, line)| literals(line).any(looks_like_marker));
        lines.map(|(number, line)| {
            format!("{}:{number}: a marker's text outside nexus-proof: {}", file.path, line.trim())
        })
    })
    .collect()
}

/// The beginnings of the string literals of a line: what follows each quotation mark.
fn literals(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices('"').map(|(at, _)| &line[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> usize {
        check(&[SourceFile { path: path.to_owned(), text: text.to_owned() }]).len()
    }

    #[test]
    fn a_text_in_code_is_caught_and_in_tests_or_comments_is_not() {
        let text = "log!(\"SELFTEST: ipc ok\");\n";
        assert_eq!(complaints("source/apps/x/src/main.rs", text), 1);
        assert_eq!(complaints("source/libs/nexus-proof/src/lib.rs", text), 0);
        assert_eq!(complaints("source/apps/x/tests/log.rs", text), 0);
        assert_eq!(complaints("source/apps/x/src/main.rs", "// prints \"SELFTEST: ipc ok\"\n"), 0);
        let in_tests = format!("fn f() {{}}\n\n#[cfg(test)]\nmod tests {{\n{text}}}\n");
        assert_eq!(complaints("source/apps/x/src/main.rs", &in_tests), 0);
    }
}
