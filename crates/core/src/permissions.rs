//! The actions that roles allow, and the patterns that match them.

use serde_json::Value as Json;
use wildmatch::WildMatchPattern;

/// Whether any of a list of permissions allows an action: one of its `actions` matches, and none of its own `notActions`
/// does (Microsoft docs "Understand Azure role definitions": an action that one role excludes can be allowed by another).
pub fn allows(permissions: &Json, action: &str) -> bool {
    permissions
        .as_array()
        .into_iter()
        .flatten()
        .any(|permission| is_in(permission, action))
}

/// Whether one permission allows an action.
pub fn is_in(permission: &Json, action: &str) -> bool {
    let any = |member: &str| {
        let patterns = permission.get(member).and_then(Json::as_array);
        patterns
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .any(|pattern| matches(pattern, action))
    };
    any("actions") && !any("notActions")
}

/// Whether an action matches a pattern, in which each `*` stands for any characters; case does not matter.
pub fn matches(pattern: &str, action: &str) -> bool {
    Pattern::new_case_insensitive(pattern).matches(action)
}

/// Actions have `*` as their only wildcard; no action contains the other character.
type Pattern = WildMatchPattern<'*', '\0'>;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_match_as_in_azure() {
        let write = "Microsoft.Storage/storageAccounts/write";
        for pattern in [
            "*",
            "*/write",
            "microsoft.storage/*",
            "Microsoft.Storage/*/WRITE",
            "Microsoft.*/storageAccounts/*",
        ] {
            assert!(matches(pattern, write), "{pattern}");
        }
        for pattern in [
            "",
            "*/read",
            "Microsoft.Storage",
            "Microsoft.Storage/*/write/*",
            "Microsoft.Stor/*",
        ] {
            assert!(!matches(pattern, write), "{pattern}");
        }
        assert!(
            !matches("ab*b", "ab"),
            "`*` does not match characters twice"
        );
        assert!(!matches("a?c", "abc"), "`?` is not a wildcard");
    }

    #[test]
    fn action_excluded_by_one_role_can_be_allowed_by_another() {
        let grant = "Microsoft.Authorization/roleAssignments/write";
        let contributor =
            json!({ "actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"] });
        let administrator = json!({ "actions": ["Microsoft.Authorization/*"], "notActions": [] });
        assert!(!allows(&json!([contributor]), grant));
        assert!(allows(&json!([contributor, administrator]), grant));
        assert!(!allows(&json!([]), grant));
        assert!(!allows(&json!({}), grant));
    }
}
