//! The specs set every property of the schemas of all kinds, in every form.

use std::collections::BTreeSet;

use lazuli_core::{diagnostic::Diagnostics, source::Sources, yaml};
use lazuli_handlers::REGISTRY;
use serde_json::Value as Json;

use super::SPECS;

/// Places of values and their forms: `sku`, `networkAcls{}`, `networkAcls{}.ipRules[]`, `containers{}.NAME{}`.
type Places = BTreeSet<String>;

#[test]
fn specs_set_every_property_of_every_kind() {
    let kinds = REGISTRY.kinds;
    for kind in kinds {
        let schema = kind.schema().to_value();
        let mut wanted = Places::new();
        forms_of_schema(&schema, &schema, "", &mut wanted);
        assert!(!wanted.is_empty());
        let mut set = Places::new();
        for entry in entries_of(kind.facts().kind) {
            forms_of_value(&entry, "", &wanted, &mut set);
        }
        let missing: Vec<_> = wanted.difference(&set).collect();
        assert!(missing.is_empty(), "{}: {missing:#?}", kind.facts().kind);
    }
}

/// The entries of a kind in all specs.
fn entries_of(kind: &str) -> Vec<Json> {
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

fn forms_of_schema(root: &Json, schema: &Json, place: &str, places: &mut Places) {
    if let Some(target) = schema["$ref"].as_str() {
        let target = root.pointer(target.strip_prefix('#').unwrap()).unwrap();
        return forms_of_schema(root, target, place, places);
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        return forms
            .iter()
            .for_each(|form| forms_of_schema(root, form, place, places));
    }
    let is = |kind: &str| match &schema["type"] {
        Json::Array(kinds) => kinds.iter().any(|one| one == kind),
        one => one == kind,
    };
    if is("object") {
        let place = format!("{place}{{}}");
        places.insert(place.clone());
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            forms_of_schema(root, property, &format!("{place}.{name}"), places);
        }
        forms_of_schema(
            root,
            &schema["additionalProperties"],
            &format!("{place}.NAME"),
            places,
        );
    } else if is("array") {
        let place = format!("{place}[]");
        places.insert(place.clone());
        forms_of_schema(root, &schema["items"], &place, places);
    } else if is("string")
        || is("integer")
        || is("number")
        || is("boolean")
        || schema["enum"].is_array()
    {
        places.insert(place.to_owned());
    } else {
        // Nothing else says what may stand there: `null`, `true`, `false`.
        assert!(!schema.is_object() || is("null"), "{place}: {schema}");
    }
}

fn forms_of_value(value: &Json, place: &str, known: &Places, places: &mut Places) {
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
                forms_of_value(member, &inner, known, places);
            }
            places.insert(place);
        }
        Json::Array(items) => {
            let place = format!("{place}[]");
            for item in items {
                forms_of_value(item, &place, known, places);
            }
            places.insert(place);
        }
        _ => {
            places.insert(place.to_owned());
        }
    }
}
