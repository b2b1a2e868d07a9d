//! A catalog of roles, searched by words and by actions.

use std::{cmp::Reverse, collections::BTreeSet};

use lazuli_core::permissions::matches;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{RoleDetails, RolePermission, all, permissions::find_details};

/// A role, with its permissions where they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogRole<'a> {
    /// The GUID of its definition.
    pub guid: &'a str,
    /// The display name.
    pub name: &'a str,
    /// Its permissions.
    pub details: Option<RoleDetails<'a>>,
}

/// Roles by name: the built-in ones, or the definitions of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleCatalog<'a>(Vec<CatalogRole<'a>>);

impl RoleCatalog<'static> {
    /// All built-in roles, some of them with permissions.
    pub fn built_in() -> Self {
        let catalog_role = |role: &super::Role| CatalogRole {
            guid: role.guid,
            name: role.name,
            details: find_details(role.guid).cloned(),
        };
        Self(all().iter().map(catalog_role).collect())
    }
}

impl<'a> RoleCatalog<'a> {
    /// The role definitions of a response (REST reference, "Role Definitions - List").
    pub fn from_definitions(definitions: &'a [Json]) -> Self {
        let mut roles: Vec<CatalogRole<'_>> =
            definitions.iter().filter_map(parse_definition).collect();
        roles.sort_by_key(|role| role.name.to_lowercase());
        Self(roles)
    }

    /// All of them.
    pub fn roles(&self) -> &[CatalogRole<'a>] {
        &self.0
    }

    /// The number of roles with known permissions.
    pub fn known(&self) -> usize {
        self.0.iter().filter(|role| role.details.is_some()).count()
    }

    /// The roles with all of these words in name or description, or with this GUID. A role with exactly this name comes
    /// first.
    pub fn find_by_words(&self, text: &str) -> Vec<&CatalogRole<'a>> {
        let text = text.trim();
        if let Ok(guid) = Uuid::try_parse(text) {
            let guid = guid.hyphenated().to_string();
            let is_meant = |role: &&CatalogRole<'_>| role.guid.eq_ignore_ascii_case(&guid);
            return self.0.iter().filter(is_meant).collect();
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let has_all = |role: &&CatalogRole<'_>| {
            let purpose = role.details.as_ref().map_or("", |details| details.purpose);
            let text = format!("{} {purpose}", role.name).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let mut found: Vec<_> = self.0.iter().filter(has_all).collect();
        found.sort_by_key(|role| !role.name.eq_ignore_ascii_case(text));
        found
    }

    /// The roles that allow an action, each with the matching patterns, the most specific ones first. Accepts segments of
    /// an action, such as `blobs/read`, and `*` for any characters. Searches only roles with known permissions.
    pub fn find_by_action(&self, action: &str) -> Vec<(&CatalogRole<'a>, Vec<&'a str>)> {
        let actions = self.find_actions(action);
        let mut found: Vec<(&CatalogRole<'a>, Vec<&str>)> = Vec::new();
        for role in &self.0 {
            let permissions = role.details.iter().flat_map(|details| &details.permissions);
            let mut patterns: Vec<&str> = permissions
                .flat_map(|permission| {
                    let of = |(name, on_data): &(&str, bool)| permission.pattern(name, *on_data);
                    actions.iter().filter_map(of)
                })
                .collect();
            patterns.sort_by_key(|pattern| distance(pattern));
            patterns.dedup();
            if !patterns.is_empty() {
                found.push((role, patterns));
            }
        }
        found
            .sort_by_key(|(role, patterns)| (patterns.first().map(|one| distance(one)), role.name));
        found
    }

    /// The known actions that contain these segments, or the action itself if it is complete; each with whether it is a
    /// data action.
    fn find_actions<'s>(&'s self, action: &'s str) -> Vec<(&'s str, bool)> {
        let forms = [
            action.to_owned(),
            format!("*/{action}"),
            format!("{action}/*"),
            format!("*/{action}/*"),
        ];
        let permissions = self.0.iter().filter_map(|role| role.details.as_ref());
        let actions: BTreeSet<(&str, bool)> = permissions
            .flat_map(|details| &details.permissions)
            .flat_map(|permission| {
                let actions = permission.actions.iter().map(|name| (*name, false));
                actions.chain(permission.data_actions.iter().map(|name| (*name, true)))
            })
            .filter(|(name, _)| !name.contains('*'))
            .filter(|(name, _)| forms.iter().any(|form| matches(form, name)))
            .collect();
        match actions.is_empty() && is_whole(action) {
            true => vec![(action, false), (action, true)],
            false => actions.into_iter().collect(),
        }
    }
}

