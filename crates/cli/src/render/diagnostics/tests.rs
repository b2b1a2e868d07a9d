//! Diagnostics as text.

use lazuli_core::diagnostic::Code;

use super::*;

fn at(sources: &Sources, id: SourceId, text: &str) -> Span {
    let start = sources.get(id).unwrap().text.find(text).unwrap();
    Span::new(id, start..start + text.len())
}

fn trimmed(text: &str) -> String {
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n"
}

const STACK: &str = "\
apiVersion: lazuli/v1
stack: cameras
resources:
  group: { kind: resourceGroup, name: rg-cameras }
  recordings: { kind: storageAcount, name: stcameras }
";

#[test]
fn errors_in_several_files() {
    let mut sources = Sources::default();
    let one = sources.add("app/stack.yaml", STACK);
    let two = sources.add("hub.yaml", "apiVersion: lazuli/v1\r\nstack: cameras\r\n");
    let found = [
        Diagnostic::error(
            Code::UnknownKind,
            at(&sources, one, "storageAcount"),
            "`storageAcount` is not a kind",
        )
        .note("unknown")
        .help("did you mean `storageAccount`?"),
        Diagnostic::error(
            Code::DuplicateStack,
            at(&sources, two, "cameras"),
            "two stacks have the name `cameras`",
        )
        .related(at(&sources, one, "cameras"), "the other one"),
        Diagnostic::warning(
            Code::UnusedParameter,
            None,
            "parameter `size` is not declared",
        ),
    ];
    assert_eq!(
        trimmed(&diagnostics(&sources, &found, &Style::default())),
        "\
error[LZ0008]: `storageAcount` is not a kind
 --> app/stack.yaml:5:23
  |
5 |   recordings: { kind: storageAcount, name: stcameras }
  |                       ^^^^^^^^^^^^^ unknown
  |
  = help: did you mean `storageAccount`?

error[LZ0021]: two stacks have the name `cameras`
 --> hub.yaml:2:8
  |
2 | stack: cameras
  |        ^^^^^^^
  |
 ::: app/stack.yaml:2:8
  |
2 | stack: cameras
  |        ------- the other one

warning[LZ0027]: parameter `size` is not declared

2 errors, 1 warning
For details, run `lazuli explain LZ0008`.
"
    );
}

#[test]
fn near_labels_share_an_excerpt_and_snippets_are_not_wrapped() {
    let mut sources = Sources::default();
    let id = sources.add("stack.yaml", STACK);
    let found = [Diagnostic::error(
        Code::MissingGrant,
        at(&sources, id, "recordings"),
        "a role is missing",
    )
    .related(at(&sources, id, "cameras"), "of this stack")
    .help("add:\n\naccess:\n  kind: roleAssignment\n  scope: ${recordings}\n")];
    assert_eq!(
        trimmed(&diagnostics(&sources, &found, &Style::default())),
        "\
error[LZ0019]: a role is missing
 --> stack.yaml:5:3
  |
2 | stack: cameras
  |        ------- of this stack
...
5 |   recordings: { kind: storageAcount, name: stcameras }
  |   ^^^^^^^^^^
  |
  = help: add:

          access:
            kind: roleAssignment
            scope: ${recordings}

1 error
For details, run `lazuli explain LZ0019`.
"
    );
}

#[test]
fn note_too_long_for_the_caret_line_goes_below() {
    let mut sources = Sources::default();
    let id = sources.add("stack.yaml", STACK);
    let note = "the simulator and Azure both reject this name because another account has it";
    let found =
        [Diagnostic::error(Code::BadName, at(&sources, id, "stcameras"), "bad name").note(note)];
    assert_eq!(
        trimmed(&diagnostics(
            &sources,
            &found,
            &Style {
                width: 60,
                ..Style::default()
            }
        )),
        "\
error[LZ0016]: bad name
 --> stack.yaml:5:44
  |
5 |   recordings: { kind: storageAcount, name: stcameras }
  |                                            ^^^^^^^^^
  |
  = note: the simulator and Azure both reject this
          name because another account has it

1 error
For details, run `lazuli explain LZ0016`.
"
    );
}

