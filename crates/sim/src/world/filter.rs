//! The `$filter` parameter of lists.

use serde_json::Value;

use super::merge::tag;

/// The OData filter of a request; a request without a filter matches everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a>(Option<&'a str>);

impl<'a> Filter<'a> {
    pub(crate) fn new(text: Option<&'a str>) -> Self {
        Self(text)
    }

    /// The value in `property eq 'value'`.
    pub(crate) fn equals(self, property: &str) -> Option<String> {
        let mut rest = self.0?;
        while let Some((before, after)) = rest.split_once(" eq '") {
            let (value, tail) = quoted(after)?;
            let name = before
                .rsplit_once([' ', '('])
                .map_or(before, |(_, name)| name);
            if name.eq_ignore_ascii_case(property) {
                return Some(value);
            }
            rest = tail;
        }
        None
    }

    /// The part `tagName eq 'name' and tagValue eq 'value'`.
    pub(crate) fn tag(self) -> TagFilter {
        TagFilter {
            name: self.equals("tagName"),
            value: self.equals("tagValue"),
        }
    }

    /// The principal in `assignedTo('principal')`, in lowercase.
    pub(crate) fn assigned_to(self) -> Option<String> {
        let filter = self.0?.to_ascii_lowercase();
        let (_, rest) = filter.split_once("assignedto('")?;
        let (principal, _) = rest.split_once('\'')?;
        Some(principal.to_owned())
    }

    /// Whether the filter contains `atScope()`.
    pub(crate) fn has_at_scope(self) -> bool {
        self.0
            .is_some_and(|filter| filter.to_ascii_lowercase().contains("atscope()"))
    }

    /// Whether the filter is `atScope()` and nothing else.
    pub(crate) fn is_at_scope(self) -> bool {
        self.0
            .is_some_and(|filter| filter.eq_ignore_ascii_case("atScope()"))
    }
}

/// A filter by a tag and its value; an absent part matches everything.
#[derive(Clone, Debug)]
pub(crate) struct TagFilter {
    name: Option<String>,
    value: Option<String>,
}

impl TagFilter {
    pub(crate) fn has_value(&self) -> bool {
        self.value.is_some()
    }

    /// Whether a resource with this body matches: the name without case, the value exactly.
    pub(crate) fn matches(&self, body: &Value) -> bool {
        self.name.as_ref().is_none_or(|name| {
            tag(body, name).is_some_and(|found| {
                self.value
                    .as_ref()
                    .is_none_or(|value| value.as_str() == found)
            })
        })
    }
}

/// The text up to the closing quote, and what follows. A quote in the text is doubled.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, tail) = rest.split_once('\'')?;
        value.push_str(part);
        let Some(more) = tail.strip_prefix('\'') else {
            return Some((value, tail));
        };
        value.push('\'');
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn values_are_found_by_property_and_unquoted() {
        let filter = Filter::new(Some("type eq 'a' and (roleName eq 'Bob''s')"));
        assert_eq!(filter.equals("TYPE").as_deref(), Some("a"));
        assert_eq!(filter.equals("roleName").as_deref(), Some("Bob's"));
        assert_eq!(filter.equals("name"), None);
        assert_eq!(Filter::new(None).equals("type"), None);
        let assigned = Filter::new(Some("atScope() and assignedTo('P')"));
        assert_eq!(assigned.assigned_to().as_deref(), Some("p"));
        assert!(assigned.has_at_scope() && !assigned.is_at_scope());
    }
}
