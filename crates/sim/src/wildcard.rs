//! Patterns with `*`, as role permissions and fault rules use them.

/// Whether `text` matches `pattern`, in which `*` matches any text. Case is ignored.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let pattern = pattern.to_ascii_lowercase();
    let text = text.to_ascii_lowercase();
    let Some((first, others)) = pattern.split_once('*') else {
        return text == pattern;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = others;
    if let Some((middle, end)) = others.rsplit_once('*') {
        for part in middle.split('*') {
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        last = end;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn asterisk_matches_any_text() {
        let write = "Microsoft.Authorization/roleAssignments/write";
        assert!(matches("*", write));
        assert!(matches("microsoft.authorization/*/WRITE", write));
        assert!(matches("Microsoft.Authorization/*", write));
        assert!(matches("*authorization*assign*", write));
        assert!(!matches("*authorization*missing*", write));
        assert!(!matches("*/read", write));
        assert!(!matches("Microsoft.Authorization/*/Delete", write));
        assert!(!matches("Microsoft.Authorization", write));
        assert!(!matches("a*ba", "aba2"));
        assert!(!matches("ab*b", "ab"));
    }
}
