//! The lines that are redrawn during an execution: running steps, the steps that depend on them, and counts. A pure
//! function of the events, the time and the size of the terminal.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use lazuli_core::plan::{Plan, Step, StepId};
use lazuli_engine::Outcome;

use super::labels::{StepLabels, WaitCause};
use crate::render::{
    describe_step,
    report::format_duration,
    style::{Style, Tint, columns},
};

/// The steps of a plan with their states.
pub(super) struct Board {
    rows: Vec<StepRow>,
    began: Instant,
    is_stopping: bool,
}

struct StepRow {
    name: String,
    /// `creating`
    verb: &'static str,
    /// `storageAccount stcameras`
    object: String,
    after: Vec<usize>,
    state: StepState,
}

enum StepState {
    Waiting,
    Running {
        since: Instant,
        wait: Option<Wait>,
    },
    Done,
    Failed,
    /// A dependency did not complete, or the run was stopped.
    NotStarted,
}

/// A wait with a countdown.
struct Wait {
    cause: WaitCause,
    until: Instant,
}

/// The size of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TerminalSize {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Board {
    pub(super) fn new(plan: &Plan, labels: StepLabels, now: Instant) -> Self {
        let row = |step: &Step| StepRow {
            name: labels.name(step),
            verb: StepLabels::progressive(step.action),
            object: describe_step(step),
            after: step.after.iter().map(|id| id.0).collect(),
            state: StepState::Waiting,
        };
        Self {
            rows: plan.steps.iter().map(row).collect(),
            began: now,
            is_stopping: false,
        }
    }

    pub(super) fn started(&mut self, step: StepId, now: Instant) {
        self.set(
            step,
            StepState::Running {
                since: now,
                wait: None,
            },
        );
    }

    pub(super) fn waits(&mut self, step: StepId, cause: WaitCause, until: Instant) {
        if let Some(StepRow {
            state: StepState::Running { wait, .. },
            ..
        }) = self.rows.get_mut(step.0)
        {
            *wait = Some(Wait { cause, until });
        }
    }

    pub(super) fn ended(&mut self, step: StepId, outcome: &Outcome) {
        let state = match outcome {
            Outcome::Done { .. } => StepState::Done,
            Outcome::Failed(_) => StepState::Failed,
            Outcome::Blocked(_) | Outcome::NotStarted => StepState::NotStarted,
        };
        self.set(step, state);
    }

    pub(super) fn stopping(&mut self) {
        self.is_stopping = true;
    }

    fn set(&mut self, step: StepId, state: StepState) {
        if let Some(row) = self.rows.get_mut(step.0) {
            row.state = state;
        }
    }

    /// A line with counts, the running steps (the longest running first), and below each the steps that depend on it;
    /// as many as fit, and the number of the others.
    pub(super) fn lines(&self, now: Instant, size: TerminalSize, style: &Style) -> Vec<String> {
        // The last column and row stay free: some terminals wrap or scroll when they are filled.
        let width = size.columns.saturating_sub(1).max(20);
        let height = size.rows.saturating_sub(1).max(2);
        let lines = vec![self.render_header(now, width, style)];
        let mut running: Vec<(usize, Instant)> = self
            .rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| match row.state {
                StepState::Running { since, .. } => Some((at, since)),
                _ => None,
            })
            .collect();
        running.sort_by_key(|(at, since)| (*since, *at));
        let running: Vec<usize> = running.into_iter().map(|(at, _)| at).collect();
        let waiting = self.count(|state| matches!(state, StepState::Waiting));
        let tree = self.build_tree();
        let mut tree_lines = TreeLines {
            board: self,
            chosen: choose_rows(&running, &tree, height - 1),
            tree,
            width,
            style,
            lines,
        };
        let (mut left_running, mut left_waiting) = (running.len(), waiting);
        for at in running {
            if tree_lines.chosen.contains(&at) {
                left_running -= 1;
                tree_lines
                    .lines
                    .push(self.render_running(at, now, width, style));
                left_waiting -= tree_lines.add_dependents(&mut vec![at]);
            }
        }
        let mut lines = tree_lines.lines;
        let left = match (left_running, left_waiting) {
            (0, 0) => return lines,
            (0, waiting) => format!("{waiting} more waiting"),
            (running, 0) => format!("{running} more running"),
            (running, waiting) => format!("{running} more running, {waiting} more waiting"),
        };
        lines.truncate(height - 1);
        let left = format!("  {} {left}", style.ellipsis());
        lines.push(style.paint(Tint::Faint, &style.truncate(&left, width)));
        lines
    }

    fn count(&self, matches: impl Fn(&StepState) -> bool) -> usize {
        self.rows.iter().filter(|row| matches(&row.state)).count()
    }

    /// `⠹ 12 of 56 done, 3 running, 40 waiting, 1 failed, 1m 12s`
    fn render_header(&self, now: Instant, width: usize, style: &Style) -> String {
        let done = self.count(|state| matches!(state, StepState::Done));
        let elapsed = now.saturating_duration_since(self.began);
        let counts = [
            (
                self.count(|state| matches!(state, StepState::Running { .. })),
                "running",
            ),
            (
                self.count(|state| matches!(state, StepState::Waiting)),
                "waiting",
            ),
            (
                self.count(|state| matches!(state, StepState::NotStarted)),
                "not started",
            ),
            (
                self.count(|state| matches!(state, StepState::Failed)),
                "failed",
            ),
        ];
        let stopping = if self.is_stopping { "stopping, " } else { "" };
        let spin = spinner_frame(elapsed, style);
        let mut text = format!("{spin} {stopping}{done} of {} done", self.rows.len());
        for (number, what) in counts.into_iter().filter(|(number, _)| *number > 0) {
            text += &format!(", {number} {what}");
        }
        let tint = match counts {
            [.., (0, _)] => Tint::Strong,
            _ => Tint::Red,
        };
        let text = format!("{text}, {}", format_duration(truncate_to_seconds(elapsed)));
        style.paint(tint, &style.truncate(&text, width))
    }

    /// `⠹ recordings: creating storageAccount stcameras, 12s, in progress (Creating), next poll in 17s`, with
    /// fewer details if it is too wide.
    fn render_running(&self, at: usize, now: Instant, width: usize, style: &Style) -> String {
        let Some((row, since, wait)) = self.rows.get(at).and_then(|row| match &row.state {
            StepState::Running { since, wait } => Some((row, *since, wait)),
            _ => None,
        }) else {
            return String::new();
        };
        let StepRow {
            name, verb, object, ..
        } = row;
        let elapsed = now.saturating_duration_since(since);
        let time = format_duration(truncate_to_seconds(elapsed));
        let (long, short) = match wait {
            None => (String::new(), String::new()),
            Some(wait) => {
                let left = wait.until.saturating_duration_since(now);
                // Rounds up, so that the countdown ends with 1s.
                let left = Duration::from_secs(left.as_secs() + u64::from(!left.is_zero()));
                (
                    format!(", {}", wait.cause.to_long(left)),
                    format!(", {}", wait.cause.to_short(left)),
                )
            }
        };
        let spin = spinner_frame(elapsed, style);
        let variants = [
            format!("{spin} {name}: {verb} {object}, {time}{long}"),
            format!("{spin} {name}: {verb}, {time}{long}"),
            format!("{spin} {name}: {verb}, {time}{short}"),
        ];
        variants
            .into_iter()
            .find(|variant| columns(variant) <= width)
            .unwrap_or_else(|| {
                let rest = format!(": {verb}, {time}{short}");
                let room = width.saturating_sub(columns(&rest) + 2).max(8);
                style.truncate(
                    &format!("{spin} {}{rest}", style.truncate(name, room)),
                    width,
                )
            })
    }

    /// The waiting steps, by the last of the dependencies that they wait for.
    fn build_tree(&self) -> HashMap<usize, Vec<usize>> {
        let mut tree: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, row) in self.rows.iter().enumerate() {
            if !matches!(row.state, StepState::Waiting) {
                continue;
            }
            if let Some(last) = self.open_dependencies(row).max() {
                tree.entry(last).or_default().push(at);
            }
        }
        tree
    }

    /// The dependencies that are not complete.
    fn open_dependencies<'a>(&'a self, row: &'a StepRow) -> impl Iterator<Item = usize> + 'a {
        row.after.iter().copied().filter(|before| {
            self.rows.get(*before).is_some_and(|row| {
                matches!(row.state, StepState::Waiting | StepState::Running { .. })
            })
        })
    }
}

