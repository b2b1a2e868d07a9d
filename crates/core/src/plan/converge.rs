//! Planning towards the spec: make what is missing, change what differs, leave the rest.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::{
    Action, Call, CallTarget, Made, Method, Patience, Plan, Step, StepId,
    grants::{self, Seen},
};
use crate::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic, Diagnostics},
    diff::{Change, diff, overlay},
    graph::{Grant, Graph, Identity, Node, NodeKey},
    live::{Live, LiveGrant},
    mark::{Mark, owner},
    value::{Output, Value},
};

/// Compares the graph with what is live. The plan is of use only if the diagnostics have no errors.
pub fn converge(graph: &Graph, live: &Live) -> (Plan, Diagnostics) {
    let mut planner = Planner {
        graph,
        live,
        bodies: HashMap::new(),
        steps_of: HashMap::new(),
        waits: HashMap::new(),
        seen: Vec::new(),
        declared: HashSet::new(),
        plan: Plan::default(),
        diagnostics: Diagnostics::default(),
    };
    for node in graph.nodes() {
        planner.node(node);
    }
    planner.mark_outputs();
    let Planner {
        seen,
        declared,
        mut plan,
        diagnostics,
        ..
    } = planner;
    grants::plan(graph, live, &seen, &declared, &mut plan);
    (plan, diagnostics)
}

struct Planner<'a> {
    graph: &'a Graph,
    live: &'a Live,
    /// What exists, by node.
    bodies: HashMap<&'a NodeKey, &'a Json>,
    /// The step of a node that has one.
    steps_of: HashMap<&'a NodeKey, StepId>,
    /// The steps that whoever depends on a node waits for.
    waits: HashMap<&'a NodeKey, Vec<StepId>>,
    /// The grants of the spec.
    seen: Vec<Seen<'a>>,
    /// The live grants that are those of the spec.
    declared: HashSet<ArmId>,
    plan: Plan,
    diagnostics: Diagnostics,
}

impl<'a> Planner<'a> {
    fn node(&mut self, node: &'a Node) {
        let before: Vec<StepId> = self.steps_before(node);
        let step = match &node.identity {
            Identity::Resource(id) => self.resource(node, id),
            Identity::Grant(grant) => self.grant(node, grant),
        };
        match step {
            Some(Draft {
                action,
                reason,
                subject,
                changes,
                call,
            }) => {
                let id = StepId(self.plan.steps.len());
                let patience = self.patience(node);
                self.plan.steps.push(Step {
                    id,
                    key: node.key.clone(),
                    kind: node.kind,
                    arm_type: node.arm_type.clone(),
                    action,
                    reason,
                    subject,
                    changes,
                    call,
                    has_outputs: false,
                    after: before,
                    patience,
                    span: node.span,
                    places: node.places.clone(),
                });
                self.steps_of.insert(&node.key, id);
                self.waits.insert(&node.key, vec![id]);
            }
            None => {
                self.waits.insert(&node.key, before);
            }
        }
        if let Identity::Grant(grant) = &node.identity {
            let principal = grant.principal.fill(&|output| self.known(output));
            self.seen.push(Seen {
                node,
                principal: principal.as_str().map(str::to_owned),
                step: self.steps_of.get(&node.key).copied(),
            });
        }
    }

    fn steps_before(&self, node: &Node) -> Vec<StepId> {
        let mut before: Vec<StepId> = self
            .graph
            .dependencies(&node.key)
            .into_iter()
            .filter_map(|(dependency, _)| self.waits.get(&dependency.key))
            .flatten()
            .copied()
            .collect();
        before.sort();
        before.dedup();
        before
    }

    fn known(&self, output: &Output) -> Option<Json> {
        self.bodies
            .get(&output.of)
            .and_then(|body| output.find(body))
            .cloned()
    }

