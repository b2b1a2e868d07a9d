//! Links and anchors within the repository resolve, and docs/README.md links every page.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{Page, pages, root};

/// The link targets of a page as they are written.
fn links(page: &str) -> Vec<String> {
    let mut links = Vec::new();
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                for attribute in ["src=\"", "srcset=\"", "href=\""] {
                    let found = html.split(attribute).skip(1);
                    links.extend(found.map(|rest| rest.split('"').next().unwrap().to_owned()));
                }
            }
            _ => {}
        }
    }
    links
}

/// The anchors of the headings of a page as GitHub derives them: lowercase words joined by `-`.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    *heading += &text;
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let text = heading.take().expect("a heading starts").to_lowercase();
                let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
                let anchor = text.chars().filter(is_kept).collect::<String>();
                let anchor = anchor.replace(' ', "-");
                let taken = (1..).map(|n| format!("{anchor}-{n}"));
                let free = std::iter::once(anchor.clone())
                    .chain(taken)
                    .find(|anchor| !anchors.contains(anchor));
                anchors.extend(free);
            }
            _ => {}
        }
    }
    anchors
}

/// The target of a link as a path from the root.
fn target(from: &Path, link: &str) -> PathBuf {
    let mut path = from.parent().unwrap().to_owned();
    for component in Path::new(link).components() {
        match component {
            Component::ParentDir => assert!(path.pop(), "{link} leaves the repository"),
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    path
}

fn is_external(link: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| link.starts_with(scheme))
}

#[test]
fn links_resolve() {
    let pages = pages();
    let anchors: BTreeMap<&Path, BTreeSet<String>> = pages
        .iter()
        .map(|page| (page.path.as_path(), anchors(&page.text)))
        .collect();
    let mut broken = Vec::new();
    let mut count = 0;
    for Page { path, text } in &pages {
        for link in links(text).into_iter().filter(|link| !is_external(link)) {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = if file.is_empty() {
                path.clone()
            } else {
                target(path, file)
            };
            let resolves = root().join(&to).exists()
                && (anchor.is_empty()
                    || anchors
                        .get(to.as_path())
                        .is_some_and(|known| known.contains(anchor)));
            if !resolves {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(count > 100, "links are found");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn documentation_index_links_every_page() {
    let pages = pages();
    let targets_of = |path: &str| {
        let page = pages
            .iter()
            .find(|page| page.path == Path::new(path))
            .unwrap();
        let links = links(&page.text);
        links
            .into_iter()
            .filter(|link| !is_external(link))
            .map(|link| {
                let file = link.split('#').next().unwrap();
                target(&page.path, file)
            })
            .collect::<BTreeSet<_>>()
    };
    let (index, kinds) = (
        targets_of("docs/README.md"),
        targets_of("docs/kinds/README.md"),
    );
    for page in pages.iter().filter(|page| page.path.starts_with("docs")) {
        let found = index.contains(&page.path) || kinds.contains(&page.path);
        let is_index = page.path == Path::new("docs/README.md");
        assert!(
            found || is_index,
            "docs/README.md does not link {}",
            page.path.display()
        );
    }
}
