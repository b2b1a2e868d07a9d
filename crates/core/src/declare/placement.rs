//! What is known of a resource before apply: id, scope, location and name.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    arm::{ArmId, ArmType},
    facts::{Facts, OutputDoc, Rule},
    key::NodeKey,
    node::Node,
    spec::{Address, Resource, Spec, Stack},
    template::{Instance, Reference},
};

/// What is known of a resource before apply.
#[derive(Clone)]
pub struct Placement {
    /// Its node; of an `existing` resource that another entry declares, the node of that entry.
    pub key: NodeKey,
    /// The data about its kind.
    pub facts: &'static Facts,
    /// Its type.
    pub arm_type: ArmType,
    /// What references can name in addition to the properties of the spec; for `resource`, those of the kind for its type.
    pub outputs: &'static [OutputDoc],
    /// How its properties are compared: by the rules of its kind or, for `resource`, of its type.
    pub rules: &'static [Rule],
    /// Its id; `None` for role assignments.
    pub id: Option<ArmId>,
    /// Its scope, for kinds that live on one.
    pub scope: Option<ArmId>,
    /// The GUID of the subscription.
    pub subscription: String,
    /// The location in its short form, for kinds that have one.
    pub location: Option<String>,
    /// The name in Azure.
    pub name: Option<String>,
}

impl Placement {
    /// The outputs that every resource has and that are known before apply: [`Placement::FIXED`].
    pub fn fixed(&self, path: &[String]) -> Option<String> {
        let id = self.id.as_ref();
        match path {
            [] => id.map(ToString::to_string),
            [one] => match one.as_str() {
                "id" => id.map(ToString::to_string),
                "name" => self.name.clone(),
                "location" => self.location.clone(),
                "type" => Some(self.arm_type.name.to_string()),
                "resourceGroup" => id.and_then(ArmId::resource_group_name).map(str::to_owned),
                "subscription" => Some(self.subscription.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The value of the entry at a path: below its properties, or below the one that holds ARM's body.
    pub fn written<'r>(&self, resource: &'r Resource, path: &[String]) -> Option<&'r Node> {
        let root = match self.facts.body {
            Some(body) => resource.props.get(body)?,
            None => &resource.props,
        };
        path.iter().try_fold(root, |node, part| node.get(part))
    }

    /// The names that [`Placement::fixed`] accepts.
    pub const FIXED: [&'static str; 6] = [
        "id",
        "name",
        "location",
        "type",
        "resourceGroup",
        "subscription",
    ];
}

pub(crate) type Placements = HashMap<(String, Address), Placement>;

/// The resources of a spec by stack and address.
pub(crate) type Index<'a> = HashMap<(&'a str, &'a Address), (&'a Stack, &'a Resource)>;

pub(crate) fn index(spec: &Spec) -> Index<'_> {
    spec.stacks
        .iter()
        .flat_map(|stack| {
            stack
                .resources
                .iter()
                .map(move |res| ((stack.name.value.as_str(), &res.address), (stack, res)))
        })
        .collect()
}

/// The address that a reference names. Loading has replaced `each.key`.
pub(crate) fn address_of(reference: &Reference) -> Address {
    let instance = match &reference.instance {
        Some(Instance::Key(key)) => Some(key.clone()),
        Some(Instance::EachKey) | None => None,
    };
    Address {
        resource: reference.resource.clone(),
        instance,
    }
}

/// The namespace of GUIDs for names: random, and never to change.
const NAMES: Uuid = Uuid::from_u128(0x3f0e_6d1b_92c4_4a57_8b1d_c7e6_50fa_2e93);

/// The GUID for a name in a subscription or management group: the same in every run.
fn guid_in(root: &ArmId, name: &str) -> Uuid {
    Uuid::new_v5(&NAMES, format!("{root}|{name}").to_lowercase().as_bytes())
}

/// The id of a resource in a subscription or management group whose GUID follows from its name.
pub(crate) fn root_id(root: &ArmId, arm_type: &str, name: &str) -> ArmId {
    root.provider_child(arm_type, &guid_in(root, name).to_string())
}