/// Lines of a tree of steps.
struct TreeLines<'a> {
    board: &'a Board,
    /// The rows that are displayed.
    chosen: HashSet<usize>,
    /// The waiting steps by dependency.
    tree: HashMap<usize, Vec<usize>>,
    width: usize,
    style: &'a Style,
    lines: Vec<String>,
}

impl TreeLines<'_> {
    /// Adds the dependents of the last step of a path through the tree, and returns the number of added lines.
    fn add_dependents(&mut self, above: &mut Vec<usize>) -> usize {
        let mut written = 0;
        let last = above.last();
        let dependents = last.and_then(|last| self.tree.get(last)).cloned();
        for next in dependents.into_iter().flatten() {
            let row = self
                .board
                .rows
                .get(next)
                .filter(|_| self.chosen.contains(&next));
            let Some(row) = row else {
                continue;
            };
            let others: Vec<&str> = self
                .board
                .open_dependencies(row)
                .filter(|before| !above.contains(before))
                .filter_map(|before| self.board.rows.get(before).map(|row| row.name.as_str()))
                .collect();
            let also = match others.as_slice() {
                [] => String::new(),
                [one] => format!(", also depends on {one}"),
                [one, rest @ ..] => format!(", also depends on {one} and {} more", rest.len()),
            };
            let branch = if self.style.ascii { "`-" } else { "└" };
            let indent = 2 * above.len();
            let text = format!("{:indent$}{branch} {}{also}", "", row.name);
            let line = self.style.truncate(&text, self.width);
            self.lines.push(self.style.paint(Tint::Faint, &line));
            above.push(next);
            written += 1 + self.add_dependents(above);
            above.pop();
        }
        written
    }
}

/// Chooses running rows, then their dependents level by level. If not all fit, one line is reserved for the number of
/// the others.
fn choose_rows(
    running: &[usize],
    tree: &HashMap<usize, Vec<usize>>,
    room: usize,
) -> HashSet<usize> {
    let mut all: Vec<usize> = running.to_vec();
    let mut next = 0;
    while let Some(at) = all.get(next).copied() {
        all.extend(tree.get(&at).into_iter().flatten());
        next += 1;
    }
    let is_all = all.len() <= room;
    all.truncate(if is_all { room } else { room.saturating_sub(1) });
    all.into_iter().collect()
}

/// The frame of the spinner after some time.
fn spinner_frame(elapsed: Duration, style: &Style) -> &'static str {
    const DOTS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    const STROKES: [&str; 4] = ["|", "/", "-", "\\"];
    let turns = usize::try_from(elapsed.as_millis() / super::live::TICK.as_millis()).unwrap_or(0);
    let signs: &[&str] = if style.ascii { &STROKES } else { &DOTS };
    signs.get(turns % signs.len()).copied().unwrap_or(" ")
}

/// Fractions of seconds would flicker.
fn truncate_to_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

#[cfg(test)]
mod tests;
