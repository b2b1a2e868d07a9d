//! Redrawn lines at different times and terminal sizes.

use lazuli_core::plan::Action;
use lazuli_engine::Failure;

use super::*;
use crate::render::testing::{arm_error, plan_of, step};

/// A step that depends on others, by their positions.
fn after(name: &str, kind: &'static str, subject: &str, after: &[usize]) -> Step {
    Step {
        after: after.iter().map(|at| StepId(*at)).collect(),
        ..step(Action::Create, name, kind, subject)
    }
}

fn cameras() -> Plan {
    plan_of([
        after("group", "resourceGroup", "rg-cameras", &[]),
        after("analyzer", "userAssignedIdentity", "id-cameras", &[0]),
        after("recordings", "storageAccount", "stcameras", &[0]),
        after(
            "access/Reader",
            "roleAssignment",
            "Reader on stcameras",
            &[1, 2],
        ),
        after("recordings/containers/video", "containers", "video", &[2]),
        after("cameras", "videoAnalyzer", "vacameras", &[2, 3]),
    ])
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const DONE: Outcome = Outcome::Done {
    took: Duration::ZERO,
    already_there: None,
};

/// A board after 12 seconds: the group is done, identity and account are running.
fn board(began: Instant) -> Board {
    let plan = cameras();
    let mut board = Board::new(&plan, StepLabels::from_plan(&plan), began);
    board.started(StepId(0), began);
    board.ended(StepId(0), &DONE);
    board.started(StepId(2), began + seconds(2));
    board.started(StepId(1), began + seconds(3));
    board.waits(
        StepId(2),
        WaitCause::Operation("Creating".to_owned()),
        began + Duration::from_millis(28_200),
    );
    board
}

fn render_board(board: &Board, now: Instant, columns: usize, rows: usize, ascii: bool) -> String {
    let style = Style {
        ascii,
        ..Style::default()
    };
    board
        .lines(now, TerminalSize { columns, rows }, &style)
        .join("\n")
}

#[test]
fn waiting_steps_are_below_their_dependencies() {
    let began = Instant::now();
    assert_eq!(
        render_board(&board(began), began + seconds(12), 100, 24, false),
        "\
⠋ 1 of 6 done, 2 running, 3 waiting, 12s
⠸ recordings: creating storageAccount stcameras, 10s, in progress (Creating), next poll in 17s
  └ access/Reader, also depends on analyzer
    └ cameras
  └ recordings/containers/video
⠴ analyzer: creating userAssignedIdentity id-cameras, 9s"
    );
}

#[test]
fn narrow_ascii_terminals_get_fewer_details() {
    let began = Instant::now();
    assert_eq!(
        render_board(&board(began), began + seconds(12), 60, 24, true),
        "\
| 1 of 6 done, 2 running, 3 waiting, 12s
\\ recordings: creating, 10s, next poll in 17s
  `- access/Reader, also depends on analyzer
    `- cameras
  `- recordings/containers/video
\\ analyzer: creating userAssignedIdentity id-cameras, 9s"
    );
}

#[test]
fn countdown_ends_with_waiting_for_a_response() {
    let began = Instant::now();
    let board = board(began);
    let line = |after: u64| {
        let text = render_board(&board, began + seconds(after), 120, 24, true);
        text.lines().nth(1).unwrap().to_owned()
    };
    assert!(
        line(28).ends_with("26s, in progress (Creating), next poll in 1s"),
        "{}",
        line(28)
    );
    assert!(
        line(29).ends_with("27s, in progress (Creating), waiting for a response"),
        "{}",
        line(29)
    );
}

#[test]
fn failed_and_blocked_steps_are_counted() {
    let began = Instant::now();
    let mut board = board(began);
    let failure: Failure = arm_error(403, "AuthorizationFailed", "No.").into();
    board.ended(StepId(2), &Outcome::Failed(failure));
    for blocked in [3, 4, 5] {
        board.ended(StepId(blocked), &Outcome::Blocked(StepId(2)));
    }
    board.stopping();
    let text = render_board(&board, began + seconds(65), 80, 24, true);
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap()[2..],
        *"stopping, 1 of 6 done, 1 running, 3 not started, 1 failed, 1m 5s"
    );
    assert_eq!(lines.count(), 1, "{text}");
}

#[test]
fn hundreds_of_steps_fit_any_terminal() {
    let began = Instant::now();
    let long = "東京-a-name-that-is-much-too-long-for-the-line-of-any-terminal-in-common-use";
    let steps = (0..400).map(|at| {
        let before = if at < 100 {
            vec![]
        } else {
            vec![at - 100, at - 1]
        };
        after(
            &format!("{long}{at}"),
            "storageAccount",
            "stcameras",
            &before,
        )
    });
    let plan = plan_of(steps);
    let mut board = Board::new(&plan, StepLabels::from_plan(&plan), began);
    for at in 0..30 {
        board.started(StepId(at), began);
        board.waits(
            StepId(at),
            WaitCause::Retry("TooManyRequests".to_owned()),
            began + seconds(75),
        );
    }
    for columns in [40, 60, 80, 200] {
        for rows in [3, 10, 24, 50, 300] {
            for ascii in [false, true] {
                let text = render_board(&board, began + seconds(1), columns, rows, ascii);
                let widest = text.lines().map(crate::render::style::columns).max();
                assert!(widest < Some(columns), "{widest:?} of {columns}\n{text}");
                assert!(text.lines().count() < rows, "{rows}\n{text}");
                let has_countdown = text.contains("retrying in");
                assert!(has_countdown || rows == 3 || columns == 40, "{text}");
            }
        }
    }
    let text = render_board(&board, began, 80, 24, true);
    assert_eq!(
        text.lines().last(),
        Some("  ... 9 more running, 370 more waiting"),
        "{text}"
    );
    let all = render_board(&board, began, 80, 500, true);
    assert!(!all.contains("more running"), "{all}");
}
