//! Azure Policy: the questions about the steps of a plan, and the denials in the answers.

mod proposal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

pub use proposal::Proposal;
use proposal::{ProposedStep, find_written_id};

use super::{Answer, Answers, Finding, Question, array, find_created_id};
use crate::{
    arm::ArmId,
    body_path::BodyPath,
    permissions::allows,
    plan::{Plan, Step, StepId},
};

/// The permission that the question needs (Azure permissions, Microsoft.PolicyInsights).
const ASK: &str = "Microsoft.PolicyInsights/checkPolicyRestrictions/read";
/// The maximum number of questions about a plan. Azure needs a second or more for each.
const MOST_QUESTIONS: usize = 20;
/// The maximum number of names in a question.
const MOST_NAMES: usize = 100;

/// A policy that denies a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial {
    /// The id of the assignment.
    pub assignment: String,
    /// The display name of the assignment.
    pub assigned_as: String,
    /// The id of the definition.
    pub definition: String,
    /// The display name of the definition, if it could be read.
    pub defined_as: Option<String>,
    /// The message of the assignment for denied requests.
    pub message: Option<String>,
    /// The conditions of the policy that hold, if Azure returns them.
    pub because: Vec<Expression>,
    /// Why the denial is not certain.
    pub uncertainty: Option<Uncertainty>,
}

/// A condition of a policy that holds for a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// The path of a property, or another expression.
    pub path: String,
    /// The actual value.
    pub value: Json,
    /// `notIn`, `exists`, …
    pub operator: String,
    /// The value that it is compared with.
    pub target: Json,
}

/// Why a denial is not certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncertainty {
    /// It may depend on an unresolved output, or on a secret, which is not sent.
    OmittedValue,
    /// Other policies change the resource before the evaluation.
    Modification,
    /// It may depend on the resource group, which does not exist yet.
    NewGroup,
    /// An exemption from the policy applies at the resource or above.
    Exemption,
    /// Azure could not evaluate the policy.
    NoEvaluation,
}

/// A question, and the steps that its answer applies to.
struct Inquiry {
    question: Question,
    steps: Vec<StepId>,
    /// The steps, by the names in the question.
    names: Vec<(String, StepId)>,
    /// The paths of values that were not sent.
    withheld: Vec<BodyPath>,
    /// Whether the resource group does not exist yet.
    lacks_group: bool,
}

/// The questions about a plan, and the steps without a question.
#[derive(Default)]
struct Inquiries {
    open: Vec<Inquiry>,
    /// The steps beyond the maximum number of questions.
    beyond_limit: Vec<StepId>,
    /// The scopes where no question is possible, with reasons.
    barred: BTreeSet<(ArmId, String)>,
    /// The lists of assignments to read first.
    lists: BTreeSet<Question>,
}

/// The assignments of the subscriptions in which the plan writes.
pub(super) fn list_questions(plan: &Plan) -> impl Iterator<Item = Question> {
    let subscriptions: BTreeSet<ArmId> = plan.steps.iter().filter_map(subscription).collect();
    subscriptions.into_iter().map(Question::Policies)
}

/// The questions once the assignments are known; for denials, also display names and exemptions.
pub(super) fn list_further_questions(plan: &Plan, answers: &Answers) -> Vec<Question> {
    let inquiries = Inquiries::new(plan, answers);
    let denials = denials(plan, &inquiries, answers);
    let named = denials
        .iter()
        .filter_map(|(denial, _)| ArmId::parse(&denial.definition));
    let exempt = denials.iter().flat_map(|(_, steps)| steps);
    let exempt = exempt.filter_map(|step| subscription(&plan[*step]));
    let open = inquiries.open.into_iter().map(|it| it.question);
    inquiries
        .lists
        .into_iter()
        .chain(open)
        .chain(named.map(Question::PolicyDefinition))
        .chain(exempt.map(Question::PolicyExemptions))
        .collect()
}

