//! Diagnostics with excerpts of the source, in the style of rustc.

use std::{collections::HashMap, ops::Range};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use lazuli_core::{
    diagnostic::{Diagnostic, Severity},
    source::{Source, SourceId, Sources, Span},
};

use super::{
    pluralize, source_name,
    style::{Style, Tint, columns, escape_control, is_shown, wrap, wrap_block},
};

/// Labels at most this many lines apart are shown in one excerpt.
const MAX_LINE_GAP: usize = 20;
/// Lines with more bytes are not shown, only the position in them.
const LONGEST_LINE: usize = 16 * 1024;

/// Renders diagnostics, their number, and the command that explains the first error; empty if there are none.
pub(crate) fn diagnostics(sources: &Sources, found: &[Diagnostic], style: &Style) -> String {
    let mut index = LineIndex::new(sources);
    let mut text = String::new();
    for diagnostic in found {
        text.push_str(render_one(&mut index, diagnostic, style).trim_end());
        text.push_str("\n\n");
    }
    if !found.is_empty() {
        text.push_str(&style.paint(Tint::Strong, &summarize(found)));
        text.push('\n');
    }
    let is_error = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Error;
    if let Some(error) = found.iter().find(is_error) {
        text.push_str(&format!(
            "For details, run `lazuli explain {}`.\n",
            error.code
        ));
    }
    text
}

/// `3 errors, 1 warning`.
fn summarize(found: &[Diagnostic]) -> String {
    let count_of = |severity| {
        found
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    let parts = [
        (count_of(Severity::Error), "error"),
        (count_of(Severity::Warning), "warning"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| pluralize(*number, what))
        .collect();
    parts.join(", ")
}

/// The line of a span with a caret; empty if the source is unknown.
pub(super) fn render_excerpt(sources: &Sources, span: Span, label: &str, style: &Style) -> String {
    let mut index = LineIndex::new(sources);
    let Some(position) = index.locate(span) else {
        return String::new();
    };
    if style.plain {
        return render_plain_span(sources, span, Some(label), style);
    }
    let has_room = 8 + position.column + columns(label) <= style.width;
    let label = has_room.then(|| label.to_owned());
    let excerpt = Excerpt::new(position, AnnotationKind::Primary, label);
    let group = excerpt.add_to(&mut index, Group::with_level(Level::ERROR));
    create_renderer(style).render(&[group]) + "\n"
}

fn create_renderer(style: &Style) -> Renderer {
    let renderer = match style.color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    renderer.term_width(style.width)
}

/// A diagnostic without drawings, for screen readers.
fn render_plain(sources: &Sources, diagnostic: &Diagnostic, style: &Style) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let line = |text: String| wrap_block(0, &style.signs(&text), style.width);
    let mut text = line(format!(
        "{severity} {}: {}",
        diagnostic.code, diagnostic.message
    ));
    if let Some(span) = diagnostic.span {
        text += &render_plain_span(sources, span, diagnostic.note.as_deref(), style);
    } else if let Some(note) = &diagnostic.note {
        text += &line(format!("note: {note}"));
    }
    for label in &diagnostic.related {
        text += &render_plain_span(sources, label.span, Some(&label.text), style);
    }
    if let Some(help) = &diagnostic.help {
        text += &line(format!("help: {help}"));
    }
    text
}

/// `at stack.yaml, line 5, column 23, storageAcount: unknown`
fn render_plain_span(sources: &Sources, span: Span, label: Option<&str>, style: &Style) -> String {
    let at = sources.position(span);
    let name = source_name(span, sources);
    let mut text = format!("at {name}, line {}, column {}", at.line, at.column);
    if let Some(source_text) = sources.slice(span).lines().next()
        && !source_text.is_empty()
    {
        text += &format!(", {source_text}");
    }
    if let Some(label) = label.filter(|label| !label.is_empty()) {
        text += &format!(": {label}");
    }
    wrap_block(0, &text, style.width)
}

fn render_one(index: &mut LineIndex<'_>, diagnostic: &Diagnostic, style: &Style) -> String {
    if style.plain {
        return render_plain(index.sources, diagnostic, style);
    }
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(wrap_title(diagnostic, style))
        .id(diagnostic.code.to_string());
    let mut group = Group::with_title(title);
    let mut footer = Vec::new();
    let mut excerpts: Vec<Excerpt> = Vec::new();
    if let Some(position) = diagnostic.span.and_then(|span| index.locate(span)) {
        let note = diagnostic
            .note
            .as_deref()
            .map(|note| style.signs(&escape_control(note)));
        let room = style
            .width
            .saturating_sub(8 + position.column.min(style.width / 2));
        let (label, below) = match note {
            Some(note) if columns(&note) > room => (None, Some(note)),
            note => (note, None),
        };
        footer.extend(below.map(|note| Level::NOTE.message(wrap_footer(&note, style))));
        excerpts.push(Excerpt::new(position, AnnotationKind::Primary, label));
    } else if let Some(note) = &diagnostic.note {
        footer.push(Level::NOTE.message(wrap_footer(note, style)));
    }
    for label in &diagnostic.related {
        let Some(position) = index.locate(label.span) else {
            continue;
        };
        let text = Some(style.signs(&escape_control(&label.text)));
        match excerpts
            .iter_mut()
            .find(|excerpt| excerpt.is_near(&position))
        {
            Some(excerpt) => excerpt.add(position, AnnotationKind::Context, text),
            None => excerpts.push(Excerpt::new(position, AnnotationKind::Context, text)),
        }
    }
    for excerpt in excerpts {
        group = excerpt.add_to(index, group);
    }
    if let Some(help) = &diagnostic.help {
        footer.push(Level::HELP.message(wrap_footer(help, style)));
    }
    create_renderer(style).render(&[group.elements(footer)])
}

/// Wraps the message with room for `warning[LZ0022]: ` before each line.
fn wrap_title(diagnostic: &Diagnostic, style: &Style) -> String {
    let before = match diagnostic.severity {
        Severity::Error => "error[LZ0000]: ",
        Severity::Warning => "warning[LZ0000]: ",
    };
    let room = style.width.saturating_sub(before.len());
    wrap(&style.signs(&escape_control(&diagnostic.message)), room).join("\n")
}

/// Wraps one line; several lines are a snippet, which is not wrapped.
fn wrap_footer(text: &str, style: &Style) -> String {
    let lines: Vec<String> = match text.trim_end().lines().collect::<Vec<_>>().as_slice() {
        [line] => wrap(
            &style.signs(&escape_control(line)),
            style.width.saturating_sub(16),
        ),
        lines => lines
            .iter()
            .map(|line| style.signs(&escape_control(line)))
            .collect(),
    };
    lines.join("\n")
}

/// The line starts of sources, computed on first use.
struct LineIndex<'a> {
    sources: &'a Sources,
    indexed: HashMap<SourceId, IndexedSource<'a>>,
}

