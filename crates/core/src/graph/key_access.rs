//! Keys of a vault: what reads one as a user-assigned identity depends on the role assignments of that identity. Azure
//! accepts it only once the identity can read the key, and no type says so in a way that all types share.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Node, NodeKey, Reason, edges::Edge};
use crate::{
    arm::{ArmId, ArmType},
    declare::Identity,
    value::{UnresolvedPart, Value},
};

const IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
/// The types that hold keys, with all that is nested in them.
const KEY_HOLDERS: [&str; 3] = [
    "Microsoft.KeyVault/vaults",
    "Microsoft.KeyVault/managedHSMs",
    "Microsoft.Compute/diskEncryptionSets",
];

/// The dependencies on role assignments that no other edge states. None of them closes a cycle: a role assignment that
/// depends on what reads the key is not needed for it.
pub(super) fn find(
    nodes: &[Node],
    by_principal: &HashMap<&NodeKey, Vec<usize>>,
    edges: &BTreeSet<Edge>,
) -> Vec<Edge> {
    let index = NodeIndex::new(nodes);
    if index.holders.is_empty() || index.identities.is_empty() {
        return Vec::new();
    }
    let mut before: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut explained: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (from, to, reason) in edges {
        before.entry(*to).or_default().push(*from);
        if matches!(reason, Reason::NeedsGrant(_)) {
            explained.insert((*from, *to));
        }
    }
    let mut found = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let Identity::Resource(id) = &node.identity else {
            continue;
        };
        let mentioned = index.mentioned(&node.body);
        let is_other = |holder: &&usize| !index.holders[*holder].covers(id);
        let holders = mentioned.iter().filter(|at| index.holders.contains_key(at));
        let holders: Vec<usize> = holders.filter(is_other).copied().collect();
        let identities = mentioned.intersection(&index.identities);
        for (identity, holder) in
            identities.flat_map(|identity| holders.iter().map(move |holder| (identity, holder)))
        {
            let grants = by_principal.get(&nodes[*identity].subject.key);
            for grant in grants.into_iter().flatten().copied() {
                if explained.contains(&(grant, at))
                    || !gives_access(&nodes[grant], index.holders[holder])
                    || depends_on(grant, at, &before)
                {
                    continue;
                }
                explained.insert((grant, at));
                before.entry(at).or_default().push(grant);
                let name = |at: usize| &nodes[at].subject.key.address;
                let why = format!(
                    "it uses the identity `{}` on `{}`",
                    name(*identity),
                    name(*holder)
                );
                found.push((grant, at, Reason::NeedsGrant(why)));
            }
        }
    }
    found
}

/// Whether a role assignment can give access to what a resource holds: it is above, on or in the resource.
fn gives_access(grant: &Node, holder: &ArmId) -> bool {
    let scope = grant.identity.place();
    scope.may_reach(holder) || holder.covers(scope)
}

/// Whether a node depends on another, directly or not.
fn depends_on(node: usize, other: usize, before: &HashMap<usize, Vec<usize>>) -> bool {
    let mut visited = HashSet::from([node]);
    let mut open = vec![node];
    while let Some(at) = open.pop() {
        if at == other {
            return true;
        }
        let more = before.get(&at).into_iter().flatten().copied();
        open.extend(more.filter(|next| visited.insert(*next)));
    }
    false
}

/// The identities of the graph and what holds keys in it.
struct NodeIndex<'a> {
    by_key: HashMap<&'a NodeKey, usize>,
    by_id: HashMap<&'a ArmId, usize>,
    /// Vaults by their name in lowercase, which is the first part of their host name.
    by_host: BTreeMap<String, usize>,
    identities: BTreeSet<usize>,
    holders: HashMap<usize, &'a ArmId>,
}

impl<'a> NodeIndex<'a> {
    fn new(nodes: &'a [Node]) -> Self {
        let mut index = Self {
            by_key: HashMap::new(),
            by_id: HashMap::new(),
            by_host: BTreeMap::new(),
            identities: BTreeSet::new(),
            holders: HashMap::new(),
        };
        for (at, node) in nodes.iter().enumerate() {
            let Some(id) = node.id() else { continue };
            let arm_type = &node.subject.arm_type;
            if arm_type.is(IDENTITY) {
                index.identities.insert(at);
            } else if holds_keys(arm_type) {
                index.holders.insert(at, id);
                if !arm_type.is(KEY_HOLDERS[2]) && arm_type.parent().is_none() {
                    index.by_host.insert(id.name().to_ascii_lowercase(), at);
                }
            } else {
                continue;
            }
            index.by_key.insert(&node.subject.key, at);
            index.by_id.insert(id, at);
        }
        index
    }

    /// The identities and holders that a body mentions, by reference, id or URI.
    fn mentioned(&self, body: &Value) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        self.collect(body, &mut found);
        found
    }

    fn collect(&self, value: &Value, found: &mut BTreeSet<usize>) {
        match value {
            Value::String(text) => found.extend(self.in_text(text)),
            Value::Unresolved(unresolved) => {
                for part in &unresolved.0 {
                    match part {
                        UnresolvedPart::Text(text) => found.extend(self.in_text(text)),
                        UnresolvedPart::Output(output) => {
                            found.extend(self.by_key.get(&output.of));
                        }
                        UnresolvedPart::Secret(_) => {}
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, found)),
            Value::Object(members) => {
                for (key, value) in members {
                    found.extend(self.in_text(key));
                    self.collect(value, found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Secret(_) => {}
        }
    }

    fn in_text(&self, text: &str) -> Option<usize> {
        if let Some(host) = text
            .get(..8)
            .filter(|it| it.eq_ignore_ascii_case("https://"))
        {
            let rest = &text[host.len()..];
            let end = rest.find(['/', ':', '?']).unwrap_or(rest.len());
            let (name, domain) = rest[..end].split_once('.')?;
            let domain = domain.to_ascii_lowercase();
            let is_vault = ["vault.", "managedhsm."]
                .iter()
                .any(|prefix| domain.starts_with(prefix));
            let found = self.by_host.get(&name.to_ascii_lowercase());
            return found.filter(|_| is_vault).copied();
        }
        // As in `UserAssignedIdentity=/subscriptions/...`.
        let start = text.to_ascii_lowercase().find("/subscriptions/")?;
        let mut id = ArmId::parse(text.get(start..)?)?;
        loop {
            if let Some(found) = self.by_id.get(&id) {
                return Some(*found);
            }
            id = id.parent()?;
        }
    }
}

fn holds_keys(arm_type: &ArmType) -> bool {
    KEY_HOLDERS.iter().any(|holder| {
        let head = arm_type.name.get(..holder.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(holder))
            && matches!(
                arm_type.name.as_bytes().get(holder.len()),
                None | Some(b'/')
            )
    })
}
