//! The content of a new world: the root management group, principals, and their role assignments.

use super::assignments;
use super::directory::{
    Caller, GROUP_OBJECT_IDS, OTHER_SUBSCRIPTION, Principal, SUBSCRIPTION, USER_OBJECT_ID,
};
use super::management_groups;
use super::model::World;

pub(crate) fn populate(world: &mut World) {
    management_groups::create_root(world);
    add_principal(world, USER_OBJECT_ID, "User");
    for group in GROUP_OBJECT_IDS {
        add_principal(world, group, "Group");
    }
    for (number, caller) in Caller::ALL.into_iter().enumerate() {
        add_principal(world, caller.object_id(), "ServicePrincipal");
        for (offset, subscription) in [(1, SUBSCRIPTION), (4, OTHER_SUBSCRIPTION)] {
            let name = format!("00000000-0000-0000-0000-0000000e000{}", number + offset);
            let scope = format!("/subscriptions/{subscription}");
            assignments::grant(world, caller.object_id(), caller.role(), &scope, &name);
        }
    }
}

fn add_principal(world: &mut World, id: &str, kind: &str) {
    let principal = Principal {
        kind: kind.to_owned(),
        created: None,
    };
    world.principals.insert(id.to_owned(), principal);
}
