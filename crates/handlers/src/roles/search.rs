//! Finds built-in roles by words, and by what they allow.

use std::{cmp::Reverse, collections::BTreeSet, sync::LazyLock};

use lazuli_core::permissions::matches;

use super::{Role, all, allowed, by_guid, known};

/// The roles that have all of these words in their name or what is said of them, or the GUID. A role of exactly that
/// name comes first.
pub fn with_words(text: &str) -> Vec<Role> {
    if let Some(role) = by_guid(text.trim()) {
        return vec![role];
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let has_all = |role: &&Role| {
        let says = allowed(role.guid).map_or("", |allowed| allowed.says);
        let text = format!("{} {says}", role.name).to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let mut found: Vec<Role> = all().iter().filter(has_all).copied().collect();
    found.sort_by_key(|role| !role.name.eq_ignore_ascii_case(text.trim()));
    found
}

/// The actions that are known by name: all in which no `*` stands. Whether each is on data.
static ACTIONS: LazyLock<BTreeSet<(&str, bool)>> = LazyLock::new(|| {
    let permissions = known()
        .filter_map(allowed)
        .flat_map(|allowed| &allowed.permissions);
    permissions
        .flat_map(|permission| {
            let actions = permission.actions.iter().map(|name| (*name, false));
            actions.chain(permission.data_actions.iter().map(|name| (*name, true)))
        })
        .filter(|(name, _)| !name.contains('*'))
        .collect()
});

/// The roles that allow an action, each with the patterns by which it does, those that come closest to it first. A part
/// of an action will do, between slashes: `blobs/read`; `*` stands for anything. Only the roles of which it is known
/// what they allow are searched.
pub fn granting(action: &str) -> Vec<(Role, Vec<&'static str>)> {
    let forms = [
        action.to_owned(),
        format!("*/{action}"),
        format!("{action}/*"),
        format!("*/{action}/*"),
    ];
    let mut meant: Vec<(&str, bool)> = ACTIONS
        .iter()
        .filter(|(name, _)| forms.iter().any(|form| matches(form, name)))
        .copied()
        .collect();
    if meant.is_empty() && is_whole(action) {
        meant = vec![(action, false), (action, true)];
    }
    let mut found: Vec<(Role, Vec<&str>)> = Vec::new();
    for guid in known() {
        let permissions = allowed(guid).into_iter().flat_map(|role| &role.permissions);
        let mut patterns: Vec<&str> = permissions
            .flat_map(|permission| {
                let of = |(name, on_data): &(&str, bool)| permission.pattern(name, *on_data);
                meant.iter().filter_map(of)
            })
            .collect();
        patterns.sort_by_key(|pattern| distance(pattern));
        patterns.dedup();
        if let (Some(role), false) = (by_guid(guid), patterns.is_empty()) {
            found.push((role, patterns));
        }
    }
    found.sort_by_key(|(role, patterns)| (patterns.first().map(|one| distance(one)), role.name));
    found
}

/// Whether it begins with a provider and says no `*`: `Microsoft.Sql/servers/read`.
fn is_whole(action: &str) -> bool {
    let provider = action.split('/').next().unwrap_or_default();
    provider.contains('.') && !action.contains('*') && action.matches('/').count() > 1
}

/// How far a pattern reaches: names first, then the longer ones of those with `*`.
fn distance(pattern: &str) -> (bool, Reverse<usize>, &str) {
    (pattern.contains('*'), Reverse(pattern.len()), pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &[(Role, Vec<&'static str>)]) -> Vec<&'static str> {
        found.iter().map(|(role, _)| role.name).collect()
    }

    #[test]
    fn words_are_found_in_any_order_and_case() {
        let found = with_words("data BLOB contributor");
        assert_eq!(
            found.first().map(|role| role.name),
            Some("Storage Blob Data Contributor")
        );
        assert_eq!(
            with_words("reader").first().map(|role| role.name),
            Some("Reader")
        );
        assert_eq!(
            with_words("BA92F5B4-2D11-453D-A403-E96B0029C9FE"),
            &found[..1]
        );
        assert!(with_words("signatures federated").is_empty());
    }

    #[test]
    fn a_part_of_an_action_finds_who_may_closest_first() {
        let found = granting("blobs/read");
        let names = names(&found);
        let at = |name: &str| names.iter().position(|one| *one == name);
        assert!(
            at("Storage Blob Data Reader") < at("Storage Blob Data Owner"),
            "{names:?}"
        );
        assert!(at("Storage Blob Data Owner").is_some());
        // It is on data: not even the owner of everything may.
        assert_eq!(at("Owner"), None);
        assert_eq!(at("Reader"), None);
    }

    #[test]
    fn wildcards_are_understood_on_both_sides() {
        let write = names(&granting("Microsoft.Authorization/roleAssignments/write"));
        assert!(write.contains(&"Owner") && write.contains(&"User Access Administrator"));
        assert!(!write.contains(&"Contributor"));
        assert!(names(&granting("secrets/getSecret/*")).contains(&"Key Vault Secrets User"));
        let unheard = names(&granting("Microsoft.Sql/servers/databases/read"));
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
        assert!(granting("no/such/thing").is_empty());
    }
}
