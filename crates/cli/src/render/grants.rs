//! Role assignments that no entry of the spec names, shown so that nobody has access unseen.

use lazuli_core::{
    live::Existence,
    plan::{Plan, Undeclared},
};

use super::{
    Names,
    style::{Style, Tint, block, clean},
};

const INDENT: usize = 4;

/// A section for each resource that has such grants, and a note if nobody knows whose they are; nothing where none has.
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
    match &plan.unread_directory {
        Some(why) if !text.is_empty() => text + &note(why, style) + "\n",
        _ => text,
    }
}

fn note(why: &str, style: &Style) -> String {
    let note = format!("whether their principals exist is unknown: {why}");
    block(INDENT, &note, style.width)
        .lines()
        .map(|line| style.paint(Tint::Faint, line) + "\n")
        .collect()
}

/// `Reader: User 00000000-…, which no longer exists, granted 2026-01-01T00:00:34Z`
fn line(undeclared: &Undeclared) -> String {
    let grant = &undeclared.grant;
    let whose = grant.property("principalType").unwrap_or("principal");
    let mut line = format!("{}: {whose} {}", grant.role_shown(), grant.principal);
    if undeclared.principal == Existence::Gone {
        line.push_str(", which no longer exists");
    }
    if let Some(made) = grant.property("createdOn") {
        line.push_str(&format!(", granted {}", to_the_second(made)));
    }
    if let Some(why) = grant
        .property("description")
        .filter(|text| !text.is_empty())
    {
        line.push_str(&format!(" ({why})"));
    }
    clean(&line)
}

/// A time of ARM without its fraction: `2026-01-01T00:00:34.1234567Z`.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, fraction)) if fraction.ends_with('Z') => format!("{seconds}Z"),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::live::LiveGrant;
    use serde_json::json;

    use super::*;
    use crate::render::testing::key;

    fn grant(principal: Existence) -> Undeclared {
        let body = json!({
            "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments/n",
            "properties": {
                "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/r",
                "principalId": "p",
                "principalType": "ServicePrincipal",
                "createdOn": "2026-01-01T00:00:34.1234567Z",
            },
        });
        Undeclared {
            on: key("group"),
            grant: LiveGrant::parse(body).unwrap(),
            principal,
        }
    }

    #[test]
    fn only_who_is_known_to_be_gone_is_called_so() {
        let plan = |principals: [Existence; 2], why: Option<&str>| Plan {
            undeclared: principals.map(grant).into(),
            unread_directory: why.map(str::to_owned),
            ..Plan::default()
        };
        let told = undeclared(
            &plan([Existence::Gone, Existence::Exists], None),
            &Style::default(),
        );
        assert_eq!(
            told,
            "? group  grants that no entry of the spec names\n    \
             r: ServicePrincipal p, which no longer exists, granted 2026-01-01T00:00:34Z\n    \
             r: ServicePrincipal p, granted 2026-01-01T00:00:34Z\n\n"
        );
        let unknown = undeclared(
            &plan([Existence::Unknown; 2], Some("nobody said")),
            &Style::default(),
        );
        assert!(!unknown.contains("no longer exists"), "{unknown}");
        assert!(
            unknown.ends_with("    whether their principals exist is unknown: nobody said\n\n"),
            "{unknown}"
        );
    }
}
