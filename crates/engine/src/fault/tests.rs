//! The property of an entry that a target or a message of Azure refers to.

use std::{collections::HashMap, sync::Arc};

use lazuli_core::{
    arm::{ArmId, ArmType},
    graph::NodeKey,
    plan::{Absence, Action, Call, CallTarget, Method, StepId},
    spec::Address,
    subject::Subject,
    value::Value,
};

use super::*;

const SPEC: &str = "\
recordings:
  name: stcameras
  location: BadLocation
  resourceGroup: rg-gone
  sku: Standard_LRS
  minimumTlsVersion: TLS9
  networkAcls:
    defaultAction: Allow
    bypass: None
  keyPolicy:
    keyExpirationPeriodInDays: -1
  body:
    properties:
      publicNetworkAccess: Maybe
  first:
    quota: 1
  second:
    quota: 2
  principal: ${analyzer.principalId}
";

/// A step with the span of every `key: value` line of the spec by its path.
fn entry() -> (Step, Sources) {
    let mut sources = Sources::default();
    let source = sources.add("stack.yaml", SPEC);
    let (mut places, mut above): (HashMap<BodyPath, Span>, Vec<&str>) = Default::default();
    let mut start = 0;
    for line in SPEC.lines().skip(1) {
        let at = SPEC[start..].find(line).unwrap() + start;
        let key = line.trim().split(':').next().unwrap();
        above.truncate((line.len() - line.trim_start().len()) / 2 - 1);
        above.push(key);
        let value = line.find(": ").map_or(line.len(), |colon| colon + 2);
        places.insert(
            BodyPath::from_names(above.iter().copied()),
            Span::new(source, at + value..at + line.len()),
        );
        start = at + line.len();
    }
    let step = Step {
        id: StepId(0),
        subject: Subject {
            key: NodeKey {
                stack: "s".to_owned(),
                address: Address {
                    resource: "recordings".to_owned(),
                    instance: None,
                },
                part: None,
            },
            kind: "storageAccount",
            arm_type: ArmType::new("Microsoft.Storage/storageAccounts", "1"),
            title: "stcameras".to_owned(),
            span: Span::new(source, 0..10),
            places: Arc::new(places),
        },
        action: Action::Create,
        reason: String::new(),
        changes: Vec::new(),
        call: Call {
            method: Method::Create(Absence::Certain),
            target: CallTarget::Id(ArmId::parse("/subscriptions/1").unwrap()),
            api_version: "1".to_owned(),
            body: Value::Null,
        },
        outputs: Vec::new(),
        after: Vec::new(),
        retry_causes: Vec::new(),
    };
    (step, sources)
}

fn find_property(find: impl Fn(&FailedEntry<'_>) -> Option<String>) -> Option<String> {
    let (step, sources) = entry();
    find(&FailedEntry {
        step: &step,
        sources: &sources,
    })
}

#[test]
fn target_locates_its_property_or_the_nearest_parent() {
    let by_target = |target: &str| {
        find_property(|entry| entry.by_target(target).map(|(path, _)| path.to_string()))
    };
    for (target, property) in [
        ("properties.minimumTlsVersion", Some("minimumTlsVersion")),
        ("/properties/MinimumTlsVersion", Some("minimumTlsVersion")),
        (
            "$.properties.networkAcls.bypass",
            Some("networkAcls.bypass"),
        ),
        (
            "properties.networkAcls.ipRules[0].value",
            Some("networkAcls"),
        ),
        ("storageAccount.sku.name", Some("sku")),
        ("sku", Some("sku")),
        ("location", Some("location")),
        (
            "properties.publicNetworkAccess",
            Some("body.properties.publicNetworkAccess"),
        ),
        (
            &format!("{}networkAcls.bypass", "of.".repeat(2000)),
            Some("networkAcls.bypass"),
        ),
        ("quota", None),
        ("properties.second.quota", Some("second.quota")),
        ("stcameras", None),
        ("extensionName", None),
        ("", None),
    ] {
        assert_eq!(by_target(target).as_deref(), property, "{target}");
    }
}

#[test]
fn message_locates_the_property_or_value_it_names() {
    let by_words = |words: &str| {
        find_property(|entry| entry.by_words(words).map(|(path, _)| path.to_string()))
    };
    for (message, property) in [
        (
            "Values for request parameters are invalid: keyPolicy.keyExpirationPeriodInDays.",
            Some("keyPolicy.keyExpirationPeriodInDays"),
        ),
        (
            "The value of minimumTlsVersion is not supported",
            Some("minimumTlsVersion"),
        ),
        ("The property 'sku' is not allowed", Some("sku")),
        ("Property 'bypass' is wrong", Some("networkAcls.bypass")),
        (
            "The provided location 'BadLocation' is not available for resource group.",
            Some("location"),
        ),
        (
            "Resource group 'rg-gone' could not be found.",
            Some("resourceGroup"),
        ),
        ("Resource 'stcameras' was disallowed by policy.", None),
        ("The name, kind and location of the quota are fine", None),
        (
            "The Resource 'Microsoft.Storage/storageAccounts/x' under resource group 'y' was not found.",
            None,
        ),
    ] {
        assert_eq!(by_words(message).as_deref(), property, "{message}");
    }
}

#[test]
fn missing_output_is_reported_at_its_reference() {
    let found = find_property(|entry| {
        let (path, span) = entry.that_refers_to("analyzer.principalId")?;
        Some(format!("{path} {}", entry.sources.slice(span)))
    });
    assert_eq!(found.as_deref(), Some("principal ${analyzer.principalId}"));
}
