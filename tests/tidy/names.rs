//! Type names: each has one meaning in the workspace.

use std::collections::BTreeMap;

use crate::{crates, imports::Crate, relative, root};

/// The maximum number of names that are defined twice. The simulator is excluded, because it shares no code with the rest.
const MAX_DUPLICATES: usize = 5;

#[test]
fn type_names_have_one_meaning() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in crates().iter().filter(|name| *name != "sim") {
        let read = Crate::read(&root().join("crates").join(name));
        for (name, file) in read.types {
            places.entry(name).or_default().push(relative(&file));
        }
    }
    places.retain(|_, places| places.len() > 1);
    println!("type names defined twice: {}", places.len());
    assert!(
        places.len() <= MAX_DUPLICATES,
        "{} type names are defined twice: {places:#?}",
        places.len()
    );
}