struct IndexedSource<'a> {
    source: &'a Source,
    /// First byte of each line.
    starts: Vec<usize>,
}

/// A span, limited to its first line.
struct LineSpan {
    source: SourceId,
    /// The line, from 0.
    line: usize,
    /// In bytes.
    range: Range<usize>,
    /// The column of the end, from 0.
    column: usize,
    /// Whether the line is longer than [`LONGEST_LINE`].
    is_too_long: bool,
}

impl<'a> LineIndex<'a> {
    fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            indexed: HashMap::new(),
        }
    }

    fn source(&mut self, id: SourceId) -> Option<&IndexedSource<'a>> {
        let source = self.sources.get(id)?;
        Some(self.indexed.entry(id).or_insert_with(|| {
            IndexedSource {
                source,
                starts: std::iter::once(0)
                    .chain(
                        source
                            .text
                            .match_indices('\n')
                            .map(|(newline, _)| newline + 1),
                    )
                    .collect(),
            }
        }))
    }

    fn locate(&mut self, span: Span) -> Option<LineSpan> {
        let indexed = self.source(span.source)?;
        let text = &indexed.source.text;
        let start = text.floor_char_boundary(span.start as usize);
        let line = indexed
            .starts
            .partition_point(|line| *line <= start)
            .saturating_sub(1);
        let whole = indexed.line_range(line);
        let start = start.min(whole.end);
        let end = text
            .floor_char_boundary(span.end as usize)
            .clamp(start, whole.end);
        Some(LineSpan {
            source: span.source,
            line,
            is_too_long: whole.len() > LONGEST_LINE,
            column: text
                .get(whole.start..end)
                .map_or(0, |before| before.chars().count()),
            range: start..end,
        })
    }
}

