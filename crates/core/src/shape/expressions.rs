//! The schema for editors, which allows an expression in place of any value.

use serde_json::{Map, Value as Json, json};

use super::follow;

/// The name of the definition of expressions under `$defs`.
const NAME: &str = "Expression";
/// Keys that describe a value and do not restrict it. They stay on the outer schema, where editors show them.
const ANNOTATIONS: [&str; 6] = [
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "markdownDescription",
];

/// Extends a schema, draft 2020-12 with definitions under `$defs`, to allow `${...}` for every value that is not already
/// an unrestricted string: booleans, numbers, lists, mappings, and strings with a pattern or an enumeration.
///
/// The document itself stays a mapping.
pub fn expressions_allowed(mut schema: Json) -> Json {
    let root = schema.clone();
    extend_inside(&mut schema, &root);
    if let Some(object) = schema.as_object_mut() {
        let definitions = object.entry("$defs").or_insert_with(|| json!({}));
        if let Some(definitions) = definitions.as_object_mut() {
            definitions.insert(
                NAME.to_owned(),
                json!({
                    "description": "A reference: `${name.property}`, `${params.NAME}`, `${env.NAME}`, `${each.key}`.",
                    "type": "string",
                    "pattern": r"^\$\{.*\}$",
                }),
            );
        }
    }
    schema
}

/// Extends all values inside of a schema, but not the schema itself.
fn extend_inside(schema: &mut Json, root: &Json) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    for (keyword, value) in object.iter_mut() {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties", Json::Object(values)) => {
                values.values_mut().for_each(|value| extend(value, root));
            }
            ("items" | "additionalProperties" | "unevaluatedProperties", value) => {
                extend(value, root)
            }
            ("prefixItems", Json::Array(values)) => {
                values.iter_mut().for_each(|value| extend(value, root))
            }
            ("anyOf" | "oneOf" | "allOf", Json::Array(branches)) => {
                branches
                    .iter_mut()
                    .for_each(|branch| extend_inside(branch, root));
            }
            ("$defs", Json::Object(definitions)) => definitions
                .values_mut()
                .for_each(|value| extend_inside(value, root)),
            _ => {}
        }
    }
}

/// Extends a value and all values inside of it.
fn extend(schema: &mut Json, root: &Json) {
    let allows_expressions = allows_any_string(schema, root, super::MAX_NESTED) || is_tag(schema);
    extend_inside(schema, root);
    let (false, Some(object)) = (allows_expressions, schema.as_object_mut()) else {
        return;
    };
    let expression = json!({ "$ref": format!("#/$defs/{NAME}") });
    let only_alternatives = object
        .keys()
        .all(|key| key == "anyOf" || ANNOTATIONS.contains(&key.as_str()));
    match object.get_mut("anyOf") {
        Some(Json::Array(branches)) if only_alternatives => branches.push(expression),
        _ => {
            let (outside, within): (Map<_, _>, Map<_, _>) = std::mem::take(object)
                .into_iter()
                .partition(|(key, _)| ANNOTATIONS.contains(&key.as_str()));
            *object = outside;
            object.insert("anyOf".to_owned(), json!([within, expression]));
        }
    }
}

/// Whether a schema is the tag that distinguishes alternatives. It must stay constant, or every alternative would match.
fn is_tag(schema: &Json) -> bool {
    schema.get("const").is_some()
}

/// Whether a schema allows every string.
fn allows_any_string(schema: &Json, root: &Json, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    const LIMITS: [&str; 6] = [
        "enum",
        "const",
        "pattern",
        "minLength",
        "maxLength",
        "format",
    ];
    match schema {
        // `false` allows nothing, which must not change.
        Json::Bool(_) => true,
        Json::Object(object) => {
            let text = match object.get("type") {
                None => true,
                Some(Json::Array(types)) => types.iter().any(|kind| kind == "string"),
                Some(kind) => kind == "string",
            };
            let any = |keyword: &str| match object.get(keyword) {
                Some(Json::Array(branches)) => branches
                    .iter()
                    .any(|branch| allows_any_string(branch, root, depth)),
                _ => true,
            };
            let all = |keyword: &str| match object.get(keyword) {
                Some(Json::Array(branches)) => branches
                    .iter()
                    .all(|branch| allows_any_string(branch, root, depth)),
                _ => true,
            };
            text && !LIMITS.iter().any(|limit| object.contains_key(*limit))
                && follow(root, schema).is_none_or(|target| allows_any_string(target, root, depth))
                && any("anyOf")
                && any("oneOf")
                && all("allOf")
        }
        _ => false,
    }
}
