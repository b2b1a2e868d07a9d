//! Azure's built-in roles: names and GUIDs, which are the same in every tenant and cloud, and the permissions of the
//! roles for storage, keys and identities.

mod catalog;
mod permissions;

use std::{collections::HashMap, sync::LazyLock};

use uuid::Uuid;

pub use catalog::{CatalogRole, RoleCatalog};
pub use permissions::{RoleDetails, RolePermission};

/// A built-in role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// The display name: `Storage Blob Data Contributor`.
    pub name: &'static str,
    /// The GUID of its definition, in lowercase.
    pub guid: &'static str,
}

/// One role per line, sorted by name: GUID, tab, name.
static ROLES: LazyLock<Vec<Role>> = LazyLock::new(|| {
    include_str!("roles.tsv")
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(guid, name)| Role { name, guid })
        .collect()
});

static BY_NAME: LazyLock<HashMap<String, Role>> = LazyLock::new(|| {
    let roles = ROLES.iter();
    roles
        .map(|role| (role.name.to_ascii_lowercase(), *role))
        .collect()
});

static BY_GUID: LazyLock<HashMap<&str, Role>> =
    LazyLock::new(|| ROLES.iter().map(|role| (role.guid, *role)).collect());

/// The documentation of all built-in roles and their permissions.
pub const REFERENCE: &str =
    "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles";

/// All of them, sorted by name.
pub fn all() -> &'static [Role] {
    &ROLES
}

/// The role with a name; case does not matter.
pub fn by_name(name: &str) -> Option<Role> {
    BY_NAME.get(&name.trim().to_ascii_lowercase()).copied()
}

/// The role with a GUID, in any notation of GUIDs.
pub fn by_guid(guid: &str) -> Option<Role> {
    let guid = Uuid::try_parse(guid).ok()?.hyphenated().to_string();
    BY_GUID.get(guid.as_str()).copied()
}

/// The names, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROLES.iter().map(|role| role.name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_line_is_a_unique_role() {
        assert_eq!(all().len(), include_str!("roles.tsv").lines().count());
        assert_eq!(all().len(), 941);
        assert!(
            all()
                .iter()
                .all(|role| Uuid::try_parse(role.guid).unwrap().to_string() == role.guid)
        );
        assert_eq!(
            all()
                .iter()
                .map(|role| role.guid)
                .collect::<HashSet<_>>()
                .len(),
            all().len()
        );
        assert_eq!(
            names().map(str::to_lowercase).collect::<HashSet<_>>().len(),
            all().len()
        );
        assert!(names().map(str::to_lowercase).is_sorted());
    }

    #[test]
    fn roles_are_found_by_name_and_guid() {
        let role = by_name("storage blob data CONTRIBUTOR").unwrap();
        assert_eq!(role.guid, "ba92f5b4-2d11-453d-a403-e96b0029c9fe");
        assert_eq!(by_guid("BA92F5B4-2D11-453D-A403-E96B0029C9FE"), Some(role));
        assert_eq!(by_name("Storage Blob Data Contribution"), None);
        assert_eq!(by_guid("00000000-0000-0000-0000-000000000000"), None);
    }
}
