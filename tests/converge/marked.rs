//! Ownership markers in live bodies: as lazuli writes them, and without their binding, for comparisons.

use lazuli_core::{
    arm::ArmId,
    marker::{Binding, CHILDREN_TAG, MARKER_TAG, MarkerTarget, TextMarker},
    stack::StackIdentity,
};
use serde_json::{Value as Json, json};

/// The tags with the marker of a stack without an id on a resource.
pub fn marked_tags(stack: &str, id: &str) -> Json {
    let target = MarkerTarget::from_id(&ArmId::parse(id).unwrap());
    let binding = Binding::new(&StackIdentity::from_name(stack), &target);
    json!({ "lazuli-stack": stack, "lazuli-marker": binding.to_string() })
}

/// The tags of a body with an ownership marker, without the binding of the marker and the records of children.
pub fn unbound_tags(body: &Json) -> Json {
    let mut tags = body["tags"].clone();
    let binding = tags.as_object_mut().unwrap().remove(MARKER_TAG);
    assert!(binding.is_some(), "{body}");
    tags.as_object_mut().unwrap().remove(CHILDREN_TAG);
    tags
}

/// A text with an ownership marker, without the binding of the marker.
pub fn unbound(text: &str) -> String {
    let binding = TextMarker::find(text).unwrap().binding.unwrap();
    text.replace(&format!("; {binding}"), "")
}
