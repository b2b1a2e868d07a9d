//! Preflight: questions to Azure about a plan before the first write, and the findings that follow from the answers.

mod causes;
mod permissions;
mod policies;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

pub use causes::Cause;
use permissions::{PermissionState, RequiredPermissions};
pub use policies::{Denial, Expression, Proposal, Uncertainty};

use crate::{
    arm::ArmId,
    facts::{CreationCheck, CreationFinding, CreationQuestion, NewResource},
    kind::Registry,
    plan::{Action, CallTarget, Plan, Step, StepId},
};

/// Providers without registration (their `registrationPolicy` is `RegistrationFree`).
const REGISTRATION_FREE: [&str; 2] = ["Microsoft.Authorization", "Microsoft.Resources"];

/// A question about the requirements of a plan. No question changes anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// The question of the type of a new resource.
    Creation(CreationQuestion),
    /// Whether a provider is registered in a subscription.
    Registration {
        /// The subscription.
        subscription: ArmId,
        /// `Microsoft.Storage`
        namespace: String,
    },
    /// The permissions of the caller at a scope, from all its roles there and above.
    Permissions(ArmId),
    /// The deny assignments at a scope.
    Denials(ArmId),
    /// The roles that the caller is eligible for at a scope.
    Eligibilities(ArmId),
    /// The role assignments of the caller at a scope.
    CallerRoles(ArmId),
    /// The policy assignments at, above and below a scope.
    Policies(ArmId),
    /// Whether policies allow a resource.
    Restrictions {
        /// The resource group or subscription of the resource.
        at: ArmId,
        /// The resource.
        proposal: Proposal,
    },
    /// The display name of a policy definition.
    PolicyDefinition(ArmId),
    /// The policy exemptions of a subscription.
    PolicyExemptions(ArmId),
}

/// Azure's answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The body, or the items of a list.
    Response(Json),
    /// 404.
    NotFound,
    /// The request failed, with the reason.
    Unknown(String),
}

/// The answers received so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers(HashMap<Question, Answer>);

impl Answers {
    /// Adds an answer.
    pub fn insert(&mut self, question: Question, answer: Answer) {
        self.0.insert(question, answer);
    }

    fn response(&self, question: &Question) -> Option<&Json> {
        match self.0.get(question) {
            Some(Answer::Response(response)) => Some(response),
            _ => None,
        }
    }

    fn items(&self, question: &Question) -> &[Json] {
        array(self.response(question))
    }
}

/// The items of a list in an answer; empty if Azure omits the list.
fn array(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Array(items)) => items,
        _ => &[],
    }
}

/// An obstacle, certain or possible, to the execution of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// Azure would reject the creation of a resource.
    Creation {
        /// The step that creates it.
        step: StepId,
        /// Its name.
        name: String,
        /// What prevents the creation.
        found: CreationFinding,
    },
    /// A provider is not registered in a subscription.
    NotRegistered {
        /// The subscription.
        subscription: ArmId,
        /// The provider.
        namespace: String,
        /// `NotRegistered`, `Registering`, …; `None` if Azure does not know the provider.
        state: Option<String>,
        /// The steps that create such resources.
        steps: Vec<StepId>,
    },
    /// The caller lacks permissions for steps.
    MissingPermissions {
        /// The scope: the resource group or above, although a role on the resource would suffice.
        scope: ArmId,
        /// The object id of the caller, if the token contains it.
        caller: Option<String>,
        /// The missing actions, each with the steps that need it.
        actions: Vec<(String, Vec<StepId>)>,
        /// Whether role assignments of the plan itself may give them.
        may_come: bool,
        /// The known causes.
        causes: Vec<Cause>,
    },
    /// The caller has a permission with restrictions that may block the plan.
    Restricted {
        /// The scope.
        scope: ArmId,
        /// The object id of the caller, if the token contains it.
        caller: Option<String>,
        /// The action.
        action: String,
        /// The steps that need it.
        steps: Vec<StepId>,
        /// The restrictions.
        causes: Vec<Cause>,
    },
    /// A policy denies the writes of steps.
    Disallowed {
        /// The policy.
        denial: Denial,
        /// The steps.
        steps: Vec<StepId>,
    },
    /// Policies were not checked for steps, because too many different ones would need a question each.
    PolicyUnasked {
        /// The steps.
        steps: Vec<StepId>,
    },
    /// A question without an answer.
    Unknown {
        /// The question.
        question: Question,
        /// The reason.
        why: String,
    },
}

