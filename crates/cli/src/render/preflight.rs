//! Notices about preflight findings: each with its steps, its causes and what to do.

mod policies;

use lazuli_core::{
    facts::CreationObstacle,
    plan::{Plan, StepId},
    preflight::{Cause, Finding, Question},
    source::Sources,
};

use super::{
    NodeNames, format_line,
    locks::describe_scope,
    notice::{AffectedStep, Notice, Weight},
    pluralize,
};

/// A notice per finding. `registers` is whether resource providers are registered before the first step.
pub(crate) fn list_findings(
    plan: &Plan,
    found: &[Finding],
    registers: bool,
    sources: &Sources,
) -> Vec<Notice> {
    let renderer = FindingRenderer {
        plan,
        names: NodeNames::from_plan(plan),
        registers,
        sources,
    };
    found
        .iter()
        .map(|finding| renderer.render(finding))
        .collect()
}

struct FindingRenderer<'a> {
    plan: &'a Plan,
    names: NodeNames,
    registers: bool,
    sources: &'a Sources,
}

impl FindingRenderer<'_> {
    fn render(&self, finding: &Finding) -> Notice {
        if let Finding::NotRegistered {
            subscription,
            namespace,
            state: Some(_),
            steps,
        } = finding
            && self.registers
        {
            let what = format!(
                "{namespace} will be registered in {}",
                describe_scope(subscription)
            );
            let mut notice = Notice::new(Weight::Warning, "!", &what);
            self.add_steps(&mut notice, false, steps);
            return notice;
        }
        let mut notice = summarize(finding);
        match finding {
            Finding::Creation { step, found, .. } => {
                self.add_steps(&mut notice, false, &[*step]);
                if let CreationObstacle::NameUnavailable { message, .. } = &found.obstacle {
                    notice.add_text(message);
                }
            }
            Finding::NotRegistered { steps, .. } => self.add_steps(&mut notice, false, steps),
            Finding::MissingPermissions {
                actions, causes, ..
            } => {
                for (action, steps) in actions {
                    notice.add_text(action);
                    self.add_steps(&mut notice, true, steps);
                }
                add_causes(&mut notice, causes);
            }
            Finding::Restricted { steps, causes, .. } => {
                self.add_steps(&mut notice, false, steps);
                add_causes(&mut notice, causes);
            }
            Finding::Disallowed { denial, steps } => {
                self.add_steps(&mut notice, false, steps);
                for line in policies::list_details(denial) {
                    notice.add_text(&line);
                }
            }
            Finding::PolicyUnasked { steps } => self.add_steps(&mut notice, false, steps),
            Finding::Unknown { .. } => {}
        }
        notice.add_help(&suggest_fix(finding));
        notice
    }

    /// Adds steps with their positions in the spec.
    fn add_steps(&self, notice: &mut Notice, is_nested: bool, steps: &[StepId]) {
        notice.add_steps(self.plan, steps, |step| AffectedStep {
            position: Some(format_line(step.subject.span, self.sources)),
            is_nested,
            ..AffectedStep::new(step, self.names)
        });
    }
}

/// A notice with the headline of a finding.
fn summarize(finding: &Finding) -> Notice {
    let what = match finding {
        Finding::Creation { found, .. } => found.summary.clone(),
        Finding::NotRegistered {
            subscription,
            namespace,
            state,
            ..
        } => match state {
            Some(state) => format!(
                "{namespace} is {} in {}",
                describe_state(state),
                describe_scope(subscription)
            ),
            None => format!("{namespace} is not a resource provider of this cloud"),
        },
        Finding::MissingPermissions { scope, caller, .. } => {
            format!(
                "{} lacks permissions on {}",
                describe_caller(caller),
                describe_scope(scope)
            )
        }
        Finding::Restricted {
            scope,
            action,
            caller,
            ..
        } => format!(
            "{} has {action} on {} only under conditions",
            describe_caller(caller),
            describe_scope(scope)
        ),
        Finding::Disallowed { denial, .. } => policies::summarize(denial),
        Finding::PolicyUnasked { steps } => format!(
            "policies were not checked for {}: too many different resources",
            pluralize(steps.len(), "step")
        ),
        Finding::Unknown { question, why } => describe_unknown(question, why),
    };
    match finding.is_certain() {
        true => Notice::new(Weight::Error, "!", &format!("error: {what}")),
        false => Notice::new(Weight::Warning, "!", &format!("warning: {what}")),
    }
}

