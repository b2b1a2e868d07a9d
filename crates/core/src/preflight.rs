//! What Azure is known to refuse of a plan before anything is sent: the questions that tell, and what follows from
//! the answers.

mod causes;
mod policies;
mod rights;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

pub use causes::Cause;
pub use policies::{Denial, Doubt, Expression, Proposal};
use rights::{Needs, PermissionState};

use crate::{
    arm::ArmId,
    facts::{CreationCheck, CreationFinding, CreationQuestion, NewResource},
    kind::Registry,
    plan::{Action, CallTarget, Plan, Step, StepId},
};

/// Providers that no subscription has to register (their `registrationPolicy` is `RegistrationFree`).
const REGISTRATION_FREE: [&str; 2] = ["Microsoft.Authorization", "Microsoft.Resources"];

/// A question about what a plan needs. None of them changes anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// What the type of a new resource asks.
    Creation(CreationQuestion),
    /// Whether a subscription can have resources of a provider.
    Registration {
        /// The subscription.
        subscription: ArmId,
        /// `Microsoft.Storage`
        namespace: String,
    },
    /// What the caller may do at a scope, by all its roles there and above.
    Rights(ArmId),
    /// What is denied at a scope to whoever has roles.
    Denials(ArmId),
    /// The roles that the caller could activate at a scope.
    Eligibilities(ArmId),
    /// The role assignments by which the caller has its rights at a scope.
    RolesOfCaller(ArmId),
    /// The policies that are assigned at, above and below a scope.
    Policies(ArmId),
    /// What policies would say to a resource.
    Restrictions {
        /// The resource group or subscription that it will be in.
        at: ArmId,
        /// The resource.
        proposal: Proposal,
    },
    /// What a policy definition is called.
    PolicyDefinition(ArmId),
    /// What is exempt from policies in a subscription.
    PolicyExemptions(ArmId),
}

/// What Azure said to a question.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The body, or the items of a list.
    Said(Json),
    /// 404.
    Nothing,
    /// It did not say, and why.
    Unknown(String),
}

/// The answers so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers(HashMap<Question, Answer>);

impl Answers {
    /// Takes one in.
    pub fn insert(&mut self, question: Question, answer: Answer) {
        self.0.insert(question, answer);
    }

    fn said(&self, question: &Question) -> Option<&Json> {
        match self.0.get(question) {
            Some(Answer::Said(said)) => Some(said),
            _ => None,
        }
    }

    fn items(&self, question: &Question) -> &[Json] {
        array(self.said(question))
    }
}

/// The items of a list in an answer; a list that Azure leaves out has none.
fn array(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Array(items)) => items,
        _ => &[],
    }
}

/// Something that will, or may, keep a plan from being done.
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
    /// A subscription cannot have resources of a provider yet.
    NotRegistered {
        /// The subscription.
        subscription: ArmId,
        /// The provider.
        namespace: String,
        /// `NotRegistered`, `Registering`, …; none where Azure knows no such provider.
        state: Option<String>,
        /// The steps that make such resources.
        steps: Vec<StepId>,
    },
    /// The caller may not do what steps do.
    MissingRights {
        /// Where the rights are missing: the resource group or what is above, though a role on the resource would do.
        scope: ArmId,
        /// The object id of who lacks them, where the token says it.
        caller: Option<String>,
        /// Each action, and the steps that need it.
        actions: Vec<(String, Vec<StepId>)>,
        /// Whether grants of the plan itself could be what gives them.
        may_come: bool,
        /// What is known of why.
        causes: Vec<Cause>,
    },
    /// The caller has a right, but in a way that may not do for what the plan wants.
    Restricted {
        /// Where.
        scope: ArmId,
        /// The object id of who has it, where the token says it.
        caller: Option<String>,
        /// The action.
        action: String,
        /// The steps that need it.
        steps: Vec<StepId>,
        /// What restricts it.
        causes: Vec<Cause>,
    },
    /// A policy denies what steps write.
    Disallowed {
        /// The policy.
        denial: Denial,
        /// The steps.
        steps: Vec<StepId>,
    },
    /// It was not asked whether policies deny what steps write, for there are too many different ones.
    PolicyUnasked {
        /// The steps.
        steps: Vec<StepId>,
    },
    /// A question that Azure did not answer.
    Unknown {
        /// The question.
        question: Question,
        /// Why.
        why: String,
    },
}

