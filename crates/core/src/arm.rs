//! Terms of Azure Resource Manager: resource ids, types with their api-version, locations.

pub mod types;

use std::{
    borrow::Cow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use types::{RESOURCE_GROUP, SUBSCRIPTION};

/// The id of a resource, a resource group, a subscription or any other scope: `/subscriptions/…`.
///
/// Ids are compared without case: ARM responds in other case than in the request (ARM facts 1.2: 820 of 4,772 responses).
/// Clones share the text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ArmId(Arc<str>);

impl From<String> for ArmId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<ArmId> for String {
    fn from(id: ArmId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl ArmId {
    /// Parses an id: it begins with `/` and has no empty, `.` or `..` segment, no query and no fragment.
    pub fn parse(text: &str) -> Option<Self> {
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        let segments = trimmed.strip_prefix('/')?;
        let sound = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment
                    .chars()
                    .all(|c| !c.is_control() && !matches!(c, '?' | '#' | '%' | '\\' | '{' | '}'))
        };
        segments.split('/').all(sound).then(|| Self(trimmed.into()))
    }

    /// `/subscriptions/{subscription}`
    pub fn subscription(subscription: &str) -> Self {
        Self(format!("/subscriptions/{subscription}").into())
    }

    /// `/subscriptions/{subscription}/resourceGroups/{name}`
    pub fn resource_group(subscription: &str, name: &str) -> Self {
        Self(format!("/subscriptions/{subscription}/resourceGroups/{name}").into())
    }

    /// A resource in a resource group, or an extension of a resource: `{self}/providers/{type}/{name}`.
    pub fn provider_child(&self, arm_type: &str, name: &str) -> Self {
        Self(format!("{}/providers/{arm_type}/{name}", self.0).into())
    }

    /// The path of the list of resources of a type at a scope: `{self}/providers/{type}`.
    pub fn collection(&self, arm_type: &ArmType) -> String {
        format!("{}/providers/{}", self.0, arm_type.name)
    }

    /// A resource of a nested type below a scope: `{self}/providers/{provider}/{type}/{name}/{type}/{name}`. `None` unless
    /// there is one name per segment of the type.
    pub fn provider_descendant(&self, arm_type: &str, names: &[&str]) -> Option<Self> {
        let (provider, segments) = arm_type.split_once('/')?;
        let segments: Vec<&str> = segments.split('/').collect();
        if segments.len() != names.len() {
            return None;
        }
        let path: String = segments
            .iter()
            .zip(names)
            .map(|(segment, name)| format!("/{segment}/{name}"))
            .collect();
        Self::parse(&format!("{}/providers/{provider}{path}", self.0))
    }

    /// The type: `Microsoft.Storage/storageAccounts/blobServices`. Resource groups and subscriptions have types of the
    /// provider `Microsoft.Resources`.
    pub fn arm_type(&self) -> Option<String> {
        const PROVIDERS: &str = "/providers/";
        let lower = self.0.to_ascii_lowercase();
        match lower.rfind(PROVIDERS) {
            Some(at) => {
                let mut segments = self.0.get(at + PROVIDERS.len()..)?.split('/');
                let provider = segments.next()?.to_owned();
                let types = segments.step_by(2).map(|segment| format!("/{segment}"));
                Some(provider + &types.collect::<String>()).filter(|name| name.contains('/'))
            }
            None if self.resource_group_name().is_some() => Some(RESOURCE_GROUP.name.into_owned()),
            None => self
                .subscription_id()
                .map(|_| SUBSCRIPTION.name.into_owned()),
        }
    }

    /// A nested resource: `{self}/{segment}/{name}`.
    pub fn child(&self, segment: &str, name: &str) -> Self {
        Self(format!("{}/{segment}/{name}", self.0).into())
    }

    /// The id in its original case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        let text = self.as_str();
        text.rsplit_once('/').map_or(text, |(_, name)| name)
    }

    /// The parent resource, the resource group, or the scope of an extension.
    pub fn parent(&self) -> Option<Self> {
        fn above(text: &str, levels: usize) -> Option<&str> {
            let (at, _) = text.rmatch_indices('/').nth(levels - 1)?;
            text.get(..at)
        }
        let parent = above(&self.0, 2)?;
        let mut tail = parent.rsplit('/');
        let parent = match (tail.next(), tail.next()) {
            (Some(_), Some(marker)) if marker.eq_ignore_ascii_case("providers") => {
                above(parent, 2)?
            }
            _ => parent,
        };
        (!parent.is_empty()).then(|| Self(parent.into()))
    }

    /// Whether this is a resource group or a resource directly in one: neither nested nor an extension. Such resources have a
    /// location and tags ("tracked resources" in ARM).
    pub fn is_top_level(&self) -> bool {
        let group = self.group();
        group.is_some() && (group.as_ref() == Some(self) || group == self.parent())
    }

    /// The GUID after `/subscriptions/`.
    pub fn subscription_id(&self) -> Option<&str> {
        self.segment_after(0, "subscriptions")
    }

    /// The resource group's name.
    pub fn resource_group_name(&self) -> Option<&str> {
        self.segment_after(2, "resourceGroups")
    }

    /// The id of the resource group that this is or is in.
    pub fn group(&self) -> Option<Self> {
        Some(Self::resource_group(
            self.subscription_id()?,
            self.resource_group_name()?,
        ))
    }

    /// The subscription or management group that this is or is in.
    pub fn root(&self) -> Option<Self> {
        if let Some(subscription) = self.subscription_id() {
            return Some(Self::subscription(subscription));
        }
        let mut segments = self.0.split('/').skip(1);
        let is_management_group = ["providers", "Microsoft.Management", "managementGroups"]
            .iter()
            .all(|word| {
                segments
                    .next()
                    .is_some_and(|segment| segment.eq_ignore_ascii_case(word))
            });
        let name = segments.next().filter(|_| is_management_group)?;
        Some(Self(
            format!("/providers/Microsoft.Management/managementGroups/{name}").into(),
        ))
    }

    fn segment_after(&self, at: usize, key: &str) -> Option<&str> {
        let mut segments = self.0.split('/').skip(1 + at);
        segments
            .next()
            .filter(|segment| segment.eq_ignore_ascii_case(key))?;
        segments.next()
    }

    /// Whether `other` is this scope or below it.
    pub fn covers(&self, other: &ArmId) -> bool {
        other
            .0
            .get(..self.0.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(&self.0))
            && matches!(other.0.as_bytes().get(self.0.len()), None | Some(b'/'))
    }

    /// Whether a role assignment at this scope can apply to `other`: at the same scope, above it, or at a management group,
    /// whose subscriptions are unknown.
    pub fn may_reach(&self, other: &ArmId) -> bool {
        let is_managed = self.subscription_id().is_none() && self.root().as_ref() == Some(self);
        self.covers(other) || is_managed && other.subscription_id().is_some()
    }

    /// Whether text has the format of an id, and so is compared like one.
    pub fn resembles_id(text: &str) -> bool {
        let starts = |prefix: &str| {
            text.get(..prefix.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
        };
        starts("/subscriptions/") || starts("/providers/")
    }
}

impl PartialEq for ArmId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for ArmId {}

impl Hash for ArmId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut lower = [0; 64];
        for part in self.0.as_bytes().chunks(lower.len()) {
            let lower = &mut lower[..part.len()];
            lower.copy_from_slice(part);
            lower.make_ascii_lowercase();
            state.write(lower);
        }
        state.write_u8(0xff);
    }
}

