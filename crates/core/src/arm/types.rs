//! The ARM types and api-versions that the steps use for all kinds. Those of one kind belong to the kind.

use serde_json::Value as Json;

use super::ArmType;

/// Subscriptions.
pub const SUBSCRIPTION: ArmType = ArmType::new("Microsoft.Resources/subscriptions", "2022-12-01");
/// Resource groups, and the lists of resources in them and in a subscription.
pub const RESOURCE_GROUP: ArmType =
    ArmType::new("Microsoft.Resources/resourceGroups", "2025-04-01");
/// The type of resource groups in actions and policies.
pub const RESOURCE_GROUP_IN_ACTIONS: &str = "Microsoft.Resources/subscriptions/resourceGroups";
/// The etag of a live body, for types that check it in `If-Match`: those of Microsoft.Network (ARM facts 4.4, `ETag`).
pub fn etag<'b>(arm_type: &str, body: &'b Json) -> Option<&'b str> {
    let namespace = arm_type.split('/').next()?;
    let has_etags = namespace.eq_ignore_ascii_case("Microsoft.Network");
    body.get("etag")?.as_str().filter(|_| has_etags)
}

/// The tags of a resource, as a resource.
pub const TAGS: ArmType = ArmType::new("Microsoft.Resources/tags", "2021-04-01");
/// The api-version of resource providers and their registration.
pub const PROVIDERS_VERSION: &str = "2021-04-01";

/// Role assignments.
pub const ROLE_ASSIGNMENT: ArmType =
    ArmType::new("Microsoft.Authorization/roleAssignments", "2022-04-01");
/// Role definitions.
pub const ROLE_DEFINITION: ArmType =
    ArmType::new("Microsoft.Authorization/roleDefinitions", "2022-04-01");
/// Deny assignments.
pub const DENY_ASSIGNMENT: ArmType =
    ArmType::new("Microsoft.Authorization/denyAssignments", "2022-04-01");
/// What the caller may do at a scope.
pub const PERMISSIONS: ArmType = ArmType::new("Microsoft.Authorization/permissions", "2022-04-01");
/// Roles that a principal can activate (Privileged Identity Management).
pub const ROLE_ELIGIBILITY: ArmType = ArmType::new(
    "Microsoft.Authorization/roleEligibilityScheduleInstances",
    "2020-10-01",
);
/// Types of resources on any other resource that cannot have an ownership marker.
pub const EXTENSION_TYPES: [ArmType; 4] = [
    ArmType::new(
        "Microsoft.Insights/diagnosticSettings",
        "2021-05-01-preview",
    ),
    POLICY_ASSIGNMENT,
    POLICY_EXEMPTION,
    ArmType::new("Microsoft.EventGrid/eventSubscriptions", "2022-06-15"),
];

/// Management locks.
pub const MANAGEMENT_LOCK: ArmType = ArmType::new("Microsoft.Authorization/locks", "2020-05-01");

/// Policy assignments.
pub const POLICY_ASSIGNMENT: ArmType =
    ArmType::new("Microsoft.Authorization/policyAssignments", "2023-04-01");
/// The api-version of policy definitions.
pub const POLICY_DEFINITIONS_VERSION: &str = "2023-04-01";
/// Exemptions from policies. They have no stable api-version.
pub const POLICY_EXEMPTION: ArmType = ArmType::new(
    "Microsoft.Authorization/policyExemptions",
    "2022-07-01-preview",
);
/// The evaluation of policies for a resource that does not exist yet. Not the newest api-version, for clouds that lag
/// behind; newer ones add only the texts of the assignment.
pub const POLICY_RESTRICTIONS: ArmType = ArmType::new(
    "Microsoft.PolicyInsights/checkPolicyRestrictions",
    "2023-03-01",
);
