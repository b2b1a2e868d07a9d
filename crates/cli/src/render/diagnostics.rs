//! Mistakes of an author with their lines of source, in the manner of rustc.

use std::{collections::HashMap, ops::Range};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use lazuli_core::{
    diagnostic::{Diagnostic, Severity},
    source::{Source, SourceId, Sources, Span},
};

use super::{
    count,
    style::{Style, Tint, block, clean, columns, is_shown, wrap},
};

/// Places of a diagnostic that are at most so many lines apart are shown in one excerpt.
const NEAR: usize = 20;
/// Of a line longer than this many bytes only the position is shown.
const LONGEST_LINE: usize = 16 * 1024;

/// All diagnostics and closing lines that count them and say where to read on; nothing where there are none.
pub(crate) fn diagnostics(sources: &Sources, found: &[Diagnostic], style: &Style) -> String {
    let mut pages = Pages {
        sources,
        pages: HashMap::new(),
    };
    let mut text = String::new();
    for diagnostic in found {
        text.push_str(one(&mut pages, diagnostic, style).trim_end());
        text.push_str("\n\n");
    }
    if !found.is_empty() {
        text.push_str(&style.paint(Tint::Strong, &closing(found)));
        text.push('\n');
    }
    let error = found.iter().find(|said| said.severity == Severity::Error);
    if let Some(error) = error {
        text.push_str(&format!("`lazuli explain {}` says more\n", error.code));
    }
    text
}

/// `3 errors, 1 warning`.
fn closing(found: &[Diagnostic]) -> String {
    let of = |severity| {
        found
            .iter()
            .filter(|diagnostic| diagnostic.severity == severity)
            .count()
    };
    let parts = [
        (of(Severity::Error), "error"),
        (of(Severity::Warning), "warning"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| count(*number, what))
        .collect();
    parts.join(", ")
}

/// The line of a place with a caret, for what is told elsewhere; nothing where the place is in no text.
pub(super) fn excerpt(sources: &Sources, span: Span, label: &str, style: &Style) -> String {
    let mut pages = Pages {
        sources,
        pages: HashMap::new(),
    };
    let Some(place) = pages.place(span) else {
        return String::new();
    };
    if style.plain {
        return plain_place(sources, span, Some(label), style);
    }
    let has_room = 8 + place.column + columns(label) <= style.width;
    let label = has_room.then(|| label.to_owned());
    let excerpt = Excerpt::new(place, AnnotationKind::Primary, label);
    let group = excerpt.show(&mut pages, Group::with_level(Level::ERROR));
    renderer(style).render(&[group]) + "\n"
}

fn renderer(style: &Style) -> Renderer {
    let renderer = match style.colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    renderer.term_width(style.width)
}

/// A diagnostic in sentences, to be read aloud: nothing is drawn.
fn plain(sources: &Sources, diagnostic: &Diagnostic, style: &Style) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let line = |text: String| block(0, &style.signs(&text), style.width);
    let mut text = line(format!(
        "{severity} {}: {}",
        diagnostic.code, diagnostic.message
    ));
    if let Some(span) = diagnostic.span {
        text += &plain_place(sources, span, diagnostic.note.as_deref(), style);
    } else if let Some(note) = &diagnostic.note {
        text += &line(format!("note: {note}"));
    }
    for label in &diagnostic.related {
        text += &plain_place(sources, label.span, Some(&label.text), style);
    }
    if let Some(help) = &diagnostic.help {
        text += &line(format!("help: {help}"));
    }
    text
}

/// `at stack.yaml, line 5, column 23, storageAcount: unknown`
fn plain_place(sources: &Sources, span: Span, label: Option<&str>, style: &Style) -> String {
    let at = sources.position(span);
    let name = sources.get(span.source).map(|source| source.name.as_str());
    let mut text = format!(
        "at {}, line {}, column {}",
        name.unwrap_or_default(),
        at.line,
        at.column
    );
    let written = sources.slice(span).lines().next().unwrap_or_default();
    if !written.is_empty() {
        text += &format!(", {written}");
    }
    if let Some(label) = label.filter(|label| !label.is_empty()) {
        text += &format!(": {label}");
    }
    block(0, &text, style.width)
}

fn one(pages: &mut Pages<'_>, diagnostic: &Diagnostic, style: &Style) -> String {
    if style.plain {
        return plain(pages.sources, diagnostic, style);
    }
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(folded_title(diagnostic, style))
        .id(diagnostic.code.to_string());
    let mut group = Group::with_title(title);
    let mut footer = Vec::new();
    let mut excerpts: Vec<Excerpt> = Vec::new();
    if let Some(place) = diagnostic.span.and_then(|span| pages.place(span)) {
        let note = diagnostic
            .note
            .as_deref()
            .map(|note| style.signs(&clean(note)));
        let room = style
            .width
            .saturating_sub(8 + place.column.min(style.width / 2));
        let (label, below) = match note {
            Some(note) if columns(&note) > room => (None, Some(note)),
            note => (note, None),
        };
        footer.extend(below.map(|note| Level::NOTE.message(folded(&note, style))));
        excerpts.push(Excerpt::new(place, AnnotationKind::Primary, label));
    } else if let Some(note) = &diagnostic.note {
        footer.push(Level::NOTE.message(folded(note, style)));
    }
    for label in &diagnostic.related {
        let Some(place) = pages.place(label.span) else {
            continue;
        };
        let text = Some(style.signs(&clean(&label.text)));
        match excerpts.iter_mut().find(|excerpt| excerpt.is_near(&place)) {
            Some(excerpt) => excerpt.add(place, AnnotationKind::Context, text),
            None => excerpts.push(Excerpt::new(place, AnnotationKind::Context, text)),
        }
    }
    for excerpt in excerpts {
        group = excerpt.show(pages, group);
    }
    if let Some(help) = &diagnostic.help {
        footer.push(Level::HELP.message(folded(help, style)));
    }
    renderer(style).render(&[group.elements(footer)])
}

