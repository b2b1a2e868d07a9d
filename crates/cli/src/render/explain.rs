//! Explanations of kinds, properties and codes, as text.

use lazuli_arm::KnownCode;
use lazuli_core::{
    body_path::{BodyPath, Level},
    diagnostic::{
        Code,
        explanation::{ExampleRole, ExplanationBlock},
    },
    facts::OutputDoc,
    kind::Kind,
};
use lazuli_handlers::{
    REGISTRY,
    properties::{self, Form, KEY, PropertyDoc},
    reference::{self, Description},
};

use super::style::{Style, Tint, columns, labeled_block, wrap_block};

/// Indent of examples.
const INDENT: usize = 4;
/// Names are aligned up to this many columns.
const LONGEST_NAME: usize = 32;

/// Lists the kinds and the other topics.
pub(crate) fn kinds(style: &Style) -> String {
    let rows = REGISTRY.kinds.iter().map(|kind| {
        let description = Description::from_kind(*kind).text;
        (
            kind.facts().kind.to_owned(),
            first_sentence(&description).to_owned(),
        )
    });
    let document = (
        "stack".to_owned(),
        "The stack document that contains the resources.".to_owned(),
    );
    let mut text = render_heading("Kinds", style);
    text.push_str(&render_table(rows.chain([document]), style));
    text.push('\n');
    text.push_str(&render_heading("More topics", style));
    let more = [
        (
            "lazuli explain KIND",
            "A kind, its properties and an example.",
        ),
        (
            "lazuli explain KIND.PROPERTY",
            "A property, at any depth: KIND.A.B.",
        ),
        ("lazuli explain LZ0012", "An error or warning code."),
        (
            "lazuli explain ScopeLocked",
            "An Azure error code and what to do about it.",
        ),
    ];
    let more = more.map(|(name, description)| (name.to_owned(), description.to_owned()));
    text + &render_table(more.into_iter(), style)
}

