//! `${...}` in text: parsing, and what an expression can name.

use std::fmt;

/// Text with expressions in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template(pub Vec<Segment>);

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Literal text.
    Text(String),
    /// An expression.
    Expr(Expr),
}

/// What stands between `${` and `}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// `params.NAME`
    Param(String),
    /// `env.NAME`
    Env(String),
    /// `each.key`
    EachKey,
    /// `each.value` and, for a mapping, `each.value.PATH`
    EachValue(Vec<String>),
    /// `NAME`, `NAME[KEY]`, either with a `.property.path`
    Resource(Reference),
}

/// A reference to a resource of the same stack, or to a property of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The name under `resources`.
    pub resource: String,
    /// Which instance of a resource that has a forEach.
    pub instance: Option<Instance>,
    /// The property's path; empty for the resource itself.
    pub path: Vec<String>,
}

/// What stands in the brackets of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Instance {
    /// A key.
    Key(String),
    /// `each.key` of the resource that refers.
    EachKey,
}

/// Literal text written so that it is not taken for an expression: `${` becomes `$${`.
pub fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| match segment {
            Segment::Text(text) => f.write_str(&escape(text)),
            Segment::Expr(expr) => write!(f, "${{{expr}}}"),
        })
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Param(name) => write!(f, "params.{name}"),
            Self::Env(name) => write!(f, "env.{name}"),
            Self::EachKey => f.write_str("each.key"),
            Self::EachValue(path) if path.is_empty() => f.write_str("each.value"),
            Self::EachValue(path) => write!(f, "each.value.{}", path.join(".")),
            Self::Resource(reference) => reference.fmt(f),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource)?;
        match &self.instance {
            Some(Instance::Key(key)) => write!(f, "[{key}]")?,
            Some(Instance::EachKey) => f.write_str("[each.key]")?,
            None => {}
        }
        self.path.iter().try_for_each(|part| write!(f, ".{part}"))
    }
}
