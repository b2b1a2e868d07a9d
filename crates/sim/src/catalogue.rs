//! Built-in roles of the simulated directory, with ids, names and permissions from Azure's public list.

use std::sync::LazyLock;

/// A built-in role.
pub(crate) struct BuiltInRole {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) actions: Vec<&'static str>,
    pub(crate) not_actions: Vec<&'static str>,
    pub(crate) data_actions: Vec<&'static str>,
    pub(crate) not_data_actions: Vec<&'static str>,
}

pub(crate) const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
pub(crate) const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
pub(crate) const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
pub(crate) const STORAGE_BLOB_DATA_CONTRIBUTOR: &str = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";

/// All built-in roles, in the order of their names.
pub(crate) static BUILT_IN_ROLES: LazyLock<Vec<BuiltInRole>> = LazyLock::new(|| {
    include_str!("catalogue.tsv")
        .lines()
        .filter_map(parse)
        .collect()
});

/// The built-in role with the GUID `id`. Case is ignored.
pub(crate) fn built_in(id: &str) -> Option<&'static BuiltInRole> {
    BUILT_IN_ROLES
        .iter()
        .find(|role| role.id.eq_ignore_ascii_case(id))
}

/// Parses a line with the tab-separated columns id, name, actions, notActions, dataActions and notDataActions. Lists are
/// separated by spaces. A test shows that no line is `None`.
fn parse(line: &'static str) -> Option<BuiltInRole> {
    let columns: Vec<&'static str> = line.split('\t').collect();
    let [
        id,
        name,
        actions,
        not_actions,
        data_actions,
        not_data_actions,
    ] = columns.as_slice()
    else {
        return None;
    };
    let list = |column: &'static str| column.split_whitespace().collect();
    Some(BuiltInRole {
        id,
        name,
        actions: list(actions),
        not_actions: list(not_actions),
        data_actions: list(data_actions),
        not_data_actions: list(not_data_actions),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_different_role() {
        let mut ids: Vec<_> = BUILT_IN_ROLES.iter().map(|role| role.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), include_str!("catalogue.tsv").lines().count());
        assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()));
        assert_eq!(built_in(OWNER).map(|role| role.name), Some("Owner"));
        assert_eq!(
            built_in(CONTRIBUTOR).map(|role| role.name),
            Some("Contributor")
        );
        assert_eq!(built_in(READER).map(|role| role.name), Some("Reader"));
        let blob = built_in(STORAGE_BLOB_DATA_CONTRIBUTOR).unwrap();
        assert_eq!(blob.name, "Storage Blob Data Contributor");
        assert_eq!(blob.data_actions.len(), 5);
    }
}
