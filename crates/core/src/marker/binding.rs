//! The binding of an ownership marker to one stack and one resource: a copied marker is none.

use std::fmt;

use ring::digest::{Context, SHA256};
use serde_json::Value as Json;

use crate::{
    arm::{
        ArmId,
        types::{ROLE_ASSIGNMENT, ROLE_DEFINITION},
    },
    stack::{StackId, StackIdentity},
};

/// The version of a format: that of the first lazuli that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormatVersion {
    major: u32,
    minor: u32,
}

impl FormatVersion {
    /// The version of the present format of ownership markers.
    pub const MARKER: Self = Self::new(0, 1);

    /// A version.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Parses `0.1`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_number)
        };
        Some(Self::new(number(major)?, number(minor)?))
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What identifies a resource for its ownership marker, without the differences that Azure makes between two responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerTarget(String);

impl MarkerTarget {
    /// The target of a resource with a known id. A custom role has an id for each scope: only its GUID identifies it.
    pub fn from_id(id: &ArmId) -> Self {
        let is_role = id.arm_type().is_some_and(|name| ROLE_DEFINITION.is(&name));
        Self(match is_role {
            true => format!("role definition {}", id.name().to_lowercase()),
            false => id.as_str().to_lowercase(),
        })
    }

    /// The target of a role assignment. Its principal may not be known when the marker is written.
    pub fn from_grant(scope: &ArmId, role: &str) -> Self {
        Self(format!("role assignment {scope} {role}").to_lowercase())
    }

    /// The target of a live resource.
    pub fn from_live(id: &ArmId, body: &Json) -> Self {
        let is_grant = id.arm_type().is_some_and(|name| ROLE_ASSIGNMENT.is(&name));
        let text = |name: &str| body.get("properties")?.get(name)?.as_str();
        let scope = text("scope").and_then(ArmId::parse).or_else(|| id.parent());
        let role = text("roleDefinitionId").and_then(|role| role.rsplit('/').next());
        match (scope, role) {
            (Some(scope), Some(role)) if is_grant => Self::from_grant(&scope, role),
            _ => Self::from_id(id),
        }
    }
}

/// The binding in an ownership marker: `FORMAT:STACK:DIGEST`, where STACK is a digest of the stack's id, or `-` without
/// one, and DIGEST is a digest of the stack's name, STACK and the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// A binding in the present format.
    Present {
        /// The digest of the stack's id; `None` for a stack without an id.
        stack: Option<String>,
        /// The digest of stack and resource.
        digest: String,
    },
    /// A binding that a newer lazuli wrote.
    Newer(FormatVersion),
    /// Text that is not a binding.
    Unreadable,
}

/// The number of bytes of the digest of a stack's id.
const STACK_BYTES: usize = 4;
/// The number of bytes of the digest of stack and resource.
const DIGEST_BYTES: usize = 8;

impl Binding {
    /// The binding of a resource to a stack.
    pub fn new(stack: &StackIdentity, target: &MarkerTarget) -> Self {
        let id = stack.id.as_ref().map(digest_id);
        Self::Present {
            digest: digest_target(&stack.name, id.as_deref(), target),
            stack: id,
        }
    }

    /// Reads a binding.
    pub fn read(text: &str) -> Self {
        let Some((format, rest)) = text.split_once(':') else {
            return Self::Unreadable;
        };
        match FormatVersion::parse(format) {
            Some(format) if format > FormatVersion::MARKER => Self::Newer(format),
            Some(_) => match rest.split_once(':') {
                Some((stack, digest)) if is_hex(digest) && (stack == "-" || is_hex(stack)) => {
                    Self::Present {
                        stack: Some(stack.to_owned()).filter(|stack| stack != "-"),
                        digest: digest.to_owned(),
                    }
                }
                _ => Self::Unreadable,
            },
            None => Self::Unreadable,
        }
    }

    /// Whether it binds this resource to a stack of this name.
    pub fn is_on(&self, stack: &str, target: &MarkerTarget) -> bool {
        match self {
            Self::Present { stack: id, digest } => {
                *digest == digest_target(stack, id.as_deref(), target)
            }
            Self::Newer(_) | Self::Unreadable => false,
        }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { stack, digest } => {
                let stack = stack.as_deref().unwrap_or("-");
                write!(f, "{}:{stack}:{digest}", FormatVersion::MARKER)
            }
            Self::Newer(format) => write!(f, "{format}:"),
            Self::Unreadable => Ok(()),
        }
    }
}

fn is_hex(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    !text.is_empty() && text.bytes().all(is_digit)
}

/// The digest of a stack's id.
pub(super) fn digest_id(id: &StackId) -> String {
    digest(&["stack", id.as_str()], STACK_BYTES)
}

fn digest_target(stack: &str, id: Option<&str>, target: &MarkerTarget) -> String {
    digest(&[stack, id.unwrap_or(""), &target.0], DIGEST_BYTES)
}

/// The first bytes of a SHA-256 as hexadecimal digits.
pub(super) fn digest(parts: &[&str], bytes: usize) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        // The length prefix makes the concatenation unambiguous.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let hash = context.finish();
    let digits = hash.as_ref().iter().take(bytes);
    digits.map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binding_round_trips_and_binds_one_resource_to_one_stack() {
        let id = ArmId::parse("/subscriptions/s/resourceGroups/g").unwrap();
        let target = MarkerTarget::from_id(&id);
        let other = MarkerTarget::from_id(&id.provider_child("A/b", "c"));
        for stack_id in [None, StackId::parse("3f6c1d0a")] {
            let stack = StackIdentity {
                name: "cameras".into(),
                id: stack_id,
            };
            let binding = Binding::new(&stack, &target);
            let text = binding.to_string();
            assert_eq!(Binding::read(&text), binding, "{text}");
            assert!(text.starts_with("0.1:") && text.len() <= 29, "{text}");
            assert!(binding.is_on("cameras", &target));
            assert!(!binding.is_on("cameras", &other));
            assert!(!binding.is_on("doors", &target));
        }
        let upper = ArmId::parse("/SUBSCRIPTIONS/S/resourcegroups/G").unwrap();
        assert_eq!(MarkerTarget::from_id(&upper), target);
    }

    #[test]
    fn role_has_one_target_in_every_spelling_of_its_id() {
        let role = "/providers/Microsoft.Authorization/roleDefinitions/AA";
        let targets = [
            role.to_owned(),
            format!("/subscriptions/s{role}").to_lowercase(),
        ];
        let [first, second] = targets.map(|id| MarkerTarget::from_id(&ArmId::parse(&id).unwrap()));
        assert_eq!(first, second);
    }

    #[test]
    fn newer_format_names_its_version_and_garbage_is_unreadable() {
        let newer = Binding::read("0.7:whatever it contains");
        assert_eq!(newer, Binding::Newer(FormatVersion::new(0, 7)));
        for text in [
            "",
            "0.1",
            "0.1:-",
            "0.1:-:xyz",
            "1:-:ab",
            "0.:-:ab",
            "+0.1:-:ab",
        ] {
            assert_eq!(Binding::read(text), Binding::Unreadable, "{text}");
        }
    }
}