    fn resource(&mut self, node: &'a Node, id: &ArmId) -> Option<Draft> {
        let found = self.live.resource(id);
        if let Some(body) = found {
            self.bodies.insert(&node.key, body);
        }
        if node.lifecycle.existing {
            if found.is_none() {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::NotFound,
                        node.span,
                        format!("`{}` is declared as existing, but does not exist", node.key),
                    )
                    .note(id.to_string())
                    .help("check its name and place, or take `existing: true` out to have it made"),
                );
            } else {
                self.plan.unchanged.push(node.key.clone());
            }
            return None;
        }
        let wanted = node.body.fill(&|output| self.known(output)).without_nulls();
        let call = |body| Call {
            method: Method::Put,
            target: CallTarget::Id(id.clone()),
            api_version: node.arm_type.api_version.to_string(),
            body,
        };
        let subject = id.name().to_owned();
        let Some(body) = found else {
            let changes = creation(&wanted);
            let reason = "it does not exist".to_owned();
            return Some(Draft {
                action: Action::Create,
                reason,
                subject,
                changes,
                call: call(wanted),
            });
        };
        if node.mark == Mark::Tag
            && let Some(other) = owner(body).filter(|other| *other != node.key.stack)
        {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::ForeignOwner,
                    node.span,
                    format!("`{}` is owned by the stack `{other}`", node.key),
                )
                .note(id.to_string())
                .help("two stacks would undo each other's work: mark it with `existing: true` here, or take it out there"),
            );
            return None;
        }
        let changes = diff(&wanted, body, node.rules, &node.lifecycle.ignore);
        let broken = broken(body);
        if changes.is_empty() && broken.is_none() {
            self.plan.unchanged.push(node.key.clone());
            return None;
        }
        if self.refuses(node, &changes) {
            return None;
        }
        let reason = match broken {
            None => differing(&changes),
            Some(state) if changes.is_empty() => format!("its last write ended as {state}"),
            Some(state) => format!("its last write ended as {state}, {}", differing(&changes)),
        };
        let body = overlay(&wanted, body, node.rules, &node.lifecycle.ignore);
        Some(Draft {
            action: Action::Update,
            reason,
            subject,
            changes,
            call: call(body),
        })
    }

    fn grant(&mut self, node: &'a Node, grant: &Grant) -> Option<Draft> {
        let wanted = node.body.fill(&|output| self.known(output)).without_nulls();
        let principal = grant.principal.fill(&|output| self.known(output));
        let subject = format!("{} on {}", grant.role_name, grant.scope.name());
        let call = |target, body| Call {
            method: Method::Put,
            target,
            api_version: node.arm_type.api_version.to_string(),
            body,
        };
        let found = principal.as_str().and_then(|principal| {
            self.live
                .grants()
                .iter()
                .find(|live| live.is(grant, principal))
        });
        let Some(found) = found else {
            let grant = Grant {
                principal,
                ..grant.clone()
            };
            return Some(Draft {
                action: Action::Create,
                reason: "no such grant exists".to_owned(),
                subject,
                changes: creation(&wanted),
                call: call(CallTarget::Grant(grant), wanted),
            });
        };
        self.bodies.insert(&node.key, &found.body);
        self.declared.insert(found.id.clone());
        let changes = diff(&wanted, &found.body, node.rules, &node.lifecycle.ignore);
        if changes.is_empty() {
            self.plan.unchanged.push(node.key.clone());
            return None;
        }
        if self.refuses(node, &changes) {
            return None;
        }
        let reason = differing(&changes);
        Some(Draft {
            action: Action::Update,
            reason,
            subject,
            changes,
            call: call(
                CallTarget::Id(found.id.clone()),
                overlay(&wanted, &found.body, node.rules, &node.lifecycle.ignore),
            ),
        })
    }

    /// Whether a change is of what is fixed at creation. Each such change is reported.
    fn refuses(&mut self, node: &Node, changes: &[Change]) -> bool {
        let fixed: Vec<&Change> = changes.iter().filter(|change| change.immutable).collect();
        for change in &fixed {
            self.diagnostics.push(immutable(node, change));
        }
        !fixed.is_empty()
    }

    /// What the step may be refused for although it is right, because Azure has not caught up with another step.
    fn patience(&self, node: &Node) -> Vec<Patience> {
        let principal = match &node.identity {
            Identity::Grant(grant) => grant.principal_key().and_then(|key| self.steps_of.get(key)),
            Identity::Resource(_) => None,
        };
        let grants =
            self.graph
                .dependencies(&node.key)
                .into_iter()
                .filter_map(|(dependency, _)| {
                    let Identity::Grant(grant) = &dependency.identity else {
                        return None;
                    };
                    let made = match self.steps_of.get(&dependency.key) {
                        Some(step) => Made::Step(*step),
                        None => Made::At(self.live_grant(grant).and_then(made_at)?),
                    };
                    Some(Patience::Grant {
                        principal: grant.principal.fill(&|output| self.known(output)),
                        made,
                    })
                });
        principal
            .map(|step| Patience::Principal(*step))
            .into_iter()
            .chain(grants)
            .collect()
    }

    fn live_grant(&self, grant: &Grant) -> Option<&LiveGrant> {
        let principal = grant.principal.fill(&|output| self.known(output));
        let principal = principal.as_str()?;
        self.live
            .grants()
            .iter()
            .find(|live| live.is(grant, principal))
    }

    /// A step has outputs if a hole of another step names its node.
    fn mark_outputs(&mut self) {
        let mut needed: Vec<StepId> = Vec::new();
        for step in &self.plan.steps {
            let target = match &step.call.target {
                CallTarget::Grant(grant) => grant.principal.outputs(),
                CallTarget::Id(_) => Vec::new(),
            };
            let holes = step.call.body.outputs().into_iter().chain(target);
            needed.extend(holes.filter_map(|output| self.steps_of.get(&output.of)));
        }
        for id in needed {
            if let Some(step) = self.plan.steps.get_mut(id.0) {
                step.has_outputs = true;
            }
        }
    }
}

