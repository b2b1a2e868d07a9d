//! The size of commands: each parses arguments, makes one or two calls and renders a view.

use std::fs;

use syn::Item;

use crate::{relative, sources};

/// The maximum number of lines of a function in `cli/src/commands`.
const MAX_LINES: usize = 60;

#[test]
fn command_bodies_are_short() {
    let mut too_long = Vec::new();
    let files = sources("crates/cli/src/commands");
    assert!(files.len() > 10, "the commands are found");
    for file in files {
        let parsed = syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut functions: Vec<(String, usize)> = Vec::new();
        for item in parsed.items {
            if let Item::Fn(item) = item {
                let (start, end) = (
                    item.sig.fn_token.span.start().line,
                    item.block.brace_token.span.close().end().line,
                );
                functions.push((item.sig.ident.to_string(), end + 1 - start));
            }
        }
        let Some((_, run)) = functions.iter().find(|(name, _)| name == "run") else {
            continue;
        };
        println!("{}: run has {run} lines", relative(&file));
        let long = functions.iter().filter(|(_, lines)| *lines > MAX_LINES);
        too_long.extend(long.map(|(name, lines)| format!("{}: {name} {lines}", relative(&file))));
    }
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}