pub(super) fn findings(plan: &Plan, answers: &Answers) -> Vec<Finding> {
    let inquiries = Inquiries::new(plan, answers);
    let denied = denials(plan, &inquiries, answers).into_iter();
    let mut findings: Vec<Finding> = denied
        .map(|(denial, steps)| Finding::Disallowed { denial, steps })
        .collect();
    if !inquiries.beyond_limit.is_empty() {
        let steps = inquiries.beyond_limit;
        findings.push(Finding::PolicyUnasked { steps });
    }
    findings
}

/// The scopes where Azure did not evaluate its policies, with reasons.
pub(super) fn list_unknown_findings(plan: &Plan, answers: &Answers) -> Vec<Finding> {
    let mut inquiries = Inquiries::new(plan, answers);
    for inquiry in &inquiries.open {
        let Question::Restrictions { at, .. } = &inquiry.question else {
            continue;
        };
        let why = match answers.0.get(&inquiry.question) {
            Some(Answer::Unknown(why)) => why.clone(),
            Some(Answer::NotFound) => "NotFound".to_owned(),
            Some(Answer::Response(_)) | None => continue,
        };
        inquiries.barred.insert((at.clone(), why));
    }
    let unknown = |(at, why)| Finding::Unknown {
        question: Question::Policies(at),
        why,
    };
    inquiries.barred.into_iter().map(unknown).collect()
}

fn subscription(step: &Step) -> Option<ArmId> {
    let subscription = find_written_id(step)?.subscription_id()?;
    Some(ArmId::subscription(subscription))
}

impl Inquiries {
    /// One question for steps of a subscription that differ only in names, ids and resource group, and to which the same
    /// assignments apply. It contains the first step, with the names of all.
    fn new(plan: &Plan, answers: &Answers) -> Self {
        let mut all = Self::default();
        let new: HashSet<&ArmId> = plan.steps.iter().filter_map(find_created_id).collect();
        let mut enforced: HashMap<ArmId, Vec<Assignment<'_>>> = HashMap::new();
        let mut at_of: HashMap<String, usize> = HashMap::new();
        let mut alike: Vec<Vec<ProposedStep<'_>>> = Vec::new();
        for step in &plan.steps {
            let Some(draft) = ProposedStep::from_step(step, &new) else {
                continue;
            };
            let Some((at, list)) = all.assignments(&draft, answers) else {
                continue;
            };
            let enforced = enforced
                .entry(at)
                .or_insert_with(|| list.iter().filter_map(Assignment::enforced).collect());
            let applying = enforced.iter().filter(|it| it.applies_to(draft.id));
            let applying: Vec<&str> = applying.map(|it| it.id).collect();
            if applying.is_empty() || all.is_barred(&draft.at, answers) {
                continue;
            }
            let subscription = draft.id.subscription_id();
            let shape = format!("{subscription:?} {applying:?} {}", draft.shape());
            let found = *at_of.entry(shape).or_insert(alike.len());
            match alike.get_mut(found) {
                Some(known) => known.push(draft),
                None => alike.push(vec![draft]),
            }
        }
        let together = alike.iter().flat_map(|alike| alike.chunks(MOST_NAMES));
        all.open = together.filter_map(inquiry).collect();
        all.open.sort_by_key(|it| std::cmp::Reverse(it.steps.len()));
        let left = all.open.len().min(MOST_QUESTIONS);
        let beyond_limit = all.open.split_off(left);
        all.beyond_limit = beyond_limit.into_iter().flat_map(|it| it.steps).collect();
        all.beyond_limit.sort();
        all
    }

    /// The assignments at the scopes of a step, and the scope of their list: the subscription or, if that cannot be read,
    /// the resource group.
    fn assignments<'a>(
        &mut self,
        draft: &ProposedStep<'_>,
        answers: &'a Answers,
    ) -> Option<(ArmId, &'a [Json])> {
        let whole = ArmId::subscription(draft.id.subscription_id()?);
        match answers.0.get(&Question::Policies(whole.clone()))? {
            Answer::Response(Json::Array(items)) => return Some((whole, items)),
            Answer::Response(_) | Answer::NotFound => return None,
            Answer::Unknown(_) => {}
        }
        let narrow = Question::Policies(draft.at.clone());
        match answers.0.get(&narrow) {
            Some(Answer::Response(Json::Array(items))) => return Some((draft.at.clone(), items)),
            Some(Answer::Unknown(why)) => {
                self.barred.insert((draft.at.clone(), why.clone()));
            }
            Some(_) => {}
            None => {
                self.lists.insert(narrow);
            }
        }
        None
    }

    /// Whether the caller is known to lack the permission for the question.
    fn is_barred(&mut self, at: &ArmId, answers: &Answers) -> bool {
        let permissions = answers.response(&Question::Permissions(at.clone()));
        let is_barred = permissions.is_some_and(|permissions| !allows(permissions, ASK));
        if is_barred {
            let why = "AuthorizationFailed".to_owned();
            self.barred.insert((at.clone(), why));
        }
        is_barred
    }
}

