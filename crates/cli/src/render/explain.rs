//! Explanations of kinds, properties and codes, as text.

use lazuli_arm::KnownCode;
use lazuli_core::{
    diagnostic::{
        Code,
        explanation::{Part, Shows},
    },
    facts::OutputDoc,
    kind::Kind,
};
use lazuli_handlers::{
    REGISTRY,
    properties::{self, Form, PropertyDoc},
    reference::{self, Description},
};

use super::style::{Style, Tint, block, columns};

/// How far lists and examples stand in.
const INDENT: usize = 4;
/// Names are aligned up to this many columns.
const LONGEST_NAME: usize = 32;

/// Every kind with a line on it, and what else can be asked for.
pub(crate) fn kinds(style: &Style) -> String {
    let rows = REGISTRY.kinds.iter().map(|kind| {
        let says = Description::from_kind(*kind).says;
        (
            kind.facts().kind.to_owned(),
            first_sentence(&says).to_owned(),
        )
    });
    let document = (
        "stack".to_owned(),
        "The document around the resources.".to_owned(),
    );
    let mut text = heading("Kinds", style);
    text.push_str(&table(rows.chain([document]), style));
    text.push('\n');
    text.push_str(&heading("More", style));
    let more = [
        (
            "lazuli explain KIND",
            "a kind, its properties and an example",
        ),
        (
            "lazuli explain KIND.PROPERTY",
            "a property, as deep as you like: KIND.A.B",
        ),
        (
            "lazuli explain LZ0012",
            "what the code of an error or a warning means",
        ),
        (
            "lazuli explain ScopeLocked",
            "what to do about a code of Azure",
        ),
    ];
    let more = more.map(|(name, says)| (name.to_owned(), says.to_owned()));
    text + &table(more.into_iter(), style)
}

