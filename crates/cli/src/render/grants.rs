//! Role assignments that a person should know of: those that no entry of the spec names, so that nobody has access
//! unseen, and those that the spec gives to somebody who is gone.

use lazuli_core::plan::{Plan, ReportedGrant};

use super::{
    Names,
    notice::{Notice, Weight},
};

/// A notice for each resource or entry with such grants, and one if it is not known whose principals exist.
pub(crate) fn remarkable(plan: &Plan) -> Vec<Notice> {
    let names = Names::of_plan(plan);
    let mut notices = Vec::new();
    for (grants, what) in [
        (
            &plan.remarks.undeclared,
            "grants that no entry of the spec names",
        ),
        (&plan.remarks.orphaned, "a grant of the spec to nobody"),
    ] {
        for grants in grants.chunk_by(|one, next| one.key == next.key) {
            let key = grants.first().map(|grant| names.name(&grant.key));
            let head = format!("{}  {what}", key.unwrap_or_default());
            let mut notice = Notice::new(Weight::Warning, "?", &head);
            grants.iter().for_each(|grant| notice.say(&line(grant)));
            notices.push(notice);
        }
    }
    notices.extend(plan.remarks.unread_directory.as_deref().map(|why| {
        let head = format!("whether the principals of grants still exist is unknown: {why}");
        Notice::new(Weight::Aside, "?", &head)
    }));
    notices
}

/// `Reader: User 00000000-…, which no longer exists, granted 2026-01-01T00:00:34Z`
fn line(grant: &ReportedGrant) -> String {
    let mut line = format!("{}: {}", grant.grant.role_shown(), grant.holder());
    let description = grant.grant.property("description");
    if let Some(why) = description.filter(|text| !text.is_empty()) {
        line.push_str(&format!(" ({why})"));
    }
    line
}

#[cfg(test)]
mod tests {
    use lazuli_core::{
        live::{Existence, LiveGrant},
        plan::Remarks,
    };
    use serde_json::json;

    use super::*;
    use crate::render::{style::Style, testing::key};

    fn grant(principal: Existence) -> ReportedGrant {
        let body = json!({
            "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments/n",
            "properties": {
                "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/r",
                "principalId": "p",
                "principalType": "ServicePrincipal",
                "createdOn": "2026-01-01T00:00:34.1234567Z",
            },
        });
        ReportedGrant {
            key: key("group"),
            grant: LiveGrant::parse(body).unwrap(),
            principal,
        }
    }

    fn text(plan: &Plan) -> String {
        let notices = remarkable(plan);
        let texts = notices.iter().map(|notice| notice.text(&Style::default()));
        texts.collect()
    }

    #[test]
    fn only_who_is_known_to_be_gone_is_called_so() {
        let plan = |principals: [Existence; 2], why: Option<&str>| Plan {
            remarks: Remarks {
                undeclared: principals.map(grant).into(),
                unread_directory: why.map(str::to_owned),
                ..Remarks::default()
            },
            ..Plan::default()
        };
        let told = text(&plan([Existence::Gone, Existence::Exists], None));
        assert_eq!(
            told,
            "? group  grants that no entry of the spec names\n    \
             r: ServicePrincipal p, which no longer exists, granted 2026-01-01T00:00:34Z\n    \
             r: ServicePrincipal p, granted 2026-01-01T00:00:34Z\n"
        );
        let orphaned = Plan {
            remarks: Remarks {
                orphaned: vec![grant(Existence::Gone)],
                ..Remarks::default()
            },
            ..Plan::default()
        };
        let orphaned = text(&orphaned);
        assert!(orphaned.starts_with("? group  a grant of the spec to nobody\n    r: ServicePrincipal p, which no longer exists"), "{orphaned}");
        let unknown = text(&plan([Existence::Unknown; 2], Some("nobody said")));
        assert!(!unknown.contains("no longer exists"), "{unknown}");
        assert!(
            unknown.ends_with(
                "? whether the principals of grants still exist is unknown: nobody said\n"
            ),
            "{unknown}"
        );
    }
}