fn inquiry(alike: &[ProposedStep<'_>]) -> Option<Inquiry> {
    let first = alike.first()?;
    let named = alike.iter().filter_map(|it| Some((it.name()?, it.step.id)));
    let names: Vec<(String, StepId)> = named.collect();
    let mut seen = HashSet::new();
    let each_once = names.iter().map(|(name, _)| name.as_str());
    let together: Vec<&str> = each_once.filter(|name| seen.insert(*name)).collect();
    let (proposal, withheld) = first.proposal(&together);
    Some(Inquiry {
        question: Question::Restrictions {
            at: first.at.clone(),
            proposal,
        },
        steps: alike.iter().map(|it| it.step.id).collect(),
        names,
        withheld,
        lacks_group: first.lacks_group(),
    })
}

/// An enforced assignment, and its scopes (REST reference, "Policy Assignments - List": `enforcementMode`, `scope`,
/// `notScopes`).
struct Assignment<'a> {
    id: &'a str,
    scope: Option<ArmId>,
    left_out: Vec<ArmId>,
}

impl<'a> Assignment<'a> {
    fn enforced(item: &'a Json) -> Option<Self> {
        if text(item, "/properties/enforcementMode").eq_ignore_ascii_case("DoNotEnforce") {
            return None;
        }
        let left_out = item.pointer("/properties/notScopes");
        let left_out = left_out.and_then(Json::as_array).into_iter().flatten();
        Some(Self {
            id: item.get("id")?.as_str()?,
            scope: ArmId::parse(text(item, "/properties/scope")),
            left_out: left_out
                .filter_map(|scope| ArmId::parse(scope.as_str()?))
                .collect(),
        })
    }

    /// Whether its scopes contain a resource.
    fn applies_to(&self, id: &ArmId) -> bool {
        let is_left_out = self.left_out.iter().any(|scope| scope.covers(id));
        !is_left_out && self.scope.as_ref().is_none_or(|scope| scope.may_reach(id))
    }
}

/// The denials, each with its steps: a policy once per reason.
fn denials(plan: &Plan, inquiries: &Inquiries, answers: &Answers) -> Vec<(Denial, Vec<StepId>)> {
    let mut denials: Vec<(Denial, Vec<StepId>)> = Vec::new();
    let mut add = |denial: Denial, step: StepId| {
        let known = denials.iter_mut().find(|(known, _)| *known == denial);
        match known {
            Some((_, steps)) => steps.push(step),
            None => denials.push((denial, vec![step])),
        }
    };
    for inquiry in &inquiries.open {
        let Some(response) = answers.response(&inquiry.question) else {
            continue;
        };
        for (denial, steps) in denied(inquiry, response, answers) {
            for step in steps {
                let is_exempt = is_exempt(plan, step, &denial, answers);
                let uncertainty = denial
                    .uncertainty
                    .or(is_exempt.then_some(Uncertainty::Exemption));
                add(
                    Denial {
                        uncertainty,
                        ..denial.clone()
                    },
                    step,
                );
            }
        }
    }
    for (_, steps) in &mut denials {
        steps.sort();
        steps.dedup();
    }
    denials
}

