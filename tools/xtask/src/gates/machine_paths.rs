//! Nothing in the repository names a folder of one person's machine or a package host other than the public one.

use super::sources::SourceFile;

/// Written in two parts, so that this file does not break its own rule.
const PATTERNS: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/tm", "p/"),
    concat!("/Use", "rs/"),
    concat!("arti", "factory"),
];

pub fn check(files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        for (number, line) in (1..).zip(file.text.lines()) {
            if let Some(pattern) = PATTERNS.iter().find(|pattern| line.contains(**pattern)) {
                complaints.push(format!("{}:{number}: `{pattern}` is of one machine", file.path));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_machine_is_caught() {
        let text = format!("image = {}someone/target/image\nlinker = /usr/bin/ld.lld\n", PATTERNS[1]);
        let complaints = check(&[SourceFile { path: "x.toml".to_owned(), text }]);
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].starts_with("x.toml:1:"));
    }
}
