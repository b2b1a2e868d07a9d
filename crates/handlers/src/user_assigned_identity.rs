//! `userAssignedIdentity`: an identity that other resources act as, and who may take it from outside of Azure.

use std::collections::{BTreeMap, HashMap};

use lazuli_core::{
    body_path::BodyPath,
    diagnostic::{Code, Diagnostic, Diagnostics},
    facts::{Facts, Family, Field, NameRule, OutputDoc, PartOf, PermissionPurpose, Place, Rule},
    graph::{Nodes, Surroundings, TypedEntry},
    kind::Handler,
    lift::{LiftSource, LiftedEntry},
    value::{Object, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::arm_types;

/// Handles `userAssignedIdentity`.
pub struct UserAssignedIdentity;

/// An identity in Microsoft Entra ID that other resources act as, without stored secrets.
///
/// ```yaml
/// analyzer:
///   kind: userAssignedIdentity
///   name: id-cameras
///   federatedCredentials:
///     main:
///       issuer: https://token.actions.githubusercontent.com
///       subject: repo:contoso/cameras:ref:refs/heads/main
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserAssignedIdentityProps {
    /// The scope of use; `Regional` limits it to one region. Azure's default is `None`.
    pub isolation_scope: Option<Field<IsolationScope>>,
    /// Workloads outside of Azure that act as the identity, by name: up to 20.
    pub federated_credentials: Option<BTreeMap<String, FederatedCredential>>,
}

words! {
    /// The scope of use of an identity.
    IsolationScope { None, Regional }
}

/// A workload outside of Azure that acts as the identity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FederatedCredential {
    /// The issuer URL of the tokens, exactly as in `iss`.
    pub issuer: String,
    /// The subject of the tokens, exactly as in `sub`.
    pub subject: String,
    /// The audience of the tokens. The default is `[api://AzureADTokenExchange]`.
    pub audiences: Option<Vec<String>>,
}

const CREDENTIALS: &str = "federatedIdentityCredentials";

const CREDENTIAL_RULES: &[Rule] = &[Rule::Set("properties.audiences")];

/// Microsoft docs: "Important considerations and restrictions for federated identity credentials".
const MOST_CREDENTIALS: usize = 20;

const AUDIENCE: &str = "api://AzureADTokenExchange";

impl Handler for UserAssignedIdentity {
    const FACTS: Facts = Facts {
        kind: "userAssignedIdentity",
        arm_type: Some(arm_types::USER_ASSIGNED_IDENTITY),
        place: Place::ResourceGroup,
        name: Some(NameRule {
            length: 3..=128,
            is_valid: |name| {
                name.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && name
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            },
            description: "3 to 128 letters, digits, `-` and `_`, and a letter or digit first",
        }),
        tags: true,
        location: true,
        listed: true,
        body: None,
        rules: &[
            Rule::Immutable("location"),
            Rule::ReadOnly("properties.principalId"),
            Rule::ReadOnly("properties.clientId"),
            Rule::ReadOnly("properties.tenantId"),
        ],
        outputs: &[
            OutputDoc {
                name: "principalId",
                path: "properties.principalId",
                doc: "The object id of its service principal, for role assignments.",
            },
            OutputDoc {
                name: "clientId",
                path: "properties.clientId",
                doc: "The client id, with which an application requests tokens.",
            },
            OutputDoc {
                name: "tenantId",
                path: "properties.tenantId",
                doc: "The tenant of the account.",
            },
        ],
        retired: None,
        family: Family::Identity,
        permissions: &[
            (
                PermissionPurpose::Read,
                "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            ),
            (
                PermissionPurpose::Write,
                "Microsoft.ManagedIdentity/userAssignedIdentities/write",
            ),
            (
                PermissionPurpose::Write,
                "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
            ),
        ],
        linked_actions: &[],
        creation: None,
    };
    type Props = UserAssignedIdentityProps;
    type Links<'a> = ();
    const PARTS: &'static [PartOf] = &[PartOf {
        path: CREDENTIALS,
        arm_type: arm_types::FEDERATED_CREDENTIAL,
    }];

    fn link(_: &TypedEntry<'_, UserAssignedIdentityProps>, _: &mut Nodes) -> Option<()> {
        Some(())
    }

    fn declare(resource: &TypedEntry<'_, UserAssignedIdentityProps>, nodes: &mut Nodes) {
        let Some(id) = resource.placement().id.clone() else {
            return;
        };
        let mut body = resource.envelope(nodes);
        let properties = resource.properties_except(&["federatedCredentials"], nodes);
        if !properties.is_empty() {
            body.insert("properties".into(), Value::Object(properties));
        }
        nodes.push(resource.draft(id.clone(), body));
        let mut before: Option<String> = None;

        for entry in resource.entries("federatedCredentials") {
            if !is_credential_name(&entry.key) {
                nodes.report(
                    Diagnostic::error(
                        Code::BadName,
                        entry.key_span,
                        format!("`{}` is not a valid federated credential name", entry.key),
                    )
                    .help("names have 3 to 120 letters, digits, `-` and `_`, and a letter or digit first"),
                );
                continue;
            }
            let Value::Object(mut properties) = resource.resolve(&entry.value, nodes) else {
                continue;
            };
            if properties
                .get("audiences")
                .is_none_or(|audiences| *audiences == Value::Null)
            {
                properties.insert("audiences".into(), Value::Array(vec![AUDIENCE.into()]));
            }
            let part = format!("federatedCredentials/{}", entry.key);
            let mut credential = resource.child(
                part.clone(),
                id.child("federatedIdentityCredentials", &entry.key),
                arm_types::FEDERATED_CREDENTIAL,
                Object::from([("properties".to_owned(), Value::Object(properties))]),
                CREDENTIAL_RULES,
            );
            let one_at_a_time =
                "Azure accepts only one change of an identity's credentials at a time";
            credential
                .after
                .extend(before.replace(part).map(|part| (part, one_at_a_time)));
            nodes.push(credential);
        }
    }

    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        let mut props = found.properties_except(&["federatedCredentials"]);
        let mut credentials = Map::new();
        for (name, body) in found.parts(CREDENTIALS) {
            // Without audiences, the default one would be sent.
            match body["properties"]["audiences"].is_array() {
                true => drop(credentials.insert(name.to_owned(), body["properties"].clone())),
                false => found.leave_out(BodyPath::from_names(["federatedCredentials", name])),
            }
        }
        if !credentials.is_empty()
            && let Some(mut credentials) =
                found.shaped("federatedCredentials", &Json::Object(credentials))
        {
            remove_default_audience(&mut credentials);
            props.insert("federatedCredentials".into(), credentials);
        }
        Some(found.to_entry(props))
    }

    fn check(
        resource: &TypedEntry<'_, UserAssignedIdentityProps>,
        _: &Surroundings<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(credentials) = resource.resource().props.get("federatedCredentials") else {
            return;
        };
        let Some(typed) = &resource.props.federated_credentials else {
            return;
        };
        let count = typed.len();
        if count > MOST_CREDENTIALS {
            diagnostics.push(
                Diagnostic::error(
                    Code::Precondition,
                    resource
                        .resource()
                        .props
                        .entry("federatedCredentials")
                        .map(|entry| entry.key_span),
                    format!(
                        "an identity can have {MOST_CREDENTIALS} federated credentials, not {count}"
                    ),
                )
                .help("distribute them over several identities"),
            );
        }
        let mut seen = HashMap::new();
        for entry in credentials.entries() {
            let Some(credential) = typed.get(&entry.key) else {
                continue;
            };
            let whose = (&credential.issuer, &credential.subject);
            if let Some(first) = seen.insert(whose, entry.key_span) {
                diagnostics.push(
                    Diagnostic::error(
                        Code::Precondition,
                        entry.key_span,
                        "two federated credentials of an identity have the same issuer and subject",
                    )
                    .related(first, "the first one")
                    .help("remove one of them: issuer and subject must be unique in an identity"),
                );
            }
        }
    }
}