impl Finding {
    /// Whether it is about what the caller may do, and says nothing of who else may carry the plan out.
    pub fn is_about_caller(&self) -> bool {
        match self {
            Self::MissingRights { .. } | Self::Restricted { .. } => true,
            Self::Unknown { question, .. } => matches!(question, Question::Rights(_)),
            _ => false,
        }
    }

    /// Whether Azure is certain to refuse steps, so that the plan need not be begun.
    pub fn is_certain(&self) -> bool {
        match self {
            Self::Creation { .. } => true,
            Self::NotRegistered { state, .. } => state.as_deref() != Some("Registering"),
            Self::MissingRights { may_come, .. } => !may_come,
            Self::Restricted { causes, .. } => causes.iter().any(|cause| {
                let Cause::Denied {
                    excludes_groups, ..
                } = cause
                else {
                    return false;
                };
                !excludes_groups
            }),
            Self::Disallowed { denial, .. } => denial.doubt.is_none(),
            Self::PolicyUnasked { .. } | Self::Unknown { .. } => false,
        }
    }
}

/// What to ask about a plan. Nothing about one without steps.
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
    let needs = Needs::new(plan, registry);
    questions.extend(needs.iter().flat_map(|need| {
        let from = || need.from.clone();
        [Question::Rights(from()), Question::Denials(from())]
    }));
    questions.extend(needs.iter().filter_map(causes::of_conditions));
    questions.extend(policies::first(plan));
    questions.into_iter().collect()
}

/// What to ask next, now that there are answers: whose a name is, which rights there are on a resource itself, why one
/// is missing, and what policies say. Asked until there is nothing more.
pub fn further(plan: &Plan, answers: &Answers, registry: Registry) -> Vec<Question> {
    let mut questions = BTreeSet::new();
    for new in creations(plan, registry) {
        questions.extend(new.detail(answers).map(Question::Creation));
    }
    for need in Needs::new(plan, registry).iter() {
        match need.right(answers) {
            PermissionState::Missing => questions.extend(causes::of_missing(&need.from)),
            PermissionState::NotAbove => {
                questions.insert(Question::Rights(need.at.clone()));
            }
            PermissionState::Held | PermissionState::Unknown => {}
        }
    }
    questions.extend(policies::further(plan, answers));
    let is_new = |question: &Question| !answers.0.contains_key(question);
    questions.into_iter().filter(is_new).collect()
}

/// What the answers say about the plan: names first, then providers, rights, policies, and what is not known.
///
/// `caller` is the object id of who would carry it out.
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
    findings.extend(rights(plan, answers, caller, registry));
    findings.extend(policies::findings(plan, answers));
    findings.extend(unknown(plan, answers, creations, registry));
    findings.extend(policies::unknown(plan, answers));
    findings
}

