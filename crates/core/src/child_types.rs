//! Child types: what can be in a resource, and what of it Azure makes itself.

use crate::arm::ArmId;

/// A type of resources in a resource of another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildType {
    /// The type of the resource that contains them.
    pub parent: &'static str,
    /// The path of their list below the parent: `blobServices/default/containers`.
    pub path: &'static str,
    /// The api-version of the list.
    pub api_version: &'static str,
    /// The names of those that Azure makes itself. A `*` at the end stands for any text.
    pub made_by_azure: &'static [&'static str],
}

impl ChildType {
    fn is_type_of(&self, id: &ArmId) -> bool {
        let list = id.as_str().to_lowercase();
        let list = list.rsplit_once('/').map_or("", |(list, _)| list);
        let has_path = list.ends_with(&format!("/{}", self.path.to_lowercase()));
        has_path && list.contains(&format!("/{}/", self.parent.to_lowercase()))
    }
}

/// What is known of child types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChildTypes {
    /// The child types.
    pub types: &'static [ChildType],
    /// Types whose resources contain no resources that lists over a resource group show.
    pub without_listed_children: &'static [&'static str],
}

impl ChildTypes {
    /// The child types of a resource.
    pub fn in_resource(self, id: &ArmId) -> impl Iterator<Item = &'static ChildType> {
        let arm_type = id.arm_type();
        let is_parent = move |child: &&ChildType| {
            let arm_type = arm_type.as_deref();
            arm_type.is_some_and(|name| name.eq_ignore_ascii_case(child.parent))
        };
        self.types.iter().filter(is_parent)
    }

    /// Whether a list over its resource group can show what is in a resource.
    pub fn has_listed_children(self, id: &ArmId) -> bool {
        let arm_type = id.arm_type();
        let is_leaf = |leaf: &&str| {
            let arm_type = arm_type.as_deref();
            arm_type.is_some_and(|name| name.eq_ignore_ascii_case(leaf))
        };
        !self.without_listed_children.iter().any(is_leaf)
    }

    /// Whether a resource is of a child type.
    pub fn is_child(self, id: &ArmId) -> bool {
        self.types.iter().any(|child| child.is_type_of(id))
    }

    /// Whether Azure made a resource itself.
    pub fn is_made_by_azure(self, id: &ArmId) -> bool {
        let matches = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(start) => {
                let begin = id.name().get(..start.len());
                begin.is_some_and(|begin| begin.eq_ignore_ascii_case(start))
            }
            None => id.name().eq_ignore_ascii_case(pattern),
        };
        let mut children = self.types.iter().filter(|child| child.is_type_of(id));
        children.any(|child| child.made_by_azure.iter().any(&matches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: ChildTypes = ChildTypes {
        types: &[
            ChildType {
                parent: "Microsoft.Sql/servers",
                path: "databases",
                api_version: "1",
                made_by_azure: &["master"],
            },
            ChildType {
                parent: "Microsoft.Storage/storageAccounts",
                path: "blobServices/default/containers",
                api_version: "1",
                made_by_azure: &["$*", "insights-logs-*"],
            },
        ],
        without_listed_children: &["Microsoft.Storage/storageAccounts"],
    };

    fn id(below: &str) -> ArmId {
        ArmId::parse(&format!(
            "/subscriptions/s/resourceGroups/g/providers/{below}"
        ))
        .unwrap()
    }

    #[test]
    fn child_types_belong_to_a_parent() {
        let server = id("microsoft.sql/Servers/a");
        assert_eq!(TYPES.in_resource(&server).count(), 1);
        assert!(TYPES.has_listed_children(&server));
        assert!(!TYPES.has_listed_children(&id("Microsoft.Storage/storageAccounts/a")));
        assert_eq!(TYPES.in_resource(&id("Microsoft.Web/sites/a")).count(), 0);
    }

    #[test]
    fn resources_that_azure_made_are_known_by_type_and_name() {
        let account = "Microsoft.Storage/storageAccounts/a/blobServices/default/containers";
        for (below, is_made) in [
            ("Microsoft.Sql/servers/a/databases/MASTER".to_owned(), true),
            ("Microsoft.Sql/servers/a/databases/orders".to_owned(), false),
            (
                "Microsoft.Sql/servers/a/elasticPools/master".to_owned(),
                false,
            ),
            (format!("{account}/$logs"), true),
            (format!("{account}/insights-logs-audit"), true),
            (format!("{account}/insights"), false),
            (format!("{account}/video"), false),
        ] {
            assert_eq!(TYPES.is_made_by_azure(&id(&below)), is_made, "{below}");
        }
    }
}
