//! ARM paths, api-versions, resource types and services that this crate knows by name.

/// The path at which a Resource Manager publishes the endpoints of its cloud.
pub(crate) const METADATA_PATH: &str = "/metadata/endpoints";
/// The api-version of [`METADATA_PATH`].
pub(crate) const METADATA_API_VERSION: &str = "2022-09-01";
/// The Microsoft Graph method that looks up directory objects by id.
pub(crate) const GET_BY_IDS_PATH: &str = "/v1.0/directoryObjects/getByIds";
/// The token endpoint of the Azure Instance Metadata Service.
pub(crate) const INSTANCE_METADATA_URL: &str =
    "http://169.254.169.254/metadata/identity/oauth2/token";

/// The provider of role assignments, locks and policies, in lowercase.
pub(crate) const AUTHORIZATION_PROVIDER: &str = "microsoft.authorization";
/// The type of role assignments, in lowercase.
pub(crate) const ROLE_ASSIGNMENTS: &str = "microsoft.authorization/roleassignments";
/// The provider of Service Bus, in lowercase.
pub(crate) const SERVICE_BUS_PROVIDER: &str = "microsoft.servicebus";