fn parse_definition(definition: &Json) -> Option<CatalogRole<'_>> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Json::as_str);
    let permissions = definition.pointer("/properties/permissions");
    let permissions = permissions.and_then(Json::as_array);
    Some(CatalogRole {
        guid: text("/name")?,
        name: text("/properties/roleName")?,
        details: Some(RoleDetails {
            purpose: text("/properties/description").unwrap_or(""),
            permissions: permissions.into_iter().flatten().map(permission).collect(),
        }),
    })
}

fn permission(body: &Json) -> RolePermission<'_> {
    let list = |member: &str| {
        let items = body.get(member).and_then(Json::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect()
    };
    RolePermission {
        actions: list("actions"),
        not_actions: list("notActions"),
        data_actions: list("dataActions"),
        not_data_actions: list("notDataActions"),
    }
}

/// Whether an action begins with a provider and has no `*`: `Microsoft.Sql/servers/read`.
fn is_whole(action: &str) -> bool {
    let provider = action.split_once('/');
    provider.is_some_and(|(provider, _)| provider.contains('.'))
        && !action.contains('*')
        && action.matches('/').count() > 1
}

/// The order of patterns: exact actions first, then patterns with `*` by descending length.
fn distance(pattern: &str) -> (bool, Reverse<usize>, &str) {
    (pattern.contains('*'), Reverse(pattern.len()), pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_by_action(action: &str) -> Vec<&'static str> {
        let catalog = RoleCatalog::built_in();
        let found = catalog.find_by_action(action);
        found.iter().map(|(role, _)| role.name).collect()
    }

    fn find_by_words(text: &str) -> Vec<&'static str> {
        let catalog = RoleCatalog::built_in();
        let found = catalog.find_by_words(text);
        found.iter().map(|role| role.name).collect()
    }

    #[test]
    fn words_match_in_any_order_and_case() {
        let found = find_by_words("data BLOB contributor");
        assert_eq!(found.first(), Some(&"Storage Blob Data Contributor"));
        assert_eq!(find_by_words("reader").first(), Some(&"Reader"));
        assert_eq!(
            find_by_words("BA92F5B4-2D11-453D-A403-E96B0029C9FE"),
            &found[..1]
        );
        assert!(find_by_words("signatures federated").is_empty());
    }

    #[test]
    fn part_of_an_action_finds_roles_closest_first() {
        let names = find_by_action("blobs/read");
        let at = |name: &str| names.iter().position(|one| *one == name);
        assert!(
            at("Storage Blob Data Reader") < at("Storage Blob Data Owner"),
            "{names:?}"
        );
        assert!(at("Storage Blob Data Owner").is_some());
        // A data action: not even the owner of the subscription has it.
        assert_eq!(at("Owner"), None);
        assert_eq!(at("Reader"), None);
    }

    #[test]
    fn wildcards_match_on_both_sides() {
        let write = find_by_action("Microsoft.Authorization/roleAssignments/write");
        assert!(write.contains(&"Owner") && write.contains(&"User Access Administrator"));
        assert!(!write.contains(&"Contributor"));
        assert!(find_by_action("secrets/getSecret/*").contains(&"Key Vault Secrets User"));
        let unheard = find_by_action("Microsoft.Sql/servers/databases/read");
        assert_eq!(
            unheard,
            [
                "Reader",
                "Role Based Access Control Administrator",
                "User Access Administrator",
                "Contributor",
                "Owner"
            ]
        );
        assert!(find_by_action("no/such/thing").is_empty());
    }

    #[test]
    fn definitions_from_azure_are_searched_completely() {
        let grafana = "22926164-76b3-42b3-bc55-97df8dab3e41";
        let definitions = [
            serde_json::json!({ "name": grafana, "properties": {
                "roleName": "Grafana Admin", "type": "BuiltInRole", "description": "Administers.",
                "permissions": [{ "actions": [], "notActions": [],
                    "dataActions": ["Microsoft.Dashboard/grafana/ActAsGrafanaAdmin/action"] }],
            } }),
            serde_json::json!({ "name": "no role" }),
        ];
        let catalog = RoleCatalog::from_definitions(&definitions);
        assert_eq!((catalog.roles().len(), catalog.known()), (1, 1));
        let found = catalog.find_by_action("grafana/ActAsGrafanaAdmin/action");
        assert_eq!(found.first().map(|(role, _)| role.guid), Some(grafana));
        assert_eq!(catalog.find_by_words("administers").len(), 1);
    }
}
