//! Text that is never shown, and what may be known of it without knowing it.

use std::fmt;

use ring::hmac;

use crate::arm::ArmId;

/// How a secret is shown.
pub const HIDDEN: &str = "(secret)";

/// Text that no message, plan or report repeats. Only the body of a request has it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Takes text for a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for a request and for comparisons; never to be shown.
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

/// The key of digests: whatever text the user has chosen, or none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DigestKey(Option<Secret>);

impl DigestKey {
    /// The key that a user has chosen; empty text is none.
    pub fn new(text: Option<String>) -> Self {
        Self(text.filter(|text| !text.is_empty()).map(Secret::new))
    }

    /// The digest of a text at a place of a resource.
    pub fn digest(&self, id: &ArmId, place: &str, text: &str) -> Digest {
        let key = self.0.as_ref().map_or("", Secret::expose);
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        for part in [id.as_str().to_lowercase().as_str(), place, text] {
            // The length keeps the parts apart.
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

/// What a tag keeps of a value: 24 bits of HMAC-SHA-256, as six digits. Enough to notice that the value is another, but
/// for one time in 16 million; and without the key of too little use to find a value that cannot be guessed anyway.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// The digests in a tag, in any order.
    pub fn read(tag: &str) -> impl Iterator<Item = Self> + '_ {
        tag.split_whitespace().map(|word| Self(word.to_owned()))
    }

    /// A tag of digests, each once, in the order of the digits. Of more than a tag has room for, the rest is left out.
    pub fn write(digests: impl IntoIterator<Item = Self>) -> String {
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
    fn a_secret_is_never_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "(secret) (secret)");
        let key = DigestKey::new(Some("hunter2".into()));
        assert_eq!(format!("{key:?}"), "(secret)");
    }

    #[test]
    fn a_digest_tells_resources_places_texts_and_keys_apart_and_nothing_else() {
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
    fn a_tag_of_digests_reads_as_what_was_written() {
        let key = DigestKey::default();
        let all: Vec<Digest> = (0..50)
            .map(|at| key.digest(&id(), &at.to_string(), ""))
            .collect();
        let tag = Digest::write(all.iter().take(5).cloned().chain(all.first().cloned()));
        let mut read: Vec<Digest> = Digest::read(&tag).collect();
        let mut wanted = all[..5].to_vec();
        read.sort();
        wanted.sort();
        assert_eq!(read, wanted);
        assert!(Digest::write(all).len() <= 256);
    }
}
