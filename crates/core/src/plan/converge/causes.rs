//! Propagation delays for which a correct step can be denied at first.

use serde_json::Value as Json;

use super::Planner;
use crate::{
    graph::{Grant, Identity, Node},
    live::LiveGrant,
    plan::{Action, GrantTime, RetryCause, StepId},
};

impl Planner<'_, '_> {
    /// The propagation delays for which Azure can deny or fail the step although it is correct.
    pub(super) fn retry_causes(&self, node: &Node) -> Vec<RetryCause> {
        let mut retry_causes = Vec::new();
        if let Identity::Grant(grant) = &node.identity {
            // A principal with a known object id is not created by this plan.
            let is_made = self
                .live
                .fill(self.graph, &grant.principal)
                .as_str()
                .is_none();
            let maker = grant.principal_key().filter(|_| is_made);
            let maker = maker.and_then(|key| self.steps_of.get(key));
            retry_causes.extend(maker.map(|step| RetryCause::Principal(*step)));
            retry_causes.extend(self.role_step(node, grant).map(RetryCause::Role));
        }
        for (dependency, _) in self.graph.dependencies(&node.subject.key) {
            let Identity::Grant(grant) = &dependency.identity else {
                continue;
            };
            let made = match self.steps_of.get(&dependency.subject.key) {
                Some(step) => Some(GrantTime::Step(*step)),
                None => {
                    let found = self.live.grant(self.graph, grant);
                    found.and_then(made_at).map(GrantTime::Before)
                }
            };
            retry_causes.extend(made.map(|made| RetryCause::Grant {
                principal: self.live.fill(self.graph, &grant.principal),
                made,
            }));
        }
        retry_causes
    }

    /// The step that creates the custom role of a role assignment.
    fn role_step(&self, node: &Node, grant: &Grant) -> Option<StepId> {
        let dependencies = self.graph.dependencies(&node.subject.key).into_iter();
        let role = dependencies
            .map(|(dependency, _)| dependency)
            .find(|node| {
                node.id()
                    .is_some_and(|id| id.name().eq_ignore_ascii_case(&grant.role))
            })?;
        let step = &self.plan[*self.steps_of.get(&role.subject.key)?];
        matches!(step.action, Action::Create | Action::Replace).then_some(step.id)
    }
}

fn made_at(grant: &LiveGrant) -> Option<String> {
    grant
        .body
        .pointer("/properties/createdOn")
        .and_then(Json::as_str)
        .map(str::to_owned)
}