impl PartialOrd for ArmId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ArmId {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |byte: u8| byte.to_ascii_lowercase();
        self.0.bytes().map(lower).cmp(other.0.bytes().map(lower))
    }
}

impl fmt::Display for ArmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resource type and the api-version of its requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArmType {
    /// `Microsoft.Storage/storageAccounts`, nested types with all segments.
    pub name: Cow<'static, str>,
    /// `2025-06-01`
    pub api_version: Cow<'static, str>,
}

impl ArmType {
    /// A type known at compile time.
    pub const fn new(name: &'static str, api_version: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            api_version: Cow::Borrowed(api_version),
        }
    }

    /// Parses a type as written in a spec: `Microsoft.KeyVault/vaults@2024-11-01`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, api_version) = text.split_once('@')?;
        let word = |text: &str, more: &[char]| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
        };
        let (provider, types) = name.split_once('/')?;
        let is_date = api_version
            .get(..10)
            .is_some_and(|date| date.matches('-').count() == 2);
        let sound = provider.contains('.')
            && word(provider, &['.', '-', '_'])
            && types
                .split('/')
                .all(|segment| word(segment, &['.', '-', '_']))
            && is_date
            && word(api_version, &['-']);
        sound.then(|| Self {
            name: Cow::Owned(name.to_owned()),
            api_version: Cow::Owned(api_version.to_owned()),
        })
    }

    /// The type of the parent, for a nested type.
    pub fn parent(&self) -> Option<&str> {
        let (parent, _) = self.name.rsplit_once('/')?;
        parent.contains('/').then_some(parent)
    }

    /// Whether this is the type of that name, without case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl fmt::Display for ArmType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.api_version)
    }
}

/// Whether two locations are equal without case and spaces (ARM facts 1.3: `westus2` is returned as `West US 2`).
pub fn same_location(left: &str, right: &str) -> bool {
    normal_location(left) == normal_location(right)
}

