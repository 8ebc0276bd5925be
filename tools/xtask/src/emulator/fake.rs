//! A script that behaves like an emulator, for tests of how runs end.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Machine;
use crate::image::Image;
use nexus_wire::recipe::Recipe;

/// Finds its console, the file after `-serial file:`, into `$console`.
const PRELUDE: &str = "#!/bin/bash
for word; do case $word in file:*) console=${word#file:};; esac; done
";

/// A machine whose emulator is `script`, kept in `folder`.
pub fn emulator(folder: &Path, script: &str) -> Machine {
    let program = folder.join("emulator");
    fs::write(&program, format!("{PRELUDE}{script}\n")).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let image = Image {
        kernel: PathBuf::new(),
        initrd: PathBuf::new(),
        sizes: Vec::new(),
        recipe: Recipe::default(),
    };
    Machine { emulator: program, ..Machine::new(image) }
}
