//! Properties and tags that are not compared.

use std::fmt;

use wildmatch::WildMatch;

use crate::body_path::{BodyPath, Level};

/// A pattern for properties or tags. `*` matches any number of characters.
#[derive(Debug, Clone, PartialEq)]
pub enum IgnorePattern {
    /// A property and everything below it, a pattern per level: `networkAcls.ipRules`, `tags.hidden-*`, `rules[].name`.
    Property(Vec<LevelPattern>),
    /// A tag; its name can contain dots.
    Tag(WildMatch),
}

/// A pattern for a level of a path.
#[derive(Debug, Clone, PartialEq)]
pub enum LevelPattern {
    /// Members by name.
    Member(WildMatch),
    /// Any item of a list.
    AnyItem,
}

impl IgnorePattern {
    /// Parses the path of a property in the notation of the spec or of ARM.
    pub fn property(path: &str) -> Self {
        let path = BodyPath::parse(path);
        Self::Property(path.levels().iter().map(LevelPattern::new).collect())
    }

    /// Parses the name of a tag.
    pub fn tag(name: &str) -> Self {
        Self::Tag(WildMatch::new_case_insensitive(name))
    }

    /// Whether it matches a path in ARM's body. The leading `properties`, which first-class kinds omit, is optional.
    pub fn matches(&self, path: &BodyPath) -> bool {
        match (self, path.levels()) {
            (Self::Tag(pattern), [Level::Member(tags), Level::Member(name)]) => {
                tags.eq_ignore_ascii_case("tags") && pattern.matches(name)
            }
            (Self::Tag(_), _) => false,
            (Self::Property(pattern), [Level::Member(hidden), inner @ ..])
                if hidden == "properties" =>
            {
                match_levels(pattern, path.levels()) || match_levels(pattern, inner)
            }
            (Self::Property(pattern), levels) => match_levels(pattern, levels),
        }
    }
}

impl LevelPattern {
    fn new(level: &Level<'_>) -> Self {
        match level {
            Level::Member(name) => Self::Member(WildMatch::new_case_insensitive(name)),
            Level::Item(_) => Self::AnyItem,
        }
    }

    fn matches(&self, level: &Level<'_>) -> bool {
        match (self, level) {
            (Self::Member(pattern), Level::Member(name)) => pattern.matches(name),
            (Self::AnyItem, Level::Item(_)) => true,
            _ => false,
        }
    }
}

impl fmt::Display for IgnorePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(pattern) => write!(f, "tag {pattern}"),
            Self::Property(pattern) => {
                let join = |path: BodyPath, level: &LevelPattern| match level {
                    LevelPattern::Member(name) => path.member(&name.to_string()),
                    LevelPattern::AnyItem => path.any_item(),
                };
                write!(f, "{}", pattern.iter().fold(BodyPath::root(), join))
            }
        }
    }
}

fn match_levels(pattern: &[LevelPattern], levels: &[Level<'_>]) -> bool {
    pattern.len() == levels.len()
        && pattern
            .iter()
            .zip(levels)
            .all(|(pattern, level)| pattern.matches(level))
}

#[cfg(test)]
mod tests {
    use super::{BodyPath, IgnorePattern};

    fn is_match(pattern: &IgnorePattern, path: &str) -> bool {
        pattern.matches(&BodyPath::parse(path))
    }

    #[test]
    fn path_matches_in_the_notation_of_the_spec_and_of_arm() {
        for text in [
            "networkAcls.ipRules",
            "properties.networkacls.ipRules",
            "networkAcls.*",
        ] {
            let pattern = IgnorePattern::property(text);
            assert!(
                is_match(&pattern, "properties.networkAcls.ipRules"),
                "{text}"
            );
            assert!(!is_match(&pattern, "properties.networkAcls"), "{text}");
            assert!(!is_match(&pattern, "properties.other.ipRules"), "{text}");
        }
        for (text, path) in [
            ("rules[].name", "properties.rules[].name"),
            ("rules[].name", "properties.rules[main].name"),
            ("*.ipRules", "properties.networkAcls.ipRules"),
        ] {
            assert!(is_match(&IgnorePattern::property(text), path), "{text}");
        }
    }

    #[test]
    fn tag_matches_by_name_with_dots_and_slashes() {
        let hidden = IgnorePattern::tag("hidden-*");
        assert!(is_match(
            &hidden,
            r#"tags["hidden-link:/subscriptions/a.b/c"]"#
        ));
        assert!(is_match(&hidden, "tags.Hidden-title"));
        assert!(!is_match(&hidden, "tags.team"));
        assert!(!is_match(&hidden, "properties.hidden-x"));
        assert!(is_match(
            &IgnorePattern::property("tags.created*"),
            "tags.createdBy"
        ));
    }

    #[test]
    fn pattern_is_printed_as_written() {
        for text in ["networkAcls.*", "rules[].name", r#"tags["a.b"]"#] {
            assert_eq!(IgnorePattern::property(text).to_string(), text);
        }
    }
}