struct Draft {
    action: Action,
    reason: String,
    subject: String,
    changes: Vec<Change>,
    call: Call,
}

fn made_at(grant: &LiveGrant) -> Option<String> {
    grant
        .body
        .pointer("/properties/createdOn")
        .and_then(Json::as_str)
        .map(str::to_owned)
}

/// The `provisioningState` of a resource whose last write did not end well: it may not be what its properties say.
fn broken(body: &Json) -> Option<&str> {
    let state = body.pointer("/properties/provisioningState")?.as_str()?;
    let ends = ["Failed", "Canceled"];
    ends.into_iter().find(|end| end.eq_ignore_ascii_case(state))
}

fn differing(changes: &[Change]) -> String {
    match changes.len() {
        1 => "1 property differs".to_owned(),
        count => format!("{count} properties differ"),
    }
}

/// Every wanted leaf as a change from nothing.
fn creation(wanted: &Value) -> Vec<Change> {
    fn leaves(path: &str, value: &Value, changes: &mut Vec<Change>) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (key, value) in members {
                    let path = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    leaves(&path, value, changes);
                }
            }
            Value::Null => {}
            leaf => changes.push(Change {
                path: path.to_owned(),
                before: None,
                after: Some(leaf.clone()),
                immutable: false,
            }),
        }
    }
    let mut changes = Vec::new();
    leaves("", wanted, &mut changes);
    changes
}

fn immutable(node: &Node, change: &Change) -> Diagnostic {
    let show = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    let before = show(change.before.as_ref().map(ToString::to_string));
    let after = show(
        change
            .after
            .as_ref()
            .map(|value| value.to_display_json().to_string()),
    );
    Diagnostic::error(
        Code::Immutable,
        node.place_of(&change.path),
        format!("`{}` of `{}` is fixed at creation", change.path, node.key),
    )
    .note(format!("it is {before} in Azure, and {after} is wanted"))
    .help("write what is there, or delete the resource yourself so that it is made anew: lazuli does not replace it")
}
