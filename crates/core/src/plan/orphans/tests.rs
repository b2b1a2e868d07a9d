//! The order of deletion.

use super::*;
use serde_json::json;

use crate::live::OwnedResource;

const GROUP_ID: &str = "/subscriptions/s/resourceGroups/g";

fn owned(id: &str, properties: Json) -> FoundOrphan {
    let id = ArmId::parse(id).unwrap();
    FoundOrphan {
        resource: OwnedResource {
            arm_type: id.arm_type().unwrap(),
            stack: "cameras".into(),
            entry: None,
            removal_policy: RemovalPolicy::Delete,
            holder: None,
            body: json!({ "id": id.as_str(), "properties": properties }),
            id,
        },
        proof: OrphanProof::Bound,
    }
}

fn deletion_order(orphans: &[FoundOrphan]) -> Vec<String> {
    let ordered = order::deletion_order(orphans, &Live::default());
    let name = |orphan: &FoundOrphan| orphan.id.name().to_owned();
    let reported = |(orphan, before): &(&FoundOrphan, Vec<&FoundOrphan>)| {
        let before: Vec<String> = before.iter().map(|before| name(before)).collect();
        format!("{} after [{}]", name(orphan), before.join(" "))
    };
    ordered.iter().map(reported).collect()
}

#[test]
fn dependents_are_deleted_before_their_dependencies_and_groups_last() {
    let subnet = format!("{GROUP_ID}/providers/Microsoft.Network/virtualNetworks/net/subnets/a");
    let role = "00000000-0000-0000-0000-000000000001";
    let orphans = [
        owned(GROUP_ID, json!({})),
        owned(
            &format!("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            json!({}),
        ),
        owned(
            &format!("{GROUP_ID}/providers/Microsoft.Network/virtualNetworks/net"),
            json!({ "subnets": [{ "id": subnet }] }),
        ),
        owned(
            &format!("{GROUP_ID}/providers/Microsoft.Network/networkInterfaces/nic"),
            json!({ "subnet": { "id": subnet.to_uppercase() } }),
        ),
        owned(
            &format!("{GROUP_ID}/providers/Microsoft.Authorization/roleAssignments/r"),
            json!({
                "roleDefinitionId": format!("/x/roleDefinitions/{role}"),
                "principalId": "p", "scope": GROUP_ID,
            }),
        ),
        owned(
            &format!("{GROUP_ID}/providers/Microsoft.Authorization/locks/keep"),
            json!({}),
        ),
    ];
    assert_eq!(
        deletion_order(&orphans),
        [
            "keep after []",
            "r after [keep]",
            "nic after [keep]",
            "net after [keep nic]",
            &format!("{role} after [r]"),
            "g after [keep r nic net]",
        ]
    );
}

#[test]
fn resources_in_a_reference_cycle_are_deleted() {
    let id = |name: &str| format!("{GROUP_ID}/providers/A.B/c/{name}");
    let orphans = [
        owned(&id("one"), json!({ "other": id("two") })),
        owned(&id("two"), json!({ "other": id("one") })),
    ];
    assert_eq!(
        deletion_order(&orphans),
        ["one after []", "two after [one]"]
    );
}

#[test]
fn common_prefix_of_names_is_not_a_reference() {
    let id = |name: &str| format!("{GROUP_ID}/providers/A.B/c/{name}");
    let orphans = [
        owned(&id("one"), json!({})),
        owned(&id("two"), json!({ "other": id("one-more") })),
    ];
    assert_eq!(deletion_order(&orphans), ["one after []", "two after []"]);
}
