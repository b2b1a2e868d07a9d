//! The reference: a page a kind, in Markdown, made of its data and of the docs of its properties.

use lazuli_core::kind::{Facts, Kind, Place, Rule};
use serde_json::Value as Json;

use crate::REGISTRY;

/// How deep properties are listed; none is nested deeper.
const MAX_NESTED: usize = 12;

/// Every kind and its page, in the order of the registry.
pub fn reference() -> Vec<(&'static str, String)> {
    REGISTRY
        .0
        .iter()
        .map(|kind| (kind.facts().kind, page(*kind)))
        .collect()
}

fn page(kind: &dyn Kind) -> String {
    let facts = kind.facts();
    let schema = kind.schema().to_value();
    let (summary, example) = split(schema["description"].as_str().unwrap_or_default());
    let mut page = format!("# {}\n\n{summary}\n\n", facts.kind);
    if let Some(retired) = facts.retired {
        page += &format!("> {retired}.\n\n");
    }
    let of_type = match &facts.arm_type {
        Some(arm_type) => format!(
            "`{}`, api-version `{}`",
            arm_type.name, arm_type.api_version
        ),
        None => "Any type, in the api-version that the entry says".to_owned(),
    };
    page += &format!("{of_type}. {}\n\n", place(facts));
    if let Some(rule) = &facts.name {
        page += &format!("Names have {}.\n\n", rule.says);
    }
    if !example.is_empty() {
        page += &format!("## Example\n\n{example}\n\n");
    }
    page += "## Properties\n\n| property | type | required | what it is |\n|---|---|---|---|\n";
    for row in rows(&schema) {
        let required = if row.required { "yes" } else { "" };
        page += &format!(
            "| `{}` | {} | {required} | {} |\n",
            row.path, row.kind, row.says
        );
    }
    if !facts.outputs.is_empty() {
        page += "\n## Outputs\n\nBeside what is written, others can refer to:\n\n| output | what it is |\n|---|---|\n";
        for output in facts.outputs {
            page += &format!("| `{}` | {} |\n", output.name, output.doc);
        }
    }
    let fixed: Vec<String> = facts
        .rules
        .iter()
        .filter_map(|rule| match rule {
            Rule::Immutable(path) => Some(*path),
            _ => None,
        })
        .map(|path| format!("`{}`", path.strip_prefix("properties.").unwrap_or(path)))
        .collect();
    if !fixed.is_empty() {
        page += &format!("\nFixed at creation: {}.\n", fixed.join(", "));
    }
    page
}

/// The words of a doc, and the example that ends it.
fn split(description: &str) -> (&str, &str) {
    match description.find("```") {
        Some(at) => (description[..at].trim(), description[at..].trim()),
        None => (description.trim(), ""),
    }
}

fn place(facts: &Facts) -> String {
    let place = match facts.place {
        Place::Subscription => "in a subscription",
        Place::ResourceGroup => "in a resource group",
        Place::Scope => "on a scope",
        Place::Nameless => "on a scope, without a name",
        Place::Root(_) => "in a subscription or a management group",
        Place::Written => {
            return "It lives in a resource group, in another resource, or on a scope. What lives directly in a \
                    resource group has a location and tags; anything else only where they are written."
                .to_owned();
        }
    };
    let has = |what: bool, name: &str| format!("{} {name}", if what { "has" } else { "has no" });
    format!(
        "It lives {place}, {} and {}.",
        has(facts.location, "location"),
        has(facts.tags, "tags")
    )
}

/// A property in the table.
struct Row {
    path: String,
    kind: String,
    required: bool,
    says: String,
}

fn rows(schema: &Json) -> Vec<Row> {
    let mut rows = Vec::new();
    below(schema, schema, "", MAX_NESTED, &mut rows);
    rows
}

/// The properties of a mapping, each followed by those below it.
fn below(root: &Json, schema: &Json, path: &str, depth: usize, rows: &mut Vec<Row>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let required = |name: &str| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let mut kinds: Vec<String> = Vec::new();
        let at = rows.len();
        for form in forms(root, property, MAX_NESTED) {
            let kind = type_name(root, form);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            inside(root, form, &path, depth, rows);
        }
        let says = property["description"].as_str().unwrap_or_default();
        let row = Row {
            path,
            kind: kinds.join(" or ").replace('|', "\\|"),
            required: required(name),
            says: says.replace('\n', " ").replace('|', "\\|"),
        };
        rows.insert(at, row);
    }
}

