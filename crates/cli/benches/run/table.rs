//! The measurements as tables: one line per command, followed by its requests by type.

use std::fmt::Write as _;

use crate::{Measurement, Phase};

/// Markdown, aligned.
pub fn render(measured: &[Measurement]) -> String {
    let head = [
        "units", "command", "requests", "429", "wall s", "bound s", "times", "CPU s", "MiB",
    ];
    let rows = measured.iter().map(|one| {
        [
            one.units.to_string(),
            name(one.phase).to_owned(),
            one.requests.total.to_string(),
            one.requests.throttled.to_string(),
            format!("{:.2}", one.usage.wall),
            format!("{:.2}", one.bound.seconds()),
            format!("{:.1}", one.usage.wall / one.bound.seconds()),
            format!("{:.2}", one.usage.cpu),
            format!("{:.0}", one.usage.memory),
        ]
    });
    let mut text = align(&head, rows.collect());
    for one in measured {
        let mut types: Vec<(&String, &usize)> = one.requests.by_type.iter().collect();
        types.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
        let types: Vec<String> = types
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        let _ = write!(
            text,
            "\n{} units, {}: {}\n",
            one.units,
            name(one.phase),
            types.join(", ")
        );
    }
    text
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Create => "apply, from nothing",
        Phase::PlanNothing => "plan, no change",
        Phase::ApplyNothing => "apply, no change",
        Phase::PlanDrift => "plan, one drift",
        Phase::ApplyDrift => "apply, one drift",
        Phase::Destroy => "destroy",
    }
}

/// Aligns numbers to the right and text to the left.
fn align<const N: usize>(head: &[&str; N], rows: Vec<[String; N]>) -> String {
    let head = head.map(str::to_owned);
    let widths: Vec<usize> = (0..N)
        .map(|column| {
            let cells = std::iter::once(&head).chain(&rows);
            cells.map(|row| row[column].len()).max().unwrap_or_default()
        })
        .collect();
    let is_number: Vec<bool> = (0..N)
        .map(|column| rows.iter().all(|row| row[column].parse::<f64>().is_ok()))
        .collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            if is_number[column] {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(column, width)| {
        let end = if is_number[column] { ":" } else { "-" };
        format!("{}{end}", "-".repeat(width + 1))
    });
    let mut text = line(&head);
    let _ = writeln!(text, "|{}|", rule.collect::<Vec<_>>().join("|"));
    text.extend(rows.iter().map(line));
    text
}