impl IndexedSource<'_> {
    /// The bytes of a line without its line end.
    fn line_range(&self, line: usize) -> Range<usize> {
        let text = &self.source.text;
        let start = self.starts.get(line).copied().unwrap_or(text.len());
        let end = self
            .starts
            .get(line + 1)
            .map_or(text.len(), |next| next - 1);
        let ends_in_return = text
            .get(start..end)
            .is_some_and(|line| line.ends_with('\r'));
        start..end - usize::from(ends_in_return)
    }
}

/// Consecutive lines of a source with labels.
struct Excerpt {
    first: usize,
    last: usize,
    labels: Vec<(LineSpan, AnnotationKind, Option<String>)>,
}

impl Excerpt {
    fn new(position: LineSpan, kind: AnnotationKind, label: Option<String>) -> Self {
        Self {
            first: position.line,
            last: position.line,
            labels: vec![(position, kind, label)],
        }
    }

    fn is_near(&self, position: &LineSpan) -> bool {
        let is_in_same_source = |(label, _, _): &(LineSpan, _, _)| {
            label.source == position.source && !label.is_too_long
        };
        self.labels.iter().all(is_in_same_source)
            && !position.is_too_long
            && position.line + MAX_LINE_GAP >= self.first
            && position.line <= self.last + MAX_LINE_GAP
    }

    fn add(&mut self, position: LineSpan, kind: AnnotationKind, label: Option<String>) {
        self.first = self.first.min(position.line);
        self.last = self.last.max(position.line);
        self.labels.push((position, kind, label));
    }

    fn add_to<'g>(self, index: &mut LineIndex<'_>, group: Group<'g>) -> Group<'g> {
        let Some(indexed) = self
            .labels
            .first()
            .and_then(|(position, _, _)| index.source(position.source))
        else {
            return group;
        };
        let name = escape_control(&indexed.source.name);
        let too_long = self.labels.iter().find(|(label, _, _)| label.is_too_long);
        if let Some((position, _, label)) = too_long {
            let line = indexed.line_range(position.line);
            let before = indexed.source.text.get(line.start..position.range.start);
            let column = before.map_or(1, |before| before.chars().count() + 1);
            let group = group.element(
                Origin::path(name)
                    .line(position.line + 1)
                    .char_column(column),
            );
            return match label {
                Some(label) => group.element(Level::NOTE.message(label.clone())),
                None => group,
            };
        }
        let mut text = String::new();
        let mut annotations: Vec<Annotation<'g>> = Vec::new();
        for line in self.first..=self.last {
            let range = indexed.line_range(line);
            let on_line = |(label, _, _): &&(LineSpan, _, _)| label.line == line;
            for (position, kind, label) in self.labels.iter().filter(on_line) {
                let offset = |at: usize| text.len() + at - range.start;
                let span = offset(position.range.start)..offset(position.range.end);
                annotations.push(
                    kind.span(span)
                        .label(label.clone().filter(|label| !label.is_empty())),
                );
            }
            if range.len() <= LONGEST_LINE
                && let Some(source_line) = indexed.source.text.get(range)
            {
                text.extend(source_line.chars().flat_map(blank_if_hidden));
            }
            text.push('\n');
        }
        group.element(
            Snippet::source(text)
                .path(name)
                .line_start(self.first + 1)
                .annotations(annotations),
        )
    }
}

/// Replaces a character that is unsafe for a terminal with spaces of the same length in bytes.
fn blank_if_hidden(character: char) -> impl Iterator<Item = char> {
    let (shown, times) = match character {
        '\t' => ('\t', 1),
        hidden if !is_shown(hidden) => (' ', hidden.len_utf8()),
        visible => (visible, 1),
    };
    std::iter::repeat_n(shown, times)
}

#[cfg(test)]
mod tests;
