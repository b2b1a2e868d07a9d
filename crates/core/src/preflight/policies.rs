//! Azure Policy: what to ask of it about the steps of a plan, and what of its answers denies them.

mod proposal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

pub use proposal::Proposal;
use proposal::{ProposedStep, writes};

use super::{Answer, Answers, Finding, Question, array, made};
use crate::{
    arm::ArmId,
    permissions::allows,
    plan::{Plan, Step, StepId},
};

/// What asking takes (Azure permissions, Microsoft.PolicyInsights).
const ASK: &str = "Microsoft.PolicyInsights/checkPolicyRestrictions/read";
/// How many questions are asked about one plan. Each takes Azure a second or more.
const MOST_QUESTIONS: usize = 20;
/// How many names one question is about.
const MOST_NAMES: usize = 100;

/// A policy that denies a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Denial {
    /// The id of the assignment.
    pub assignment: String,
    /// The name that the assignment is shown under.
    pub assigned_as: String,
    /// The id of the definition.
    pub definition: String,
    /// The name that the definition is shown under, where it could be read.
    pub defined_as: Option<String>,
    /// What whoever assigned it says to those whom it denies something.
    pub message: Option<String>,
    /// What of the resource it goes by, as far as Azure tells.
    pub because: Vec<Expression>,
    /// Why it may not come to that.
    pub doubt: Option<Doubt>,
}

/// A condition of a policy that holds for a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// The path of a property, or what else is looked at.
    pub path: String,
    /// What is there.
    pub value: Json,
    /// `notIn`, `exists`, …
    pub operator: String,
    /// What it is compared with.
    pub target: Json,
}

/// Why what Azure Policy says may not come true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It may go by a value that is not known yet, or is a secret and was not sent.
    Withheld,
    /// Other policies change the resource before it is looked at.
    Altered,
    /// It may go by the resource group, which is not there yet.
    NewGroup,
    /// There is an exemption of the policy where it is.
    Exempt,
    /// Azure could not work the policy out.
    Unevaluated,
}

/// A question, and the steps that its answer is about.
struct Inquiry {
    question: Question,
    steps: Vec<StepId>,
    /// The steps by the names that were asked about together.
    names: Vec<(String, StepId)>,
    /// The paths of what was not sent.
    withheld: Vec<String>,
    /// Whether the resource group was not there to be asked at.
    lacks_group: bool,
}

/// What is asked about a plan, and what is not.
#[derive(Default)]
struct Inquiries {
    asked: Vec<Inquiry>,
    /// What there is no question left for.
    unasked: Vec<StepId>,
    /// Where nothing can be asked, and why.
    barred: BTreeSet<(ArmId, String)>,
    /// Lists of assignments that are to be read first.
    lists: BTreeSet<Question>,
}

/// The assignments of the subscriptions in which the plan writes.
pub(super) fn first(plan: &Plan) -> impl Iterator<Item = Question> {
    let subscriptions: BTreeSet<ArmId> = plan.steps.iter().filter_map(subscription).collect();
    subscriptions.into_iter().map(Question::Policies)
}

/// What to ask once the assignments are known; of what denies something, its name, and what is exempt from it.
pub(super) fn further(plan: &Plan, answers: &Answers) -> Vec<Question> {
    let inquiries = Inquiries::of(plan, answers);
    let denials = denials(plan, &inquiries, answers);
    let named = denials
        .iter()
        .filter_map(|(denial, _)| ArmId::parse(&denial.definition));
    let exempt = denials.iter().flat_map(|(_, steps)| steps);
    let exempt = exempt.filter_map(|step| subscription(plan.steps.get(step.0)?));
    let asked = inquiries.asked.into_iter().map(|it| it.question);
    inquiries
        .lists
        .into_iter()
        .chain(asked)
        .chain(named.map(Question::PolicyDefinition))
        .chain(exempt.map(Question::PolicyExemptions))
        .collect()
}

pub(super) fn findings(plan: &Plan, answers: &Answers) -> Vec<Finding> {
    let inquiries = Inquiries::of(plan, answers);
    let denied = denials(plan, &inquiries, answers).into_iter();
    let mut findings: Vec<Finding> = denied
        .map(|(denial, steps)| Finding::Disallowed { denial, steps })
        .collect();
    if !inquiries.unasked.is_empty() {
        let steps = inquiries.unasked;
        findings.push(Finding::PolicyUnasked { steps });
    }
    findings
}

