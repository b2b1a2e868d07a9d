//! Role assignments that no entry of the spec names, shown so that nobody has access unseen.

use lazuli_core::plan::{Plan, Undeclared};

use super::{
    Names,
    style::{Style, Tint, block, clean},
};

const INDENT: usize = 4;

/// A section for each resource that has such grants; nothing where none has.
pub(crate) fn undeclared(plan: &Plan, style: &Style) -> String {
    let names = Names::of_plan(plan);
    let mut text = String::new();
    let mut rest = plan.undeclared.as_slice();
    while let Some(first) = rest.first() {
        let here = rest.iter().take_while(|grant| grant.on == first.on).count();
        let (grants, others) = rest.split_at(here);
        rest = others;
        let head = format!(
            "? {}  grants that no entry of the spec names",
            names.name(&first.on)
        );
        text.push_str(&style.paint(Tint::Yellow, &head));
        text.push('\n');
        for grant in grants {
            text.push_str(&block(INDENT, &line(grant), style.width));
        }
        text.push('\n');
    }
    text
}

/// `Reader: User 00000000-…, since 2026-01-01T00:00:34Z`
fn line(undeclared: &Undeclared) -> String {
    let grant = &undeclared.grant;
    let whose = grant.property("principalType").unwrap_or("principal");
    let mut line = format!("{}: {whose} {}", grant.role_shown(), grant.principal);
    if let Some(since) = grant.property("createdOn") {
        line.push_str(&format!(", since {}", since.get(..19).unwrap_or(since)));
    }
    if let Some(why) = grant
        .property("description")
        .filter(|text| !text.is_empty())
    {
        line.push_str(&format!(" ({why})"));
    }
    clean(&line)
}
