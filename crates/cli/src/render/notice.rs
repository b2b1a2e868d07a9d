//! What a person should know beside the steps of a plan: words, before they take the form of text or of a page.

use lazuli_core::plan::{Action, Plan, Step, StepId};

use super::{
    Names, sign,
    style::{Style, Tint, block, clean, hanging},
};

/// How far what belongs to a notice stands in.
const INDENT: usize = 4;

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Steps will be refused.
    Error,
    /// It deserves a look.
    Warning,
    /// It is good to know.
    Note,
    /// It is said for the sake of completeness.
    Aside,
}

/// One thing to know. Its texts have nothing in them that acts on a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) weight: Weight,
    /// `!` where something is wrong or may be, `?` for grants, `=` for what stays.
    pub(crate) sign: &'static str,
    /// What it is about.
    pub(crate) head: String,
    /// What is to be said of it.
    pub(crate) lines: Vec<Line>,
}

/// A line of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A step that it concerns.
    Step(Concerned),
    /// What is so.
    Text(String),
    /// What can be done.
    Help(String),
}

/// A step that a notice concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Concerned {
    pub(crate) step: StepId,
    pub(crate) action: Action,
    pub(crate) name: String,
    /// `stack.yaml:7`, where it is said.
    pub(crate) place: Option<String>,
    /// Whether it concerns the line above and not the whole notice.
    pub(crate) is_inner: bool,
}

impl Concerned {
    /// A step that a whole notice concerns.
    pub(crate) fn new(step: &Step, names: Names) -> Self {
        Self {
            step: step.id,
            action: step.action,
            name: names.name(&step.subject.key),
            place: None,
            is_inner: false,
        }
    }
}

impl Notice {
    /// A notice of which only the head is said yet.
    pub(crate) fn new(weight: Weight, sign: &'static str, head: &str) -> Self {
        Self {
            weight,
            sign,
            head: clean(head),
            lines: Vec::new(),
        }
    }

    /// Says something more. Foreign text in it may be anything.
    pub(crate) fn say(&mut self, text: &str) {
        self.lines.push(Line::Text(clean(text)));
    }

    /// Says what can be done.
    pub(crate) fn help(&mut self, text: &str) {
        self.lines.push(Line::Help(clean(text)));
    }

    /// Names steps, each as `concerned` tells it.
    pub(crate) fn steps(
        &mut self,
        plan: &Plan,
        steps: &[StepId],
        concerned: impl Fn(&Step) -> Concerned,
    ) {
        let steps = steps.iter().filter_map(|id| plan.steps.get(id.0));
        self.lines.extend(steps.map(concerned).map(Line::Step));
    }

    /// The notice as lines: the head in colour, what is said of it standing in.
    pub(crate) fn text(&self, style: &Style) -> String {
        let head = format!("{} {}", self.sign, self.head);
        let text = hanging(&head, self.weight.tint(), [0, INDENT], style);
        let lines = self.lines.iter().map(|line| line.text(style));
        text + &lines.collect::<String>()
    }
}

impl Weight {
    fn tint(self) -> Option<Tint> {
        match self {
            Self::Error => Some(Tint::Red),
            Self::Warning => Some(Tint::Yellow),
            Self::Note => None,
            Self::Aside => Some(Tint::Faint),
        }
    }
}

impl Line {
    fn text(&self, style: &Style) -> String {
        match self {
            Self::Text(text) => block(INDENT, text, style.width),
            Self::Help(text) => block(INDENT, &format!("help: {text}"), style.width),
            Self::Step(step) => {
                let (sign, tint) = sign(step.action, style);
                let place = step.place.as_ref().map(|place| format!("  {place}"));
                let text = format!("{sign} {}{}", step.name, place.unwrap_or_default());
                let indent = if step.is_inner { 2 * INDENT } else { INDENT };
                hanging(&text, Some(tint), [indent, indent + 2], style)
            }
        }
    }
}

/// Each as lines, with an empty line before it.
pub(crate) fn apart(notices: &[Notice], style: &Style) -> String {
    let texts = notices.iter().map(|notice| notice.text(style));
    texts.map(|text| format!("\n{text}")).collect()
}
