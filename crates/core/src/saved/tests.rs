//! Round trips and rejected files, and differences between constructed plans. Differences between real plans are tested
//! in tests/converge/saved.rs.

use crate::body_path::BodyPath;
use serde_json::json;

use super::*;
use crate::source::Sources;

/// A plan with these wanted entries and steps.
fn plan(wanted: &[Json], steps: &[Json]) -> SavedPlan {
    let empty = Plan::default();
    let mut document = PlanDocument::new(&empty, &[], &[], &Sources::default());
    let steps = steps.iter().enumerate().map(|(id, step)| {
        let mut step = step.clone();
        step["id"] = json!(id);
        step
    });
    document.steps = steps.map(read).collect();
    let sent = vec![RequestDigests::default(); document.steps.len()];
    SavedPlan {
        desired: wanted.iter().cloned().map(read).collect(),
        requests: sent,
        ..SavedPlan::new(SavedOptions::default(), &Graph::default(), &empty, document)
    }
}

fn read<T: serde::de::DeserializeOwned>(json: Json) -> T {
    serde_json::from_value(json).unwrap()
}

fn merge(mut base: Json, more: Json) -> Json {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// A step; by default, an update of one property of `pictures`.
fn step(more: Json) -> Json {
    let base = json!({
        "action": "update", "stack": "site", "address": "pictures", "kind": "storageAccount", "type": "A.B/c",
        "apiVersion": "2026-01-01", "target": { "id": "/subscriptions/s/pictures" }, "subject": "st",
        "reason": "1 property differs", "dependsOn": [], "place": { "file": "stack.yaml", "line": 1 },
        "changes": [change("sku.name", "LRS", "ZRS")],
    });
    merge(base, more)
}

fn change(path: &str, before: &str, after: &str) -> Json {
    json!({ "path": path, "before": before, "after": after, "unknown": false, "secret": false, "immutable": false })
}

fn wanted(address: &str, sku: Json) -> Json {
    let sku = merge(json!({ "path": "sku.name" }), sku);
    json!({ "stack": "site", "address": address, "settings": [], "properties": [sku] })
}

fn whole() -> SavedPlan {
    let numbers = json!({
        "path": "properties.numbers", "before": [0.1, 1e-7, 5e-324, -0.0, 1.7976931348623157e308, 9007199254740993_u64],
        "after": "\u{202e}\"\\\n", "unknown": false, "secret": false, "immutable": false,
    });
    plan(
        &[wanted("pictures", json!({ "value": "ZRS" }))],
        &[step(json!({ "changes": [numbers] }))],
    )
}

#[test]
fn written_plan_reads_back_equal() {
    let text = whole().to_text().unwrap();
    let read = SavedPlan::parse(&text).unwrap();
    assert_eq!(read.to_text().unwrap(), text);
    let sealed = SavedPlan {
        digest: read.digest.clone(),
        ..whole()
    };
    assert_eq!(read, sealed);
    assert!(SavedPlan::has_format(text.as_bytes()));
    // Whitespace does not change the content.
    let compact = serde_json::from_str::<Json>(&text).unwrap().to_string();
    assert_eq!(SavedPlan::parse(&compact), Ok(read));
}

#[test]
fn edited_plan_is_rejected() {
    let text = whole().to_text().unwrap();
    let content: Json = serde_json::from_str(&text).unwrap();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1 << (at % 7);
        let edited = String::from_utf8_lossy(&bytes);
        if SavedPlan::parse(&edited).is_ok() {
            let read: Json = serde_json::from_str(&edited).unwrap();
            assert_eq!(read, content, "byte {at}");
        }
        if let Some(cut) = text
            .trim_end()
            .get(..at)
            .filter(|cut| *cut != text.trim_end())
        {
            assert!(SavedPlan::parse(cut).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn rejected_file_has_a_reason() {
    let rejection = |text: &str| SavedPlan::parse(text).unwrap_err().to_string();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(rejection("resources: {}"), "it is not a saved plan");
    assert_eq!(
        rejection(r#"{ "format": "lazuli/plan/v1" }"#),
        "it is not a saved plan"
    );
    assert_eq!(
        rejection(r#"{ "format": "lazuli/saved-plan/v9", "lazuli": "9.0.0" }"#),
        format!(
            "its format is lazuli/saved-plan/v9, written by lazuli 9.0.0, but this is {version}, which reads lazuli/saved-plan/v1"
        )
    );
    let text = whole().to_text().unwrap();
    let other = text.replacen(version, "0.0.7", 1);
    assert_eq!(
        rejection(&other),
        format!("it was written by lazuli 0.0.7, but this is {version}")
    );
    let edited = "it was edited or is incomplete";
    for other in [
        text.replace("ZRS", "GRS"),
        text.replacen("{", "{\"more\": 1,", 1),
        text.replace("\"prune\": false", "\"prune\": true"),
        text[..text.len() / 2].to_owned(),
    ] {
        assert_eq!(rejection(&other), edited);
    }
}

#[test]
fn values_of_secret_parameters_are_not_saved() {
    let given = [
        ("environment", "dev"),
        ("token", "tk"),
        ("environment", "prod"),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let declared = BTreeSet::from(["token".to_owned()]);
    let (kept, hidden) = sort_params(&given, &declared, &Graph::default());
    let kept: Vec<&str> = kept.iter().map(|given| given.value.as_str()).collect();
    assert_eq!((kept, hidden), (vec!["dev", "prod"], vec!["token".into()]));
}

/// The first difference between two plans: the title, and the text at the caret.
fn difference(saved: &SavedPlan, now: &SavedPlan) -> Option<(String, String)> {
    let found = saved.first_difference(now, &Graph::default())?;
    assert_eq!(found.code, crate::diagnostic::Code::Stale);
    Some((found.message, found.note.unwrap_or_default()))
}

fn assert_difference(saved: &SavedPlan, now: &SavedPlan, title: &str, note: &str) {
    let expected = Some((title.to_owned(), note.to_owned()));
    assert_eq!(difference(saved, now), expected);
}

#[test]
fn equal_plans_have_no_difference() {
    assert_eq!(difference(&whole(), &whole()), None);
    let first = step(json!({}));
    let second = step(json!({ "address": "other", "dependsOn": [0] }));
    let both = plan(&[], &[first, second]);
    assert_eq!(difference(&both, &both), None);
    // Positions and descriptions are not part of the operation.
    let moved_down = step(json!({ "place": { "file": "stack.yaml", "line": 9 }, "reason": "x" }));
    let before = plan(&[], &[step(json!({}))]);
    assert_eq!(difference(&before, &plan(&[], &[moved_down])), None);
}

#[test]
fn changes_of_the_spec_are_reported_before_changes_in_azure() {
    let lrs = || wanted("pictures", json!({ "value": "LRS" }));
    let saved = plan(&[lrs()], &[step(json!({}))]);
    let now = |wanted: &[Json]| plan(wanted, &[]);
    let zrs = wanted("pictures", json!({ "value": "ZRS" }));
    assert_difference(
        &saved,
        &now(&[zrs]),
        "`sku.name` of `pictures` has changed in the spec",
        "it was LRS when the plan was made, and is now ZRS",
    );
    let none = json!({ "stack": "site", "address": "pictures", "settings": [], "properties": [] });
    assert_difference(
        &saved,
        &now(&[none]),
        "`sku.name` of `pictures` has changed in the spec",
        "it was LRS when the plan was made, and is now not set",
    );
    let more = wanted("more", json!({ "value": "LRS" }));
    assert_difference(
        &saved,
        &now(&[lrs(), more]),
        "`more` is new in the spec",
        "it was not in the spec when the plan was made",
    );
    assert_difference(&saved, &now(&[]), "`pictures` is no longer in the spec", "");

    let secret = |digest: &str| {
        let sku = json!({ "value": "(secret)", "digest": digest });
        plan(&[wanted("pictures", sku)], &[])
    };
    assert_difference(
        &secret("aaaaaa"),
        &secret("bbbbbb"),
        "`sku.name` of `pictures` has changed in the spec",
        "its secret has changed since the plan was made",
    );
    let keyed = SavedPlan {
        digest_key: "other".into(),
        ..saved.clone()
    };
    assert_difference(
        &saved,
        &keyed,
        "LAZULI_SECRETS_KEY has changed since the plan was made",
        "it is the key of the digests by which secrets are compared",
    );
}

/// Saved steps, current steps, and the expected message.
#[test]
fn changes_in_azure_are_reported() {
    let none = || json!([]);
    let update = || step(json!({}));
    let create = || step(json!({ "action": "create", "reason": "it does not exist" }));
    let drift = |path: &str, before: &str| {
        step(json!({ "changes": [change("sku.name", "LRS", "ZRS"), change(path, before, "b")] }))
    };
    let delete = |target: &str| {
        step(json!({
            "action": "delete", "changes": none(), "target": { "id": target }, "reason": "it left the spec",
        }))
    };
    let replace = |reason: &str| step(json!({ "action": "replace", "reason": reason }));
    let release = || step(json!({ "action": "release" }));
    let cases: Vec<(Vec<Json>, Vec<Json>, &str, &str)> = vec![
        (
            vec![update()],
            vec![step(
                json!({ "changes": [change("sku.name", "GRS", "ZRS")] }),
            )],
            "`sku.name` of `pictures` has changed in Azure",
            "it was LRS when the plan was made, and is now GRS",
        ),
        (
            vec![update()],
            vec![],
            "`sku.name` of `pictures` has changed in Azure",
            "it was LRS when the plan was made, and is now ZRS (as in the spec)",
        ),
        (
            vec![],
            vec![update()],
            "`sku.name` of `pictures` has changed in Azure",
            "it was ZRS (as in the spec) when the plan was made, and is now LRS",
        ),
        (
            vec![update()],
            vec![drift("properties.tls", "a")],
            "`tls` of `pictures` has changed in Azure",
            "it was b (as in the spec) when the plan was made, and is now a",
        ),
        (
            vec![update()],
            vec![step(
                json!({ "changes": [change("sku.name", "LRS", "GRS")] }),
            )],
            "the planned value of `sku.name` of `pictures` has changed",
            "it was ZRS when the plan was made, and is now GRS",
        ),
        (
            vec![create()],
            vec![update()],
            "`pictures` has appeared in Azure",
            "it did not exist when the plan was made",
        ),
        (
            vec![create()],
            vec![],
            "`pictures` has appeared in Azure",
            "it did not exist when the plan was made",
        ),
        (
            vec![update()],
            vec![create()],
            "`pictures` no longer exists in Azure",
            "it existed when the plan was made",
        ),
        (
            vec![replace("a")],
            vec![create()],
            "`pictures` no longer exists in Azure",
            "it existed when the plan was made",
        ),
        (
            vec![],
            vec![create()],
            "`pictures` no longer exists in Azure",
            "it existed when the plan was made",
        ),
        (
            vec![update()],
            vec![replace("`sku.name` is fixed at creation")],
            "`pictures` would now be replaced, and was planned to be updated",
            "`sku.name` is fixed at creation",
        ),
        (
            vec![replace("all data is lost")],
            vec![replace("all data is lost; with it goes 1 grant")],
            "the live properties of `pictures` have changed in Azure",
            "all data is lost; with it goes 1 grant",
        ),
        (
            vec![delete("/a"), delete("/b")],
            vec![delete("/b")],
            "`pictures` would no longer be deleted",
            "when the plan was made: it left the spec",
        ),
        (
            vec![delete("/a")],
            vec![delete("/a"), delete("/b")],
            "`pictures` would now be deleted, but not when the plan was made",
            "st: it left the spec",
        ),
        (
            vec![delete("/a"), delete("/b")],
            vec![delete("/b"), delete("/c")],
            "`pictures` would no longer be deleted",
            "when the plan was made: it left the spec",
        ),
        (
            vec![delete("/a")],
            vec![delete("/b")],
            "`pictures` is a different resource in Azure",
            "it was /a when the plan was made, and is now /b",
        ),
        (
            vec![delete("/a")],
            vec![delete("/a"), delete("/a")],
            "the number of steps is now 2, and was 1",
            "",
        ),
        (
            vec![delete("/a"), delete("/a")],
            vec![delete("/a")],
            "the number of steps is now 1, and was 2",
            "",
        ),
        (
            vec![release()],
            vec![],
            "`pictures` would no longer be released",
            "when the plan was made: 1 property differs",
        ),
        (
            vec![step(json!({ "apiVersion": "2025-01-01" }))],
            vec![update()],
            "the api-version of `pictures` has changed",
            "it was 2025-01-01 when the plan was made, and is now 2026-01-01",
        ),
        (
            vec![
                step(json!({ "address": "first" })),
                step(json!({ "dependsOn": [0] })),
            ],
            vec![step(json!({ "address": "first" })), update()],
            "`pictures` depends on other steps than when the plan was made",
            "on [update first], and now on []",
        ),
    ];
    for (saved, now, title, note) in cases {
        assert_difference(&plan(&[], &saved), &plan(&[], &now), title, note);
    }
}

#[test]
fn live_properties_in_a_request_are_compared() {
    let sending = |digest: &str| {
        let sent = RequestDigests([(BodyPath::parse("tags.a"), digest.to_owned())].into());
        SavedPlan {
            requests: vec![sent],
            ..plan(&[], &[step(json!({}))])
        }
    };
    assert_difference(
        &sending("aaaaaa"),
        &sending("bbbbbb"),
        "`tags.a` of `pictures` has changed in Azure",
        "the request contains it, and it has changed since the plan was made",
    );
}

#[test]
fn newly_kept_resource_is_reported_with_its_reason() {
    let deletion = step(json!({ "action": "delete", "changes": [] }));
    let mut now = plan(&[], &[]);
    now.plan.kept = vec![read(
        json!({ "stack": "site", "address": "pictures", "reason": "it is locked" }),
    )];
    let title = "`pictures` would now be kept";
    assert_difference(&plan(&[], &[deletion]), &now, title, "it is locked");
}
