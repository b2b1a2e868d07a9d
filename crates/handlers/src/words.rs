//! Enumerations of Azure's own words.

/// Declares enums whose variants are Azure's own words; `= "word"` names a word that is spelled differently.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident $(= $word:literal)?),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
        #[allow(missing_docs, reason = "the words are Azure's, and documented where they are used")]
        pub enum $name { $($(#[serde(rename = $word)])? $variant),+ }
    )+};
}
