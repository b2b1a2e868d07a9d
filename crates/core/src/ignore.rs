//! Properties and tags that are not compared.

use std::fmt;

use wildmatch::WildMatch;

/// A pattern for properties or tags. `*` matches any number of characters.
#[derive(Debug, Clone, PartialEq)]
pub enum IgnorePattern {
    /// A property and everything below it, a pattern per segment: `networkAcls.ipRules`, `tags.hidden-*`, `rules[].name`.
    Property(Vec<WildMatch>),
    /// A tag; its name can contain dots.
    Tag(WildMatch),
}

impl IgnorePattern {
    /// Reads the path of a property in the notation of the spec or of ARM.
    pub fn property(path: &str) -> Self {
        Self::Property(
            path.split('.')
                .map(WildMatch::new_case_insensitive)
                .collect(),
        )
    }

    /// Reads the name of a tag.
    pub fn tag(name: &str) -> Self {
        Self::Tag(WildMatch::new_case_insensitive(name))
    }

    /// Whether it matches a path in ARM's body, a segment per level; an item of a list is `list[]`. The leading
    /// `properties`, which first-class kinds omit, is optional.
    pub fn is(&self, place: &[String]) -> bool {
        match (self, place) {
            (Self::Tag(pattern), [tags, name]) => {
                tags.eq_ignore_ascii_case("tags") && pattern.matches(name)
            }
            (Self::Tag(_), _) => false,
            (Self::Property(pattern), [hidden, inner @ ..]) if hidden == "properties" => {
                matches(pattern, place) || matches(pattern, inner)
            }
            (Self::Property(pattern), _) => matches(pattern, place),
        }
    }
}

impl fmt::Display for IgnorePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(pattern) => write!(f, "tag {pattern}"),
            Self::Property(pattern) => {
                let segments: Vec<String> = pattern.iter().map(ToString::to_string).collect();
                f.write_str(&segments.join("."))
            }
        }
    }
}

fn matches(pattern: &[WildMatch], place: &[String]) -> bool {
    pattern.len() == place.len()
        && pattern
            .iter()
            .zip(place)
            .all(|(pattern, segment)| pattern.matches(segment))
}

#[cfg(test)]
mod tests {
    use super::IgnorePattern;

    fn matches(ignored: &IgnorePattern, place: &[&str]) -> bool {
        ignored.is(&place
            .iter()
            .map(|segment| (*segment).to_owned())
            .collect::<Vec<_>>())
    }

    #[test]
    fn path_matches_in_the_notation_of_the_spec_and_of_arm() {
        for path in [
            "networkAcls.ipRules",
            "properties.networkacls.ipRules",
            "networkAcls.*",
        ] {
            let ignored = IgnorePattern::property(path);
            assert!(
                matches(&ignored, &["properties", "networkAcls", "ipRules"]),
                "{path}"
            );
            assert!(!matches(&ignored, &["properties", "networkAcls"]), "{path}");
            assert!(
                !matches(&ignored, &["properties", "other", "ipRules"]),
                "{path}"
            );
        }
        assert!(matches(
            &IgnorePattern::property("rules[].name"),
            &["properties", "rules[]", "name"]
        ));
        assert!(matches(
            &IgnorePattern::property("*.ipRules"),
            &["properties", "networkAcls", "ipRules"]
        ));
    }

    #[test]
    fn tag_matches_by_name_with_dots_and_slashes() {
        let hidden = IgnorePattern::tag("hidden-*");
        assert!(matches(
            &hidden,
            &["tags", "hidden-link:/subscriptions/a.b/c"]
        ));
        assert!(matches(&hidden, &["tags", "Hidden-title"]));
        assert!(!matches(&hidden, &["tags", "team"]));
        assert!(!matches(&hidden, &["properties", "hidden-x"]));
        assert!(matches(
            &IgnorePattern::property("tags.created*"),
            &["tags", "createdBy"]
        ));
    }
}
