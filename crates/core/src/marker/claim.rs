//! What the ownership marker on a live resource says to a stack.

use serde_json::Value as Json;

use super::{
    Binding, FormatVersion, MARKER_TAG, MarkerTarget, ON_REMOVE_TAG, RemovalPolicy, TextMarker,
    binding::digest_id, owner, tag,
};
use crate::{
    arm::ArmId,
    stack::{ForeignStack, StackIdentity},
};

/// Where a resource has its marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerPlace {
    /// In tags.
    Tags,
    /// In this member of `properties`.
    Text(&'static str),
}

impl MarkerPlace {
    /// Every place.
    pub const ALL: [Self; 3] = [Self::Tags, Self::Text("description"), Self::Text("notes")];
}

/// The ownership marker on a live resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveMarker {
    /// The name of the stack.
    pub stack: String,
    /// The address of the entry, if the marker has it.
    pub entry: Option<String>,
    /// The removal policy.
    pub removal_policy: RemovalPolicy,
    /// The binding to the resource; `None` in markers of older versions.
    binding: Option<Binding>,
}

/// What a marker says to a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkerClaim {
    /// The stack owns the resource.
    Own,
    /// The stack owns the resource by a marker from before markers had a binding, or before the stack had an id: it names
    /// the stack, and does not prove that it was written for this resource. Nothing is pruned by it.
    Outdated,
    /// Another stack owns the resource.
    Foreign(ForeignStack),
    /// The marker was copied from another resource: no stack owns this one.
    Copied,
    /// A newer lazuli wrote the marker: at least this version is needed to read it.
    Newer(FormatVersion),
}

impl MarkerClaim {
    /// Whether the stack owns the resource, by a marker of any version.
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Own | Self::Outdated)
    }

    /// The other stack that owns the resource.
    pub const fn foreign(&self) -> Option<&ForeignStack> {
        match self {
            Self::Foreign(stack) => Some(stack),
            Self::Own | Self::Outdated | Self::Copied | Self::Newer(_) => None,
        }
    }
}

impl LiveMarker {
    /// Reads the marker of a live body.
    pub fn read(body: &Json, place: MarkerPlace) -> Option<Self> {
        match place {
            MarkerPlace::Tags => Some(Self {
                stack: owner(body)?.to_owned(),
                entry: None,
                removal_policy: RemovalPolicy::from_word(tag(body, ON_REMOVE_TAG)),
                binding: tag(body, MARKER_TAG).map(Binding::read),
            }),
            MarkerPlace::Text(member) => TextMarker::on(body, member).map(Self::from),
        }
    }

    /// What it says to a stack about the resource that it was read from.
    pub fn claim(&self, stack: &StackIdentity, target: &MarkerTarget) -> MarkerClaim {
        let has_same_name = self.stack == stack.name;
        let foreign = || {
            MarkerClaim::Foreign(ForeignStack {
                name: self.stack.clone(),
                has_same_name,
            })
        };
        let Some(binding) = &self.binding else {
            return match has_same_name {
                true => MarkerClaim::Outdated,
                false => foreign(),
            };
        };
        match binding {
            Binding::Newer(format) => MarkerClaim::Newer(*format),
            Binding::Unreadable => MarkerClaim::Copied,
            Binding::Present { .. } if !binding.is_on(&self.stack, target) => MarkerClaim::Copied,
            Binding::Present { .. } if !has_same_name => foreign(),
            Binding::Present { stack: id, .. } => match (id, stack.id.as_ref().map(digest_id)) {
                (found, own) if *found == own => MarkerClaim::Own,
                (None, Some(_)) => MarkerClaim::Outdated,
                _ => foreign(),
            },
        }
    }
}

impl From<TextMarker> for LiveMarker {
    fn from(marker: TextMarker) -> Self {
        Self {
            stack: marker.stack,
            entry: Some(marker.entry),
            removal_policy: marker.removal_policy,
            binding: marker.binding,
        }
    }
}

