//! Kinds, hints and messages of errors.

use super::{
    kind::{FORBIDDEN, LOCKED, NAME_TAKEN, NOT_LOGGED_IN, POLICY_DENIED},
    transient::{BLOCKED, BUSY, INTERRUPTED},
    *,
};
use crate::headers::{CORRELATION_ID, RETRY_AFTER};

fn response_error(status: u16, body: &str) -> ArmError {
    let mut headers = Headers::new();
    headers.insert(CORRELATION_ID, "corr-1");
    headers.insert(RETRY_AFTER, "7");
    ArmError::from_response(
        Method::Put,
        "/subscriptions/s",
        status,
        &headers,
        body.as_bytes(),
    )
}

fn error_with_code(status: u16, code: &str) -> ArmError {
    response_error(
        status,
        &format!(r#"{{"error":{{"code":"{code}","message":"Words."}}}}"#),
    )
}

#[test]
fn display_is_the_message_and_the_request() {
    assert_eq!(
        error_with_code(409, "StorageAccountAlreadyTaken").to_string(),
        "Words (StorageAccountAlreadyTaken)\nPUT /subscriptions/s returned 409, correlation id corr-1"
    );
    assert_eq!(
        response_error(503, "<html><body>x").to_string(),
        "Service Unavailable\nPUT /subscriptions/s returned 503, correlation id corr-1"
    );
}

#[test]
fn status_and_code_determine_the_kind() {
    let table = [
        (401, "AuthenticationFailed", ErrorKind::NotLoggedIn),
        (404, "ResourceGroupNotFound", ErrorKind::NotFound),
        (409, "StorageAccountAlreadyTaken", ErrorKind::NameTaken),
        (409, "ScopeLocked", ErrorKind::Locked),
        (409, "Conflict", ErrorKind::Conflict),
        (429, "TooManyRequests", ErrorKind::Throttled),
        (429, "RetryableError", ErrorKind::Conflict),
        (400, "AccountNameInvalid", ErrorKind::InvalidRequest),
        (500, "InternalServerError", ErrorKind::Unavailable),
        (504, "GatewayTimeout", ErrorKind::Timeout),
        (302, "Moved", ErrorKind::Protocol),
    ];
    for (status, code, kind) in table {
        assert_eq!(error_with_code(status, code).kind, kind, "{status} {code}");
    }
}

#[test]
fn only_transient_errors_have_a_transient_cause() {
    let cause = |method, status, code: &str, message: &str| {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#);
        let mut headers = Headers::new();
        headers.insert(REQUEST_ID, "1");
        ArmError::from_response(method, "/x", status, &headers, body.as_bytes()).transient_cause
    };
    let (put, delete) = (Method::Put, Method::Delete);
    let (busy, blocked) = (Some(TransientCause::Busy), Some(TransientCause::Blocked));
    for (method, status, code, message, expected) in [
        (put, 409, "AnotherOperationInProgress", "m", busy),
        (
            put,
            409,
            "ServerAdvancedThreatProtectionInProgress",
            "m",
            busy,
        ),
        (put, 429, "RetryableError", "m", busy),
        (put, 409, "StorageAccountIsNotProvisioned", "m", busy),
        (put, 400, "StorageProvisioningStateNotSucceeded", "m", busy),
        (put, 400, "ManagedEnvironmentNotProvisioned", "m", busy),
        (
            put,
            409,
            "Conflict",
            "x is busy processing a previous update",
            busy,
        ),
        (
            put,
            409,
            "Conflict",
            "because another operation is in progress.",
            busy,
        ),
        (put, 409, "Conflict", "m", None),
        (
            put,
            400,
            "Conflict",
            "x is in failed state. Please retry",
            None,
        ),
        (put, 409, "UpdateRunTargetingEmptyFleet", "m", None),
        (put, 400, "InvalidResourceReference", "m", None),
        (put, 404, "ManagedEnvironmentNotFound", "m", None),
        (put, 404, "NotFound", "m", None),
        (put, 400, "FailedIdentityOperation", "m", None),
        (put, 400, "PrincipalNotFound", "m", None),
        (put, 500, "InternalServerError", "m", None),
        (delete, 409, "CannotDeleteResource", "m", blocked),
        (delete, 400, "InUseSubnetCannotBeDeleted", "m", blocked),
        (delete, 400, "PublicIPAddressCannotBeDeleted", "m", blocked),
        (
            delete,
            400,
            "BadRequest",
            "it has linked servers associated with it",
            blocked,
        ),
        (delete, 400, "BadRequest", "m", None),
        (put, 400, "InUseSubnetCannotBeDeleted", "m", None),
    ] {
        assert_eq!(
            cause(method, status, code, message),
            expected,
            "{code} {message}"
        );
    }
}

#[test]
fn missing_permission_is_recognized_without_403() {
    let body = r#"{"error":{"code":"BadRequest","message":"The provided credentials have insufficient access to perform the requested operation Activity ID: 1."}}"#;
    assert!(matches!(
        response_error(400, body).kind,
        ErrorKind::Forbidden { .. }
    ));
}

#[test]
fn missing_permission_is_parsed_from_the_message() {
    let error = response_error(
        403,
        r#"{"error":{"code":"AuthorizationFailed","message":"The client 'me@x' with object id 'oid' does not have authorization to perform action 'Microsoft.Authorization/roleAssignments/write' over scope '/subscriptions/s' or the scope is invalid."}}"#,
    );
    assert_eq!(
        error.kind,
        ErrorKind::Forbidden {
            action: Some("Microsoft.Authorization/roleAssignments/write".to_owned()),
            scope: Some("/subscriptions/s".to_owned()),
            object_id: Some("oid".to_owned()),
        }
    );
    assert!(
        error
            .hint()
            .unwrap()
            .contains("Role Based Access Control Administrator on /subscriptions/s")
    );

    let linked = response_error(
        403,
        r#"{"error":{"code":"LinkedAuthorizationFailed","message":"The client 'c' with object id 'oid' has permission to perform action 'A/write' on scope '/a'; however, it does not have permission to perform action(s) 'B/join/action' on the linked scope(s) '/b' or the linked scope(s) are invalid."}}"#,
    );
    assert_eq!(
        linked.kind,
        ErrorKind::Forbidden {
            action: Some("B/join/action".to_owned()),
            scope: Some("/b".to_owned()),
            object_id: Some("oid".to_owned()),
        }
    );
}

#[test]
fn hints_name_the_next_action() {
    let missing = response_error(
        409,
        r#"{"error":{"code":"MissingSubscriptionRegistration","message":"The subscription is not registered to use namespace 'Microsoft.Media'."}}"#,
    );
    assert_eq!(
        missing.hint().unwrap(),
        "Run `az provider register --namespace Microsoft.Media`"
    );
    assert!(
        error_with_code(429, "TooManyRequests")
            .hint()
            .unwrap()
            .contains("7 s")
    );
    assert!(
        entra("AADSTS7000215: bad")
            .unwrap()
            .contains("AZURE_CLIENT_SECRET")
    );
    assert!(entra("AADSTS700082: old").unwrap().contains("expired"));
    assert_eq!(entra("AADSTS9000299"), None);
}

#[test]
fn failed_operation_has_its_innermost_error() {
    let document = serde_json::json!({"status": "Failed", "error": {"code": "Conflict", "message": "Another operation is pending on the specified resource."}});
    let error = ArmError::operation_failed(
        Method::Put,
        "/x",
        "Failed",
        &Headers::new(),
        Some(&document),
    );
    assert_eq!(
        (error.kind.clone(), error.code.as_deref()),
        (ErrorKind::OperationFailed, Some("Conflict"))
    );
    assert!(error.is_transient());
    let bare = ArmError::operation_failed(Method::Put, "/x", "Canceled", &Headers::new(), None);
    assert_eq!(
        bare.to_string(),
        "The operation ended with status Canceled\nPUT /x"
    );
}

#[test]
fn nested_tls_error_is_detected() {
    let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    let outer = azure_core::Error::with_error(
        azure_core::error::ErrorKind::Connection,
        io::Error::other(io::Error::other(tls)),
        "failed",
    );
    let error = ArmError::from_transport(Method::Get, "/x", &outer);
    assert_eq!(error.kind, ErrorKind::Tls);
    assert!(error.hint().unwrap().contains("--ca-file"));
}

#[test]
fn every_code_is_listed_once_with_advice() {
    let known = known_codes();
    assert!(known.len() > 50);
    let listed = [
        POLICY_DENIED,
        LOCKED,
        FORBIDDEN,
        NOT_LOGGED_IN,
        NAME_TAKEN,
        BUSY,
        BLOCKED,
        INTERRUPTED,
    ];
    for code in listed.concat() {
        assert!(known.iter().any(|one| one.code == code), "{code}");
    }
    for (one, next) in known.iter().zip(known.iter().skip(1)) {
        assert_ne!(one.code, next.code);
    }
    for one in &known {
        assert!(!one.advice.is_empty(), "{one:?}");
    }
    let remedy = |code: &str| known.iter().find(|one| one.code == code).unwrap().remedy;
    assert_eq!(remedy("RetryableError"), Some(Remedy::RetryWhileBusy));
    assert_eq!(
        remedy("InternalServerError"),
        Some(Remedy::RestartOperation)
    );
    assert_eq!(remedy("CannotDeleteResource"), Some(Remedy::RetryDelete));
    assert_eq!(remedy("ScopeLocked"), None);
}

#[test]
fn denied_key_has_advice_of_its_own_with_every_status() {
    for status in [400, 403] {
        let hint = error_with_code(status, "KeyVaultAuthenticationFailure").hint();
        let is_about_keys = hint.as_deref().is_some_and(|hint| hint.contains("Crypto"));
        assert!(is_about_keys, "{status}: {hint:?}");
    }
}
