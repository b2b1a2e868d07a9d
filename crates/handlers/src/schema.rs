//! The JSON Schema of a stack document, for editors: the document, the common keys of resources, and the properties of
//! each kind.

use lazuli_core::{
    facts::{Facts, Place},
    kind::{Kind, Registry},
    shape::expressions_allowed,
    spec::API_VERSION,
};
use serde_json::{Map, Value as Json, json};

/// The schema, draft 2020-12. Properties of resources that are not text accept `${...}` as well.
pub fn schema(registry: Registry) -> Json {
    let mut definitions = Map::new();
    definitions.insert("Resource".into(), resource(registry));
    definitions.insert("Parameter".into(), parameter());
    for kind in registry.kinds {
        definitions.extend(of_kind(*kind));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A lazuli stack",
        "description": "A unit of Azure resources.",
        "type": "object",
        "required": ["apiVersion", "stack"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {
                "description": "The version of the spec language.",
                "const": API_VERSION,
            },
            "stack": {
                "description": "The name of the stack: 1 to 63 lowercase letters, digits and `-`.",
                "type": "string",
                "pattern": r"^([a-z0-9-]|\$\{[^}]*\}){1,63}$",
            },
            "id": {
                "description": "The id of the stack, which distinguishes it from other stacks of the same name. `lazuli init` writes one. It can be added later, and is never changed.",
                "type": "string",
                "pattern": r"^([A-Za-z0-9-]|\$\{[^}]*\}){1,64}$",
            },
            "requires": {
                "description": "The versions of lazuli that may load the document: `>=0.2`.",
                "type": "string",
            },
            "subscription": {
                "description": "The default subscription id. Without it: `--subscription`, AZURE_SUBSCRIPTION_ID, or the Azure CLI.",
                "type": "string",
            },
            "location": {
                "description": "The default location: `westeurope`.",
                "type": "string",
            },
            "resourceGroup": {
                "description": "The default resource group: a name, or a reference to a resourceGroup.",
                "type": "string",
            },
            "tags": tags("The tags of all resources that support tags."),
            "ignoreTags": one_or_many("Tags that are not compared; `*` matches any characters: `hidden-*`."),
            "parameters": {
                "description": "Input values, by name: `${params.NAME}`.",
                "type": "object",
                "additionalProperties": { "$ref": "#/$defs/Parameter" },
            },
            "resources": {
                "description": "The resources, by the name that references use: `${NAME}`.",
                "type": "object",
                "additionalProperties": { "$ref": "#/$defs/Resource" },
            },
        },
        "$defs": definitions,
    })
}

/// Any resource; the kind determines its properties.
fn resource(registry: Registry) -> Json {
    let names: Vec<&str> = registry.names().collect();
    let kinds: Vec<Json> = names
        .iter()
        .map(|name| {
            json!({
                "if": { "required": ["kind"], "properties": { "kind": { "const": name } } },
                "then": { "$ref": format!("#/$defs/{name}") },
            })
        })
        .collect();
    json!({
        "type": "object",
        "required": ["kind"],
        "properties": { "kind": { "description": "The kind of the resource.", "enum": names } },
        "allOf": kinds,
    })
}

fn parameter() -> Json {
    json!({
        "description": "An input value; required without a default.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "default": { "description": "The default value." },
            "allowed": { "description": "The accepted values.", "type": "array" },
            "type": {
                "description": "The type. Without it, the type of the default, or string.",
                "enum": ["string", "number", "boolean", "list", "map"],
            },
            "description": { "description": "The purpose of the parameter.", "type": "string" },
            "secret": { "description": "Whether plans, messages and logs mask the value.", "type": "boolean" },
            "file": {
                "description": "A file with the default value, by its path relative to this document.",
                "type": "string",
            },
        },
    })
}