/// A code of lazuli: what it means, examples, what to do.
pub(crate) fn code(code: Code, style: &Style) -> String {
    let mut text = style.paint_block(Tint::Strong, 0, &format!("{code}: {}", code.summary()));
    text.push('\n');
    let mut last = None;
    for part in code.explanation().blocks {
        match part {
            ExplanationBlock::Paragraph(words) => {
                last = None;
                text.push_str(&wrap_block(0, &words, style.width));
            }
            ExplanationBlock::Example(example) => {
                if last.replace(example.role) != Some(example.role) {
                    let tint = match example.role {
                        ExampleRole::Before => Tint::Strong,
                        ExampleRole::Wrong => Tint::Red,
                        ExampleRole::Right => Tint::Green,
                    };
                    let heading = format!("{}:", example.role.heading());
                    text.push_str(&style.paint(tint, &heading));
                    text.push('\n');
                }
                text.push_str(&indent_code(example.text));
            }
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// An Azure error code: what lazuli does about it, and what the user can do.
pub(crate) fn azure_code(known: &KnownCode, style: &Style) -> String {
    let meaning = match known.code.starts_with("AADSTS") {
        true => "Microsoft Entra ID error of a failed login",
        false => "Azure error",
    };
    let title = format!("{}: {meaning}.", known.code);
    let mut text = style.paint_block(Tint::Strong, 0, &title);
    text.push('\n');
    if let Some(remedy) = known.remedy {
        let retry = format!("Automatic handling: lazuli {}.", remedy.describe());
        text.push_str(&wrap_block(0, &retry, style.width));
        text.push('\n');
    }
    text + &wrap_block(0, &format!("{}.", known.advice), style.width)
}

/// A kind: its description, an example, its properties and outputs.
pub(crate) fn kind(kind: &dyn Kind, style: &Style) -> String {
    let facts = kind.facts();
    let Description {
        text: description,
        example,
    } = Description::from_kind(kind);
    let mut text = style.paint(Tint::Strong, facts.kind) + "\n\n";
    let mut add = |paragraphs: &str| {
        let unwrapped: Vec<String> = paragraphs
            .split("\n\n")
            .map(|paragraph| paragraph.replace('\n', " "))
            .collect();
        text.push_str(&wrap_block(0, &unwrapped.join("\n\n"), style.width));
        text.push('\n');
    };
    add(&description);
    if let Some(retired) = facts.retired {
        add(&format!("{retired}."));
    }
    add(&reference::home(facts));
    if let Some(rule) = &facts.name {
        add(&format!("Names have {}.", rule.description));
    }
    text.push_str(&render_example(&example, style));
    let own = properties::of_kind(kind);
    text.push_str(&render_heading("Properties", style));
    text.push_str(&render_children(&BodyPath::root(), &own, style));
    text.push('\n');
    text.push_str(&render_heading("Common properties", style));
    text.push_str(&render_children(
        &BodyPath::root(),
        &properties::shared(facts),
        style,
    ));
    if !facts.outputs.is_empty() {
        text.push('\n');
        text.push_str(&render_heading("Outputs", style));
        let outputs = facts.outputs.iter();
        let outputs = outputs.map(|output| (output.name.to_owned(), output.doc.to_owned()));
        text.push_str(&render_table(outputs, style));
    }
    text
}

/// The keys of a stack document.
pub(crate) fn document(all: &[PropertyDoc], style: &Style) -> String {
    let mut text = style.paint(Tint::Strong, "stack") + "\n\n";
    text.push_str("A stack document: the desired Azure resources of one stack.\n\n");
    let example = "apiVersion: lazuli/v1\nstack: cameras\nlocation: westeurope\nresources:\n  group: { kind: resourceGroup, name: rg-cameras }";
    text.push_str(&render_example(example, style));
    text.push_str(&render_heading("Keys", style));
    text + &render_children(&BodyPath::root(), all, style)
}

/// An output of a kind.
pub(crate) fn output(kind: &str, output: &OutputDoc) -> String {
    format!(
        "{kind}.{name}\n\n{}\n\nAzure sets this output. Refer to it as ${{NAME.{name}}}.\n",
        output.doc,
        name = output.name
    )
}

/// A property of a kind or of the stack document; `all` are its siblings, parents and children.
pub(crate) fn property(
    of: &str,
    property: &PropertyDoc,
    all: &[PropertyDoc],
    style: &Style,
) -> String {
    let path = property.plain_path();
    let mut text = style.paint(Tint::Strong, &format!("{of}.{path}")) + "\n\n";
    text.push_str(&wrap_block(0, &property.meaning(), style.width));
    text.push('\n');
    let mut facts = Vec::new();
    let words = |form: &Form| match form {
        Form::Words(words) => Some(words.join(", ")),
        Form::Any(_) => None,
    };
    let types: Vec<&str> = property
        .forms
        .iter()
        .map(|form| match form {
            Form::Words(_) => "string",
            Form::Any(name) => name.as_str(),
        })
        .collect();
    facts.push(("type", types.join(" or ").replace('`', "")));
    facts.extend(
        property
            .forms
            .iter()
            .filter_map(words)
            .map(|words| ("one of", words)),
    );
    facts.push((
        "required",
        (if property.required { "yes" } else { "no" }).to_owned(),
    ));
    facts.extend(
        property
            .default()
            .map(|default| ("Azure's default", default.replace('`', ""))),
    );
    if property.fixed {
        let note = "yes: a change requires --allow-replace (see `lazuli explain LZ0025`)";
        facts.push(("fixed at creation", note.to_owned()));
    }
    if property.secret {
        facts.push(("secret", "yes: never displayed".to_owned()));
    }
    let facts = facts
        .into_iter()
        .map(|(name, value)| (format!("{name}:"), value));
    text.push_str(&render_facts(facts, style));
    text.push('\n');
    text.push_str(&render_heading("Example", style));
    text.push_str(&wrap_block(
        INDENT,
        &write_sample(of, property),
        style.width,
    ));
    let within = render_children(&path, all, style);
    if !within.is_empty() {
        text.push('\n');
        text.push_str(&render_heading(describe_children(property, all), style));
        text.push_str(&within);
    }
    text
}

/// The heading of the children of a property, which may be those of its items or keys.
fn describe_children(property: &PropertyDoc, all: &[PropertyDoc]) -> &'static str {
    let has_below = |path: BodyPath| {
        let start = path.levels();
        let is_below = |one: &PropertyDoc| {
            let levels = one.path.levels();
            levels.len() > start.len() && levels.starts_with(start)
        };
        all.iter().any(is_below)
    };
    let path = &property.path;
    match (has_below(path.member(KEY)), has_below(path.any_item())) {
        (true, true) => "Properties of each list item or name",
        (true, false) => "Properties of each name",
        (false, true) => "Properties of each item",
        (false, false) => "Properties",
    }
}

/// The property in its place in an entry, as YAML.
fn write_sample(of: &str, property: &PropertyDoc) -> String {
    let mut text = match of {
        "stack" => String::new(),
        kind => format!("kind: {kind}\n"),
    };
    let mut indent = 0;
    let mut lead = "";
    let levels = property.path.levels();
    for (at, level) in levels.iter().enumerate() {
        let Level::Member(name) = level else {
            lead = "- ";
            continue;
        };
        let value = match at + 1 == levels.len() {
            true => format!(" {}", sample_value(property)),
            false => String::new(),
        };
        text.push_str(&format!("{:indent$}{lead}{name}:{value}\n", ""));
        indent += 2 + lead.len();
        lead = "";
    }
    text
}

fn sample_value(property: &PropertyDoc) -> String {
    let default = property.default().map(|default| default.trim_matches('`'));
    match property.forms.first() {
        Some(Form::Words(words)) => {
            let is_default = |word: &&String| Some(word.as_str()) == default;
            let word = words.iter().find(is_default).or(words.first());
            word.map_or_else(|| "...".to_owned(), String::clone)
        }
        Some(Form::Any(name)) if name == "true or false" => (if default == Some("true") {
            "false"
        } else {
            "true"
        })
        .to_owned(),
        Some(Form::Any(name)) if name == "mapping" => "{ ... }".to_owned(),
        Some(Form::Any(name)) if name.starts_with("list") => "[...]".to_owned(),
        _ => "...".to_owned(),
    }
}

/// The properties directly below a plain path.
fn render_children(path: &BodyPath, all: &[PropertyDoc], style: &Style) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    for property in all.iter().filter(|one| one.is_directly_within(path)) {
        let name = property.plain_path().name().to_owned();
        let required = if property.required { "(required) " } else { "" };
        let description = format!("{required}{}", first_sentence(&property.meaning()));
        if rows.iter().all(|(known, _)| *known != name) {
            rows.push((name, description));
        }
    }
    render_table(rows.into_iter(), style)
}

/// Indents YAML without wrapping it, so that it can be copied.
fn indent_code(code: &str) -> String {
    let lines = code.lines();
    lines
        .map(|line| format!("{:INDENT$}{line}", "").trim_end().to_owned() + "\n")
        .collect()
}

fn render_example(example: &str, style: &Style) -> String {
    match example.is_empty() {
        true => String::new(),
        false => format!(
            "{}{}\n",
            render_heading("Example", style),
            indent_code(example)
        ),
    }
}

fn render_heading(text: &str, style: &Style) -> String {
    style.paint(Tint::Strong, &format!("{text}:")) + "\n"
}

/// Names and descriptions, aligned and wrapped. Descriptions go below the names if there is little room next to them.
fn render_table(rows: impl Iterator<Item = (String, String)>, style: &Style) -> String {
    const MARGIN: usize = 2;
    const LEAST_ROOM: usize = 44;
    let rows: Vec<(String, String)> = rows.collect();
    let column = MARGIN + measure_names(&rows) + 2;
    let has_room = style.width.saturating_sub(column) >= LEAST_ROOM;
    let lines = rows.into_iter().map(|(name, description)| {
        let label = format!("{:MARGIN$}{name}", "");
        match has_room && columns(&label) + 2 <= column {
            true => {
                let label = format!("{label:column$}");
                labeled_block(&label, column, &description, style.width)
            }
            false => {
                let indent = if has_room { column } else { 3 * MARGIN };
                format!("{label}\n{}", wrap_block(indent, &description, style.width))
            }
        }
    });
    lines.collect()
}

/// Names and values, aligned and wrapped.
fn render_facts(rows: impl Iterator<Item = (String, String)>, style: &Style) -> String {
    let rows: Vec<(String, String)> = rows.collect();
    let column = measure_names(&rows) + 2;
    let lines = rows.into_iter().map(|(name, value)| {
        let label = format!("{name:column$}");
        labeled_block(&label, column, &value, style.width)
    });
    lines.collect()
}

/// The width of the widest name that is not too long to be aligned.
fn measure_names(rows: &[(String, String)]) -> usize {
    let widths = rows.iter().map(|(name, _)| columns(name));
    widths
        .filter(|width| *width <= LONGEST_NAME)
        .max()
        .unwrap_or(0)
}

/// The first sentence, for a list.
fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| at);
    let ends = ends
        .chain(text.find('\n').map(|at| at.saturating_sub(1)))
        .min();
    ends.and_then(|at| text.get(..=at)).unwrap_or(text)
}
