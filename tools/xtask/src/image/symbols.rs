//! The kernel's symbol table for backtraces, `boot/neuron.sym`.
//!
//! Text, one function per line, sorted by address, so that a kernel that has just failed can search it without
//! memory of its own: eight hexadecimal digits of distance from the kernel's base, a space, the readable name.
//!
//! ```text
//! 00000000 _start
//! 00000120 neuron::boot::enter
//! ```
//!
//! The base is the symbol `__kernel_base` when the linker script defines it, else the lowest loaded address.

use anyhow::{Context, Result, ensure};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SectionKind, SymbolKind};

const BASE_SYMBOL: &str = "__kernel_base";

/// The table of an unstripped kernel.
pub fn table(kernel: &[u8]) -> Result<Vec<u8>> {
    let file = object::File::parse(kernel).context("the kernel is not an ELF file")?;
    let base = file
        .symbol_by_name(BASE_SYMBOL)
        .map(|symbol| symbol.address())
        .or_else(|| file.segments().map(|segment| segment.address()).min())
        .context("the kernel has no segment")?;
    let mut functions: Vec<(u32, String)> = file
        .symbols()
        .filter(|symbol| is_function(&file, symbol))
        .filter_map(|symbol| {
            let offset = u32::try_from(symbol.address().checked_sub(base)?).ok()?;
            Some((offset, readable(symbol.name().ok()?)))
        })
        .collect();
    ensure!(!functions.is_empty(), "the kernel was linked without symbols: backtraces would be bare numbers");
    functions.sort();
    functions.dedup_by_key(|(offset, _)| *offset);
    let lines = functions.iter().map(|(offset, name)| format!("{offset:08x} {name}\n"));
    Ok(lines.collect::<String>().into_bytes())
}

/// A function, or a global label of assembly in code: few write `.type` there.
fn is_function<'data>(file: &object::File<'data>, symbol: &impl ObjectSymbol<'data>) -> bool {
    let in_code = || {
        let section = symbol.section_index().and_then(|index| file.section_by_index(index).ok());
        section.is_some_and(|section| section.kind() == SectionKind::Text)
    };
    match symbol.kind() {
        SymbolKind::Text => symbol.is_definition(),
        SymbolKind::Unknown => symbol.is_global() && in_code() && !is_linker_mark(symbol.name()),
        _ => false,
    }
}

/// Marks that the linker script sets, such as the base itself.
fn is_linker_mark(name: object::Result<&str>) -> bool {
    name.is_ok_and(|name| name.starts_with("__"))
}

/// Without the hash at the end that tells two builds of one function apart.
fn readable(symbol: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(symbol))
}
