//! The built-in policy definitions of the simulator.

/// A built-in policy definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuiltInPolicy {
    AllowedLocations,
    NotAllowedResourceTypes,
    RequireTag,
    AddOrReplaceTag,
}

impl BuiltInPolicy {
    const ALL: [Self; 4] = [
        Self::AllowedLocations,
        Self::NotAllowedResourceTypes,
        Self::RequireTag,
        Self::AddOrReplaceTag,
    ];

    /// The definition with this id or GUID.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        let id = id.to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|policy| id.ends_with(policy.guid()))
    }

    fn guid(self) -> &'static str {
        match self {
            Self::AllowedLocations => "e56962a6-4747-49cd-b67b-bf8b01975c4c",
            Self::NotAllowedResourceTypes => "6c112d4e-5bc7-47ae-a041-ea2d9dccd749",
            Self::RequireTag => "871b6d14-10aa-478d-b590-94f262ecfa99",
            Self::AddOrReplaceTag => "5ffd78d9-436d-4b41-a421-5baa819e3008",
        }
    }

    pub(crate) fn display_name(self) -> &'static str {
        match self {
            Self::AllowedLocations => "Allowed locations",
            Self::NotAllowedResourceTypes => "Not allowed resource types",
            Self::RequireTag => "Require a tag on resources",
            Self::AddOrReplaceTag => "Add or replace a tag on resources",
        }
    }
}
