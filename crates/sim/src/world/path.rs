//! Parsed request paths and resource ids: subscription, resource group, provider blocks, and the rest.

use percent::decode;

use super::kinds;

/// One block `/providers/{namespace}/{type}/{name}/...` of an id. The id of an extension resource has at least two.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) namespace: String,
    /// Types with their names, from the outermost to the innermost.
    pub(crate) pairs: Vec<(String, String)>,
    /// The last segment if no name follows it: a collection in a GET, an action in a POST.
    pub(crate) open: Option<String>,
}

/// The target of a request path, in the spelling of the path. Compare targets by [`Target::key`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) subscription: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) blocks: Vec<Block>,
    /// Segments after the subscription or resource group that are not provider blocks, such as `resources`.
    pub(crate) rest: Vec<String>,
}

impl Target {
    pub(crate) fn parse(path: &str) -> Self {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect();
        let mut segments = segments.into_iter().peekable();
        let mut target = Self::default();
        if segments
            .next_if(|segment| segment.eq_ignore_ascii_case("subscriptions"))
            .is_some()
        {
            target.subscription = segments.next();
            if target.subscription.is_none() {
                target.rest.push("subscriptions".to_owned());
            }
            if segments
                .next_if(|segment| segment.eq_ignore_ascii_case("resourcegroups"))
                .is_some()
            {
                target.group = segments.next();
                if target.group.is_none() {
                    target.rest.push("resourcegroups".to_owned());
                }
            }
        }
        while segments
            .next_if(|segment| segment.eq_ignore_ascii_case("providers"))
            .is_some()
        {
            let Some(namespace) = segments.next() else {
                target.rest.push("providers".to_owned());
                break;
            };
            let mut block = Block {
                namespace,
                pairs: Vec::new(),
                open: None,
            };
            while let Some(kind) =
                segments.next_if(|segment| !segment.eq_ignore_ascii_case("providers"))
            {
                match segments.next() {
                    Some(name) => block.pairs.push((kind, name)),
                    None => block.open = Some(kind),
                }
            }
            target.blocks.push(block);
        }
        target.rest.extend(segments);
        target
    }

    pub(crate) fn last(&self) -> Option<&Block> {
        self.blocks.last()
    }

    /// The id of the subscription; empty if the path is at the tenant.
    pub(crate) fn subscription_id(&self) -> String {
        match &self.subscription {
            Some(subscription) => format!("/subscriptions/{subscription}"),
            None => String::new(),
        }
    }

    /// The id of the resource group or else of the subscription; empty if the path is at the tenant.
    pub(crate) fn base(&self) -> String {
        let mut base = self.subscription_id();
        if let Some(group) = &self.group {
            base.push_str("/resourceGroups/");
            base.push_str(group);
        }
        base
    }

    /// The id of the resource, without the segment of a collection or action.
    pub(crate) fn id(&self) -> String {
        self.id_with(&self.blocks)
    }

    /// The id without the last block: the scope of an extension resource or of a list.
    pub(crate) fn scope(&self) -> String {
        match self.blocks.split_last() {
            Some((_, outer)) => self.id_with(outer),
            None => self.base(),
        }
    }

    fn id_with(&self, blocks: &[Block]) -> String {
        let mut id = self.base();
        for block in blocks {
            id.push_str("/providers/");
            id.push_str(&block.namespace);
            for (kind, name) in &block.pairs {
                id.push('/');
                id.push_str(kind);
                id.push('/');
                id.push_str(name);
            }
        }
        id
    }

    /// [`Target::id`] in lowercase, the key of the resource in the state.
    pub(crate) fn key(&self) -> String {
        self.id().to_ascii_lowercase()
    }

    /// The id of the parent of a nested resource.
    pub(crate) fn parent(&self) -> Option<String> {
        let mut parent = self.clone();
        let block = parent.blocks.last_mut()?;
        if block.open.is_none() {
            block.pairs.pop();
        }
        (!block.pairs.is_empty()).then(|| parent.id())
    }

    /// The type `Namespace/type/type`, with the segment of a collection or action.
    pub(crate) fn kind(&self) -> String {
        match self.last() {
            Some(block) => {
                let mut kind = block.namespace.clone();
                for (part, _) in &block.pairs {
                    kind.push('/');
                    kind.push_str(part);
                }
                if let Some(open) = &block.open {
                    kind.push('/');
                    kind.push_str(open);
                }
                kind
            }
            None => {
                let mut kind = "Microsoft.Resources/subscriptions".to_owned();
                if self.group.is_some() {
                    kind.push_str("/resourceGroups");
                }
                if let Some(segment) = self.rest.first() {
                    kind.push('/');
                    kind.push_str(segment);
                }
                kind
            }
        }
    }

