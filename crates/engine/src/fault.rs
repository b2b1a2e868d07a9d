//! Locates the failure of a step in the spec: the property that Azure's error refers to, or the entry.

use lazuli_arm::{ArmError, ErrorKind};
use lazuli_core::{
    body_path::BodyPath,
    plan::{Step, UpdateConflict},
    source::{Sources, Span},
};

use crate::report::Failure;

/// The location of a failure in the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The property's value, or the entry if the property is unknown.
    pub span: Span,
    /// The path of the property in the spec: `networkAcls.defaultAction`.
    pub property: Option<BodyPath>,
}

impl Fault {
    /// Locates a failure. A property is named only if Azure's error code, target or message identifies it.
    pub fn from_failure(failure: &Failure, step: &Step, sources: &Sources) -> Self {
        let entry = FailedEntry { step, sources };
        let property = match failure {
            Failure::Arm(error) => entry
                .by_code(error)
                .or_else(|| entry.by_list(error))
                .or_else(|| entry.by_target(error.target.as_deref()?))
                .or_else(|| entry.by_words(&error.message)),
            Failure::MissingOutput(output) => entry.that_refers_to(&output.written),
            Failure::Conflict(conflict) => entry.that_moved(conflict),
            Failure::NotOwned(_) | Failure::NotEmpty { .. } | Failure::Appeared(_) => None,
        };
        match property {
            Some((path, span)) => Self {
                span,
                property: Some(path.clone()),
            },
            None => Self {
                span: step.subject.span,
                property: None,
            },
        }
    }
}

/// Property names that have other meanings in Azure's messages.
const TOO_COMMON: &[&str] = &["id", "kind", "name", "properties", "type", "value"];

type Property<'a> = (&'a BodyPath, Span);

/// The entry of a step, with its properties.
struct FailedEntry<'a> {
    step: &'a Step,
    sources: &'a Sources,
}

