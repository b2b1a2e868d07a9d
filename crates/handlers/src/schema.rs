//! The JSON Schema of a whole spec document, for editors: the document, the keys that every resource has, and the
//! properties of each kind.

use lazuli_core::{
    facts::{Facts, Place},
    kind::{Kind, Registry},
    shape::expressions_allowed,
    spec::API_VERSION,
};
use serde_json::{Map, Value as Json, json};

/// The schema, draft 2020-12. Wherever a property of a resource is other than text, `${...}` may stand as well.
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
        "description": "Azure resources that shall exist, as one unit.",
        "type": "object",
        "required": ["apiVersion", "stack"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {
                "description": "The version of the spec language.",
                "const": API_VERSION,
            },
            "stack": {
                "description": "The name of the unit: 1 to 63 lowercase letters, digits and `-`. It marks what the unit owns.",
                "type": "string",
                "pattern": r"^([a-z0-9-]|\$\{[^}]*\}){1,63}$",
            },
            "subscription": {
                "description": "The id of the subscription of every resource. Left out, `--subscription` says it, the variable AZURE_SUBSCRIPTION_ID, or the Azure CLI.",
                "type": "string",
            },
            "location": {
                "description": "The location of every resource that says none of its own: `westeurope`.",
                "type": "string",
            },
            "resourceGroup": {
                "description": "The resource group of every resource that says none of its own: a name, or a reference to a resource of kind resourceGroup.",
                "type": "string",
            },
            "tags": tags("Tags of every resource that takes tags."),
            "ignoreTags": one_or_many("Tags that are not compared, `*` for any characters: `hidden-*`."),
            "parameters": {
                "description": "Values that come from outside, by name: `${params.NAME}`.",
                "type": "object",
                "additionalProperties": { "$ref": "#/$defs/Parameter" },
            },
            "resources": {
                "description": "The resources, each under a name that others refer to it by: `${NAME}`.",
                "type": "object",
                "additionalProperties": { "$ref": "#/$defs/Resource" },
            },
        },
        "$defs": definitions,
    })
}

/// Any resource: the kind says which properties it has.
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
        "properties": { "kind": { "description": "What the resource is.", "enum": names } },
        "allOf": kinds,
    })
}

fn parameter() -> Json {
    json!({
        "description": "A value that comes from outside. Without a default, it must be given.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "default": { "description": "The value where none is given." },
            "allowed": { "description": "The values that are accepted.", "type": "array" },
            "type": {
                "description": "The type. Left out, that of the default; without one, a string.",
                "enum": ["string", "number", "boolean", "list", "map"],
            },
            "description": { "description": "What it is for.", "type": "string" },
            "secret": { "description": "Whether no plan, message or log shows the value.", "type": "boolean" },
            "file": {
                "description": "The file whose text is the value where none is given, by its path from this document. The end of its last line is left out.",
                "type": "string",
            },
        },
    })
}

/// The definition of a kind, and those that it refers to. Their names begin with that of the kind, but for the one of
/// an expression, which all kinds share.
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

/// The keys that a resource of the kind has beside its properties.
pub(crate) fn common(facts: &Facts) -> Map<String, Json> {
    let text = |says: &str| json!({ "description": says, "type": "string" });
    let flag = |says: &str| json!({ "description": says, "type": "boolean" });
    let mut keys = Map::new();
    let mut add = |key: &str, schema: Json| keys.insert(key.to_owned(), schema);
    add(
        "kind",
        json!({ "description": "What the resource is.", "const": facts.kind }),
    );
    if let Some(rule) = &facts.name {
        add(
            "name",
            text(&format!(
                "The name in Azure. Names have {}.",
                rule.description
            )),
        );
    }
    if facts.location {
        add(
            "location",
            text("Where it is: `westeurope`. Left out, that of the document."),
        );
    }
    if [Place::ResourceGroup, Place::Written].contains(&facts.place) {
        add(
            "resourceGroup",
            text("Its resource group: a name, or a reference. Left out, that of the document."),
        );
    }
    if facts.tags {
        add("tags", tags("Its tags, added to those of the document."));
    }
    add(
        "subscription",
        text("The id of its subscription. Left out, that of the document."),
    );
    add(
        "existing",
        flag("Whether it is only looked up, and never changed."),
    );
    add("protect", flag("Whether it is never deleted nor replaced."));
    add(
        "dependsOn",
        one_or_many("Resources of this document that must be done before."),
    );
    add(
        "ignore",
        one_or_many("Paths of properties that are not compared: `networkAcls.ipRules`."),
    );
    add(
        "onRemove",
        json!({
            "description": "What happens to it in Azure when its entry is taken out: it can be deleted (the default), or is kept.",
            "enum": ["delete", "keep"],
        }),
    );
    add(
        "grants",
        json!({
            "description": "What happens to role assignments directly on it that the document does not name: `plan` reports them (the default), or they are deleted.",
            "enum": ["report", "authoritative"],
        }),
    );
    add(
        "forEach",
        json!({
            "description": "Repeats the resource for every item of a list or a mapping: `${each.key}`, `${each.value}`.",
            "anyOf": [{ "type": "array" }, { "type": "object" }],
        }),
    );
    keys
}

fn one_or_many(says: &str) -> Json {
    let list = json!({ "type": "array", "items": { "type": "string" } });
    json!({ "description": says, "anyOf": [{ "type": "string" }, list] })
}

fn tags(says: &str) -> Json {
    json!({
        "description": says,
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
    fn the_schema_is_valid_and_names_every_definition_that_it_refers_to() {
        let schema = schema(REGISTRY);
        assert!(jsonschema::draft202012::meta::is_valid(&schema));
        rename_references(&mut schema.clone(), &|name| {
            assert!(schema["$defs"].get(name).is_some(), "{name}");
            name.to_owned()
        });
    }

    #[test]
    fn it_takes_what_the_loader_takes() {
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
    fn it_finds_mistakes_in_a_resource_by_its_kind() {
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