impl Finding {
    /// Whether it concerns only the permissions of the caller, and not those of others who may apply the plan.
    pub fn is_about_caller(&self) -> bool {
        match self {
            Self::MissingPermissions { .. } | Self::Restricted { .. } => true,
            Self::Unknown { question, .. } => matches!(question, Question::Permissions(_)),
            _ => false,
        }
    }

    /// Whether Azure is certain to reject steps, so that applying the plan is pointless.
    pub fn is_certain(&self) -> bool {
        match self {
            Self::Creation { .. } => true,
            Self::NotRegistered { state, .. } => state.as_deref() != Some("Registering"),
            Self::MissingPermissions { may_come, .. } => !may_come,
            Self::Restricted { causes, .. } => causes.iter().any(|cause| {
                let Cause::Denied {
                    excludes_groups, ..
                } = cause
                else {
                    return false;
                };
                !excludes_groups
            }),
            Self::Disallowed { denial, .. } => denial.uncertainty.is_none(),
            Self::PolicyUnasked { .. } | Self::Unknown { .. } => false,
        }
    }
}

/// The first questions about a plan; none about an empty plan.
pub fn questions(plan: &Plan, registry: Registry) -> Vec<Question> {
    let mut questions = BTreeSet::new();
    questions.extend(
        creations(plan, registry)
            .into_iter()
            .map(|new| Question::Creation(new.question)),
    );
    for step in &plan.steps {
        if let Some((subscription, namespace)) = new_of_provider(step) {
            questions.insert(Question::Registration {
                subscription,
                namespace,
            });
        }
    }
    let needs = RequiredPermissions::new(plan, registry);
    questions.extend(needs.iter().flat_map(|need| {
        let from = || need.from.clone();
        [Question::Permissions(from()), Question::Denials(from())]
    }));
    questions.extend(needs.iter().filter_map(causes::of_conditions));
    questions.extend(policies::list_questions(plan));
    questions.into_iter().collect()
}

/// The next questions, given the answers so far: details of creations, permissions on resources themselves, causes of
/// missing permissions, and policies. Repeat until no question is left.
pub fn list_further_questions(plan: &Plan, answers: &Answers, registry: Registry) -> Vec<Question> {
    let mut questions = BTreeSet::new();
    for new in creations(plan, registry) {
        questions.extend(new.detail(answers).map(Question::Creation));
    }
    for need in RequiredPermissions::new(plan, registry).iter() {
        match need.state(answers) {
            PermissionState::Missing => questions.extend(causes::of_missing(&need.from)),
            PermissionState::NotAbove => {
                questions.insert(Question::Permissions(need.at.clone()));
            }
            PermissionState::Held | PermissionState::Unknown => {}
        }
    }
    questions.extend(policies::list_further_questions(plan, answers));
    let is_new = |question: &Question| !answers.0.contains_key(question);
    questions.into_iter().filter(is_new).collect()
}

/// The findings about a plan: creations first, then providers, permissions, policies, and unanswered questions.
///
/// `caller` is the object id of the principal that applies the plan.
pub fn findings(
    plan: &Plan,
    answers: &Answers,
    caller: Option<&str>,
    registry: Registry,
) -> Vec<Finding> {
    let creations = creations(plan, registry);
    let mut findings: Vec<Finding> = creations
        .iter()
        .filter_map(|new| new.finding(answers))
        .collect();
    findings.extend(registrations(plan, answers));
    findings.extend(missing_permissions(plan, answers, caller, registry));
    findings.extend(policies::findings(plan, answers));
    findings.extend(list_unknown_findings(plan, answers, creations, registry));
    findings.extend(policies::list_unknown_findings(plan, answers));
    findings
}

