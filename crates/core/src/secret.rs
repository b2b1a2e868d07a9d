//! Secrets, which are never printed, and keyed digests that show whether a secret changed.

use std::fmt;

use ring::hmac;

use crate::arm::ArmId;

/// The text that is printed instead of a secret.
pub const HIDDEN: &str = "(secret)";

/// A value that never appears in messages, plans or reports; only request bodies contain it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// A secret with this value.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value, for requests and comparisons. Never print it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// The key of digests: a text that the user chooses, or none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DigestKey(Option<Secret>);

impl DigestKey {
    /// The key from a text that the user chose; empty text means no key.
    pub fn new(text: Option<String>) -> Self {
        Self(text.filter(|text| !text.is_empty()).map(Secret::new))
    }

    /// The digest of the value at a path of a resource's body.
    pub fn digest(&self, id: &ArmId, path: &str, value: &str) -> Digest {
        let key = self.0.as_ref().map_or("", Secret::expose);
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        for part in [id.as_str().to_lowercase().as_str(), path, value] {
            // The length prefix makes the concatenation unambiguous.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let signed = context.sign();
        let digits = signed.as_ref().iter().take(DIGEST_BYTES);
        Digest(digits.map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// The digest of a secret that a tag stores: 24 bits of HMAC-SHA-256 as six hexadecimal digits. A changed value goes
/// unnoticed once in 16 million times. Without the key, the digest does not help to find a value that cannot be guessed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// Parses the value of a tag.
    pub fn parse_tag(tag: &str) -> impl Iterator<Item = Self> + '_ {
        tag.split_whitespace().map(|word| Self(word.to_owned()))
    }

    /// Writes the value of a tag: each digest once, in ascending order. Digests that do not fit into a tag are dropped.
    pub fn format_tag(digests: impl IntoIterator<Item = Self>) -> String {
        let digests: std::collections::BTreeSet<Self> = digests.into_iter().collect();
        let words: Vec<String> = digests.into_iter().map(|digest| digest.0).collect();
        words.get(..MAX_IN_TAG).unwrap_or(&words).join(" ")
    }
}

const DIGEST_BYTES: usize = 3;

/// The value of a tag has at most 256 characters (Azure documentation, "Use tags to organize your Azure resources").
const MAX_IN_TAG: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> ArmId {
        ArmId::subscription("s").provider_child("A.B/c", "d")
    }

    #[test]
    fn secrets_print_as_a_placeholder() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "(secret) (secret)");
        let key = DigestKey::new(Some("hunter2".into()));
        assert_eq!(format!("{key:?}"), "(secret)");
    }

    #[test]
    fn digests_differ_by_resource_path_value_and_key_only() {
        let key = DigestKey::default();
        let digest = key.digest(&id(), "properties.password", "a");
        let upper = ArmId::parse(&id().as_str().to_uppercase()).unwrap();
        assert_eq!(digest, key.digest(&upper, "properties.password", "a"));
        let other = ArmId::subscription("t").provider_child("A.B/c", "d");
        let keyed = DigestKey::new(Some("k".into()));
        for another in [
            key.digest(&other, "properties.password", "a"),
            key.digest(&id(), "properties.passwor", "da"),
            key.digest(&id(), "properties.password", "b"),
            keyed.digest(&id(), "properties.password", "a"),
        ] {
            assert_ne!(digest, another);
        }
    }

    #[test]
    fn digests_round_trip_through_a_tag() {
        let key = DigestKey::default();
        let all: Vec<Digest> = (0..50)
            .map(|at| key.digest(&id(), &at.to_string(), ""))
            .collect();
        let tag = Digest::format_tag(all.iter().take(5).cloned().chain(all.first().cloned()));
        let mut read: Vec<Digest> = Digest::parse_tag(&tag).collect();
        let mut wanted = all[..5].to_vec();
        read.sort();
        wanted.sort();
        assert_eq!(read, wanted);
        assert!(Digest::format_tag(all).len() <= 256);
    }
}
