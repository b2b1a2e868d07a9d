//! What Azure is known to refuse of a plan before anything is sent: the questions that tell, and what follows from
//! the answers.

mod causes;
mod policies;
mod rights;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::Value as Json;

pub use causes::Cause;
pub use policies::{Denial, Doubt, Expression, Proposal};
use rights::{Needs, Right};

use super::{Action, CallTarget, Plan, Step, StepId};
use crate::arm::ArmId;

const STORAGE_ACCOUNT: &str = "Microsoft.Storage/storageAccounts";
const VAULT: &str = "Microsoft.KeyVault/vaults";
/// Providers that no subscription has to register (their `registrationPolicy` is `RegistrationFree`).
const REGISTRATION_FREE: [&str; 2] = ["Microsoft.Authorization", "Microsoft.Resources"];

/// A question about what a plan needs. None of them changes anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Question {
    /// Whether a new storage account can have a name, which is one of all Azure.
    StorageName {
        /// The subscription that would have it.
        subscription: ArmId,
        /// The name.
        name: String,
    },
    /// Which storage accounts a subscription has.
    StorageAccounts(ArmId),
    /// Which key vaults of a subscription are deleted and could be recovered.
    DeletedVaults(ArmId),
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
        let items = self.said(question).and_then(Json::as_array);
        items.map(Vec::as_slice).unwrap_or_default()
    }
}

