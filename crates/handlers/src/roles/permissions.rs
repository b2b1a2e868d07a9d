//! Permissions of built-in roles, from Azure's public list: the roles for storage, key vaults, container registries,
//! identities and access control.

use std::{collections::BTreeMap, sync::LazyLock};

use lazuli_core::permissions::matches;

/// The permissions of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDetails<'a> {
    /// The purpose of the role, in a sentence.
    pub purpose: &'a str,
    /// The permissions; an action is allowed if any of them allows it.
    pub permissions: Vec<RolePermission<'a>>,
}

/// One permission of a role. `*` in an action matches any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePermission<'a> {
    /// Allowed actions.
    pub actions: Vec<&'a str>,
    /// Excluded actions.
    pub not_actions: Vec<&'a str>,
    /// Allowed data actions.
    pub data_actions: Vec<&'a str>,
    /// Excluded actions.
    pub not_data_actions: Vec<&'a str>,
}

impl<'a> RolePermission<'a> {
    /// The pattern that allows an action, or a data action if `on_data`.
    pub(super) fn pattern(&self, action: &str, on_data: bool) -> Option<&'a str> {
        let (gives, takes) = match on_data {
            false => (&self.actions, &self.not_actions),
            true => (&self.data_actions, &self.not_data_actions),
        };
        let fits = |pattern: &&&str| matches(pattern, action);
        match takes.iter().any(|pattern| matches(pattern, action)) {
            true => None,
            false => gives.iter().find(fits).copied(),
        }
    }
}

/// One permission per line, sorted by the name of the role, separated by tabs: GUID, purpose, actions, not-actions, data
/// actions, not-data-actions; lists are separated by spaces.
static DETAILS: LazyLock<BTreeMap<&str, RoleDetails<'_>>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    for line in include_str!("permissions.tsv").lines() {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (guid, purpose) = (next(), next());
        let mut list = || next().split_whitespace().collect();
        let permission = RolePermission {
            actions: list(),
            not_actions: list(),
            data_actions: list(),
            not_data_actions: list(),
        };
        let role = all.entry(guid).or_insert_with(|| RoleDetails {
            purpose,
            permissions: Vec::new(),
        });
        role.permissions.push(permission);
    }
    all
});

/// The known permissions of the role with a GUID.
pub(super) fn find_details(guid: &str) -> Option<&'static RoleDetails<'static>> {
    DETAILS.get(guid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::{by_guid, by_name};

    #[test]
    fn every_line_belongs_to_a_role_and_has_actions() {
        assert_eq!(DETAILS.len(), 55);
        for guid in DETAILS.keys().copied() {
            let role = by_guid(guid).unwrap();
            assert_eq!(role.guid, guid);
            let details = find_details(guid).unwrap();
            assert!(details.purpose.ends_with('.'), "{}", role.name);
            for permission in &details.permissions {
                let allows = permission.actions.len() + permission.data_actions.len();
                assert!(allows > 0, "{}", role.name);
            }
        }
    }

    #[test]
    fn excluded_actions_are_not_allowed() {
        let contributor = find_details(by_name("Contributor").unwrap().guid).unwrap();
        let [permission] = contributor.permissions.as_slice() else {
            panic!("{contributor:?}");
        };
        let grant = "Microsoft.Authorization/roleAssignments/write";
        let write = "Microsoft.Storage/storageAccounts/write";
        assert_eq!(permission.pattern(grant, false), None);
        assert_eq!(permission.pattern(write, false), Some("*"));
        assert_eq!(permission.pattern(write, true), None);
    }
}
