//! The default subscription of the Azure CLI, from its profile file.

use serde_json::Value;
use std::path::PathBuf;

/// A subscription in the profile of the Azure CLI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliSubscription {
    /// Subscription id.
    pub id: String,
    /// Display name.
    pub name: Option<String>,
    /// Tenant of the login for the subscription.
    pub tenant_id: Option<String>,
    /// `AzureCloud`, `AzureUSGovernment`, `AzureChinaCloud`, or a name from `az cloud register`.
    pub environment: Option<String>,
}

/// Reads the default subscription of the Azure CLI from `azureProfile.json` in `AZURE_CONFIG_DIR`, otherwise in `.azure`
/// of the home directory. `None` if the file does not exist or has no default subscription.
pub fn azure_cli_subscription(env: &dyn Fn(&str) -> Option<String>) -> Option<CliSubscription> {
    let set = |name: &str| {
        env(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let directory = set("AZURE_CONFIG_DIR").or_else(|| {
        let home = set("HOME").or_else(|| set("USERPROFILE"))?;
        Some(home.join(".azure"))
    })?;
    let profile = std::fs::read(directory.join("azureProfile.json")).ok()?;
    parse_cli_profile(&profile)
}

/// Finds the default subscription in `azureProfile.json`, which starts with a byte order mark.
pub fn parse_cli_profile(profile: &[u8]) -> Option<CliSubscription> {
    let json = profile.strip_prefix(b"\xef\xbb\xbf").unwrap_or(profile);
    let profile: Value = serde_json::from_slice(json).ok()?;
    let subscriptions = profile.get("subscriptions")?.as_array()?;
    let default = subscriptions
        .iter()
        .find(|entry| entry.get("isDefault").and_then(Value::as_bool) == Some(true))?;
    let text = |name: &str| default.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(CliSubscription {
        id: text("id").filter(|id| !id.is_empty())?,
        name: text("name"),
        tenant_id: text("tenantId"),
        environment: text("environmentName"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\u{feff}{\"installationId\": \"x\", \"subscriptions\": [\
        {\"id\": \"1\", \"name\": \"one\", \"isDefault\": false, \"tenantId\": \"t\", \"environmentName\": \"AzureCloud\"},\
        {\"id\": \"2\", \"name\": \"two\", \"isDefault\": true, \"tenantId\": \"t\", \"environmentName\": \"AzureCloud\"}]}";

    #[test]
    fn default_subscription_is_found_after_the_byte_order_mark() {
        let found = parse_cli_profile(PROFILE.as_bytes()).unwrap();
        assert_eq!(
            (found.id.as_str(), found.name.as_deref()),
            ("2", Some("two"))
        );
        assert_eq!(found.environment.as_deref(), Some("AzureCloud"));
    }

    #[test]
    fn profile_without_a_default_subscription_yields_none() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"subscriptions":[]}"#,
            r#"{"subscriptions":[{"isDefault":true}]}"#,
        ] {
            assert_eq!(parse_cli_profile(text.as_bytes()), None, "{text}");
        }
        assert_eq!(azure_cli_subscription(&|_| None), None);
    }
}