/// Questions without an answer, except those that would only explain a finding.
fn unknown(
    plan: &Plan,
    answers: &Answers,
    creations: Vec<Creation<'_>>,
    registry: Registry,
) -> Vec<Finding> {
    let needs = Needs::new(plan, registry);
    let rights = needs
        .iter()
        .filter(|need| need.right(answers) == PermissionState::Unknown)
        .map(|need| {
            let broad = Question::Rights(need.from.clone());
            match answers.said(&broad) {
                Some(_) => Question::Rights(need.at.clone()),
                None => broad,
            }
        });
    let registrations = answers.0.keys().cloned();
    let registrations =
        registrations.filter(|question| matches!(question, Question::Registration { .. }));
    let creations = creations
        .into_iter()
        .map(|new| Question::Creation(new.question));
    let questions: BTreeSet<Question> = creations.chain(registrations).chain(rights).collect();
    let why = |question: &Question| match answers.0.get(question)? {
        Answer::Unknown(why) => Some(why.clone()),
        Answer::Nothing if matches!(question, Question::Rights(_)) => Some("NotFound".to_owned()),
        Answer::Nothing | Answer::Said(_) => None,
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
    /// The second question, once the first one has an answer that needs an explanation.
    fn detail(&self, answers: &Answers) -> Option<CreationQuestion> {
        let answer = answers.said(&Question::Creation(self.question.clone()))?;
        (self.check.detail)(&self.resource, answer)
    }

    fn finding(&self, answers: &Answers) -> Option<Finding> {
        let answer = answers.said(&Question::Creation(self.question.clone()))?;
        let detail = self.detail(answers).map(Question::Creation);
        let detail = detail.as_ref().and_then(|question| answers.said(question));
        let found = (self.check.finding)(&self.resource, answer, detail)?;
        Some(Finding::Creation {
            step: self.step.id,
            name: self.resource.id.name().to_owned(),
            found,
        })
    }
}

/// The new resources whose types have a question about them. None about a name that the plan itself frees.
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
        let id = made(step)?;
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
            Answer::Nothing => None,
            Answer::Said(provider) => {
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

/// The subscription and provider of a resource that a step makes.
fn new_of_provider(step: &Step) -> Option<(ArmId, String)> {
    let id = made(step)?;
    let arm_type = id.arm_type()?;
    let (namespace, _) = arm_type.split_once('/')?;
    let mut free = REGISTRATION_FREE.iter();
    if free.any(|free| free.eq_ignore_ascii_case(namespace)) {
        return None;
    }
    let subscription = ArmId::subscription(id.subscription_id()?);
    Some((subscription, namespace.to_owned()))
}

fn rights(
    plan: &Plan,
    answers: &Answers,
    caller: Option<&str>,
    registry: Registry,
) -> Vec<Finding> {
    let needs = Needs::new(plan, registry);
    let mut missing: BTreeMap<&ArmId, BTreeMap<&str, Vec<StepId>>> = BTreeMap::new();
    let mut held: BTreeMap<(&ArmId, &str), Vec<StepId>> = BTreeMap::new();
    for need in needs.iter() {
        let steps = match need.right(answers) {
            PermissionState::Missing => missing
                .entry(&need.from)
                .or_default()
                .entry(&need.action)
                .or_default(),
            PermissionState::Held => held.entry((&need.from, &need.action)).or_default(),
            PermissionState::NotAbove | PermissionState::Unknown => continue,
        };
        // Needs are in the order of the steps.
        if steps.last() != Some(&need.step) {
            steps.push(need.step);
        }
    }
    let missing = missing.into_iter().map(|(scope, actions)| {
        let names: Vec<&str> = actions.keys().copied().collect();
        Finding::MissingRights {
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

/// Whether the plan gives somebody a role that works at a scope who could be the caller, or a group that it is in.
fn may_come(plan: &Plan, scope: &ArmId) -> bool {
    plan.steps.iter().any(|step| match &step.call.target {
        CallTarget::Grant(grant) => {
            grant.principal.as_str().is_some()
                && (grant.scope.may_reach(scope) || scope.covers(&grant.scope))
        }
        CallTarget::Id(_) => false,
    })
}

/// The id of what a step makes.
fn made(step: &Step) -> Option<&ArmId> {
    target(step).filter(|_| step.action == Action::Create)
}

fn target(step: &Step) -> Option<&ArmId> {
    match &step.call.target {
        CallTarget::Id(id) => Some(id),
        CallTarget::Grant(_) => None,
    }
}
