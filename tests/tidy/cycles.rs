//! Import cycles: small between files, and none between the folders of the core.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::{algo::tarjan_scc, graph::DiGraph};

use crate::{crates, imports::Crate, relative, root};

/// The maximum number of files in an import cycle.
const MAX_FILES: usize = 4;

/// The cycles of a graph as groups of nodes, largest first.
fn cycles<'a>(edges: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Vec<&'a str>> {
    let mut graph = DiGraph::<&str, ()>::new();
    let mut indices = BTreeMap::new();
    for (from, to) in edges {
        let mut index = |name| *indices.entry(name).or_insert_with(|| graph.add_node(name));
        let (from, to) = (index(from), index(to));
        graph.add_edge(from, to, ());
    }
    let mut found: Vec<Vec<&str>> = tarjan_scc(&graph)
        .into_iter()
        .filter(|group| group.len() > 1)
        .map(|group| group.into_iter().map(|index| graph[index]).collect())
        .collect();
    for group in &mut found {
        group.sort_unstable();
    }
    found.sort_by_key(|group| std::cmp::Reverse(group.len()));
    found
}

#[test]
fn import_cycles_have_at_most_four_files() {
    let mut too_large = Vec::new();
    for name in crates() {
        let read = Crate::read(&root().join("crates").join(&name));
        let imports = read.imports();
        let names: HashMap<_, _> = imports
            .keys()
            .chain(imports.values().flatten())
            .map(|file| (*file, relative(file)))
            .collect();
        let edges = imports
            .iter()
            .flat_map(|(from, targets)| targets.iter().map(move |to| (*from, *to)))
            .map(|(from, to)| (names[from].as_str(), names[to].as_str()));
        let found = cycles(edges);
        println!(
            "{name}: {} files, {} cycles, the largest of {} files",
            read.files.len(),
            found.len(),
            found.first().map_or(0, Vec::len)
        );
        let large = found.iter().filter(|group| group.len() > MAX_FILES);
        too_large.extend(large.map(|group| group.join("\n  ")));
    }
    assert!(
        too_large.is_empty(),
        "files that import one another:\n  {}",
        too_large.join("\n\n  ")
    );
}

#[test]
fn folders_of_the_core_form_layers() {
    let read = Crate::read(&root().join("crates/core"));
    let folder = |file| read.files.get(file).and_then(|module| module.first());
    let imports = read.imports();
    let mut edges: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for (from, targets) in &imports {
        for to in targets {
            let (Some(above), Some(below)) = (folder(*from), folder(*to)) else {
                continue;
            };
            if above != below {
                let edge = edges.entry((above, below)).or_default();
                edge.insert(format!("{} -> {}", relative(from), relative(to)));
            }
        }
    }
    let found = cycles(edges.keys().copied());
    let inside = |edge: &(&str, &str)| {
        let mut groups = found.iter();
        groups.any(|group| group.contains(&edge.0) && group.contains(&edge.1))
    };
    let imports: Vec<String> = edges
        .iter()
        .filter(|(edge, _)| inside(edge))
        .flat_map(|(_, imports)| imports.iter().cloned())
        .collect();
    assert!(
        found.is_empty(),
        "folders that import one another: {found:?}\n{}",
        imports.join("\n")
    );
}
