//! What roles allow: actions, and the patterns that stand for them.

use serde_json::Value as Json;

/// Whether any of a list of permissions allows an action: one of its `actions` does, and none of its own
/// `notActions` takes it out again (Microsoft docs "Understand Azure role definitions": what one role leaves out,
/// another may give).
pub fn allows(permissions: &Json, action: &str) -> bool {
    permissions
        .as_array()
        .into_iter()
        .flatten()
        .any(|permission| is_in(permission, action))
}

/// Whether one permission has an action.
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

/// Whether an action has the form of a pattern, in which each `*` stands for anything; case does not matter.
pub fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == action;
    };
    let Some(mut left) = action.strip_prefix(first) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(found) => left = left.get(found + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_match_as_azure_matches_them() {
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
        assert!(!matches("ab*b", "ab"), "a star does not give letters back");
    }

    #[test]
    fn what_one_role_leaves_out_another_may_give() {
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
