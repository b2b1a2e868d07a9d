//! What Azure is known to refuse of a plan: each finding with its steps, what it rests on, and what can be done.

mod policies;

use lazuli_core::{
    facts::CreationObstacle,
    plan::{Plan, StepId},
    preflight::{Cause, Finding, Question},
    source::Sources,
};

use super::{
    Names, count, line_of,
    locks::place,
    notice::{Concerned, Notice, Weight},
};

/// A notice for each finding; `registers` says that providers are registered before the first step.
pub(crate) fn findings(
    plan: &Plan,
    found: &[Finding],
    registers: bool,
    sources: &Sources,
) -> Vec<Notice> {
    let page = Page {
        plan,
        names: Names::of_plan(plan),
        registers,
        sources,
    };
    found.iter().map(|finding| page.notice(finding)).collect()
}

struct Page<'a> {
    plan: &'a Plan,
    names: Names,
    registers: bool,
    sources: &'a Sources,
}

impl Page<'_> {
    fn notice(&self, finding: &Finding) -> Notice {
        if let Finding::NotRegistered {
            subscription,
            namespace,
            state: Some(_),
            steps,
        } = finding
            && self.registers
        {
            let what = format!("{namespace} will be registered in {}", place(subscription));
            let mut notice = Notice::new(Weight::Warning, "!", &what);
            self.steps(&mut notice, false, steps);
            return notice;
        }
        let mut notice = self.head(finding);
        match finding {
            Finding::Creation { step, found, .. } => {
                self.steps(&mut notice, false, &[*step]);
                if let CreationObstacle::NameUnavailable { message, .. } = &found.obstacle {
                    notice.say(message);
                }
            }
            Finding::NotRegistered { steps, .. } => self.steps(&mut notice, false, steps),
            Finding::MissingRights {
                actions, causes, ..
            } => {
                for (action, steps) in actions {
                    notice.say(action);
                    self.steps(&mut notice, true, steps);
                }
                causes.iter().for_each(|it| notice.say(&cause(it)));
            }
            Finding::Restricted { steps, causes, .. } => {
                self.steps(&mut notice, false, steps);
                causes.iter().for_each(|it| notice.say(&cause(it)));
            }
            Finding::Disallowed { denial, steps } => {
                self.steps(&mut notice, false, steps);
                policies::because(denial)
                    .iter()
                    .for_each(|it| notice.say(it));
            }
            Finding::PolicyUnasked { steps } => self.steps(&mut notice, false, steps),
            Finding::Unknown { .. } => {}
        }
        notice.help(&help(finding));
        notice
    }

    fn head(&self, finding: &Finding) -> Notice {
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
                    state_shown(state),
                    place(subscription)
                ),
                None => format!("Azure knows no resource provider {namespace}"),
            },
            Finding::MissingRights { scope, caller, .. } => {
                format!("{} lacks rights on {}", who(caller), place(scope))
            }
            Finding::Restricted {
                scope,
                action,
                caller,
                ..
            } => format!(
                "{} may {action} on {} only within limits",
                who(caller),
                place(scope)
            ),
            Finding::Disallowed { denial, .. } => policies::headline(denial),
            Finding::PolicyUnasked { steps } => format!(
                "whether a policy denies {} was not asked: they differ in too many ways",
                count(steps.len(), "step")
            ),
            Finding::Unknown { question, why } => unknown(question, why),
        };
        match finding.is_certain() {
            true => Notice::new(Weight::Error, "!", &format!("error: {what}")),
            false => Notice::new(Weight::Warning, "!", &format!("warning: {what}")),
        }
    }

    /// Each step with its place in the spec.
    fn steps(&self, notice: &mut Notice, is_inner: bool, steps: &[StepId]) {
        notice.steps(self.plan, steps, |step| Concerned {
            place: Some(line_of(step.subject.span, self.sources)),
            is_inner,
            ..Concerned::new(step, self.names)
        });
    }
}

fn who(caller: &Option<String>) -> String {
    match caller {
        Some(id) => format!("the caller (object id {id})"),
        None => "the caller".to_owned(),
    }
}

/// `NotRegistered` in words.
fn state_shown(state: &str) -> String {
    match state {
        "NotRegistered" | "Unregistered" => "not registered".to_owned(),
        "Registering" => "still being registered".to_owned(),
        other => other.to_lowercase(),
    }
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Denied {
            name,
            scope,
            excludes_groups,
        } => {
            let but = match excludes_groups {
                true => ", unless one of the groups that it excludes has the caller in it",
                false => "",
            };
            format!("the deny assignment `{name}` on {scope} takes it away from every role{but}")
        }
        Cause::Eligible { role, scope } => {
            format!("the caller is eligible for {role} on {scope} and has not activated it")
        }
        Cause::Condition { assignment } => {
            format!("the role assignment that gives it has a condition: {assignment}")
        }
    }
}

fn unknown(question: &Question, why: &str) -> String {
    match question {
        Question::Creation(question) => format!("could not check {} ({why})", question.topic),
        Question::Registration { namespace, .. } => {
            format!("whether {namespace} is registered could not be read ({why})")
        }
        Question::Policies(scope)
        | Question::PolicyDefinition(scope)
        | Question::PolicyExemptions(scope)
        | Question::Restrictions { at: scope, .. } => format!(
            "whether a policy on {} denies these steps could not be asked ({why})",
            place(scope)
        ),
        Question::Rights(scope)
        | Question::Denials(scope)
        | Question::Eligibilities(scope)
        | Question::RolesOfCaller(scope) => {
            format!(
                "the caller's rights on {} could not be read ({why})",
                place(scope)
            )
        }
    }
}

fn help(finding: &Finding) -> String {
    match finding {
        Finding::Creation { found, .. } => return found.help.clone(),
        Finding::NotRegistered { state: None, .. } => "check the type in the spec, and the cloud",
        Finding::NotRegistered { namespace, .. } => {
            return format!(
                "`lazuli apply --register-providers` registers it and waits for it; so does \
                 `az provider register --namespace {namespace} --wait`"
            );
        }
        Finding::MissingRights { may_come: true, .. } => {
            "grants of this plan may be what gives them; one can take ten minutes to work"
        }
        Finding::MissingRights { causes, .. }
            if causes.iter().any(|it| matches!(it, Cause::Eligible { .. })) =>
        {
            "activate the role (Privileged Identity Management, `My roles`), then run again"
        }
        Finding::MissingRights { .. } => {
            "ask for a role with these actions there or above; a fresh grant can take ten minutes to work"
        }
        Finding::Restricted { .. } => "check that it allows what the plan does, or ask its owner",
        Finding::Disallowed { denial, .. } => policies::help(denial),
        Finding::PolicyUnasked { .. } => {
            "a policy that denies one ends its step with RequestDisallowedByPolicy; `--target` asks about a part"
        }
        Finding::Unknown { question, .. } => match question {
            Question::Creation(question) => {
                return format!(
                    "this check needs the permission `{}`, which the role Reader has",
                    question.permission
                );
            }
            Question::Policies(_) => {
                "asking takes the rights `Microsoft.Authorization/policyAssignments/read` and \
                 `Microsoft.PolicyInsights/checkPolicyRestrictions/read`, which the role Reader has, and the provider \
                 Microsoft.PolicyInsights registered"
            }
            Question::Registration { .. } => {
                "reading it takes the right `Microsoft.Resources/subscriptions/providers/read`, which the role \
                 Reader has"
            }
            _ => "reading them takes the right `Microsoft.Authorization/permissions/read`, which the role Reader has",
        },
    }
    .to_owned()
}