fn describe_caller(caller: &Option<String>) -> String {
    match caller {
        Some(id) => format!("the caller (object ID {id})"),
        None => "the caller".to_owned(),
    }
}

fn describe_state(state: &str) -> String {
    match state {
        "NotRegistered" | "Unregistered" => "not registered".to_owned(),
        "Registering" => "being registered".to_owned(),
        other => other.to_lowercase(),
    }
}

fn add_causes(notice: &mut Notice, causes: &[Cause]) {
    for cause in causes {
        notice.add_text(&describe_cause(cause));
    }
}

fn describe_cause(cause: &Cause) -> String {
    match cause {
        Cause::Denied {
            name,
            scope,
            excludes_groups,
        } => {
            let exception = match excludes_groups {
                true => ", unless the caller is in one of the groups that it excludes",
                false => "",
            };
            format!("the deny assignment `{name}` on {scope} denies this to every role{exception}")
        }
        Cause::Eligible { role, scope } => {
            format!("the caller is eligible for {role} on {scope} but has not activated it")
        }
        Cause::Condition { assignment } => {
            format!("the role assignment that allows this has a condition: {assignment}")
        }
    }
}

fn describe_unknown(question: &Question, why: &str) -> String {
    match question {
        Question::Creation(question) => format!("cannot check {} ({why})", question.topic),
        Question::Registration { namespace, .. } => {
            format!("cannot read whether {namespace} is registered ({why})")
        }
        Question::Policies(scope)
        | Question::PolicyDefinition(scope)
        | Question::PolicyExemptions(scope)
        | Question::Restrictions { at: scope, .. } => format!(
            "cannot check whether a policy on {} denies these steps ({why})",
            describe_scope(scope)
        ),
        Question::Permissions(scope)
        | Question::Denials(scope)
        | Question::Eligibilities(scope)
        | Question::CallerRoles(scope) => {
            format!(
                "cannot read the caller's permissions on {} ({why})",
                describe_scope(scope)
            )
        }
    }
}

fn suggest_fix(finding: &Finding) -> String {
    match finding {
        Finding::Creation { found, .. } => return found.help.clone(),
        Finding::NotRegistered { state: None, .. } => "check the resource type in the spec, and --cloud",
        Finding::NotRegistered { namespace, .. } => {
            return format!(
                "run `lazuli apply --register-providers`, or \
                 `az provider register --namespace {namespace} --wait`"
            );
        }
        Finding::MissingPermissions { may_come: true, .. } => {
            "role assignments of this plan may grant them; propagation takes up to ten minutes"
        }
        Finding::MissingPermissions { causes, .. }
            if causes.iter().any(|it| matches!(it, Cause::Eligible { .. })) =>
        {
            "activate the role in Privileged Identity Management (`My roles`), then run again"
        }
        Finding::MissingPermissions { .. } => {
            "assign a role with these permissions on this or a parent scope; propagation takes up to ten minutes"
        }
        Finding::Restricted { .. } => "check that the conditions allow the steps of the plan, or ask the owner of the assignment",
        Finding::Disallowed { denial, .. } => policies::suggest_fix(denial),
        Finding::PolicyUnasked { .. } => {
            "pass `--target` to check some of the resources: a denied step fails with RequestDisallowedByPolicy"
        }
        Finding::Unknown { question, .. } => match question {
            Question::Creation(question) => {
                return format!(
                    "assign a role with the permission `{}`, such as Reader",
                    question.permission
                );
            }
            Question::Policies(_) => {
                "assign a role with the permissions `Microsoft.Authorization/policyAssignments/read` and \
                 `Microsoft.PolicyInsights/checkPolicyRestrictions/read`, such as Reader, and register the provider \
                 Microsoft.PolicyInsights"
            }
            Question::Registration { .. } => {
                "assign a role with the permission `Microsoft.Resources/subscriptions/providers/read`, such as Reader"
            }
            _ => "assign a role with the permission `Microsoft.Authorization/permissions/read`, such as Reader",
        },
    }
    .to_owned()
}