/// The message, in lines that leave room for `warning[LZ0022]: ` before each.
fn folded_title(diagnostic: &Diagnostic, style: &Style) -> String {
    let before = match diagnostic.severity {
        Severity::Error => "error[LZ0000]: ",
        Severity::Warning => "warning[LZ0000]: ",
    };
    let room = style.width.saturating_sub(before.len());
    wrap(&style.signs(&clean(&diagnostic.message)), room).join("\n")
}

/// One line is wrapped; several are a snippet and stay as they are.
fn folded(text: &str, style: &Style) -> String {
    let lines: Vec<String> = match text.trim_end().lines().collect::<Vec<_>>().as_slice() {
        [line] => wrap(&style.signs(&clean(line)), style.width.saturating_sub(16)),
        lines => lines.iter().map(|line| style.signs(&clean(line))).collect(),
    };
    lines.join("\n")
}

/// The sources that diagnostics point into, each with the starts of its lines.
struct Pages<'a> {
    sources: &'a Sources,
    pages: HashMap<SourceId, Page<'a>>,
}

struct Page<'a> {
    source: &'a Source,
    /// First byte of each line.
    starts: Vec<usize>,
}

/// A place in one line.
struct Place {
    source: SourceId,
    /// The line, from 0.
    line: usize,
    /// The bytes, clipped to the line.
    range: Range<usize>,
    /// The column behind the place, from 0.
    column: usize,
    /// Whether the line is too long to be shown.
    is_too_long: bool,
}

impl<'a> Pages<'a> {
    fn page(&mut self, id: SourceId) -> Option<&Page<'a>> {
        let source = self.sources.get(id)?;
        Some(self.pages.entry(id).or_insert_with(|| {
            Page {
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

    fn place(&mut self, span: Span) -> Option<Place> {
        let page = self.page(span.source)?;
        let text = &page.source.text;
        let start = text.floor_char_boundary(span.start as usize);
        let line = page
            .starts
            .partition_point(|line| *line <= start)
            .saturating_sub(1);
        let whole = page.line(line);
        let start = start.min(whole.end);
        let end = text
            .floor_char_boundary(span.end as usize)
            .clamp(start, whole.end);
        Some(Place {
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

impl Page<'_> {
    /// The bytes of a line without its end.
    fn line(&self, line: usize) -> Range<usize> {
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

/// Lines of one source with what is to be pointed out in them.
struct Excerpt {
    first: usize,
    last: usize,
    marks: Vec<(Place, AnnotationKind, Option<String>)>,
}

impl Excerpt {
    fn new(place: Place, kind: AnnotationKind, label: Option<String>) -> Self {
        Self {
            first: place.line,
            last: place.line,
            marks: vec![(place, kind, label)],
        }
    }

    fn is_near(&self, place: &Place) -> bool {
        let is_same =
            |(mark, _, _): &(Place, _, _)| mark.source == place.source && !mark.is_too_long;
        self.marks.iter().all(is_same)
            && !place.is_too_long
            && place.line + NEAR >= self.first
            && place.line <= self.last + NEAR
    }

    fn add(&mut self, place: Place, kind: AnnotationKind, label: Option<String>) {
        self.first = self.first.min(place.line);
        self.last = self.last.max(place.line);
        self.marks.push((place, kind, label));
    }

    fn show<'g>(self, pages: &mut Pages<'_>, group: Group<'g>) -> Group<'g> {
        let Some(page) = self
            .marks
            .first()
            .and_then(|(place, _, _)| pages.page(place.source))
        else {
            return group;
        };
        let name = clean(&page.source.name);
        if let Some((place, _, label)) = self.marks.iter().find(|(place, _, _)| place.is_too_long) {
            let before = page
                .source
                .text
                .get(page.line(place.line).start..place.range.start);
            let column = before.map_or(1, |before| before.chars().count() + 1);
            let group = group.element(Origin::path(name).line(place.line + 1).char_column(column));
            return match label {
                Some(label) => group.element(Level::NOTE.message(label.clone())),
                None => group,
            };
        }
        let mut text = String::new();
        let mut marks: Vec<Annotation<'g>> = Vec::new();
        for line in self.first..=self.last {
            let range = page.line(line);
            for (place, kind, label) in self.marks.iter().filter(|(place, _, _)| place.line == line)
            {
                let offset = |at: usize| text.len() + at - range.start;
                let span = offset(place.range.start)..offset(place.range.end);
                marks.push(
                    kind.span(span)
                        .label(label.clone().filter(|label| !label.is_empty())),
                );
            }
            if range.len() <= LONGEST_LINE {
                text.extend(
                    page.source
                        .text
                        .get(range)
                        .unwrap_or_default()
                        .chars()
                        .flat_map(blank),
                );
            }
            text.push('\n');
        }
        group.element(
            Snippet::source(text)
                .path(name)
                .line_start(self.first + 1)
                .annotations(marks),
        )
    }
}

/// A character of the source, or spaces of the same length in bytes for one that would act on the terminal.
fn blank(character: char) -> impl Iterator<Item = char> {
    let (shown, times) = match character {
        '\t' => ('\t', 1),
        acts if !is_shown(acts) => (' ', acts.len_utf8()),
        shown => (shown, 1),
    };
    std::iter::repeat_n(shown, times)
}

#[cfg(test)]
mod tests;