/// The definition of a kind, and those that it refers to. Their names begin with the kind, except `Expression`, which
/// all kinds share.
fn of_kind(kind: &dyn Kind) -> Vec<(String, Json)> {
    let facts = kind.facts();
    let mut own = kind.schema().to_value();
    let mut take = |key: &str| own.get_mut(key).map(Json::take);
    let mut properties = common(facts);
    if let Some(Json::Object(own)) = take("properties") {
        properties.extend(own);
    }
    let of_all: Vec<Json> = std::iter::once("kind")
        .chain(facts.name.as_ref().map(|_| "name"))
        .chain((facts.place == Place::Scope).then_some("scope"))
        .chain((facts.place == Place::Written).then_some("type"))
        .map(Json::from)
        .collect();
    let mut of_new = of_all.clone();
    if let Some(Json::Array(own)) = take("required") {
        of_new.extend(own.into_iter().filter(|name| !of_all.contains(name)));
    }
    let mut whole = expressions_allowed(json!({
        "title": facts.kind,
        "description": take("description"),
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "if": { "required": ["existing"], "properties": { "existing": { "const": true } } },
        "then": { "required": of_all },
        "else": { "required": of_new },
        "$defs": take("$defs").unwrap_or_else(|| json!({})),
    }));
    let own_name = |name: &str| match name {
        "Expression" => name.to_owned(),
        _ => format!("{}.{name}", facts.kind),
    };
    rename_references(&mut whole, &own_name);
    let inner = whole
        .as_object_mut()
        .and_then(|whole| whole.remove("$defs"));
    let inner = inner.as_ref().and_then(Json::as_object);
    let inner = inner
        .into_iter()
        .flatten()
        .map(|(name, definition)| (own_name(name), definition.clone()));
    std::iter::once((facts.kind.to_owned(), whole))
        .chain(inner)
        .collect()
}

/// The common keys of a kind.
pub(crate) fn common(facts: &Facts) -> Map<String, Json> {
    let text = |description: &str| json!({ "description": description, "type": "string" });
    let flag = |description: &str| json!({ "description": description, "type": "boolean" });
    let mut keys = Map::new();
    let mut add = |key: &str, schema: Json| keys.insert(key.to_owned(), schema);
    add(
        "kind",
        json!({ "description": "The kind of the resource.", "const": facts.kind }),
    );
    if let Some(rule) = &facts.name {
        add(
            "name",
            text(&format!("The name in Azure: {}.", rule.description)),
        );
    }
    if facts.location {
        add(
            "location",
            text("The location: `westeurope`. The default is that of the document."),
        );
    }
    if [Place::ResourceGroup, Place::Written].contains(&facts.place) {
        add(
            "resourceGroup",
            text("The resource group: a name or a reference. The default is that of the document."),
        );
    }
    if facts.tags {
        add(
            "tags",
            tags("The tags, in addition to those of the document."),
        );
    }
    add(
        "subscription",
        text("The subscription id. The default is that of the document."),
    );
    add(
        "existing",
        flag("Whether lazuli only looks up the resource and never changes it."),
    );
    add(
        "protect",
        flag("Whether lazuli never deletes or replaces the resource."),
    );
    add(
        "dependsOn",
        one_or_many("Resources of this document that must be applied earlier."),
    );
    add(
        "ignore",
        one_or_many("Paths of properties that are not compared: `networkAcls.ipRules`."),
    );
    add(
        "onRemove",
        json!({
            "description": "The action when the entry is removed: `delete` (the default) or `keep`.",
            "enum": ["delete", "keep"],
        }),
    );
    add(
        "grants",
        json!({
            "description": "The action for undeclared role assignments on the resource: `report` (the default) or deletion.",
            "enum": ["report", "authoritative"],
        }),
    );
    add(
        "forEach",
        json!({
            "description": "A list or mapping with one instance per item: `${each.key}`, `${each.value}`.",
            "anyOf": [{ "type": "array" }, { "type": "object" }],
        }),
    );
    keys
}

