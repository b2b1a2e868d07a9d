//! What is running, what waits for it, and how far all of it is: the lines that move, worked out from nothing but the
//! events so far, the time and the room there is.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use lazuli_core::plan::{Plan, Step, StepId};
use lazuli_engine::Outcome;

use super::words::{Why, Words};
use crate::render::{
    report::duration,
    style::{Style, Tint, columns},
};

/// Every step of a plan, and what has become of it.
pub(super) struct Board {
    rows: Vec<Row>,
    began: Instant,
    is_stopping: bool,
}

struct Row {
    name: String,
    /// `creating`
    doing: &'static str,
    /// `storageAccount stcameras`
    object: String,
    after: Vec<usize>,
    state: State,
}

enum State {
    Waiting,
    Running {
        since: Instant,
        wait: Option<Wait>,
    },
    Done,
    Failed,
    /// What it waits for failed, or the run was stopped.
    NotBegun,
}

/// A wait that is counted down.
struct Wait {
    why: Why,
    until: Instant,
}

/// The room for moving lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Board {
    pub(super) fn new(plan: &Plan, words: Words, now: Instant) -> Self {
        let row = |step: &Step| Row {
            name: words.name(step),
            doing: Words::doing(step.action),
            object: Words::object(step),
            after: step.after.iter().map(|id| id.0).collect(),
            state: State::Waiting,
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
            State::Running {
                since: now,
                wait: None,
            },
        );
    }

    pub(super) fn waits(&mut self, step: StepId, why: Why, until: Instant) {
        if let Some(Row {
            state: State::Running { wait, .. },
            ..
        }) = self.rows.get_mut(step.0)
        {
            *wait = Some(Wait { why, until });
        }
    }

    pub(super) fn ended(&mut self, step: StepId, outcome: &Outcome) {
        let state = match outcome {
            Outcome::Done { .. } => State::Done,
            Outcome::Failed(_) => State::Failed,
            Outcome::Blocked(_) | Outcome::NotBegun => State::NotBegun,
        };
        self.set(step, state);
    }

    pub(super) fn stopping(&mut self) {
        self.is_stopping = true;
    }

    fn set(&mut self, step: StepId, state: State) {
        if let Some(row) = self.rows.get_mut(step.0) {
            row.state = state;
        }
    }

    /// A line that counts, one for each running step, those that have run longest first, and below each what waits for
    /// it; as many as there is room for, and how many are left out.
    pub(super) fn lines(&self, now: Instant, room: Room, style: &Style) -> Vec<String> {
        // The last column and the last row stay free: a terminal may go on to the next by itself.
        let width = room.columns.saturating_sub(1).max(20);
        let height = room.rows.saturating_sub(1).max(2);
        let lines = vec![self.header(now, width, style)];
        let mut running: Vec<(usize, Instant)> = self
            .rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| match row.state {
                State::Running { since, .. } => Some((at, since)),
                _ => None,
            })
            .collect();
        running.sort_by_key(|(at, since)| (*since, *at));
        let running: Vec<usize> = running.into_iter().map(|(at, _)| at).collect();
        let waiting = self.count(|state| matches!(state, State::Waiting));
        let tree = self.below();
        let mut page = Page {
            board: self,
            chosen: choose(&running, &tree, height - 1),
            tree,
            width,
            style,
            lines,
        };
        let (mut left_running, mut left_waiting) = (running.len(), waiting);
        for at in running {
            if page.chosen.contains(&at) {
                left_running -= 1;
                page.lines.push(self.running(at, now, width, style));
                left_waiting -= page.hang(&mut vec![at]);
            }
        }
        let mut lines = page.lines;
        let left = match (left_running, left_waiting) {
            (0, 0) => return lines,
            (0, waiting) => format!("{waiting} more waiting"),
            (running, 0) => format!("{running} more running"),
            (running, waiting) => format!("{running} more running, {waiting} more waiting"),
        };
        lines.truncate(height - 1);
        let left = format!("  {} {left}", style.ellipsis());
        lines.push(style.paint(Tint::Faint, &style.fit(&left, width)));
        lines
    }

    fn count(&self, is: impl Fn(&State) -> bool) -> usize {
        self.rows.iter().filter(|row| is(&row.state)).count()
    }

    /// `⠹ 12 of 56 done, 3 running, 40 waiting, 1 failed, 1m 12s`
    fn header(&self, now: Instant, width: usize, style: &Style) -> String {
        let done = self.count(|state| matches!(state, State::Done));
        let elapsed = now.saturating_duration_since(self.began);
        let counts = [
            (
                self.count(|state| matches!(state, State::Running { .. })),
                "running",
            ),
            (
                self.count(|state| matches!(state, State::Waiting)),
                "waiting",
            ),
            (
                self.count(|state| matches!(state, State::NotBegun)),
                "not begun",
            ),
            (self.count(|state| matches!(state, State::Failed)), "failed"),
        ];
        let stopping = if self.is_stopping { "stopping, " } else { "" };
        let spin = spinner(elapsed, style);
        let mut text = format!("{spin} {stopping}{done} of {} done", self.rows.len());
        for (number, what) in counts.into_iter().filter(|(number, _)| *number > 0) {
            text += &format!(", {number} {what}");
        }
        let tint = match counts {
            [.., (0, _)] => Tint::Strong,
            _ => Tint::Red,
        };
        let text = format!("{text}, {}", duration(whole(elapsed)));
        style.paint(tint, &style.fit(&text, width))
    }

    /// `⠹ recordings: creating storageAccount stcameras, 12s, Azure is working (Creating), next look in 17s`; where that
    /// is too wide without what matters less, and with the name cut short last.
    fn running(&self, at: usize, now: Instant, width: usize, style: &Style) -> String {
        let Some((row, since, wait)) = self.rows.get(at).and_then(|row| match &row.state {
            State::Running { since, wait } => Some((row, *since, wait)),
            _ => None,
        }) else {
            return String::new();
        };
        let Row {
            name,
            doing,
            object,
            ..
        } = row;
        let elapsed = now.saturating_duration_since(since);
        let time = duration(whole(elapsed));
        let (long, short) = match wait {
            None => (String::new(), String::new()),
            Some(wait) => {
                let left = wait.until.saturating_duration_since(now);
                // The second that has begun counts: a countdown ends with 1s.
                let left = Duration::from_secs(left.as_secs() + u64::from(!left.is_zero()));
                (
                    format!(", {}", wait.why.long(left)),
                    format!(", {}", wait.why.short(left)),
                )
            }
        };
        let spin = spinner(elapsed, style);
        let forms = [
            format!("{spin} {name}: {doing} {object}, {time}{long}"),
            format!("{spin} {name}: {doing}, {time}{long}"),
            format!("{spin} {name}: {doing}, {time}{short}"),
        ];
        forms
            .into_iter()
            .find(|form| columns(form) <= width)
            .unwrap_or_else(|| {
                let rest = format!(": {doing}, {time}{short}");
                let room = width.saturating_sub(columns(&rest) + 2).max(8);
                style.fit(&format!("{spin} {}{rest}", style.fit(name, room)), width)
            })
    }

    /// The steps that wait, each below the last of those that it still waits for.
    fn below(&self) -> HashMap<usize, Vec<usize>> {
        let mut below: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, row) in self.rows.iter().enumerate() {
            if !matches!(row.state, State::Waiting) {
                continue;
            }
            if let Some(last) = self.open(row).max() {
                below.entry(last).or_default().push(at);
            }
        }
        below
    }

    /// What a step still waits for.
    fn open<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = usize> + 'a {
        row.after.iter().copied().filter(|before| {
            self.rows
                .get(*before)
                .is_some_and(|row| matches!(row.state, State::Waiting | State::Running { .. }))
        })
    }
}