/// Questions without an answer, except those that would only explain a finding.
fn list_unknown_findings(
    plan: &Plan,
    answers: &Answers,
    creations: Vec<Creation<'_>>,
    registry: Registry,
) -> Vec<Finding> {
    let needs = RequiredPermissions::new(plan, registry);
    let permissions = needs
        .iter()
        .filter(|need| need.state(answers) == PermissionState::Unknown)
        .map(|need| {
            let broad = Question::Permissions(need.from.clone());
            match answers.response(&broad) {
                Some(_) => Question::Permissions(need.at.clone()),
                None => broad,
            }
        });
    let registrations = answers.0.keys().cloned();
    let registrations =
        registrations.filter(|question| matches!(question, Question::Registration { .. }));
    let creations = creations
        .into_iter()
        .map(|new| Question::Creation(new.question));
    let questions: BTreeSet<Question> = creations.chain(registrations).chain(permissions).collect();
    let why = |question: &Question| match answers.0.get(question)? {
        Answer::Unknown(why) => Some(why.clone()),
        Answer::NotFound if matches!(question, Question::Permissions(_)) => {
            Some("NotFound".to_owned())
        }
        Answer::NotFound | Answer::Response(_) => None,
    };
    questions
        .into_iter()
        .filter_map(|question| {
            let why = why(&question)?;
            Some(Finding::Unknown { question, why })
        })
        .collect()
}

/// A new resource whose type has a question about it.
struct Creation<'a> {
    step: &'a Step,
    resource: NewResource<'a>,
    check: &'static CreationCheck,
    question: CreationQuestion,
}

impl Creation<'_> {
    /// The second question, if the answer to the first one needs an explanation.
    fn detail(&self, answers: &Answers) -> Option<CreationQuestion> {
        let answer = answers.response(&Question::Creation(self.question.clone()))?;
        (self.check.detail)(&self.resource, answer)
    }

    fn finding(&self, answers: &Answers) -> Option<Finding> {
        let answer = answers.response(&Question::Creation(self.question.clone()))?;
        let detail = self.detail(answers).map(Question::Creation);
        let detail = detail
            .as_ref()
            .and_then(|question| answers.response(question));
        let found = (self.check.finding)(&self.resource, answer, detail)?;
        Some(Finding::Creation {
            step: self.step.id,
            name: self.resource.id.name().to_owned(),
            found,
        })
    }
}

/// The new resources with a question of their type, except those whose name the plan itself frees.
fn creations(plan: &Plan, registry: Registry) -> Vec<Creation<'_>> {
    let gone = plan.steps.iter().filter(|it| it.action == Action::Delete);
    let name_key = |step: &Step, name: &str| {
        let arm_type = step.subject.arm_type.name.to_ascii_lowercase();
        (arm_type, name.to_ascii_lowercase())
    };
    let freed: HashSet<(String, String)> = gone
        .filter_map(|step| Some(name_key(step, target(step)?.name())))
        .collect();
    let new = plan.steps.iter().filter_map(|step| {
        let id = find_created_id(step)?;
        let check = registry.creation_check(&step.subject.arm_type.name)?;
        if check.deletion_frees_name && freed.contains(&name_key(step, id.name())) {
            return None;
        }
        let resource = NewResource {
            id,
            body: &step.call.body,
        };
        Some(Creation {
            step,
            question: (check.question)(&resource)?,
            resource,
            check,
        })
    });
    new.collect()
}

