//! Role assignments that a person should know of: those that no entry of the spec names, so that nobody has access
//! unseen, and those that the spec gives to somebody who is gone.

use lazuli_core::plan::{GrantOf, Plan};

use super::{
    Names,
    style::{Style, Tint, block, clean},
};

const INDENT: usize = 4;

/// A section for each resource or entry with such grants, and a note if it is not known whose principals exist; nothing
/// where there is nothing to say.
pub(crate) fn remarkable(plan: &Plan, style: &Style) -> String {
    let names = Names::of_plan(plan);
    let mut text = String::new();
    for (grants, what) in [
        (&plan.undeclared, "grants that no entry of the spec names"),
        (&plan.orphaned, "a grant of the spec to nobody"),
    ] {
        for grants in grants.chunk_by(|one, next| one.key == next.key) {
            let key = grants.first().map(|grant| names.name(&grant.key));
            let head = format!("? {}  {what}", key.unwrap_or_default());
            text.push_str(&style.paint(Tint::Yellow, &head));
            text.push('\n');
            for grant in grants {
                text.push_str(&block(INDENT, &line(grant), style.width));
            }
            text.push('\n');
        }
    }
    match &plan.unread_directory {
        Some(why) => text + &note(why, style) + "\n",
        None => text,
    }
}

fn note(why: &str, style: &Style) -> String {
    let note = format!("? whether the principals of grants still exist is unknown: {why}");
    block(0, &note, style.width)
        .lines()
        .map(|line| style.paint(Tint::Faint, line) + "\n")
        .collect()
}

/// `Reader: User 00000000-…, which no longer exists, granted 2026-01-01T00:00:34Z`
fn line(grant: &GrantOf) -> String {
    let mut line = format!("{}: {}", grant.grant.role_shown(), grant.holder());
    let description = grant.grant.property("description");
    if let Some(why) = description.filter(|text| !text.is_empty()) {
        line.push_str(&format!(" ({why})"));
    }
    clean(&line)
}

#[cfg(test)]
mod tests {
    use lazuli_core::live::{Existence, LiveGrant};
    use serde_json::json;

    use super::*;
    use crate::render::testing::key;

    fn grant(principal: Existence) -> GrantOf {
        let body = json!({
            "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments/n",
            "properties": {
                "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/r",
                "principalId": "p",
                "principalType": "ServicePrincipal",
                "createdOn": "2026-01-01T00:00:34.1234567Z",
            },
        });
        GrantOf {
            key: key("group"),
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
        let told = remarkable(
            &plan([Existence::Gone, Existence::Exists], None),
            &Style::default(),
        );
        assert_eq!(
            told,
            "? group  grants that no entry of the spec names\n    \
             r: ServicePrincipal p, which no longer exists, granted 2026-01-01T00:00:34Z\n    \
             r: ServicePrincipal p, granted 2026-01-01T00:00:34Z\n\n"
        );
        let orphaned = Plan {
            orphaned: vec![grant(Existence::Gone)],
            ..Plan::default()
        };
        let orphaned = remarkable(&orphaned, &Style::default());
        assert!(orphaned.starts_with("? group  a grant of the spec to nobody\n    r: ServicePrincipal p, which no longer exists"), "{orphaned}");
        let unknown = remarkable(
            &plan([Existence::Unknown; 2], Some("nobody said")),
            &Style::default(),
        );
        assert!(!unknown.contains("no longer exists"), "{unknown}");
        assert!(
            unknown.ends_with(
                "? whether the principals of grants still exist is unknown: nobody said\n\n"
            ),
            "{unknown}"
        );
    }
}
