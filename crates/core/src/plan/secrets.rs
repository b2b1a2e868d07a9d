//! Secrets are never answered: a changed one is noticed by what a tag keeps of it, or sent again when that is asked.

use serde_json::Value as Json;

use super::UnverifiableSecret;
use crate::{
    diff::{Change, Veiled},
    graph::{Graph, Node, SecretsPolicy},
    mark::{Mark, SECRETS_TAG, tag},
    secret::{Digest, HIDDEN},
    value::Value,
};

/// What is planned for the secrets of one resource.
pub(super) struct Secrets<'a> {
    policy: &'a SecretsPolicy,
    node: &'a Node,
    /// What the tag shall say.
    digests: String,
}

impl<'a> Secrets<'a> {
    pub(super) fn of(graph: &'a Graph, node: &'a Node, wanted: &Value) -> Self {
        let mut secrets = Self {
            policy: graph.secrets(),
            node,
            digests: String::new(),
        };
        if secrets.can_remember() {
            let all = Veiled::all_in(wanted);
            secrets.digests = Digest::write(all.iter().filter_map(|one| secrets.digest(one)));
        }
        secrets
    }

    /// The wanted body with the tag that remembers its secrets, for types that take tags.
    pub(super) fn remembered_in(&self, mut wanted: Value) -> Value {
        if let Value::Object(members) = &mut wanted
            && let Some(Value::Object(tags)) = members.get_mut("tags")
            && !self.digests.is_empty()
        {
            tags.insert(SECRETS_TAG.into(), Value::string(&self.digests));
        }
        wanted
    }

    /// Of the secrets that Azure did not answer, those that are to be sent.
    pub(super) fn changed(&self, withheld: &[Veiled], live: &Json) -> Vec<Change> {
        let known: Vec<Digest> = tag(live, SECRETS_TAG)
            .into_iter()
            .flat_map(Digest::read)
            .collect();
        let is_sent = |secret: &&Veiled| {
            let digest = self.digest(secret);
            self.policy.rewrite || digest.is_some_and(|digest| !known.contains(&digest))
        };
        let change = |secret: &Veiled| Change {
            path: secret.shown.clone(),
            before: (!known.is_empty()).then(|| Json::from(HIDDEN)),
            after: Some(Value::Secret(secret.secret.clone())),
            immutable: false,
        };
        withheld.iter().filter(is_sent).map(change).collect()
    }

    /// Of the secrets that Azure did not answer, those that nobody can compare.
    pub(super) fn not_compared(&self, withheld: Vec<Veiled>) -> Option<UnverifiableSecret> {
        (!self.can_remember() && !withheld.is_empty()).then(|| UnverifiableSecret {
            key: self.node.subject.key.clone(),
            paths: withheld.into_iter().map(|secret| secret.shown).collect(),
        })
    }

    fn can_remember(&self) -> bool {
        self.node.mark == Mark::Tag
    }

    /// What a tag keeps of a secret; nothing of resources that take no tags.
    fn digest(&self, secret: &Veiled) -> Option<Digest> {
        let id = self.node.id().filter(|_| self.can_remember())?;
        let text = secret.secret.expose();
        Some(self.policy.key.digest(id, &secret.place, text))
    }
}