fn registrations(plan: &Plan, answers: &Answers) -> Vec<Finding> {
    let mut users: BTreeMap<(ArmId, String), Vec<StepId>> = BTreeMap::new();
    for step in &plan.steps {
        if let Some(of) = new_of_provider(step) {
            users.entry(of).or_default().push(step.id);
        }
    }
    let missing = |((subscription, namespace), steps): ((ArmId, String), Vec<StepId>)| {
        let question = Question::Registration {
            subscription: subscription.clone(),
            namespace: namespace.clone(),
        };
        let state = match answers.0.get(&question)? {
            Answer::Unknown(_) => return None,
            Answer::NotFound => None,
            Answer::Response(provider) => {
                let text = |member: &str| provider.get(member).and_then(Json::as_str);
                let state = text("registrationState").unwrap_or("Registered");
                let is_free = text("registrationPolicy") == Some("RegistrationFree");
                if is_free || state.eq_ignore_ascii_case("Registered") {
                    return None;
                }
                Some(state.to_owned())
            }
        };
        Some(Finding::NotRegistered {
            subscription,
            namespace,
            state,
            steps,
        })
    };
    users.into_iter().filter_map(missing).collect()
}

/// The subscription and provider of a resource that a step creates.
fn new_of_provider(step: &Step) -> Option<(ArmId, String)> {
    let id = find_created_id(step)?;
    let arm_type = id.arm_type()?;
    let (namespace, _) = arm_type.split_once('/')?;
    let mut free = REGISTRATION_FREE.iter();
    if free.any(|free| free.eq_ignore_ascii_case(namespace)) {
        return None;
    }
    let subscription = ArmId::subscription(id.subscription_id()?);
    Some((subscription, namespace.to_owned()))
}

fn missing_permissions(
    plan: &Plan,
    answers: &Answers,
    caller: Option<&str>,
    registry: Registry,
) -> Vec<Finding> {
    let needs = RequiredPermissions::new(plan, registry);
    let mut missing: BTreeMap<&ArmId, BTreeMap<&str, Vec<StepId>>> = BTreeMap::new();
    let mut held: BTreeMap<(&ArmId, &str), Vec<StepId>> = BTreeMap::new();
    for need in needs.iter() {
        let steps = match need.state(answers) {
            PermissionState::Missing => missing
                .entry(&need.from)
                .or_default()
                .entry(&need.action)
                .or_default(),
            PermissionState::Held => held.entry((&need.from, &need.action)).or_default(),
            PermissionState::NotAbove | PermissionState::Unknown => continue,
        };
        // RequiredPermissions are in the order of the steps.
        if steps.last() != Some(&need.step) {
            steps.push(need.step);
        }
    }
    let missing = missing.into_iter().map(|(scope, actions)| {
        let names: Vec<&str> = actions.keys().copied().collect();
        Finding::MissingPermissions {
            scope: scope.clone(),
            caller: caller.map(str::to_owned),
            may_come: may_come(plan, scope),
            causes: causes::why_missing(answers, scope, &names, caller),
            actions: actions
                .into_iter()
                .map(|(action, steps)| (action.to_owned(), steps))
                .collect(),
        }
    });
    let restricted = held.into_iter().filter_map(|((scope, action), steps)| {
        let causes = causes::why_restricted(answers, scope, action, caller);
        (!causes.is_empty()).then(|| Finding::Restricted {
            scope: scope.clone(),
            caller: caller.map(str::to_owned),
            action: action.to_owned(),
            steps,
            causes,
        })
    });
    missing.chain(restricted).collect()
}

/// Whether the plan assigns a role at a scope to a principal that could be the caller or one of its groups.
fn may_come(plan: &Plan, scope: &ArmId) -> bool {
    plan.steps.iter().any(|step| match &step.call.target {
        CallTarget::Grant(grant) => {
            grant.principal.as_str().is_some()
                && (grant.scope.may_reach(scope) || scope.covers(&grant.scope))
        }
        CallTarget::Id(_) => false,
    })
}

/// The id of the resource that a step creates.
fn find_created_id(step: &Step) -> Option<&ArmId> {
    target(step).filter(|_| step.action == Action::Create)
}

fn target(step: &Step) -> Option<&ArmId> {
    match &step.call.target {
        CallTarget::Id(id) => Some(id),
        CallTarget::Grant(_) => None,
    }
}
