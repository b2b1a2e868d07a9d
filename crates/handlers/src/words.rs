//! Properties that take one of a few words.

/// Declares enums of Azure's own words. A variant that is not spelt like its word says the word.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident $(= $word:literal)?),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
        #[allow(missing_docs, reason = "the words are Azure's, and explained where they are used")]
        pub enum $name { $($(#[serde(rename = $word)])? $variant),+ }
    )+};
}
