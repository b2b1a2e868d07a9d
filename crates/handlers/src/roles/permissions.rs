//! What built-in roles allow: actions and data actions from Azure's public list, of the roles around storage, key
//! vaults, container registries, identities and access itself.

use std::{collections::BTreeMap, sync::LazyLock};

use lazuli_core::permissions::matches;

/// What a role allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed<'a> {
    /// What it is for, in a sentence.
    pub says: &'a str,
    /// Its permissions; what one leaves out another may give.
    pub permissions: Vec<RolePermission<'a>>,
}

/// One permission of a role. `*` in an action stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePermission<'a> {
    /// What it allows on resources.
    pub actions: Vec<&'a str>,
    /// What of that it does not.
    pub not_actions: Vec<&'a str>,
    /// What it allows on data in resources.
    pub data_actions: Vec<&'a str>,
    /// What of that it does not.
    pub not_data_actions: Vec<&'a str>,
}

impl<'a> RolePermission<'a> {
    /// The pattern by which it allows an action on resources or, if so, on data.
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

/// One permission a line, sorted by the name of the role: GUID, what the role is for, actions, not-actions, data actions,
/// not-data-actions, between tabs; lists between blanks.
static ALLOWED: LazyLock<BTreeMap<&str, Allowed<'_>>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    for line in include_str!("permissions.tsv").lines() {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (guid, says) = (next(), next());
        let mut list = || next().split_whitespace().collect();
        let permission = RolePermission {
            actions: list(),
            not_actions: list(),
            data_actions: list(),
            not_data_actions: list(),
        };
        let role = all.entry(guid).or_insert_with(|| Allowed {
            says,
            permissions: Vec::new(),
        });
        role.permissions.push(permission);
    }
    all
});

/// What the role of a GUID allows, if that is known here.
pub(super) fn allowed(guid: &str) -> Option<&'static Allowed<'static>> {
    ALLOWED.get(guid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::{by_guid, by_name};

    #[test]
    fn every_line_is_of_a_role_and_says_something() {
        assert_eq!(ALLOWED.len(), 55);
        for guid in ALLOWED.keys().copied() {
            let role = by_guid(guid).unwrap();
            assert_eq!(role.guid, guid);
            let allowed = allowed(guid).unwrap();
            assert!(allowed.says.ends_with('.'), "{}", role.name);
            for permission in &allowed.permissions {
                let allows = permission.actions.len() + permission.data_actions.len();
                assert!(allows > 0, "{}", role.name);
            }
        }
    }

    #[test]
    fn what_is_taken_out_is_not_allowed() {
        let contributor = allowed(by_name("Contributor").unwrap().guid).unwrap();
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
