//! Diagnostics that depend on information which is still missing.

use super::{Code, Diagnostic, Diagnostics};

/// Information that is missing while specs are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// A spec cannot be read. It may use parameters that no other spec declares.
    UnreadableSpec,
    /// Azure has not been asked for the roles that are neither built in nor in the spec.
    UnresolvedRoles,
}

impl Gap {
    /// Whether the missing information may show that a diagnostic of this code does not apply.
    fn affects(self, code: Code) -> bool {
        match self {
            Self::UnreadableSpec => code == Code::UnusedParameter,
            Self::UnresolvedRoles => code == Code::UnknownRole,
        }
    }
}

/// Diagnostics, by whether missing information may make them disappear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SplitDiagnostics {
    /// Diagnostics that apply in any case.
    pub definite: Diagnostics,
    /// Diagnostics that may disappear once the gap is filled.
    pub provisional: Diagnostics,
}

impl Diagnostics {
    /// Splits the diagnostics by whether they depend on what is missing.
    pub fn split(self, gap: Gap) -> SplitDiagnostics {
        let depends = |diagnostic: &Diagnostic| gap.affects(diagnostic.code);
        let (provisional, definite) = self.0.into_iter().partition(depends);
        SplitDiagnostics {
            definite: Self(definite),
            provisional: Self(provisional),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_role_is_provisional_until_its_lookup() {
        let mut found = Diagnostics::default();
        for code in [Code::UnknownRole, Code::UnusedParameter, Code::Syntax] {
            found.push(Diagnostic::error(code, None, "message"));
        }
        let codes = |found: &Diagnostics| found.iter().map(|one| one.code).collect::<Vec<_>>();
        let roles = found.clone().split(Gap::UnresolvedRoles);
        assert_eq!(codes(&roles.provisional), [Code::UnknownRole]);
        assert_eq!(
            codes(&roles.definite),
            [Code::UnusedParameter, Code::Syntax]
        );
        let specs = found.split(Gap::UnreadableSpec);
        assert_eq!(codes(&specs.provisional), [Code::UnusedParameter]);
    }
}
