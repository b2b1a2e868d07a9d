//! Notices about role assignments: those that the spec does not declare, and those of deleted principals.

use lazuli_core::plan::{Plan, ReportedGrant};

use super::{
    NodeNames,
    notice::{Notice, Weight},
};

/// A notice per resource or entry with such role assignments, and one if the directory could not be read.
pub(crate) fn list_notable(plan: &Plan) -> Vec<Notice> {
    let names = NodeNames::from_plan(plan);
    let mut notices = Vec::new();
    for (grants, description) in [
        (&plan.remarks.undeclared, "undeclared role assignments"),
        (
            &plan.remarks.orphaned,
            "declared role assignment of a deleted principal",
        ),
    ] {
        for grants in grants.chunk_by(|one, next| one.key == next.key) {
            let key = grants
                .first()
                .map_or_else(String::new, |grant| names.name(&grant.key));
            let head = format!("{key}  {description}");
            let mut notice = Notice::new(Weight::Warning, "?", &head);
            for grant in grants {
                notice.add_text(&describe(grant));
            }
            notices.push(notice);
        }
    }
    notices.extend(plan.remarks.unread_directory.as_deref().map(|why| {
        let head = format!("cannot check whether the principals of role assignments exist: {why}");
        Notice::new(Weight::Aside, "?", &head)
    }));
    notices
}

/// `Reader: User 00000000-…, which no longer exists, granted 2026-01-01T00:00:34Z`
fn describe(grant: &ReportedGrant) -> String {
    let mut line = format!("{}: {}", grant.grant.role_label(), grant.holder());
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
        let notices = list_notable(plan);
        let texts = notices
            .iter()
            .map(|notice| notice.render(&Style::default()));
        texts.collect()
    }

    #[test]
    fn only_principals_known_to_be_deleted_are_reported_as_such() {
        let plan = |principals: [Existence; 2], why: Option<&str>| Plan {
            remarks: Remarks {
                undeclared: principals.map(grant).into(),
                unread_directory: why.map(str::to_owned),
                ..Remarks::default()
            },
            ..Plan::default()
        };
        let undeclared = text(&plan([Existence::Deleted, Existence::Exists], None));
        assert_eq!(
            undeclared,
            "? group  undeclared role assignments\n    \
             r: ServicePrincipal p, which no longer exists, granted 2026-01-01T00:00:34Z\n    \
             r: ServicePrincipal p, granted 2026-01-01T00:00:34Z\n"
        );
        let orphaned = Plan {
            remarks: Remarks {
                orphaned: vec![grant(Existence::Deleted)],
                ..Remarks::default()
            },
            ..Plan::default()
        };
        let orphaned = text(&orphaned);
        assert!(orphaned.starts_with("? group  declared role assignment of a deleted principal\n    r: ServicePrincipal p, which no longer exists"), "{orphaned}");
        let unknown = text(&plan([Existence::Unknown; 2], Some("no access")));
        assert!(!unknown.contains("no longer exists"), "{unknown}");
        assert!(
            unknown.ends_with(
                "? cannot check whether the principals of role assignments exist: no access\n"
            ),
            "{unknown}"
        );
    }
}