/// ARM's table of the type: 3 to 120 characters.
fn is_credential_name(name: &str) -> bool {
    (3..=120).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// Removes the audience that is sent by default.
fn remove_default_audience(credentials: &mut Value) {
    let Value::Object(credentials) = credentials else {
        return;
    };
    for credential in credentials.values_mut() {
        let usual = Value::Array(vec![AUDIENCE.into()]);
        if let Value::Object(credential) = credential
            && credential.get("audiences") == Some(&usual)
        {
            credential.shift_remove("audiences");
        }
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::diagnostic::Code;
    use serde_json::json;

    use crate::testing::{GROUP, body, dependencies, keys, node, stack, valid_graph};

    #[test]
    fn identity_and_credentials_are_separate_nodes() {
        let graph = valid_graph(
            "
            analyzer:
              kind: userAssignedIdentity
              name: id-cameras
              isolationScope: Regional
              federatedCredentials:
                main: { issuer: https://issuer.example, subject: main }
                other: { issuer: https://issuer.example, subject: other, audiences: [me] }
            ",
        );
        assert_eq!(
            keys(&graph),
            [
                "analyzer",
                "analyzer/federatedCredentials/main",
                "analyzer/federatedCredentials/other"
            ]
        );
        let id = format!(
            "{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-cameras"
        );
        assert_eq!(node(&graph, "analyzer").id().unwrap().as_str(), id);
        assert_eq!(
            body(&graph, "analyzer"),
            json!({
                "location": "westeurope",
                "tags": { "lazuli-stack": "cameras" },
                "properties": { "isolationScope": "Regional" },
            })
        );
        let main = node(&graph, "analyzer/federatedCredentials/main");
        assert_eq!(
            main.id().unwrap().as_str(),
            format!("{id}/federatedIdentityCredentials/main")
        );
        assert_eq!(
            body(&graph, "analyzer/federatedCredentials/main"),
            json!({ "properties": {
                "issuer": "https://issuer.example",
                "subject": "main",
                "audiences": ["api://AzureADTokenExchange"],
            } })
        );
        assert_eq!(
            body(&graph, "analyzer/federatedCredentials/other")["properties"]["audiences"],
            json!(["me"])
        );
        assert_eq!(
            dependencies(&graph, "analyzer/federatedCredentials/main"),
            [(
                "analyzer".to_owned(),
                "contained in it or attached to it".to_owned()
            )]
        );
    }

    #[test]
    fn identity_without_properties_sends_none() {
        let graph = valid_graph("analyzer: { kind: userAssignedIdentity, name: id-cameras }");
        assert_eq!(body(&graph, "analyzer").get("properties"), None);
    }

    #[test]
    fn duplicate_issuer_and_subject_are_rejected() {
        let built = stack(
            "
            analyzer:
              kind: userAssignedIdentity
              name: id-cameras
              federatedCredentials:
                one: { issuer: https://issuer.example, subject: main }
                two: { issuer: https://issuer.example, subject: main }
            ",
        );
        assert_eq!(built.errors(), [(Code::Precondition, "two")]);
    }

    #[test]
    fn too_many_credentials_are_rejected() {
        let credentials: String = (0..21)
            .map(|n| format!("    c{n:02}: {{ issuer: https://issuer.example, subject: s{n} }}\n"))
            .collect();
        let built = stack(&format!(
            "analyzer:\n  kind: userAssignedIdentity\n  name: id-cameras\n  federatedCredentials:\n{credentials}"
        ));
        assert_eq!(
            built.errors(),
            [(Code::Precondition, "federatedCredentials")]
        );
    }

    #[test]
    fn invalid_names_are_rejected() {
        let built = stack(
            "
            analyzer:
              kind: userAssignedIdentity
              name: id-cameras
              federatedCredentials: { a/b: { issuer: https://issuer.example, subject: main } }
            other: { kind: userAssignedIdentity, name: _x }
            ",
        );
        assert_eq!(
            built.errors(),
            [(Code::BadName, "a/b"), (Code::BadName, "_x")]
        );
    }
}