fn one_or_many(description: &str) -> Json {
    let list = json!({ "type": "array", "items": { "type": "string" } });
    json!({ "description": description, "anyOf": [{ "type": "string" }, list] })
}

fn tags(description: &str) -> Json {
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": { "type": ["string", "number", "boolean"] },
    })
}

fn rename_references(schema: &mut Json, prefix: &impl Fn(&str) -> String) {
    match schema {
        Json::Object(members) => {
            for (key, value) in members {
                match value
                    .as_str()
                    .and_then(|text| text.strip_prefix("#/$defs/"))
                {
                    Some(name) if key == "$ref" => {
                        *value = format!("#/$defs/{}", prefix(name)).into();
                    }
                    _ => rename_references(value, prefix),
                }
            }
        }
        Json::Array(items) => items
            .iter_mut()
            .for_each(|item| rename_references(item, prefix)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::{diagnostic::Diagnostics, source::Sources, yaml};

    use super::*;
    use crate::REGISTRY;

    fn mistakes(yaml: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let id = sources.add("stack.yaml", yaml);
        let documents = yaml::parse(&sources, id, &mut Diagnostics::default());
        let document = documents.first().unwrap().to_json();
        let validator = jsonschema::draft202012::new(&schema(REGISTRY)).unwrap();
        validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    const HEAD: &str = "apiVersion: lazuli/v1\nstack: cameras\nresources:\n";

    #[test]
    fn schema_is_valid_and_complete() {
        let schema = schema(REGISTRY);
        assert!(jsonschema::draft202012::meta::is_valid(&schema));
        rename_references(&mut schema.clone(), &|name| {
            assert!(schema["$defs"].get(name).is_some(), "{name}");
            name.to_owned()
        });
    }

    #[test]
    fn schema_accepts_a_spec_that_loads() {
        let text = "
apiVersion: lazuli/v1
stack: cameras-${params.environment}
subscription: ${env.AZURE_SUBSCRIPTION_ID}
location: westeurope
resourceGroup: rg-cameras
tags: { team: vision, floor: 3 }
parameters: { environment: { default: dev, allowed: [dev, prod] } }
resources:
  group: { kind: resourceGroup, name: rg-cameras, protect: true }
  analyzer: { kind: userAssignedIdentity, name: id-cameras, existing: true }
  recordings:
    kind: storageAccount
    forEach: [a, b]
    name: st${each.key}
    sku: ${params.sku}
    isHnsEnabled: ${params.hns}
    containers: { video: }
    ignore: tags
  looked: { kind: storageAccount, name: stlooked, existing: true }
  access:
    kind: roleAssignment
    principal: ${analyzer}
    scope: ${recordings[a]}
    roles: [Storage Blob Data Contributor, Reader]
    dependsOn: [group]
";
        assert_eq!(mistakes(text), [] as [&str; 0]);
    }

    #[test]
    fn schema_finds_mistakes_by_kind() {
        for (resource, at) in [
            ("{ kind: storageAcount, name: x }", "/resources/a/kind"),
            ("{ kind: storageAccount, name: sta }", "/resources/a"),
            (
                "{ kind: storageAccount, sku: Standard_LRS }",
                "/resources/a",
            ),
            (
                "{ kind: storageAccount, name: sta, sku: Standard }",
                "/resources/a/sku",
            ),
            (
                "{ kind: storageAccount, name: sta, sku: Standard_LRS, isHns: true }",
                "/resources/a",
            ),
            (
                "{ kind: managementLock, name: keep, existing: true }",
                "/resources/a",
            ),
            (
                "{ kind: roleAssignment, name: x, scope: /x, principal: x, role: Reader }",
                "/resources/a",
            ),
        ] {
            let mistakes = mistakes(&format!("{HEAD}  a: {resource}\n"));
            assert!(
                mistakes
                    .iter()
                    .any(|mistake| mistake.starts_with(&format!("{at}:"))),
                "{resource}: {mistakes:?}"
            );
        }
    }
}
