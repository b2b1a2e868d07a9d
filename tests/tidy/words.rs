//! Words: text for readers uses the terms of the field.

use std::{collections::BTreeMap, fs};

use regex::Regex;

use crate::{files, relative, root};

/// Words and phrases that are foreign to the field, with their replacements.
const BANNED: &[(&str, &str)] = &[
    (r"anew", "again, recreate, replace"),
    (
        r"who(?:ever|soever)|somebody|nobody",
        "the caller, another principal, no one",
    ),
    (
        r"told|tells?",
        "report, print, show, tell apart: distinguish",
    ),
    (r"shall", "must, or the present tense"),
    (
        r"is no (?:contract|difference|error|failure|id|key|leaf|list|mistake|name|number|other|path|place|secret|type|wildcard)",
        "is not a valid, does not exist",
    ),
    (r"overruled?|overrules", "server override"),
    (r"veil(?:ed|s|ing)?", "mask"),
    (
        r"patience|wait(?:ed|s|ing)? (?:it |them |\w+ )?out",
        "retry until propagated",
    ),
    (r"razed?|razing", "mass deletion"),
    (
        r"all the same|as ever|thereafter|hitherto|thereof|therein",
        "leave it out",
    ),
    (
        r"carr(?:y|ies|ied|ying) (?:it |them |this |the plan )?out",
        "apply, execute",
    ),
    (
        r"look(?:s|ed|ing)? (?:at|closer|back|ahead)",
        "read, observe, check",
    ),
    (r"what there is|what is there", "the resources that exist"),
    (r"lower-case|upper-case", "lowercase, uppercase"),
    (r"licence", "license"),
    (r"besides?", "next to, in addition to"),
    (r"pass(?:es|ed)? by itself", "transient"),
    (r"(?:in a|a) circle|circles? of", "cycle"),
];

/// Quotations: Azure's own message, and old names in a list of changes.
const QUOTED: &[&str] = &[
    "use numbers and lower-case letters only",
    "JSON key `overruled`",
    "JSON key `razed`",
    "`@somebody`",
];

/// The folders that are checked.
const FOLDERS: &[&str] = &["crates", "docs", "examples", "schemas", "tests", ".github"];
/// The files in the top folder that are checked.
const TOP: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "action.yml",
    "Dockerfile",
    "Cargo.toml",
];
const EXTENSIONS: &[&str] = &[
    "rs", "md", "json", "yaml", "yml", "trycmd", "html", "css", "js", "toml",
];

#[test]
fn text_contains_no_banned_words() {
    let all: Vec<String> = BANNED.iter().map(|(word, _)| format!("({word})")).collect();
    let banned = Regex::new(&format!(r"(?i)\b(?:{})\b", all.join("|"))).unwrap();
    let folders = FOLDERS
        .iter()
        .flat_map(|name| files(&root().join(name), EXTENSIONS));
    let top = TOP.iter().map(|name| root().join(name));
    let mut count = 0;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in folders.chain(top) {
        // This list itself, and generated inputs.
        if file.ends_with("tidy/words.rs") || relative(&file).contains("/corpus/") {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        for (line, number) in text.lines().zip(1..) {
            if QUOTED.iter().any(|quoted| line.contains(quoted)) {
                continue;
            }
            // Names are words too: `is_told` has two.
            let words = line.replace('_', " ");
            for hit in banned.captures_iter(&words) {
                let rule = (1..hit.len()).find(|rule| hit.get(*rule).is_some());
                let (_, instead) = BANNED[rule.unwrap() - 1];
                count += 1;
                let place = format!("{number}: {}: {instead}", &hit[0]);
                found.entry(relative(&file)).or_default().push(place);
            }
        }
    }
    println!("banned words: {count}");
    for (file, places) in &found {
        println!("{}: {}", file, places.len());
    }
    assert!(found.is_empty(), "{found:#?}");
}