/// The lines of one moment, as they are written.
struct Page<'a> {
    board: &'a Board,
    /// The rows that are shown.
    chosen: HashSet<usize>,
    /// What waits, below what it waits for.
    tree: HashMap<usize, Vec<usize>>,
    width: usize,
    style: &'a Style,
    lines: Vec<String>,
}

impl Page<'_> {
    /// Writes what hangs below the last of these steps, each of which hangs below the one before; how many lines that
    /// took.
    fn hang(&mut self, above: &mut Vec<usize>) -> usize {
        let mut written = 0;
        let last = above.last();
        let below = last.and_then(|last| self.tree.get(last)).cloned();
        for next in below.unwrap_or_default() {
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
                .open(row)
                .filter(|before| !above.contains(before))
                .filter_map(|before| self.board.rows.get(before).map(|row| row.name.as_str()))
                .collect();
            let also = match others.as_slice() {
                [] => String::new(),
                [one] => format!(", also for {one}"),
                [one, rest @ ..] => format!(", also for {one} and {} more", rest.len()),
            };
            let branch = if self.style.ascii { "`-" } else { "└" };
            let indent = 2 * above.len();
            let text = format!("{:indent$}{branch} {}{also}", "", row.name);
            let line = self.style.fit(&text, self.width);
            self.lines.push(self.style.paint(Tint::Faint, &line));
            above.push(next);
            written += 1 + self.hang(above);
            above.pop();
        }
        written
    }
}

/// Which rows are shown: as many running ones as there is room for, then what waits for them, level by level. Where not
/// all are shown, a line stays free to say so.
fn choose(running: &[usize], tree: &HashMap<usize, Vec<usize>>, room: usize) -> HashSet<usize> {
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

/// What turns, as far as it has come.
fn spinner(elapsed: Duration, style: &Style) -> &'static str {
    const DOTS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    const STROKES: [&str; 4] = ["|", "/", "-", "\\"];
    let turns = usize::try_from(elapsed.as_millis() / super::live::TICK.as_millis()).unwrap_or(0);
    let signs: &[&str] = if style.ascii { &STROKES } else { &DOTS };
    signs.get(turns % signs.len()).copied().unwrap_or(" ")
}

/// Whole seconds: parts of them would only flicker.
fn whole(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

#[cfg(test)]
mod tests;
