//! Notices: what is displayed with the steps of a plan, before it is rendered as text or on a page.

use lazuli_core::plan::{Action, Plan, Step, StepId};

use super::{
    NodeNames,
    style::{Style, Tint, escape_control, wrap_block, wrap_hanging},
    styled_sign,
};

/// Indent of the lines of a notice.
const INDENT: usize = 4;

/// The severity of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Steps will fail.
    Error,
    Warning,
    Note,
    /// Information of little importance.
    Aside,
}

/// A headline with details. Its texts are escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) weight: Weight,
    /// `!` for problems, `?` for role assignments, `=` for resources that are kept.
    pub(crate) sign: &'static str,
    pub(crate) head: String,
    pub(crate) lines: Vec<NoticeLine>,
}

/// A line of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoticeLine {
    Step(AffectedStep),
    /// A detail.
    Text(String),
    /// What to do.
    Help(String),
}

/// A step that a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AffectedStep {
    pub(crate) step: StepId,
    pub(crate) action: Action,
    pub(crate) name: String,
    /// The position in the spec, if displayed: `stack.yaml:7`.
    pub(crate) position: Option<String>,
    /// Whether the step belongs to the line above and not to the whole notice.
    pub(crate) is_nested: bool,
}

impl AffectedStep {
    /// A step that belongs to the whole notice, without its position.
    pub(crate) fn new(step: &Step, names: NodeNames) -> Self {
        Self {
            step: step.id,
            action: step.action,
            name: names.name(&step.subject.key),
            position: None,
            is_nested: false,
        }
    }
}

impl Notice {
    /// A notice without details.
    pub(crate) fn new(weight: Weight, sign: &'static str, head: &str) -> Self {
        Self {
            weight,
            sign,
            head: escape_control(head),
            lines: Vec::new(),
        }
    }

    /// Adds a detail. The text is escaped.
    pub(crate) fn add_text(&mut self, text: &str) {
        self.lines.push(NoticeLine::Text(escape_control(text)));
    }

    /// Adds what to do. The text is escaped.
    pub(crate) fn add_help(&mut self, text: &str) {
        self.lines.push(NoticeLine::Help(escape_control(text)));
    }

    /// Adds steps of the plan.
    pub(crate) fn add_steps(
        &mut self,
        plan: &Plan,
        steps: &[StepId],
        describe: impl Fn(&Step) -> AffectedStep,
    ) {
        let steps = steps.iter().map(|id| &plan[*id]);
        self.lines.extend(steps.map(describe).map(NoticeLine::Step));
    }

    /// The notice as text: the head in color, the details indented.
    pub(crate) fn render(&self, style: &Style) -> String {
        let head = format!("{} {}", self.sign, self.head);
        let text = wrap_hanging(&head, self.weight.tint(), [0, INDENT], style);
        let lines = self.lines.iter().map(|line| line.render(style));
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

impl NoticeLine {
    fn render(&self, style: &Style) -> String {
        match self {
            Self::Text(text) => wrap_block(INDENT, text, style.width),
            Self::Help(text) => wrap_block(INDENT, &format!("help: {text}"), style.width),
            Self::Step(step) => {
                let (sign, tint) = styled_sign(step.action, style);
                let mut text = format!("{sign} {}", step.name);
                if let Some(position) = &step.position {
                    text.push_str(&format!("  {position}"));
                }
                let indent = if step.is_nested { 2 * INDENT } else { INDENT };
                wrap_hanging(&text, Some(tint), [indent, indent + 2], style)
            }
        }
    }
}

/// Renders notices with an empty line before each.
pub(crate) fn render_spaced(notices: &[Notice], style: &Style) -> String {
    let texts = notices.iter().map(|notice| notice.render(style));
    texts.map(|text| format!("\n{text}")).collect()
}
