//! The body of a resource: cheap to clone, and serialized only once.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::secrets;

/// The body that a GET returns. Clones share it until one of them changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(Arc<Content>);

#[derive(Debug, Default)]
struct Content {
    value: Value,
    text: OnceLock<String>,
    has_secrets: OnceLock<bool>,
}

impl Body {
    /// The body as JSON text.
    pub(crate) fn text(&self) -> &str {
        self.0.text.get_or_init(|| self.0.value.to_string())
    }

    /// Whether the body contains secrets.
    pub(crate) fn has_secrets(&self) -> bool {
        *self
            .0
            .has_secrets
            .get_or_init(|| secrets::contains(&self.0.value))
    }
}

/// Clones the value without the cached text: a clone is made only to be changed.
impl Clone for Content {
    fn clone(&self) -> Self {
        Self::from(self.value.clone())
    }
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self(Arc::new(value.into()))
    }
}

impl Deref for Body {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0.value
    }
}

impl DerefMut for Body {
    fn deref_mut(&mut self) -> &mut Value {
        let content = Arc::make_mut(&mut self.0);
        content.text.take();
        content.has_secrets.take();
        &mut content.value
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Body;

    #[test]
    fn changed_clone_has_its_own_text() {
        let first = Body::from(json!({ "a": 1 }));
        assert_eq!(first.text(), r#"{"a":1}"#);
        let mut second = first.clone();
        second["a"] = Value::from(2);
        assert_eq!(second.text(), r#"{"a":2}"#);
        second["adminPassword"] = Value::from("x");
        assert!(second.has_secrets());
        assert_eq!(second.text(), r#"{"a":2,"adminPassword":"x"}"#);
        assert_eq!(first.text(), r#"{"a":1}"#);
    }
}