/// What the marker on a live resource says to a stack; `None` without a marker.
pub fn claim(
    stack: &StackIdentity,
    id: &ArmId,
    body: &Json,
    place: MarkerPlace,
) -> Option<MarkerClaim> {
    let marker = LiveMarker::read(body, place)?;
    Some(marker.claim(stack, &MarkerTarget::from_live(id, body)))
}

/// The other stack whose marker a live resource has, wherever it is.
pub fn foreign_owner(stack: &StackIdentity, id: &ArmId, body: &Json) -> Option<ForeignStack> {
    let claims = MarkerPlace::ALL.map(|place| claim(stack, id, body, place));
    let mut claims = claims.iter().flatten();
    claims.find_map(MarkerClaim::foreign).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::StackId;

    const GROUP: &str = "/subscriptions/s/resourceGroups/g";

    fn stack(name: &str, id: &str) -> StackIdentity {
        StackIdentity {
            name: name.into(),
            id: StackId::parse(id),
        }
    }

    fn claim_of(by: &StackIdentity, tags: Json) -> Option<MarkerClaim> {
        let id = ArmId::parse(GROUP).unwrap();
        claim(by, &id, &json!({ "tags": tags }), MarkerPlace::Tags)
    }

    fn marked(by: &StackIdentity, id: &str) -> Json {
        let target = MarkerTarget::from_id(&ArmId::parse(id).unwrap());
        json!({ "lazuli-stack": by.name, "lazuli-marker": Binding::new(by, &target).to_string() })
    }

    #[test]
    fn marker_belongs_to_one_stack_and_one_resource() {
        let plain = stack("cameras", "");
        let (first, second) = (stack("cameras", "3f6c1d0a"), stack("cameras", "7b22e0c4"));
        for own in [&plain, &first, &second] {
            assert_eq!(claim_of(own, marked(own, GROUP)), Some(MarkerClaim::Own));
            let copied = marked(own, "/subscriptions/s/resourceGroups/other");
            for reader in [&plain, &first] {
                assert_eq!(claim_of(reader, copied.clone()), Some(MarkerClaim::Copied));
            }
        }
        let foreign = |claim: Option<MarkerClaim>| claim.unwrap().foreign().unwrap().to_string();
        let same_name = "`cameras` with another id";
        assert_eq!(foreign(claim_of(&second, marked(&first, GROUP))), same_name);
        assert_eq!(foreign(claim_of(&plain, marked(&first, GROUP))), same_name);
        let doors = stack("doors", "3f6c1d0a");
        assert_eq!(
            foreign(claim_of(&doors, marked(&first, GROUP))),
            "`cameras`"
        );
    }

    #[test]
    fn older_marker_names_the_stack_and_proves_nothing() {
        let (plain, with_id) = (stack("cameras", ""), stack("cameras", "3f6c1d0a"));
        let tags = json!({ "lazuli-stack": "cameras" });
        assert_eq!(claim_of(&plain, tags.clone()), Some(MarkerClaim::Outdated));
        assert_eq!(claim_of(&with_id, tags), Some(MarkerClaim::Outdated));
        assert_eq!(
            claim_of(&with_id, marked(&plain, GROUP)),
            Some(MarkerClaim::Outdated)
        );
        let tags = json!({ "lazuli-stack": "doors" });
        assert!(claim_of(&plain, tags).unwrap().foreign().is_some());
        assert_eq!(claim_of(&plain, json!({})), None);
    }

    #[test]
    fn marker_of_a_newer_version_has_no_known_owner() {
        let tags = json!({ "lazuli-stack": "doors", "lazuli-marker": "0.9:x" });
        let needed = FormatVersion::new(0, 9);
        assert_eq!(
            claim_of(&stack("cameras", ""), tags),
            Some(MarkerClaim::Newer(needed))
        );
        let garbled = json!({ "lazuli-stack": "cameras", "lazuli-marker": "yes" });
        assert_eq!(
            claim_of(&stack("cameras", ""), garbled),
            Some(MarkerClaim::Copied)
        );
    }
}