    /// The name of the resource or resource group; empty for subscriptions and the tenant, which have no name in ARM's
    /// messages either.
    pub(crate) fn name(&self) -> &str {
        self.last()
            .and_then(|block| block.pairs.last())
            .map(|(_, name)| name.as_str())
            .or(self.group.as_deref())
            .unwrap_or_default()
    }

    /// The names from the outermost to the innermost, such as `server/database`, as lists of all types show them.
    pub(crate) fn full_name(&self) -> String {
        let pairs = self.last().map(|block| block.pairs.as_slice());
        let names = pairs
            .unwrap_or_default()
            .iter()
            .map(|(_, name)| name.as_str());
        names.collect::<Vec<_>>().join("/")
    }

    /// The resource group in ARM's messages.
    pub(crate) fn group_label(&self) -> &str {
        self.group.as_deref().unwrap_or("<null>")
    }

    /// The name of the management group that is the target or contains it by path.
    pub(crate) fn management_group(&self) -> Option<&str> {
        let block = self.blocks.first()?;
        let (kind, name) = block.pairs.first()?;
        let kind = format!("{}/{kind}", block.namespace);
        let is_management_group =
            self.subscription.is_none() && kind.eq_ignore_ascii_case(kinds::MANAGEMENT_GROUP);
        is_management_group.then_some(name.as_str())
    }

    /// Whether the path ends in a collection or an action.
    pub(crate) fn is_open(&self) -> bool {
        self.last().is_some_and(|block| block.open.is_some())
    }

    /// The scopes in lowercase from the tenant to the resource itself. Role assignments, locks and policies at these
    /// scopes apply to the resource. Management groups are added by [`super::model::World::scopes`].
    pub(crate) fn scopes(&self) -> Vec<String> {
        let mut scopes = vec![String::new()];
        let mut push = |scope: String| {
            if scopes.last() != Some(&scope) {
                scopes.push(scope);
            }
        };
        let mut upper = Self {
            subscription: self.subscription.clone(),
            ..Self::default()
        };
        push(upper.key());
        upper.group.clone_from(&self.group);
        push(upper.key());
        for block in &self.blocks {
            upper.blocks.push(Block {
                namespace: block.namespace.clone(),
                pairs: Vec::new(),
                open: None,
            });
            for pair in &block.pairs {
                if let Some(last) = upper.blocks.last_mut() {
                    last.pairs.push(pair.clone());
                }
                push(upper.key());
            }
        }
        scopes
    }
}

/// The last segment of an id, such as the GUID of a role definition.
pub(crate) fn last_segment(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(_, segment)| segment)
}

/// Whether `key` is `scope` or below it. Both are in lowercase.
pub(crate) fn is_within(key: &str, scope: &str) -> bool {
    key.strip_prefix(scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

mod percent {
    //! Percent-decoding of path segments.

    /// Decodes `%XX`. Invalid escapes are not changed.
    pub(super) fn decode(segment: &str) -> String {
        if !segment.contains('%') {
            return segment.to_owned();
        }
        // The characters `+`, `&` and `=` have a meaning in a form, but not in a path.
        let form = segment
            .replace('+', "%2B")
            .replace('&', "%26")
            .replace('=', "%3D");
        match url::form_urlencoded::parse(form.as_bytes()).next() {
            Some((decoded, _)) => decoded.into_owned(),
            None => segment.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_ids_are_parsed() {
        let id = "/subscriptions/S/resourcegroups/G/providers/Microsoft.Storage/storageAccounts/a/providers/Microsoft.Authorization/roleAssignments/r";
        let target = Target::parse(id);
        assert_eq!(target.kind(), "Microsoft.Authorization/roleAssignments");
        assert_eq!(
            target.scope(),
            "/subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/a"
        );
        assert_eq!(target.scopes().len(), 5);
        assert_eq!(target.name(), "r");
        assert_eq!(target.parent(), None);
    }

    #[test]
    fn collections_and_parents_are_recognized() {
        let target = Target::parse("/subscriptions/s/resourceGroups/g/providers/N.N/a/x/b");
        assert!(target.is_open());
        assert_eq!(target.kind(), "N.N/a/b");
        assert_eq!(
            target.parent().as_deref(),
            Some("/subscriptions/s/resourceGroups/g/providers/N.N/a/x")
        );
        assert_eq!(
            Target::parse("/subscriptions/s/resourceGroups/g%20h+i").name(),
            "g h+i"
        );
    }

    #[test]
    fn scope_does_not_contain_longer_names() {
        assert!(is_within(
            "/subscriptions/s/resourcegroups/rg/providers",
            "/subscriptions/s/resourcegroups/rg"
        ));
        assert!(!is_within(
            "/subscriptions/s/resourcegroups/rg2",
            "/subscriptions/s/resourcegroups/rg"
        ));
    }
}