/// Whether an exemption from the assignment exists at the resource of a step or above. It may have expired, or apply to
/// another policy of a set (REST reference, "Policy Exemptions - List").
fn is_exempt(plan: &Plan, step: StepId, denial: &Denial, answers: &Answers) -> bool {
    let Some(id) = find_written_id(&plan[step]) else {
        return false;
    };
    let Some(subscription) = id.subscription_id().map(ArmId::subscription) else {
        return false;
    };
    let exemptions = answers.items(&Question::PolicyExemptions(subscription));
    exemptions.iter().any(|exemption| {
        let of = text(exemption, "/properties/policyAssignmentId");
        let at = ArmId::parse(text(exemption, "/id")).and_then(|id| id.parent());
        of.eq_ignore_ascii_case(&denial.assignment) && at.is_some_and(|at| at.may_reach(id))
    })
}

/// The denials in an answer (REST reference, "Policy Restrictions - Check At Resource Group Scope").
fn denied(inquiry: &Inquiry, response: &Json, answers: &Answers) -> Vec<(Denial, Vec<StepId>)> {
    let items = |value: Option<&Json>| array(value).to_vec();
    let evaluations = items(response.pointer("/contentEvaluationResult/policyEvaluations"));
    let fields = items(response.get("fieldRestrictions"));
    let restrictions: Vec<(bool, Json)> = fields
        .iter()
        .flat_map(|field| {
            let is_name = text(field, "/field").eq_ignore_ascii_case("name");
            let restrictions = items(field.get("restrictions")).into_iter();
            restrictions.map(move |restriction| (is_name, restriction))
        })
        .collect();
    let has_effect =
        |effect: &str, known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(effect));
    let alters = |effect: &str| has_effect(effect, &["Append", "Modify"]);
    let is_altered = evaluations
        .iter()
        .any(|it| alters(text(it, "/effectDetails/policyEffect")))
        || restrictions
            .iter()
            .any(|(_, it)| alters(text(it, "/policyEffect")));
    let mut found = Vec::new();
    for evaluation in &evaluations {
        let result = text(evaluation, "/evaluationResult");
        let denies = has_effect(text(evaluation, "/effectDetails/policyEffect"), &["Deny"]);
        if !denies || result.eq_ignore_ascii_case("Compliant") {
            continue;
        }
        let because = expressions(evaluation);
        let uncertainty = if !result.eq_ignore_ascii_case("NonCompliant") {
            Some(Uncertainty::NoEvaluation)
        } else if may_be_withheld(&because, &inquiry.withheld) {
            Some(Uncertainty::OmittedValue)
        } else if inquiry.lacks_group && depends_on_group(evaluation) {
            Some(Uncertainty::NewGroup)
        } else {
            is_altered.then_some(Uncertainty::Modification)
        };
        let is_informative =
            |it: &Expression| !(it.path == "type" && it.operator.eq_ignore_ascii_case("equals"));
        let because = because.into_iter().filter(is_informative);
        let denial = Denial {
            because: because.collect(),
            uncertainty,
            ..denial(
                evaluation,
                "/policyInfo",
                "/evaluationDetails/reason",
                answers,
            )
        };
        found.push((denial, inquiry.steps.clone()));
    }
    for (_, restriction) in restrictions.iter().filter(|(is_name, _)| *is_name) {
        let steps = names_denied(restriction, &inquiry.names);
        if !steps.is_empty() {
            let uncertainty = is_altered.then_some(Uncertainty::Modification);
            let denial = denial(restriction, "/policy", "/reason", answers);
            found.push((
                Denial {
                    uncertainty,
                    ..denial
                },
                steps,
            ));
        }
    }
    found
}

/// The steps whose names a restriction denies.
fn names_denied(restriction: &Json, names: &[(String, StepId)]) -> Vec<StepId> {
    let effect = text(restriction, "/policyEffect");
    let result = text(restriction, "/result");
    let values = restriction.get("values").and_then(Json::as_array);
    let is_listed = |name: &str| {
        let mut values = values.into_iter().flatten().filter_map(Json::as_str);
        values.any(|value| value.eq_ignore_ascii_case(name))
    };
    let is_empty = values.is_none_or(Vec::is_empty);
    let is_denied = |name: &str| match result {
        "Deny" => is_empty || is_listed(name),
        "Required" => !is_empty && !is_listed(name),
        _ => false,
    };
    let counts = effect.is_empty() || effect.eq_ignore_ascii_case("Deny");
    let denied = names.iter().filter(|(name, _)| counts && is_denied(name));
    denied.map(|(_, step)| *step).collect()
}

