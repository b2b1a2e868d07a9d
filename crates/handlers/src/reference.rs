//! The reference: one Markdown page per kind, from its data and the descriptions of its properties.

use lazuli_core::{
    body_path::BodyPath,
    facts::{Facts, Place, Rule},
    kind::{Kind, Registry},
};

use crate::properties::{self, Form};

/// Every kind and its page, in the order of the registry.
pub fn reference(registry: Registry) -> Vec<(&'static str, String)> {
    registry
        .kinds
        .iter()
        .map(|kind| (kind.facts().kind, page(*kind)))
        .collect()
}

fn page(kind: &dyn Kind) -> String {
    let facts = kind.facts();
    let Description { text, example } = Description::from_kind(kind);
    let mut page = format!("# {}\n\n{text}\n\n", facts.kind);
    if let Some(retired) = facts.retired {
        page += &format!("> {retired}.\n\n");
    }
    page += &format!("{}\n\n", home(facts));
    if let Some(arm_type) = &facts.arm_type {
        page += &format!(
            "Azure's own reference: [{0}](https://learn.microsoft.com/azure/templates/{1}).\n\n",
            arm_type.name,
            arm_type.name.to_string().to_lowercase()
        );
    }
    if let Some(rule) = &facts.name {
        page += &format!("A name has {}.\n\n", rule.description);
    }
    if !example.is_empty() {
        page += &format!("## Example\n\n```yaml\n{example}\n```\n\n");
    }
    page += &format!(
        "## Properties\n\nIn addition to {}, which [all kinds](../spec.md#resources) share:\n\n",
        shared(facts)
    );
    page +=
        "| property | type | required | Azure's default | description |\n|---|---|---|---|---|\n";
    for property in properties::of_kind(kind) {
        let required = if property.required { "yes" } else { "" };
        let forms: Vec<String> = property.forms.iter().map(Form::describe).collect();
        let default = property.default().unwrap_or("");
        let mut meaning = property.meaning();
        for (is_so, note) in [
            (property.fixed, " **Fixed at creation.**"),
            (property.secret, " **Secret.**"),
        ] {
            if is_so {
                meaning += note;
            }
        }
        page += &format!(
            "| `{}` | {} | {required} | {} | {} |\n",
            property.path,
            cell(&forms.join(" or ")),
            cell(default),
            cell(&meaning)
        );
    }
    if !facts.outputs.is_empty() {
        page +=
            "\n## Outputs\n\nReferences can also name:\n\n| output | description |\n|---|---|\n";
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
        .map(|path| format!("`{}`", BodyPath::parse(path).lifted()))
        .collect();
    if !fixed.is_empty() {
        page += &format!("\nFixed at creation: {}.\n", fixed.join(", "));
    }
    page
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The common keys of a kind.
fn shared(facts: &Facts) -> String {
    let names: Vec<String> = properties::shared(facts)
        .iter()
        .filter(|property| property.is_directly_within(&BodyPath::root()))
        .map(|property| format!("`{}`", property.path))
        .collect();
    names.join(", ")
}

/// The documentation of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The description, in paragraphs.
    pub text: String,
    /// An example, as YAML without a code fence.
    pub example: String,
}

impl Description {
    /// The documentation of a kind.
    pub fn from_kind(kind: &dyn Kind) -> Self {
        let schema = kind.schema().to_value();
        let whole = schema["description"].as_str().unwrap_or_default();
        let (text, example) = whole.split_once("```yaml").unwrap_or((whole, ""));
        Self {
            text: text.trim().to_owned(),
            example: example.trim().trim_end_matches("```").trim().to_owned(),
        }
    }
}

/// The type of a kind, and where its resources live.
pub fn home(facts: &Facts) -> String {
    let of_type = match &facts.arm_type {
        Some(arm_type) => format!(
            "`{}`, api-version `{}`",
            arm_type.name, arm_type.api_version
        ),
        None => "Any type, in the api-version of the entry".to_owned(),
    };
    format!("{of_type}. {}", place(facts))
}

fn place(facts: &Facts) -> String {
    let place = match facts.place {
        Place::Subscription => "in a subscription",
        Place::ResourceGroup => "in a resource group",
        Place::Scope => "on a scope",
        Place::Nameless => "on a scope, without a name",
        Place::Root(_) => "in a subscription or a management group",
        Place::Written => {
            return "It lives in a resource group, in another resource, or on a scope. Directly in a resource group, it has \
                    a location and tags; elsewhere, only if the entry sets them."
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

#[cfg(test)]
mod tests {
    use lazuli_core::diagnostic::Code;

    use super::*;
    use crate::{REGISTRY, testing::stack};

    fn page_of(kind: &str) -> String {
        let found = reference(REGISTRY)
            .into_iter()
            .find(|(name, _)| *name == kind);
        found.unwrap().1
    }

    #[test]
    fn page_lists_nested_properties_by_path() {
        let page = page_of("storageAccount");
        for line in [
            "| `networkAcls.defaultAction` | `Allow`, `Deny` | yes |  | The action for networks that no rule names. |",
            "| `isHnsEnabled` | true or false |  | false | Whether blobs have a hierarchical namespace (Data Lake Storage Gen2). **Fixed at creation.** |",
            "In addition to `kind`, `name`, `location`,",
            "(https://learn.microsoft.com/azure/templates/microsoft.storage/storageaccounts)",
            "| `networkAcls.ipRules` | list of mapping |  |  | Allowed IPv4 addresses and ranges. |",
            "| `networkAcls.ipRules[].value` | string | yes |  | The address or range: `203.0.113.0/24`. |",
            "| `containers.NAME.publicAccess` |",
            "| `lifecycleRules[].definition.actions.baseBlob.delete.daysAfterModificationGreaterThan` | whole number |",
            "| `lifecycleRules.NAME.definition.filters.blobTypes` |",
            "| `sku` | `Standard_LRS`,",
            "| `principalId` | The object id of the system-assigned identity",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }

    #[test]
    fn examples_of_kinds_have_no_unknown_keys_or_values() {
        for (kind, page) in reference(REGISTRY) {
            let example = page
                .split("```yaml\n")
                .nth(1)
                .and_then(|rest| rest.split("```").next());
            let built = stack(example.unwrap_or_else(|| panic!("{kind} has no example")));
            let wrong: Vec<_> = built
                .diagnostics
                .iter()
                .filter(|diagnostic| {
                    !matches!(diagnostic.code, Code::UnknownReference | Code::Retired)
                })
                .collect();
            assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
        }
    }
}