/// A location in its short form: lowercase, without spaces.
pub fn normal_location(location: &str) -> String {
    location
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ArmId {
        ArmId::parse(text).unwrap()
    }

    #[test]
    fn ids_are_equal_without_case() {
        assert_eq!(
            id("/subscriptions/S/resourceGroups/RG"),
            id("/subscriptions/s/resourcegroups/rg/")
        );
    }

    #[test]
    fn ids_cannot_contain_path_traversal() {
        for text in [
            "", "x", "/a//b", "/a/../b", "/a?b=c", "/a#b", "/a%2f", "/a\nb",
        ] {
            assert_eq!(ArmId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parent_of_every_id_format_is_found() {
        let account =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
        assert_eq!(
            id(account).parent().unwrap(),
            id("/subscriptions/s/resourceGroups/g")
        );
        assert_eq!(
            id(&format!("{account}/blobServices/default"))
                .parent()
                .unwrap(),
            id(account)
        );
        let grant = format!("{account}/providers/Microsoft.Authorization/roleAssignments/x");
        assert_eq!(id(&grant).parent().unwrap(), id(account));
        assert_eq!(
            id("/subscriptions/s/resourceGroups/g").parent().unwrap(),
            id("/subscriptions/s")
        );
        assert_eq!(id("/subscriptions/s").parent(), None);
    }

    #[test]
    fn root_of_an_id_is_its_subscription_or_management_group() {
        let root = |text: &str| id(text).root().map(|root| root.to_string());
        assert_eq!(
            root("/subscriptions/s/resourceGroups/g/providers/a/b/c").unwrap(),
            "/subscriptions/s"
        );
        let group = "/providers/Microsoft.Management/managementGroups/all";
        assert_eq!(
            root(&format!("{group}/providers/a/b/c").to_lowercase()).unwrap(),
            group
        );
        assert_eq!(
            root("/providers/Microsoft.Authorization/roleDefinitions/x"),
            None
        );
    }

    #[test]
    fn scope_covers_its_descendants_but_not_names_with_the_same_prefix() {
        let group = id("/subscriptions/s/resourceGroups/g");
        assert!(group.covers(&id("/subscriptions/S/resourcegroups/G/providers/a/b/c")));
        assert!(group.covers(&group));
        assert!(!group.covers(&id("/subscriptions/s/resourceGroups/g2")));
    }

    #[test]
    fn ids_are_built_from_and_return_their_type_and_names() {
        let group = id("/subscriptions/s/resourceGroups/g");
        let database = group
            .provider_descendant("Microsoft.Sql/servers/databases", &["a", "b"])
            .unwrap();
        assert_eq!(
            database.as_str(),
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/a/databases/b"
        );
        assert_eq!(
            database.arm_type().unwrap(),
            "Microsoft.Sql/servers/databases"
        );
        assert_eq!(
            database.provider_child("A.B/c", "d").arm_type().unwrap(),
            "A.B/c"
        );
        assert_eq!(
            group.arm_type().unwrap(),
            "Microsoft.Resources/resourceGroups"
        );
        assert_eq!(
            group.provider_descendant("Microsoft.Sql/servers/databases", &["a"]),
            None
        );
        assert_eq!(
            group.provider_descendant("Microsoft.Sql/servers", &[".."]),
            None
        );
    }

    #[test]
    fn types_are_read_with_their_api_version() {
        let vault = ArmType::parse("Microsoft.KeyVault/vaults@2024-11-01").unwrap();
        assert_eq!(vault.to_string(), "Microsoft.KeyVault/vaults@2024-11-01");
        assert_eq!(vault.parent(), None);
        let nested = ArmType::parse("A.B/c/d@2024-11-01-preview").unwrap();
        assert_eq!(nested.parent(), Some("A.B/c"));
        for text in [
            "Microsoft.KeyVault/vaults",
            "vaults@2024-11-01",
            "Microsoft.KeyVault@2024-11-01",
            "A.B/c@latest",
            "A.B/c/../d@2024-11-01",
            "A.B/c@2024-11-01?x",
        ] {
            assert_eq!(ArmType::parse(text), None, "{text}");
        }
    }

    #[test]
    fn management_group_can_contain_any_subscription_but_no_other_group() {
        let all = id("/providers/Microsoft.Management/managementGroups/all");
        let group = id("/subscriptions/s/resourceGroups/g");
        assert!(all.may_reach(&group) && all.may_reach(&all));
        assert!(!group.may_reach(&all));
        let some = id("/providers/Microsoft.Management/managementGroups/some");
        assert!(!all.may_reach(&some));
        assert!(!all.child("x", "y").may_reach(&group));
    }

    #[test]
    fn display_names_of_locations_are_equal() {
        assert!(same_location("West US 2", "westus2"));
        assert!(!same_location("West US 2", "westus3"));
    }
}