/// Where Azure did not say what its policies deny, and why.
pub(super) fn unknown(plan: &Plan, answers: &Answers) -> Vec<Finding> {
    let mut inquiries = Inquiries::of(plan, answers);
    for inquiry in &inquiries.asked {
        let Question::Restrictions { at, .. } = &inquiry.question else {
            continue;
        };
        let why = match answers.0.get(&inquiry.question) {
            Some(Answer::Unknown(why)) => why.clone(),
            Some(Answer::Nothing) => "NotFound".to_owned(),
            Some(Answer::Said(_)) | None => continue,
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
    let subscription = writes(step)?.subscription_id()?;
    Some(ArmId::subscription(subscription))
}

impl Inquiries {
    /// One question for steps of a subscription that differ in nothing but names, ids and resource group, and to which
    /// the same assignments apply. The first of them stands for all, but for the names.
    fn of(plan: &Plan, answers: &Answers) -> Self {
        let mut all = Self::default();
        let new: HashSet<&ArmId> = plan.steps.iter().filter_map(made).collect();
        let mut enforced: HashMap<ArmId, Vec<Assignment<'_>>> = HashMap::new();
        let mut at_of: HashMap<String, usize> = HashMap::new();
        let mut alike: Vec<Vec<ProposedStep<'_>>> = Vec::new();
        for step in &plan.steps {
            let Some(draft) = ProposedStep::of(step, &new) else {
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
        all.asked = together.filter_map(inquiry).collect();
        all.asked
            .sort_by_key(|it| std::cmp::Reverse(it.steps.len()));
        let left = all.asked.len().min(MOST_QUESTIONS);
        let unasked = all.asked.split_off(left);
        all.unasked = unasked.into_iter().flat_map(|it| it.steps).collect();
        all.unasked.sort();
        all
    }

    /// The assignments at the scopes of a step, and where they were listed: at its subscription, or, where that cannot be
    /// read, at its resource group.
    fn assignments<'a>(
        &mut self,
        draft: &ProposedStep<'_>,
        answers: &'a Answers,
    ) -> Option<(ArmId, &'a [Json])> {
        let whole = ArmId::subscription(draft.id.subscription_id()?);
        match answers.0.get(&Question::Policies(whole.clone()))? {
            Answer::Said(Json::Array(items)) => return Some((whole, items)),
            Answer::Said(_) | Answer::Nothing => return None,
            Answer::Unknown(_) => {}
        }
        let narrow = Question::Policies(draft.at.clone());
        match answers.0.get(&narrow) {
            Some(Answer::Said(Json::Array(items))) => return Some((draft.at.clone(), items)),
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

    /// Whether it is known that the caller may not ask.
    fn is_barred(&mut self, at: &ArmId, answers: &Answers) -> bool {
        let rights = answers.said(&Question::Rights(at.clone()));
        let is_barred = rights.is_some_and(|rights| !allows(rights, ASK));
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

/// An assignment that is enforced, and where (REST reference, "Policy Assignments - List": `enforcementMode`, `scope`,
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

    /// Whether it is for a resource, as far as scopes tell.
    fn applies_to(&self, id: &ArmId) -> bool {
        let is_left_out = self.left_out.iter().any(|scope| scope.covers(id));
        !is_left_out && self.scope.as_ref().is_none_or(|scope| scope.may_reach(id))
    }
}

/// What is denied, and to which steps: each policy once for the same reason.
fn denials(plan: &Plan, inquiries: &Inquiries, answers: &Answers) -> Vec<(Denial, Vec<StepId>)> {
    let mut denials: Vec<(Denial, Vec<StepId>)> = Vec::new();
    let mut add = |denial: Denial, step: StepId| {
        let known = denials.iter_mut().find(|(known, _)| *known == denial);
        match known {
            Some((_, steps)) => steps.push(step),
            None => denials.push((denial, vec![step])),
        }
    };
    for inquiry in &inquiries.asked {
        let Some(said) = answers.said(&inquiry.question) else {
            continue;
        };
        for (denial, steps) in denied(inquiry, said, answers) {
            for step in steps {
                let is_exempt = is_exempt(plan, step, &denial, answers);
                let doubt = denial.doubt.or(is_exempt.then_some(Doubt::Exempt));
                add(
                    Denial {
                        doubt,
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

/// Whether an exemption from the assignment is at the resource of a step or above it. It may have expired, or be for
/// another policy of a set (REST reference, "Policy Exemptions - List").
fn is_exempt(plan: &Plan, step: StepId, denial: &Denial, answers: &Answers) -> bool {
    let Some(id) = plan.steps.get(step.0).and_then(writes) else {
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

/// What an answer denies (REST reference, "Policy Restrictions - Check At Resource Group Scope").
fn denied(inquiry: &Inquiry, said: &Json, answers: &Answers) -> Vec<(Denial, Vec<StepId>)> {
    let items = |value: Option<&Json>| array(value).to_vec();
    let evaluations = items(said.pointer("/contentEvaluationResult/policyEvaluations"));
    let fields = items(said.get("fieldRestrictions"));
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
        let doubt = if !result.eq_ignore_ascii_case("NonCompliant") {
            Some(Doubt::Unevaluated)
        } else if may_be_withheld(&because, &inquiry.withheld) {
            Some(Doubt::Withheld)
        } else if inquiry.lacks_group && looks_at_group(evaluation) {
            Some(Doubt::NewGroup)
        } else {
            is_altered.then_some(Doubt::Altered)
        };
        let says =
            |it: &Expression| !(it.path == "type" && it.operator.eq_ignore_ascii_case("equals"));
        let because = because.into_iter().filter(says);
        let denial = Denial {
            because: because.collect(),
            doubt,
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
            let doubt = is_altered.then_some(Doubt::Altered);
            let denial = denial(restriction, "/policy", "/reason", answers);
            found.push((Denial { doubt, ..denial }, steps));
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

/// A text of an answer; empty where Azure leaves it out, which no comparison below takes for a value.
fn text<'a>(item: &'a Json, pointer: &str) -> &'a str {
    let text = item.pointer(pointer).and_then(Json::as_str);
    text.unwrap_or("")
}

/// A denial by the policy that an item of an answer refers to.
fn denial(item: &Json, reference: &str, reason: &str, answers: &Answers) -> Denial {
    let policy = |member: &str| text(item, &format!("{reference}/{member}")).to_owned();
    let assignment = policy("policyAssignmentId");
    let lists = answers.0.iter().filter_map(|(question, answer)| {
        let is_list = matches!(question, Question::Policies(_));
        match answer {
            Answer::Said(Json::Array(items)) if is_list => Some(items),
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
            .and_then(|id| answers.said(&Question::PolicyDefinition(id)))
            .map(|it| text(it, "/properties/displayName").to_owned())
            .filter(|it| !it.is_empty()),
        assignment,
        definition,
        message,
        because: Vec::new(),
        doubt: None,
    }
}

/// What an assignment has to say where it denies: the words for the very policy of a set, or for all.
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

/// Whether a condition reads the resource group, by the function of that name.
fn looks_at_group(evaluation: &Json) -> bool {
    let details = evaluation.pointer("/evaluationDetails");
    let details = details.map(|details| details.to_string().to_ascii_lowercase());
    details.is_some_and(|details| details.contains("resourcegroup("))
}

/// Whether a condition looks at what was not sent; where none is told, any may.
fn may_be_withheld(because: &[Expression], withheld: &[String]) -> bool {
    let touches = |path: &str, withheld: &str| {
        let segments = |path: &str| -> Vec<String> {
            let names = path.split(['.', '[']).filter(|it| !it.ends_with(']'));
            names.map(str::to_ascii_lowercase).collect()
        };
        let (path, withheld) = (segments(path), segments(withheld));
        path.iter().zip(&withheld).all(|(one, other)| one == other)
    };
    !withheld.is_empty()
        && (because.is_empty()
            || because
                .iter()
                .any(|it| withheld.iter().any(|path| touches(&it.path, path))))
}