/// A text of an answer; empty if Azure omits it, which no comparison below treats as a value.
fn text<'a>(item: &'a Json, pointer: &str) -> &'a str {
    let text = item.pointer(pointer).and_then(Json::as_str);
    text.unwrap_or("")
}

/// The denial by the policy that an item of an answer names.
fn denial(item: &Json, reference: &str, reason: &str, answers: &Answers) -> Denial {
    let policy = |member: &str| text(item, &format!("{reference}/{member}")).to_owned();
    let assignment = policy("policyAssignmentId");
    let lists = answers.0.iter().filter_map(|(question, answer)| {
        let is_list = matches!(question, Question::Policies(_));
        match answer {
            Answer::Response(Json::Array(items)) if is_list => Some(items),
            _ => None,
        }
    });
    let assigned = lists
        .flatten()
        .find(|item| text(item, "/id").eq_ignore_ascii_case(&assignment));
    let shown = assigned.map(|it| text(it, "/properties/displayName"));
    let last = assignment
        .rsplit_once('/')
        .map_or(assignment.as_str(), |(_, last)| last);
    let definition = policy("policyDefinitionId");
    let message = match text(item, reason) {
        "" => assigned.and_then(|it| message(it, &policy("policyDefinitionReferenceId"))),
        reason => Some(reason.to_owned()),
    };
    Denial {
        assigned_as: shown.filter(|it| !it.is_empty()).unwrap_or(last).to_owned(),
        defined_as: ArmId::parse(&definition)
            .and_then(|id| answers.response(&Question::PolicyDefinition(id)))
            .map(|it| text(it, "/properties/displayName").to_owned())
            .filter(|it| !it.is_empty()),
        assignment,
        definition,
        message,
        because: Vec::new(),
        uncertainty: None,
    }
}

/// The message of an assignment for denied requests: for a policy of a set, or for all of them.
fn message(assignment: &Json, reference: &str) -> Option<String> {
    let messages = assignment.pointer("/properties/nonComplianceMessages")?;
    let messages = messages.as_array()?;
    let of = |wanted: &str| {
        let its =
            |it: &&Json| text(it, "/policyDefinitionReferenceId").eq_ignore_ascii_case(wanted);
        messages.iter().find(its)
    };
    let found = of(reference).or_else(|| of(""))?;
    Some(text(found, "/message").to_owned()).filter(|message| !message.is_empty())
}

/// The conditions that hold.
fn expressions(evaluation: &Json) -> Vec<Expression> {
    let evaluated = evaluation.pointer("/evaluationDetails/evaluatedExpressions");
    let evaluated = evaluated.and_then(Json::as_array).into_iter().flatten();
    let expression = |item: &Json| {
        let holds = text(item, "/result").eq_ignore_ascii_case("True");
        let path = match text(item, "/path") {
            "" => text(item, "/expression"),
            path => path,
        };
        let value = |member: &str| item.get(member).cloned().unwrap_or(Json::Null);
        (holds && !path.is_empty()).then(|| Expression {
            path: path.to_owned(),
            value: value("expressionValue"),
            operator: text(item, "/operator").to_owned(),
            target: value("targetValue"),
        })
    };
    evaluated.filter_map(expression).collect()
}

/// Whether a condition uses the function `resourceGroup()`.
fn depends_on_group(evaluation: &Json) -> bool {
    let details = evaluation.pointer("/evaluationDetails");
    let details = details.map(|details| details.to_string().to_ascii_lowercase());
    details.is_some_and(|details| details.contains("resourcegroup("))
}

/// Whether a condition may depend on a value that was not sent; without known conditions, it may.
fn may_be_withheld(because: &[Expression], withheld: &[BodyPath]) -> bool {
    let may_be_at = |path: &str| {
        let path = BodyPath::parse(path);
        withheld.iter().any(|withheld| path.shares_names(withheld))
    };
    !withheld.is_empty()
        && (because.is_empty() || because.iter().any(|condition| may_be_at(&condition.path)))
}
