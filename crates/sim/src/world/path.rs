//! Paths of requests and ids of resources, taken apart: subscription, group, provider blocks, what is left.

use percent::decode;

/// `/providers/{namespace}/{type}/{name}/...`, one block of an id. Extension resources have two or more.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) namespace: String,
    /// Types with their names, outermost first.
    pub(crate) pairs: Vec<(String, String)>,
    /// A last word without a name: a collection in a GET, an action in a POST.
    pub(crate) open: Option<String>,
}

/// What a path addresses. Spelling is kept; comparisons go by [`Target::key`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) subscription: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) blocks: Vec<Block>,
    /// Words after subscription or group that are no provider block: `resources`, `locations`, ...
    pub(crate) rest: Vec<String>,
}

impl Target {
    pub(crate) fn parse(path: &str) -> Self {
        let words: Vec<String> = path
            .split('/')
            .filter(|word| !word.is_empty())
            .map(decode)
            .collect();
        let mut words = words.into_iter().peekable();
        let mut target = Self::default();
        if words
            .next_if(|word| word.eq_ignore_ascii_case("subscriptions"))
            .is_some()
        {
            target.subscription = words.next();
            if target.subscription.is_none() {
                target.rest.push("subscriptions".to_owned());
            }
            if words
                .next_if(|word| word.eq_ignore_ascii_case("resourcegroups"))
                .is_some()
            {
                target.group = words.next();
                if target.group.is_none() {
                    target.rest.push("resourcegroups".to_owned());
                }
            }
        }
        while words
            .next_if(|word| word.eq_ignore_ascii_case("providers"))
            .is_some()
        {
            let Some(namespace) = words.next() else {
                target.rest.push("providers".to_owned());
                break;
            };
            let mut block = Block {
                namespace,
                pairs: Vec::new(),
                open: None,
            };
            while let Some(kind) = words.next_if(|word| !word.eq_ignore_ascii_case("providers")) {
                match words.next() {
                    Some(name) => block.pairs.push((kind, name)),
                    None => block.open = Some(kind),
                }
            }
            target.blocks.push(block);
        }
        target.rest.extend(words);
        target
    }

    pub(crate) fn last(&self) -> Option<&Block> {
        self.blocks.last()
    }

    /// `/subscriptions/{s}/resourceGroups/{g}` as far as it goes; empty at the tenant.
    pub(crate) fn base(&self) -> String {
        let mut base = String::new();
        if let Some(subscription) = &self.subscription {
            base.push_str("/subscriptions/");
            base.push_str(subscription);
        }
        if let Some(group) = &self.group {
            base.push_str("/resourceGroups/");
            base.push_str(group);
        }
        base
    }

    /// The id of the resource addressed; without a collection's or an action's word.
    pub(crate) fn id(&self) -> String {
        self.id_of(&self.blocks)
    }

    /// The id of what the last block hangs on: the scope of an extension resource or of a list.
    pub(crate) fn scope(&self) -> String {
        let before = self.blocks.len().saturating_sub(1);
        self.id_of(self.blocks.get(..before).unwrap_or_default())
    }

    fn id_of(&self, blocks: &[Block]) -> String {
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

    /// [`Target::id`] in lower case: how the world files it.
    pub(crate) fn key(&self) -> String {
        self.id().to_ascii_lowercase()
    }

    /// The id of the enclosing resource of a nested one.
    pub(crate) fn parent(&self) -> Option<String> {
        let mut parent = self.clone();
        let block = parent.blocks.last_mut()?;
        if block.open.is_none() {
            block.pairs.pop();
        }
        (!block.pairs.is_empty()).then(|| parent.id())
    }

    /// `Namespace/type/type`, with the collection's or the action's word.
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
                if let Some(word) = self.rest.first() {
                    kind.push('/');
                    kind.push_str(word);
                }
                kind
            }
        }
    }

    /// The name of the resource addressed.
    pub(crate) fn name(&self) -> &str {
        self.last()
            .and_then(|block| block.pairs.last())
            .map(|(_, name)| name.as_str())
            .or(self.group.as_deref())
            .unwrap_or_default()
    }

    /// Whether the path ends in a collection or an action.
    pub(crate) fn is_open(&self) -> bool {
        self.last().is_some_and(|block| block.open.is_some())
    }

    /// Every scope from the tenant to the resource itself, in lower case: where a grant, a lock or a policy counts.
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

/// Whether `key` is `scope` or lies below it; both in lower case.
pub(crate) fn within(key: &str, scope: &str) -> bool {
    key.strip_prefix(scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

mod percent {
    //! Percent-decoding of path segments.

    /// The word with `%XX` resolved; broken escapes stay as they are.
    pub(super) fn decode(word: &str) -> String {
        if !word.contains('%') {
            return word.to_owned();
        }
        // The form parser decodes `+` to a blank, which a path means literally.
        let word = word
            .replace('+', "%2B")
            .replace('&', "%26")
            .replace('=', "%3D");
        url::form_urlencoded::parse(word.as_bytes())
            .next()
            .map(|(word, _)| word.into_owned())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_extension_ids_apart() {
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
    fn tells_collections_and_parents() {
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
    fn scopes_do_not_swallow_longer_names() {
        assert!(within(
            "/subscriptions/s/resourcegroups/rg/providers",
            "/subscriptions/s/resourcegroups/rg"
        ));
        assert!(!within(
            "/subscriptions/s/resourcegroups/rg2",
            "/subscriptions/s/resourcegroups/rg"
        ));
    }
}