/// What is below a value: properties, items, or values of any name.
fn inside(root: &Json, schema: &Json, path: &str, depth: usize, rows: &mut Vec<Row>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let known = |row: &Row, rows: &[Row]| rows.iter().any(|other| other.path == row.path);
    let mut found = Vec::new();
    below(root, schema, path, depth, &mut found);
    for (keyword, suffix) in [("items", "[]"), ("additionalProperties", ".NAME")] {
        for form in forms(root, &schema[keyword], MAX_NESTED) {
            inside(root, form, &format!("{path}{suffix}"), depth, &mut found);
        }
    }
    found.retain(|row| !known(row, rows));
    rows.extend(found);
}

/// The forms that a value may have, `null` left out and references followed.
fn forms<'s>(root: &'s Json, schema: &'s Json, depth: usize) -> Vec<&'s Json> {
    let Some(depth) = depth.checked_sub(1) else {
        return Vec::new();
    };
    if let Some(target) = schema["$ref"]
        .as_str()
        .and_then(|to| root.pointer(to.strip_prefix('#')?))
    {
        return forms(root, target, depth);
    }
    if let Some(branches) = schema["anyOf"].as_array() {
        return branches
            .iter()
            .flat_map(|branch| forms(root, branch, depth))
            .collect();
    }
    if schema["type"] == "null" || !schema.is_object() {
        return Vec::new();
    }
    vec![schema]
}

fn type_name(root: &Json, schema: &Json) -> String {
    let words = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .chain(schema.get("const"));
    let words: Vec<String> = words
        .filter_map(Json::as_str)
        .map(|word| format!("`{word}`"))
        .collect();
    if !words.is_empty() {
        return words.join(", ");
    }
    let kind = match &schema["type"] {
        Json::Array(kinds) => kinds
            .iter()
            .filter_map(Json::as_str)
            .find(|kind| *kind != "null"),
        kind => kind.as_str(),
    };
    match kind {
        Some("boolean") => "true or false".into(),
        Some("integer") => "whole number".into(),
        Some("array") => {
            let items = forms(root, &schema["items"], MAX_NESTED);
            let items: Vec<String> = items
                .into_iter()
                .map(|item| type_name(root, item))
                .collect();
            format!("list of {}", items.join(" or "))
        }
        Some("object") => "mapping".into(),
        Some(kind) => kind.to_owned(),
        None => "any".into(),
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::diagnostic::Code;

    use super::*;
    use crate::testing::stack;

    fn page_of(kind: &str) -> String {
        let found = reference().into_iter().find(|(name, _)| *name == kind);
        found.unwrap().1
    }

    #[test]
    fn every_property_of_every_kind_is_explained() {
        for kind in REGISTRY.0 {
            for row in rows(&kind.schema().to_value()) {
                let name = kind.facts().kind;
                assert!(!row.says.is_empty(), "{name}: {}", row.path);
                assert!(!row.kind.is_empty(), "{name}: {}", row.path);
            }
        }
    }

    #[test]
    fn nested_properties_have_their_path() {
        let page = page_of("storageAccount");
        for line in [
            "| `networkAcls.defaultAction` | `Allow`, `Deny` | yes | Whether networks that no rule names are let in. |",
            "| `networkAcls.ipRules` | list of mapping |  | IPv4 addresses and ranges that are let in. |",
            "| `networkAcls.ipRules[].value` | string | yes | An address or a range: `203.0.113.0/24`. |",
            "| `containers.NAME.publicAccess` |",
            "| `lifecycleRules[].definition.actions.baseBlob.delete.daysAfterModificationGreaterThan` | whole number |",
            "| `lifecycleRules.NAME.definition.filters.blobTypes` |",
            "| `sku` | `Standard_LRS`,",
            "| `principalId` | The object id of its own identity",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }

    #[test]
    fn the_example_of_every_kind_has_no_unknown_key_or_value() {
        for (kind, page) in reference() {
            let example = page
                .split("```yaml\n")
                .nth(1)
                .and_then(|rest| rest.split("```").next());
            let built = stack(example.unwrap_or_else(|| panic!("{kind} has no example")));
            let wrong: Vec<_> = built
                .said
                .iter()
                .filter(|said| !matches!(said.code, Code::UnknownReference | Code::Retired))
                .collect();
            assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
        }
    }
}
