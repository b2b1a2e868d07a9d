//! What an author does not want compared: properties by their path, tags by their name.

use std::fmt;

use wildmatch::WildMatch;

/// A pattern of what is not compared. In a path as in a tag, `*` stands for any number of characters.
#[derive(Debug, Clone, PartialEq)]
pub enum Ignored {
    /// A property and all below it, a pattern a segment: `networkAcls.ipRules`, `tags.hidden-*`, `rules[].name`.
    Property(Vec<WildMatch>),
    /// A tag, whatever is in its name.
    Tag(WildMatch),
}

impl Ignored {
    /// The properties of a path, as the spec or as ARM writes it.
    pub fn property(path: &str) -> Self {
        Self::Property(
            path.split('.')
                .map(WildMatch::new_case_insensitive)
                .collect(),
        )
    }

    /// The tags of a name.
    pub fn tag(name: &str) -> Self {
        Self::Tag(WildMatch::new_case_insensitive(name))
    }

    /// Whether this is about a place in ARM's body, a segment a level; any item of a list is `list[]`. The
    /// `properties.` that first-class kinds hide may be left out.
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

impl fmt::Display for Ignored {
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
    use super::Ignored;

    fn is(ignored: &Ignored, place: &[&str]) -> bool {
        ignored.is(&place
            .iter()
            .map(|segment| (*segment).to_owned())
            .collect::<Vec<_>>())
    }

    #[test]
    fn a_path_is_that_of_the_spec_or_that_of_arm() {
        for path in [
            "networkAcls.ipRules",
            "properties.networkacls.ipRules",
            "networkAcls.*",
        ] {
            let ignored = Ignored::property(path);
            assert!(
                is(&ignored, &["properties", "networkAcls", "ipRules"]),
                "{path}"
            );
            assert!(!is(&ignored, &["properties", "networkAcls"]), "{path}");
            assert!(!is(&ignored, &["properties", "other", "ipRules"]), "{path}");
        }
        assert!(is(
            &Ignored::property("rules[].name"),
            &["properties", "rules[]", "name"]
        ));
        assert!(is(
            &Ignored::property("*.ipRules"),
            &["properties", "networkAcls", "ipRules"]
        ));
    }

    #[test]
    fn a_tag_is_known_by_its_name_whatever_is_in_it() {
        let hidden = Ignored::tag("hidden-*");
        assert!(is(&hidden, &["tags", "hidden-link:/subscriptions/a.b/c"]));
        assert!(is(&hidden, &["tags", "Hidden-title"]));
        assert!(!is(&hidden, &["tags", "team"]));
        assert!(!is(&hidden, &["properties", "hidden-x"]));
        assert!(is(
            &Ignored::property("tags.created*"),
            &["tags", "createdBy"]
        ));
    }
}