impl<'a> FailedEntry<'a> {
    /// The property that an error code always refers to.
    fn by_code(&self, error: &ArmError) -> Option<Property<'a>> {
        let names: &[&str] = match &error.kind {
            ErrorKind::NameTaken => &["name"],
            _ if error.has_code("PrincipalNotFound") || error.has_code("InvalidPrincipalId") => {
                &["principal"]
            }
            _ if error.has_code("RoleDefinitionDoesNotExist") => &["role", "roles"],
            _ if error.has_code("LocationNotAvailableForResourceGroup")
                || error.has_code("LocationNotAvailableForResourceType") =>
            {
                &["location"]
            }
            _ if error.has_code("AccountNameInvalid") => &["name"],
            _ => &[],
        };
        names.iter().find_map(|name| self.find(&[name]))
    }

    /// `Values for request parameters are invalid: sku, keyPolicy.keyExpirationPeriodInDays.`: the first that is
    /// in the entry (ARM facts 4.3).
    fn by_list(&self, error: &ArmError) -> Option<Property<'a>> {
        let list = error
            .has_code("InvalidValuesForRequestParameters")
            .then(|| error.message.rsplit_once(": "))??;
        let mut names = list.1.trim_end_matches('.').split(',');
        names.find_map(|name| {
            let path = BodyPath::parse(name.trim());
            self.find(&path.names().collect::<Vec<_>>())
        })
    }

    /// `properties.networkAcls.ipRules[0].value`, `/properties/minimumTlsVersion`, `$.sku.name`: the last segment that is
    /// a property of the entry.
    fn by_target(&self, target: &str) -> Option<Property<'a>> {
        let segments: Vec<&str> = target
            .split(['.', '/', '[', ']'])
            .filter(|segment| !segment.is_empty() && *segment != "$")
            .filter(|segment| !segment.chars().all(|c| c.is_ascii_digit()))
            .collect();
        if let [only] = segments.as_slice() {
            return self.find(&[only]);
        }
        let deepest = self.deepest();
        (1..=segments.len())
            .rev()
            .flat_map(|end| (end.saturating_sub(deepest)..end).map(move |start| (start, end)))
            .filter_map(|(start, end)| segments.get(start..end))
            .filter(|part| part.len() > 1 || !part.iter().all(|word| is_common(word)))
            .find_map(|part| self.find(part))
    }

    /// The first word of a message that is a property, or the first quoted text that is a value.
    fn by_words(&self, message: &str) -> Option<Property<'a>> {
        let words = message.split(|c: char| !(c.is_ascii_alphanumeric() || ".[]_'\"`".contains(c)));
        let named = words.filter_map(|word| {
            let is_quoted = word.starts_with(['\'', '"', '`']);
            let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            if bare.contains('.') {
                return self.by_path(bare);
            }
            let is_camel = bare.starts_with(|c: char| c.is_ascii_lowercase())
                && bare.contains(|c: char| c.is_ascii_uppercase());
            (is_camel || is_quoted && !is_common(bare)).then(|| self.find(&[bare]))?
        });
        named
            .into_iter()
            .next()
            .or_else(|| quoted(message).find_map(|text| self.with_value(text)))
    }

    /// A path in a message counts only if all of it leads to a property.
    fn by_path(&self, path: &str) -> Option<Property<'a>> {
        let segments: Vec<&str> = path
            .split(['.', '[', ']'])
            .filter(|it| !it.is_empty())
            .collect();
        (segments.len().saturating_sub(self.deepest())..segments.len())
            .filter_map(|start| segments.get(start..))
            .filter(|tail| tail.len() > 1 || !tail.iter().all(|word| is_common(word)))
            .find_map(|tail| self.find(tail))
    }

    /// The number of segments in the longest path. Azure's messages may have any number.
    fn deepest(&self) -> usize {
        let depths = self
            .step
            .subject
            .places
            .keys()
            .map(|path| path.names().count());
        depths.max().unwrap_or(0)
    }

    /// The property whose path has these names, or the only one whose path ends with them.
    fn find(&self, names: &[&str]) -> Option<Property<'a>> {
        let mut ending = None;
        for (path, span) in self.step.subject.places.iter() {
            let mut known = path.names().rev();
            let mut wanted = names.iter().rev();
            let is_end = wanted.all(|name| {
                known
                    .next()
                    .is_some_and(|known| known.eq_ignore_ascii_case(name))
            });
            if is_end && known.next().is_none() {
                return Some((path, *span));
            }
            if is_end && ending.replace((path, *span)).is_some() {
                return None;
            }
        }
        ending
    }

    /// The only property with this value. The resource's name is skipped because most messages mention it.
    fn with_value(&self, text: &str) -> Option<Property<'a>> {
        let mut found = None;
        let name = BodyPath::from_names(["name"]);
        for (path, span) in self
            .step
            .subject
            .places
            .iter()
            .filter(|(path, _)| **path != name)
        {
            let value = self.sources.slice(*span).trim_matches(['\'', '"']);
            if value == text && found.replace((path, *span)).is_some() {
                return None;
            }
        }
        found
    }

    /// The first property that contains an expression.
    /// The first property that was changed by others and is written in the entry.
    fn that_moved(&self, conflict: &UpdateConflict) -> Option<Property<'a>> {
        let UpdateConflict::Moved(paths) = conflict else {
            return None;
        };
        let mut places = paths.iter().filter_map(|path| {
            let (path, span) = self.step.subject.places.get_key_value(path)?;
            Some((path, *span))
        });
        places.next()
    }

    fn that_refers_to(&self, expression: &str) -> Option<Property<'a>> {
        let has_it = |span: Span| {
            self.sources
                .slice(span)
                .contains(&format!("{{{expression}}}"))
        };
        let places = self
            .step
            .subject
            .places
            .iter()
            .filter(|(_, span)| has_it(**span));
        places
            .map(|(path, span)| (path, *span))
            .min_by_key(|(path, span)| (span.start, std::cmp::Reverse(path.levels().len())))
    }
}

fn is_common(word: &str) -> bool {
    TOO_COMMON
        .iter()
        .any(|common| common.eq_ignore_ascii_case(word))
}

/// The texts of at least three characters between equal quotes.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    ['\'', '"', '`'].into_iter().flat_map(move |quote| {
        let inside = message.split(quote).skip(1).step_by(2);
        inside.filter(|text| text.len() >= 3)
    })
}

#[cfg(test)]
mod tests;