/// Something that will, or may, keep a plan from being done.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// A storage account cannot have its name.
    NameRefused {
        /// The step that makes it.
        step: StepId,
        /// The name.
        name: String,
        /// The account of the same subscription that has it.
        held_by: Option<ArmId>,
        /// What Azure says.
        said: String,
    },
    /// A deleted key vault still has the name of a new one.
    SoftDeleted {
        /// The step that makes the new one.
        step: StepId,
        /// The name.
        name: String,
        /// When the deleted one gives its name back (ISO 8601), where Azure says it.
        until: Option<String>,
        /// Whether it can be purged before.
        can_purge: bool,
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
            Self::NameRefused { .. } | Self::SoftDeleted { .. } => true,
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
pub fn questions(plan: &Plan) -> Vec<Question> {
    let mut questions = BTreeSet::new();
    for (_, subscription, name) in new_accounts(plan) {
        let name = name.to_owned();
        questions.insert(Question::StorageName { subscription, name });
    }
    for step in &plan.steps {
        if let Some((subscription, _)) = new_vault(step) {
            questions.insert(Question::DeletedVaults(subscription));
        }
        if let Some((subscription, namespace)) = new_of_provider(step) {
            questions.insert(Question::Registration {
                subscription,
                namespace,
            });
        }
    }
    let needs = Needs::of(plan);
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
pub fn further(plan: &Plan, answers: &Answers) -> Vec<Question> {
    let mut questions = BTreeSet::new();
    for (_, subscription, name) in new_accounts(plan) {
        if refusal(answers, &subscription, name).is_some() {
            questions.insert(Question::StorageAccounts(subscription));
        }
    }
    for need in Needs::of(plan).iter() {
        match need.right(answers) {
            Right::Missing => questions.extend(causes::of_missing(&need.from)),
            Right::NotAbove => {
                questions.insert(Question::Rights(need.at.clone()));
            }
            Right::Held | Right::Unknown => {}
        }
    }
    questions.extend(policies::further(plan, answers));
    let is_new = |question: &Question| !answers.0.contains_key(question);
    questions.into_iter().filter(is_new).collect()
}

/// What the answers say about the plan: names first, then providers, rights, policies, and what is not known.
///
/// `caller` is the object id of who would carry it out.
pub fn findings(plan: &Plan, answers: &Answers, caller: Option<&str>) -> Vec<Finding> {
    let mut findings = names(plan, answers);
    findings.extend(soft_deleted(plan, answers));
    findings.extend(registrations(plan, answers));
    findings.extend(rights(plan, answers, caller));
    findings.extend(policies::findings(plan, answers));
    findings.extend(unknown(plan, answers));
    findings.extend(policies::unknown(plan, answers));
    findings
}

/// What Azure did not say. What would only tell more of what is found anyway is not missed.
fn unknown(plan: &Plan, answers: &Answers) -> Vec<Finding> {
    let needs = Needs::of(plan);
    let rights = needs
        .iter()
        .filter(|need| need.right(answers) == Right::Unknown)
        .map(|need| {
            let broad = Question::Rights(need.from.clone());
            match answers.said(&broad) {
                Some(_) => Question::Rights(need.at.clone()),
                None => broad,
            }
        });
    let matters = |question: &&Question| {
        matches!(
            question,
            Question::StorageName { .. }
                | Question::DeletedVaults(_)
                | Question::Registration { .. }
        )
    };
    let questions: BTreeSet<Question> = answers
        .0
        .keys()
        .filter(matters)
        .cloned()
        .chain(rights)
        .collect();
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

fn names(plan: &Plan, answers: &Answers) -> Vec<Finding> {
    let refused = |(step, subscription, name): (&Step, ArmId, &str)| {
        let said = refusal(answers, &subscription, name)?;
        let accounts = answers.items(&Question::StorageAccounts(subscription));
        let held_by = accounts
            .iter()
            .filter_map(|account| ArmId::parse(account.get("id")?.as_str()?))
            .find(|id| id.name().eq_ignore_ascii_case(name));
        Some(Finding::NameRefused {
            step: step.id,
            name: name.to_owned(),
            held_by,
            said,
        })
    };
    new_accounts(plan).into_iter().filter_map(refused).collect()
}

/// What Azure says against a name (REST reference, "Storage Accounts - Check Name Availability").
fn refusal(answers: &Answers, subscription: &ArmId, name: &str) -> Option<String> {
    let said = answers.said(&Question::StorageName {
        subscription: subscription.clone(),
        name: name.to_owned(),
    })?;
    let is_free = said.get("nameAvailable").and_then(Json::as_bool) != Some(false);
    let text = |member: &str| said.get(member).and_then(Json::as_str);
    (!is_free).then(|| {
        let words = text("message").or_else(|| text("reason"));
        words.unwrap_or_default().to_owned()
    })
}

/// The steps that make storage accounts, each with its subscription and name; none where the plan itself frees the name.
fn new_accounts(plan: &Plan) -> Vec<(&Step, ArmId, &str)> {
    let accounts = || {
        plan.steps
            .iter()
            .filter(|it| it.arm_type.is(STORAGE_ACCOUNT))
    };
    let gone = accounts().filter(|step| step.action == Action::Delete);
    let freed: HashSet<String> = gone
        .filter_map(|step| Some(target(step)?.name().to_ascii_lowercase()))
        .collect();
    let new = accounts().filter_map(|step| {
        let id = made(step)?;
        let subscription = ArmId::subscription(id.subscription_id()?);
        Some((step, subscription, id.name()))
    });
    new.filter(|(_, _, name)| !freed.contains(&name.to_ascii_lowercase()))
        .collect()
}

/// The subscription and name of a key vault that a step makes anew, and does not recover (REST reference, "Vaults -
/// Create Or Update": `createMode`).
fn new_vault(step: &Step) -> Option<(ArmId, &str)> {
    let id = made(step).filter(|_| step.arm_type.is(VAULT))?;
    let mode = step.call.body.get("properties");
    let mode = mode.and_then(|properties| properties.get("createMode")?.as_str());
    let is_recovered = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("recover"));
    let subscription = ArmId::subscription(id.subscription_id()?);
    (!is_recovered).then(|| (subscription, id.name()))
}

fn soft_deleted(plan: &Plan, answers: &Answers) -> Vec<Finding> {
    let in_the_way = |step: &Step| {
        let (subscription, name) = new_vault(step)?;
        let text = |vault: &Json, pointer: &str| Some(vault.pointer(pointer)?.as_str()?.to_owned());
        let vaults = answers.items(&Question::DeletedVaults(subscription));
        let vault = vaults.iter().find(|vault| {
            text(vault, "/name").is_some_and(|other| other.eq_ignore_ascii_case(name))
        })?;
        let is_protected = vault.pointer("/properties/purgeProtectionEnabled");
        Some(Finding::SoftDeleted {
            step: step.id,
            name: name.to_owned(),
            until: text(vault, "/properties/scheduledPurgeDate"),
            can_purge: is_protected.and_then(Json::as_bool) != Some(true),
        })
    };
    plan.steps.iter().filter_map(in_the_way).collect()
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

fn rights(plan: &Plan, answers: &Answers, caller: Option<&str>) -> Vec<Finding> {
    let needs = Needs::of(plan);
    let mut missing: BTreeMap<&ArmId, BTreeMap<&str, Vec<StepId>>> = BTreeMap::new();
    let mut held: BTreeMap<(&ArmId, &str), Vec<StepId>> = BTreeMap::new();
    for need in needs.iter() {
        let steps = match need.right(answers) {
            Right::Missing => missing
                .entry(&need.from)
                .or_default()
                .entry(&need.action)
                .or_default(),
            Right::Held => held.entry((&need.from, &need.action)).or_default(),
            Right::NotAbove | Right::Unknown => continue,
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
