//! Regions, and the checks of a resource's `location`.

use serde_json::Value;

use super::call::Call;
use super::merge::text;
use super::reply::ArmError;
use super::state::Resource;

/// The regions with their display names, from ARM's error message for an unknown region.
pub(crate) const REGIONS: &[(&str, &str)] = &[
    ("centralus", "Central US"),
    ("eastasia", "East Asia"),
    ("southeastasia", "Southeast Asia"),
    ("eastus", "East US"),
    ("eastus2", "East US 2"),
    ("westus", "West US"),
    ("westus2", "West US 2"),
    ("northcentralus", "North Central US"),
    ("southcentralus", "South Central US"),
    ("westcentralus", "West Central US"),
    ("northeurope", "North Europe"),
    ("westeurope", "West Europe"),
    ("japaneast", "Japan East"),
    ("japanwest", "Japan West"),
    ("brazilsouth", "Brazil South"),
    ("australiasoutheast", "Australia Southeast"),
    ("australiaeast", "Australia East"),
    ("westindia", "West India"),
    ("southindia", "South India"),
    ("centralindia", "Central India"),
    ("canadacentral", "Canada Central"),
    ("canadaeast", "Canada East"),
    ("uksouth", "UK South"),
    ("ukwest", "UK West"),
    ("koreacentral", "Korea Central"),
    ("koreasouth", "Korea South"),
    ("francecentral", "France Central"),
    ("southafricanorth", "South Africa North"),
    ("uaenorth", "UAE North"),
    ("australiacentral", "Australia Central"),
    ("switzerlandnorth", "Switzerland North"),
    ("germanywestcentral", "Germany West Central"),
    ("norwayeast", "Norway East"),
    ("swedencentral", "Sweden Central"),
    ("polandcentral", "Poland Central"),
    ("italynorth", "Italy North"),
    ("jioindiawest", "Jio India West"),
    ("westus3", "West US 3"),
    ("australiacentral2", "Australia Central 2"),
];

pub(crate) fn is_region(short: &str) -> bool {
    REGIONS.iter().any(|(name, _)| *name == short)
}

/// The regions in ARM's order, separated by commas.
pub(crate) fn region_list() -> String {
    let names: Vec<&str> = REGIONS.iter().map(|(name, _)| *name).collect();
    names.join(",")
}

/// The name of a region: `West Europe` becomes `westeurope`.
pub(crate) fn region(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_ascii_lowercase()
}

/// The region name in a body whose `location` is required.
pub(crate) fn required_location(body: &Value) -> Result<String, ArmError> {
    let location = region(text(body, "/location"));
    if location.is_empty() {
        return Err(ArmError::gateway(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        ));
    }
    Ok(location)
}

/// Checks that the region exists and is not another one than before. An empty location is valid.
pub(crate) fn check_location(
    call: &Call<'_>,
    location: &str,
    old: Option<&Resource>,
) -> Result<(), ArmError> {
    if location.is_empty() {
        return Ok(());
    }
    let (name, group) = (call.target.name(), call.target.group_label());
    if location != "global" && !is_region(location) {
        return Err(ArmError::gateway(
            400,
            "LocationNotAvailableForResourceType",
            format!(
                "The provided location '{location}' is not available for resource type '{}'. List of available regions for the resource type is '{}'.",
                call.target.kind(),
                region_list()
            ),
        ));
    }
    match old.map(|old| region(old.text("/location"))) {
        Some(at) if !at.is_empty() && at != location => Err(ArmError::gateway(
            409,
            "InvalidResourceLocation",
            format!(
                "The resource '{name}' already exists in location '{at}' in resource group '{group}'. A resource with the same name cannot be created in location '{location}'. Please select a new resource name."
            ),
        )),
        _ => Ok(()),
    }
}
