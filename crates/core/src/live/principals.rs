//! Whether principals exist. ARM keeps role assignments of deleted principals, so the directory has to be read.

use std::collections::HashMap;

use super::LiveGrant;

/// Whether a principal exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existence {
    /// The directory has it.
    Exists,
    /// The directory no longer has it.
    Deleted,
    /// The directory was not read.
    Unknown,
}

/// The principals that were looked up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PrincipalStore {
    pub(super) exist: HashMap<String, bool>,
    pub(super) unread: Option<String>,
}

impl LiveGrant {
    /// Whether the principal is in another directory: a group of a partner, or an identity of another tenant. The directory of
    /// the caller does not show whether it exists.
    pub fn is_foreign(&self) -> bool {
        self.property("principalType")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("ForeignGroup"))
            || self
                .property("delegatedManagedIdentityResourceId")
                .is_some_and(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value as Json, json};

    use super::*;
    use crate::live::Live;

    fn grant(principal: &str, more: Json) -> LiveGrant {
        let mut properties = json!({
            "scope": "/subscriptions/s",
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/r",
            "principalId": principal,
        });
        properties
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let id = "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/n";
        LiveGrant::parse(json!({ "id": id, "properties": properties })).unwrap()
    }

    #[test]
    fn principal_that_the_directory_does_not_return_is_deleted() {
        let mut live = Live::default();
        let requested = ["AA".to_owned(), "bb".to_owned()];
        live.insert_principals(&requested, &HashSet::from(["aa".to_owned()]));
        let existence = |principal, more| live.existence(&grant(principal, more));
        assert_eq!(existence("aA", json!({})), Existence::Exists);
        assert_eq!(
            existence("BB", json!({ "principalType": "User" })),
            Existence::Deleted
        );
        assert_eq!(existence("cc", json!({})), Existence::Unknown);
    }

    #[test]
    fn existence_of_principals_in_another_directory_is_unknown() {
        let mut live = Live::default();
        live.insert_principals(&["aa".to_owned()], &HashSet::new());
        for more in [
            json!({ "principalType": "ForeignGroup" }),
            json!({ "delegatedManagedIdentityResourceId": "/subscriptions/other/x" }),
        ] {
            assert_eq!(live.existence(&grant("aa", more)), Existence::Unknown);
        }
        for more in [
            json!({ "delegatedManagedIdentityResourceId": "" }),
            json!({ "delegatedManagedIdentityResourceId": null }),
        ] {
            assert_eq!(live.existence(&grant("aa", more)), Existence::Deleted);
        }
    }
}