#[test]
fn multiline_span_is_limited_to_its_first_line() {
    let mut sources = Sources::default();
    let id = sources.add("stack.yaml", STACK);
    let span = Span::new(id, 0..STACK.len());
    let text = diagnostics(
        &sources,
        &[Diagnostic::error(Code::Syntax, span, "bad")],
        &Style::default(),
    );
    assert!(
        text.contains("1 | apiVersion: lazuli/v1\n  | ^^^^^^^^^^^^^^^^^^^^^\n"),
        "{text}"
    );
    assert!(!text.contains("stack: cameras"), "{text}");
}

#[test]
fn control_characters_of_sources_and_messages_are_escaped() {
    let mut sources = Sources::default();
    let id = sources.add("a\u{1b}[2J.yaml", "k: \u{9b}31m\u{202e}\u{7}value\n");
    let found = [
        Diagnostic::error(Code::WrongType, at(&sources, id, "value"), "got \u{1b}[31m")
            .note("here \u{7}")
            .help("write\u{1b}]0;x\u{7}")
            .related(at(&sources, id, "k"), "\u{1b}c"),
    ];
    let text = diagnostics(&sources, &found, &Style::default());
    assert!(
        text.chars()
            .all(|character| character == '\n' || is_shown(character)),
        "{text:?}"
    );
}

#[test]
fn spans_outside_of_their_source_are_clipped() {
    let mut sources = Sources::default();
    let id = sources.add("a.yaml", "a: ü");
    let empty = sources.add("empty.yaml", "");
    let mut other = Sources::default();
    other.add("x", "");
    other.add("y", "");
    let unknown = other.add("z", "");
    for span in [
        Span::new(id, 4..5),
        Span::new(id, 5..5),
        Span::new(id, 900..1000),
        Span {
            source: id,
            start: 3,
            end: 0,
        },
        Span::new(empty, 0..0),
        Span::new(unknown, 0..1),
    ] {
        let text = diagnostics(
            &sources,
            &[Diagnostic::error(Code::Syntax, span, "bad")],
            &Style::default(),
        );
        assert!(text.starts_with("error[LZ0002]: bad\n"), "{text}");
    }
}

#[test]
fn long_lines_are_cut_and_very_long_lines_are_not_shown() {
    let mut sources = Sources::default();
    let long = sources.add(
        "long.yaml",
        format!("a: {}needle{}", "x".repeat(3000), "y".repeat(3000)),
    );
    let huge = sources.add("huge.yaml", format!("a: {}needle", "ü".repeat(1_000_000)));
    let found = [
        Diagnostic::error(Code::Syntax, at(&sources, long, "needle"), "bad").note("here"),
        Diagnostic::error(Code::Syntax, at(&sources, huge, "needle"), "bad").note("here"),
    ];
    let text = diagnostics(&sources, &found, &Style::default());
    assert!(text.contains("--> long.yaml:1:3004\n"), "{text}");
    assert!(text.contains("^^^^^^ here\n"), "{text}");
    assert!(text.contains("--> huge.yaml:1:1000004\n"), "{text}");
    assert!(text.lines().all(|line| columns(line) <= 100), "{text}");
}

#[test]
fn excerpts_of_many_errors_in_a_large_file_stay_small() {
    let mut sources = Sources::default();
    let line = "  name: { kind: storageAccount, nme: x }\n";
    let id = sources.add("large.yaml", line.repeat(20_000));
    let found: Vec<Diagnostic> = (0..2000)
        .map(|number| {
            let start = number * 10 * line.len() + 32;
            Diagnostic::error(
                Code::UnknownKey,
                Span::new(id, start..start + 3),
                "no `nme` here",
            )
            .related(Span::new(id, 0..1), "first")
        })
        .collect();
    let text = diagnostics(&sources, &found, &Style::default());
    assert!(text.contains("\n2000 errors\n"));
    assert!(text.len() < 2000 * 500, "{}", text.len());
}

#[test]
fn no_diagnostics_render_as_empty_text() {
    assert_eq!(diagnostics(&Sources::default(), &[], &Style::default()), "");
}
