//! The specs set every property of the schemas of all kinds, in every type that their schemas allow.

use std::collections::BTreeSet;

use lazuli_core::{diagnostic::Diagnostics, source::Sources, yaml};
use lazuli_handlers::REGISTRY;
use serde_json::Value as Json;

use super::SPECS;

/// Places of values and their types: `sku`, `networkAcls{}`, `networkAcls{}.ipRules[]`, `containers{}.NAME{}`.
type Places = BTreeSet<String>;

#[test]
fn specs_set_every_property_of_every_kind() {
    let kinds = REGISTRY.kinds;
    for kind in kinds {
        let schema = kind.schema().to_value();
        let mut wanted = Places::new();
        collect_schema_places(&schema, &schema, "", &mut wanted);
        assert!(!wanted.is_empty());
        let mut set = Places::new();
        for entry in entries_of_kind(kind.facts().kind) {
            collect_value_places(&entry, "", &wanted, &mut set);
        }
        let missing: Vec<_> = wanted.difference(&set).collect();
        assert!(missing.is_empty(), "{}: {missing:#?}", kind.facts().kind);
    }
}

/// The entries of a kind in all specs.
fn entries_of_kind(kind: &str) -> Vec<Json> {
    let mut found = Vec::new();
    for (name, text) in SPECS {
        let mut sources = Sources::default();
        let id = sources.add(*name, *text);
        let document = yaml::parse(&sources, id, &mut Diagnostics::default())[0].to_json();
        let resources = document["resources"].as_object().unwrap().values();
        found.extend(resources.filter(|entry| entry["kind"] == kind).cloned());
    }
    found
}

fn collect_schema_places(root: &Json, schema: &Json, place: &str, places: &mut Places) {
    if let Some(target) = schema["$ref"].as_str() {
        let target = root.pointer(target.strip_prefix('#').unwrap()).unwrap();
        return collect_schema_places(root, target, place, places);
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        return forms
            .iter()
            .for_each(|form| collect_schema_places(root, form, place, places));
    }
    let has_type = |kind: &str| match &schema["type"] {
        Json::Array(kinds) => kinds.iter().any(|one| one == kind),
        one => one == kind,
    };
    if has_type("object") {
        let place = format!("{place}{{}}");
        places.insert(place.clone());
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            collect_schema_places(root, property, &format!("{place}.{name}"), places);
        }
        collect_schema_places(
            root,
            &schema["additionalProperties"],
            &format!("{place}.NAME"),
            places,
        );
    } else if has_type("array") {
        let place = format!("{place}[]");
        places.insert(place.clone());
        collect_schema_places(root, &schema["items"], &place, places);
    } else if has_type("string")
        || has_type("integer")
        || has_type("number")
        || has_type("boolean")
        || schema["enum"].is_array()
    {
        places.insert(place.to_owned());
    } else {
        // Other schemas are `null`, `true` and `false`.
        assert!(!schema.is_object() || has_type("null"), "{place}: {schema}");
    }
}

fn collect_value_places(value: &Json, place: &str, known: &Places, places: &mut Places) {
    match value {
        Json::Null => {}
        Json::Object(members) => {
            let place = format!("{place}{{}}");
            for (name, member) in members {
                let named = format!("{place}.{name}");
                let is_known = ["", "[]", "{}"]
                    .iter()
                    .any(|form| known.contains(&format!("{named}{form}")));
                let inner = if is_known {
                    named
                } else {
                    format!("{place}.NAME")
                };
                collect_value_places(member, &inner, known, places);
            }
            places.insert(place);
        }
        Json::Array(items) => {
            let place = format!("{place}[]");
            for item in items {
                collect_value_places(item, &place, known, places);
            }
            places.insert(place);
        }
        _ => {
            places.insert(place.to_owned());
        }
    }
}
