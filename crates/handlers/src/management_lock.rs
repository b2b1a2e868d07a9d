//! `managementLock`: protects a scope from deletion or change.

use lazuli_core::{
    facts::{Facts, Family, Field, NameRule, PermissionPurpose, Place, Rule},
    graph::{Draft, ImpliedDependency, Marker, Nodes, TypedEntry},
    kind::Handler,
    lift::{LiftSource, LiftedEntry},
    marker::MarkerTarget,
    value::{Object, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::arm_types;

/// Handles `managementLock`.
pub struct ManagementLock;

/// A lock that protects a scope and everything below from deletion or change. It is created after all other resources
/// of the spec at the scope.
///
/// ```yaml
/// keep:
///   kind: managementLock
///   name: keep-recordings
///   scope: ${recordings}
///   level: CanNotDelete
///   notes: Holds evidence. Ask the security team.
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagementLockProps {
    /// The locked scope: a reference, or the id of a resource or scope.
    pub scope: String,
    /// The level: `CanNotDelete`, or `ReadOnly` to prevent changes as well.
    pub level: Field<Level>,
    /// The reason for the lock: up to 512 characters.
    pub notes: Option<String>,
    /// The applications that own the lock.
    pub owners: Option<Vec<Owner>>,
}

words! {
    /// A level of protection.
    Level { CanNotDelete, ReadOnly }
}

/// An application that owns a lock.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Owner {
    /// The client id of the application.
    pub application_id: String,
}

const RULES: &[Rule] = &[Rule::Set("properties.owners")];
/// Without notes in the spec, the live notes stay.
const RULES_WITHOUT_NOTES: &[Rule] = &[
    Rule::Set("properties.owners"),
    Rule::WriteOnly("properties.notes"),
];

impl Handler for ManagementLock {
    const FACTS: Facts = Facts {
        kind: "managementLock",
        arm_type: Some(arm_types::MANAGEMENT_LOCK),
        place: Place::Scope,
        name: Some(NameRule {
            length: 1..=90,
            is_valid: |name| {
                name.chars()
                    .all(|c| c.is_alphanumeric() || "_-.()".contains(c))
                    && !name.ends_with('.')
            },
            description: "1 to 90 letters, digits, `_`, `-`, `.`, `(` and `)`, without a trailing `.`",
        }),
        tags: false,
        location: false,
        listed: true,
        body: None,
        rules: RULES,
        outputs: &[],
        retired: None,
        family: Family::Lock,
        permissions: &[
            (
                PermissionPurpose::Read,
                "Microsoft.Authorization/locks/read",
            ),
            (
                PermissionPurpose::ManageLocks,
                "Microsoft.Authorization/locks/write",
            ),
            (
                PermissionPurpose::ManageLocks,
                "Microsoft.Authorization/locks/delete",
            ),
        ],
        linked_actions: &[],
        creation: None,
    };
    type Props = ManagementLockProps;
    type Links<'a> = ();

    fn link(_: &TypedEntry<'_, ManagementLockProps>, _: &mut Nodes) -> Option<()> {
        Some(())
    }

    fn declare(resource: &TypedEntry<'_, ManagementLockProps>, nodes: &mut Nodes) {
        let Some(id) = resource.placement().id.clone() else {
            return;
        };
        let mut properties = resource.properties_except(&["scope", "notes"], nodes);
        let own = resource.value("notes", nodes);
        let own = own.as_ref().and_then(Value::as_str);
        properties.insert(
            "notes".into(),
            Value::String(resource.marked_text(own, &MarkerTarget::from_id(&id))),
        );
        let body = [("properties".to_owned(), Value::Object(properties))].into();
        let rules = if own.is_some() {
            RULES
        } else {
            RULES_WITHOUT_NOTES
        };
        nodes.push(Draft {
            marker: Marker::Text("notes"),
            rules,
            ..resource.draft(id, body)
        });
    }

    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        let scope = Value::string(found.id().parent()?.as_str());
        let mut props = Object::from([("scope".to_owned(), scope)]);
        props.extend(found.properties_except(&["scope", "notes"]));
        let notes = found.words("notes").map(Value::string);
        props.extend(notes.map(|notes| ("notes".to_owned(), notes)));
        Some(found.to_entry(props))
    }

    fn implies(resource: &TypedEntry<'_, ManagementLockProps>) -> Vec<ImpliedDependency> {
        resource
            .placement()
            .scope
            .iter()
            .cloned()
            .map(ImpliedDependency::EverythingWithin)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::{diff::diff, marker::Marker, value::Value};
    use serde_json::json;

    use crate::testing::{GROUP, body, dependencies, node, unbound, valid_graph};

    const LOCKED: &str = "
        keep: { kind: managementLock, name: keep, scope: '${group}', level: CanNotDelete }
        group: { kind: resourceGroup, name: rg-cameras }
        analyzer: { kind: userAssignedIdentity, name: id-cameras }
    ";

    #[test]
    fn lock_is_created_last_and_has_its_marker_in_the_notes() {
        let graph = valid_graph(LOCKED);
        let keep = node(&graph, "keep");
        assert_eq!(
            keep.id().unwrap().as_str(),
            format!("{GROUP}/providers/Microsoft.Authorization/locks/keep")
        );
        assert_eq!(keep.marker, Marker::Text("notes"));
        assert_eq!(
            body(&graph, "keep"),
            json!({ "properties": { "level": "CanNotDelete", "notes": "lazuli-stack: cameras; keep" } })
        );
        assert!(dependencies(&graph, "keep").contains(&(
            "analyzer".into(),
            "a lock is created after the resources that it locks".into()
        )));
    }

    #[test]
    fn notes_are_compared_only_if_the_spec_has_notes() {
        let live = json!({ "properties": { "level": "CanNotDelete", "notes": "by hand" } });
        let graph = valid_graph(LOCKED);
        let keep = node(&graph, "keep");
        assert_eq!(diff(&keep.body, &live, keep.rules, &[]), []);

        let graph = valid_graph(&LOCKED.replace("level:", "notes: Evidence, level:"));
        let keep = node(&graph, "keep");
        let changes = diff(&keep.body, &live, keep.rules, &[]);
        assert_eq!(changes.len(), 1);
        let after = changes[0].after.as_ref().and_then(Value::as_str).unwrap();
        assert_eq!(unbound(after), "Evidence (lazuli-stack: cameras; keep)");
    }
}