/// A code: what it means, examples, what to do.
pub(crate) fn code(code: Code, style: &Style) -> String {
    let mut text = style.block(Tint::Strong, 0, &format!("{code}: {}", code.summary()));
    text.push('\n');
    let mut last = None;
    for part in code.explanation().parts {
        match part {
            Part::Words(words) => {
                last = None;
                text.push_str(&block(0, &words, style.width));
            }
            Part::Example(example) => {
                if last.replace(example.shows) != Some(example.shows) {
                    let tint = match example.shows {
                        Shows::Before => Tint::Strong,
                        Shows::Wrong => Tint::Red,
                        Shows::Right => Tint::Green,
                    };
                    let heading = format!("{}:", example.shows.heading());
                    text.push_str(&style.paint(tint, &heading));
                    text.push('\n');
                }
                text.push_str(&code_lines(example.text));
            }
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// A code of Azure: what lazuli does about it, and what is left to do.
pub(crate) fn azure_code(known: &KnownCode, style: &Style) -> String {
    let of = match known.code.starts_with("AADSTS") {
        true => "Microsoft Entra refuses the login",
        false => "Azure refuses a request",
    };
    let mut text = style.block(Tint::Strong, 0, &format!("{}: {of}.", known.code));
    text.push('\n');
    if let Some(remedy) = known.remedy {
        let waits = format!("By itself, lazuli {}.", remedy.says());
        text.push_str(&block(0, &waits, style.width));
        text.push('\n');
    }
    text + &block(0, &format!("{}.", known.advice), style.width)
}

/// A kind: what it is, where it lives, an example, its properties.
pub(crate) fn kind(kind: &dyn Kind, style: &Style) -> String {
    let facts = kind.facts();
    let Description { says, example } = Description::from_kind(kind);
    let mut text = style.paint(Tint::Strong, facts.kind) + "\n\n";
    let mut say = |words: &str| {
        let words = words
            .replace("\n\n", "\u{0}")
            .replace('\n', " ")
            .replace('\u{0}', "\n\n");
        text.push_str(&block(0, &words, style.width));
        text.push('\n');
    };
    say(&says);
    if let Some(retired) = facts.retired {
        say(&format!("{retired}."));
    }
    say(&reference::home(facts));
    if let Some(rule) = &facts.name {
        say(&format!("Names have {}.", rule.description));
    }
    text.push_str(&example_of(&example, style));
    let own = properties::of_kind(kind);
    text.push_str(&heading("Properties", style));
    text.push_str(&directly_within("", &own, style));
    text.push('\n');
    text.push_str(&heading("As with other kinds", style));
    text.push_str(&directly_within("", &properties::shared(facts), style));
    if !facts.outputs.is_empty() {
        text.push('\n');
        text.push_str(&heading(
            "What Azure fills in, and others can refer to",
            style,
        ));
        let outputs = facts.outputs.iter();
        let outputs = outputs.map(|output| (output.name.to_owned(), output.doc.to_owned()));
        text.push_str(&table(outputs, style));
    }
    text
}

/// The keys of a document.
pub(crate) fn document(all: &[PropertyDoc], style: &Style) -> String {
    let mut text = style.paint(Tint::Strong, "stack") + "\n\n";
    text.push_str("A document: Azure resources that shall exist, as one unit.\n\n");
    let example = "apiVersion: lazuli/v1\nstack: cameras\nlocation: westeurope\nresources:\n  group: { kind: resourceGroup, name: rg-cameras }";
    text.push_str(&example_of(example, style));
    text.push_str(&heading("Keys", style));
    text + &directly_within("", all, style)
}

/// What Azure fills in.
pub(crate) fn output(kind: &str, output: &OutputDoc) -> String {
    format!(
        "{kind}.{name}\n\n{}\n\nAzure fills it in. Others refer to it: ${{NAME.{name}}}.\n",
        output.doc,
        name = output.name
    )
}

/// A property among all those that it is of.
pub(crate) fn property(
    of: &str,
    property: &PropertyDoc,
    all: &[PropertyDoc],
    style: &Style,
) -> String {
    let path = property.plain_path();
    let mut text = style.paint(Tint::Strong, &format!("{of}.{path}")) + "\n\n";
    text.push_str(&block(0, &property.meaning(), style.width));
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
        let says = "yes: another value takes --allow-replace (see `lazuli explain LZ0025`)";
        facts.push(("fixed at creation", says.to_owned()));
    }
    if property.secret {
        facts.push(("secret", "yes: shown nowhere".to_owned()));
    }
    let facts = facts
        .into_iter()
        .map(|(name, says)| (format!("{name}:"), says));
    text.push_str(&wrapped_table(facts, 0, style));
    text.push('\n');
    text.push_str(&heading("Written as", style));
    text.push_str(&block(INDENT, &written(of, property), style.width));
    let within = directly_within(&path, all, style);
    if !within.is_empty() {
        text.push('\n');
        text.push_str(&heading(of_what(property, all), style));
        text.push_str(&within);
    }
    text
}

/// Whether what is within a property is within each of its items, or of its keys.
fn of_what(property: &PropertyDoc, all: &[PropertyDoc]) -> &'static str {
    let begins = |end: &str| {
        let start = format!("{}{end}.", property.path);
        all.iter().any(|one| one.path.starts_with(&start))
    };
    match (begins(".NAME"), begins("[]")) {
        (true, true) => "Properties of each item, in a list or by name",
        (true, false) => "Properties of each, by name",
        (false, true) => "Properties of each item",
        (false, false) => "Properties",
    }
}

/// The property where it stands in an entry, as YAML.
fn written(of: &str, property: &PropertyDoc) -> String {
    let mut text = match of {
        "stack" => String::new(),
        kind => format!("kind: {kind}\n"),
    };
    let mut indent = 0;
    let mut lead = "";
    let parts: Vec<&str> = property.path.split('.').collect();
    for (at, part) in parts.iter().enumerate() {
        let name = part.trim_end_matches("[]");
        let value = match at + 1 == parts.len() {
            true => format!(" {}", sample(property)),
            false => String::new(),
        };
        text.push_str(&format!("{:indent$}{lead}{name}:{}\n", "", value));
        indent += 2 + lead.len();
        lead = if part.ends_with("[]") { "- " } else { "" };
    }
    text
}

fn sample(property: &PropertyDoc) -> String {
    let default = property.default().map(|default| default.trim_matches('`'));
    match property.forms.first() {
        Some(Form::Words(words)) => {
            let is_default = |word: &&String| Some(word.as_str()) == default;
            let word = words.iter().find(is_default).or(words.first());
            word.cloned().unwrap_or_default()
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

/// The properties directly within the one at a plain path, a line each.
fn directly_within(path: &str, all: &[PropertyDoc], style: &Style) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    for property in all.iter().filter(|one| one.is_directly_within(path)) {
        let plain = property.plain_path();
        let name = plain.rsplit('.').next().unwrap_or(&plain).to_owned();
        let required = if property.required { "(required) " } else { "" };
        let says = format!("{required}{}", first_sentence(&property.meaning()));
        if rows.iter().all(|(known, _)| *known != name) {
            rows.push((name, says));
        }
    }
    table(rows.into_iter(), style)
}

/// Lines of YAML, moved in and left as they are: broken ones could not be copied.
fn code_lines(code: &str) -> String {
    let lines = code.lines();
    lines
        .map(|line| format!("{:INDENT$}{line}", "").trim_end().to_owned() + "\n")
        .collect()
}

fn example_of(example: &str, style: &Style) -> String {
    match example.is_empty() {
        true => String::new(),
        false => format!("{}{}\n", heading("Example", style), code_lines(example)),
    }
}

fn heading(text: &str, style: &Style) -> String {
    style.paint(Tint::Strong, &format!("{text}:")) + "\n"
}

/// Names and what they are, a line each; what does not fit is cut.
fn table(rows: impl Iterator<Item = (String, String)>, style: &Style) -> String {
    let rows: Vec<(String, String)> = rows.collect();
    let column = column(&rows);
    let room = |name: &str| style.width.saturating_sub(column.max(columns(name)) + 4);
    if room("") < LEAST_ROOM {
        let below = style.width.saturating_sub(6);
        let lines = rows
            .into_iter()
            .map(|(name, says)| format!("  {name}\n      {}\n", style.fit(&says, below)));
        return lines.collect();
    }
    let lines = rows
        .into_iter()
        .map(|(name, says)| format!("  {name:column$}  {}\n", style.fit(&says, room(&name))));
    lines.collect()
}

/// With fewer columns beside a name, what is said of it goes below.
const LEAST_ROOM: usize = 44;

/// Names and what they are, wrapped.
fn wrapped_table(
    rows: impl Iterator<Item = (String, String)>,
    indent: usize,
    style: &Style,
) -> String {
    let rows: Vec<(String, String)> = rows.collect();
    let column = column(&rows) + indent + 2;
    let mut text = String::new();
    for (name, says) in rows {
        let body = block(column, &says, style.width);
        let start = format!("{:indent$}{name}", "");
        text.push_str(&format!(
            "{start:column$}{}",
            body.get(column..).unwrap_or_default()
        ));
    }
    text
}

fn column(rows: &[(String, String)]) -> usize {
    let widths = rows.iter().map(|(name, _)| columns(name));
    widths
        .filter(|width| *width <= LONGEST_NAME)
        .max()
        .unwrap_or(0)
}

/// As much of a text as one line of a list needs.
fn first_sentence(text: &str) -> &str {
    let ends = text.match_indices(". ").map(|(at, _)| at);
    let ends = ends
        .chain(text.find('\n').map(|at| at.saturating_sub(1)))
        .min();
    ends.and_then(|at| text.get(..=at)).unwrap_or(text)
}
