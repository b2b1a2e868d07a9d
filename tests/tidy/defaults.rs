//! SilentObserver defaults: few places of the product replace a missing value with an empty one.

use std::fs;

use crate::{crates, imports::Crate, relative, root};

/// The maximum number in all crates.
const MAX_DEFAULTS: usize = 100;

#[test]
fn few_missing_values_default_to_empty() {
    let mut total = 0;
    for name in crates() {
        let read = Crate::read(&root().join("crates").join(&name));
        let count = |text: &str| text.matches("unwrap_or_default()").count();
        let counts = read.files.keys().map(|file| {
            let text = fs::read_to_string(file).unwrap();
            let product = text.split("#[cfg(test)]\nmod ").next().unwrap();
            (count(product), relative(file))
        });
        let counts: Vec<_> = counts.filter(|(count, _)| *count > 0).collect();
        let sum: usize = counts.iter().map(|(count, _)| count).sum();
        println!("{name}: unwrap_or_default {sum} times");
        for (count, file) in counts {
            println!("  {count} {file}");
        }
        total += sum;
    }
    println!("unwrap_or_default in all crates: {total}");
    assert!(total <= MAX_DEFAULTS, "{total} calls of unwrap_or_default");
}
