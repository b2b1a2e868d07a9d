//! Secrets, which Azure never returns: a change is detected by the digest in a tag, or secrets are sent again on request.

use serde_json::Value as Json;

use super::UnverifiableSecret;
use crate::{
    diff::{Change, MaskedSecret},
    graph::{Graph, Node, SecretsPolicy},
    marker::{Marker, SECRETS_TAG, tag},
    secret::{Digest, HIDDEN},
    value::Value,
};

/// The secrets of one resource.
pub(super) struct Secrets<'a> {
    policy: &'a SecretsPolicy,
    node: &'a Node,
    /// The value of the tag.
    digests: String,
}

impl<'a> Secrets<'a> {
    pub(super) fn new(graph: &'a Graph, node: &'a Node, wanted: &Value) -> Self {
        let mut secrets = Self {
            policy: graph.secrets(),
            node,
            digests: String::new(),
        };
        if secrets.has_tags() {
            let all = MaskedSecret::all_in(wanted);
            secrets.digests = Digest::format_tag(all.iter().filter_map(|one| secrets.digest(one)));
        }
        secrets
    }

    /// The body with the tag of digests, for types with tags.
    pub(super) fn with_digests(&self, mut wanted: Value) -> Value {
        if let Value::Object(members) = &mut wanted
            && let Some(Value::Object(tags)) = members.get_mut("tags")
            && !self.digests.is_empty()
        {
            tags.insert(SECRETS_TAG.into(), Value::string(&self.digests));
        }
        wanted
    }

    /// The changes of secrets that Azure did not return.
    pub(super) fn changed(&self, unreturned: &[MaskedSecret], live: &Json) -> Vec<Change> {
        let known: Vec<Digest> = tag(live, SECRETS_TAG)
            .into_iter()
            .flat_map(Digest::parse_tag)
            .collect();
        let is_sent = |secret: &&MaskedSecret| {
            let digest = self.digest(secret);
            self.policy.rewrite || digest.is_some_and(|digest| !known.contains(&digest))
        };
        let change = |secret: &MaskedSecret| Change {
            path: secret.path.clone(),
            before: (!known.is_empty()).then(|| Json::from(HIDDEN)),
            after: Some(Value::Secret(secret.secret.clone())),
            immutable: false,
        };
        unreturned.iter().filter(is_sent).map(change).collect()
    }

    /// The secrets that Azure did not return and that no digest can verify.
    pub(super) fn unverifiable(&self, unreturned: Vec<MaskedSecret>) -> Option<UnverifiableSecret> {
        (!self.has_tags() && !unreturned.is_empty()).then(|| UnverifiableSecret {
            key: self.node.subject.key.clone(),
            paths: unreturned.into_iter().map(|secret| secret.path).collect(),
        })
    }

    fn has_tags(&self) -> bool {
        self.node.marker == Marker::Tag
    }

    /// The digest of a secret; `None` for resources without tags.
    fn digest(&self, secret: &MaskedSecret) -> Option<Digest> {
        let id = self.node.id().filter(|_| self.has_tags())?;
        let text = secret.secret.expose();
        let place = secret.path.without_labels().to_string();
        Some(self.policy.key.digest(id, &place, text))
    }
}
