//! `lazuli export`: a spec of what is live in resource groups, and what `plan` says of it. Sends reads only.

use std::{
    fs::File,
    io::{ErrorKind as IoError, Write},
    path::{Path, PathBuf},
};

use lazuli_arm::{ArmError, Client, ErrorKind, Quiet};
use lazuli_core::{
    arm::ArmId,
    diagnostic::{Diagnostics, did_you_mean},
    export::{self, Export, Scene, reads},
    graph::{SecretsPolicy, StackScope},
    live::Live,
    plan::{Consent, Plan},
    reads::Read,
    source::{Sources, Span},
};
use lazuli_engine::{Concern, Unanswered, find_versions, observe_each, observe_owned};
use lazuli_handlers::{REGISTRY, roles};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::{
    args,
    connection::{Connection, Session},
    error::{CommandError, Success},
    flow,
    input::Texts,
    render,
    terminal::{Terminal, Tone, answer},
};

/// The api-version in which resource groups are listed.
const GROUPS_API: &str = "2025-04-01";

pub(super) fn run(args: &args::Export, terminal: &Terminal) -> Result<Success, CommandError> {
    let beside: Vec<PathBuf> = args.out.iter().cloned().collect();
    let connection = Connection::new(&args.azure, &beside)?;
    let subscription = subscription(args, &connection)?;
    let groups = groups(args, &subscription)?;
    if let Some(out) = args
        .out
        .as_deref()
        .filter(|out| out.symlink_metadata().is_ok())
    {
        return Err(taken(out));
    }
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let (live, refused) = survey(&session.client, &groups, args.stack.as_deref()).await?;
        let scene = scene(&groups, &live);
        let stack = stack(args, &scene);
        let export = export::export(&scene, &stack);
        match &args.out {
            Some(out) => write_new(out, &export.text)?,
            None => answer(&export.text)?,
        }
        let notes = render::export::notes(&export, &refused, &terminal.err);
        terminal.tell(&notes, Tone::Warning);
        let plan = compare(args, &connection, &session, &export, terminal).await?;
        let place = args.out.as_deref();
        let outcome = render::export::outcome(&export, &plan, place, &terminal.err);
        terminal.tell(&outcome, Tone::Note);
        Ok(Success::Done)
    })
}

fn subscription(args: &args::Export, connection: &Connection) -> Result<String, CommandError> {
    let given = args.subscription.clone();
    let given = given.or_else(|| connection.default_subscription());
    let given = given.ok_or_else(|| {
        CommandError::with_hint(
            "it is not said which subscription the resource groups are in",
            "pass --subscription, set AZURE_SUBSCRIPTION_ID, or `az account set`",
        )
    })?;
    let guid = Uuid::try_parse(&given)
        .map_err(|_| CommandError::new(format!("`{given}` is no subscription id: it is a GUID")))?;
    Ok(guid.hyphenated().to_string())
}

/// The ids of the groups, each once.
fn groups(args: &args::Export, subscription: &str) -> Result<Vec<ArmId>, CommandError> {
    let kind = REGISTRY.get("resourceGroup");
    let rule = kind.and_then(|kind| kind.facts().name.as_ref());
    let mut groups = Vec::new();
    for name in &args.resource_groups {
        if let Some(rule) = rule.filter(|rule| !rule.accepts(name)) {
            return Err(CommandError::with_hint(
                format!("`{name}` is no name for a resource group"),
                format!("names have {}", rule.description),
            ));
        }
        let id = ArmId::resource_group(subscription, name);
        if !groups.contains(&id) {
            groups.push(id);
        }
    }
    Ok(groups)
}

fn stack(args: &args::Export, scene: &Scene<'_>) -> String {
    let own = || scene.groups.first().map(export::stack_of);
    let stack = args.stack.clone().or_else(|| export::owner(scene));
    stack.or_else(own).unwrap_or_default()
}

/// Reads what is in the groups and what belongs to it; and of the stack what it owns beside.
async fn survey(
    client: &Client,
    groups: &[ArmId],
    stack: Option<&str>,
) -> Result<(Live, Vec<ArmError>), CommandError> {
    let concern = || Concern::within(groups);
    let (mut live, failures) =
        observe_each(client, concern(), &reads::first(groups, REGISTRY)).await;
    all_answered(failures)?;
    flow::name(&mut live);
    if let Some(group) = groups.iter().find(|group| live.resource(group).is_none()) {
        return Err(no_group(client, group).await);
    }
    let mut refused = versions(client, groups, &mut live).await?;
    let (more, failures) =
        observe_each(client, concern(), &reads::second(&scene(groups, &live))).await;
    refused.extend(without_unreadable(failures, &live, groups)?);
    live.absorb(more);
    let is_known = |guid: &str| roles::by_guid(guid).is_some();
    let third = reads::third(&scene(groups, &live), &is_known);
    let (more, failures) = observe_each(client, concern(), &third).await;
    all_answered(failures)?;
    live.absorb(more);
    let owner = stack
        .map(str::to_owned)
        .or_else(|| export::owner(&scene(groups, &live)));
    if let Some(owner) = owner {
        let homes = [home(&owner, groups)];
        let owned = observe_owned(client, &homes, &|_| true).await;
        live.absorb(owned.map_err(flow::failed)?);
    }
    Ok((live, refused))
}

/// Asks in which version each type is spoken to. Without rights in the subscription that stays unknown, and is told of
/// each resource that it concerns.
async fn versions(
    client: &Client,
    groups: &[ArmId],
    live: &mut Live,
) -> Result<Vec<ArmError>, CommandError> {
    let unknown = reads::unknown_types(groups, live);
    let Err(failures) = find_versions(client, &unknown, live).await else {
        return Ok(Vec::new());
    };
    let is_refusal = |error: &ArmError| matches!(error.kind, ErrorKind::Forbidden { .. });
    match failures.iter().all(|one| is_refusal(&one.error)) {
        true => Ok(failures.into_iter().map(|one| one.error).collect()),
        false => Err(flow::failed(failures)),
    }
}

fn scene<'a>(groups: &'a [ArmId], live: &'a Live) -> Scene<'a> {
    Scene {
        groups,
        live,
        registry: REGISTRY,
    }
}

fn all_answered(failures: Vec<Unanswered>) -> Result<(), CommandError> {
    match failures.is_empty() {
        true => Ok(()),
        false => Err(CommandError::Azure(
            failures.into_iter().map(|one| one.error.into()).collect(),
        )),
    }
}

/// What Azure does not take the question for is left out, and told: a version in which a type is not asked for, a blob
/// service that an account for files does not have. Any other failure ends the export: what is not seen for a while
/// would be missing in the spec.
fn without_unreadable(
    failures: Vec<Unanswered>,
    live: &Live,
    groups: &[ArmId],
) -> Result<Vec<ArmError>, CommandError> {
    let is_inside = |id: &ArmId| {
        let mut contents = groups.iter().filter_map(|group| live.contents(group));
        contents.any(|ids| ids.iter().any(|resource| resource.covers(id)))
    };
    let is_left_out = |one: &Unanswered| {
        let is_of_request = matches!(
            one.error.kind,
            ErrorKind::InvalidRequest | ErrorKind::Conflict
        );
        let place = match &one.read {
            Read::Resource { id, .. } => Some(id.clone()),
            Read::Collection { path, .. } => ArmId::parse(path),
            _ => None,
        };
        is_of_request && place.is_some_and(|place| is_inside(&place))
    };
    let (left_out, others): (Vec<_>, Vec<_>) = failures.into_iter().partition(is_left_out);
    all_answered(others)?;
    Ok(left_out.into_iter().map(|one| one.error).collect())
}

fn home(stack: &str, groups: &[ArmId]) -> StackScope {
    let mut sources = Sources::default();
    let subscriptions = groups.iter().filter_map(ArmId::subscription_id);
    StackScope {
        stack: stack.to_owned(),
        span: Span::new(sources.add("--stack", stack), 0..stack.len()),
        subscriptions: subscriptions.map(ArmId::subscription).collect(),
        groups: groups.iter().cloned().collect(),
    }
}

async fn no_group(client: &Client, group: &ArmId) -> CommandError {
    let subscription = group.subscription_id().unwrap_or_default();
    let message = format!(
        "there is no resource group `{}` in the subscription {subscription}",
        group.name()
    );
    let path = format!("/subscriptions/{subscription}/resourcegroups");
    let others = client.list_all(&path, GROUPS_API, &[], &Quiet).await;
    let others = others.unwrap_or_default();
    let names: Vec<&str> = others
        .iter()
        .filter_map(|group| group.get("name").and_then(Json::as_str))
        .collect();
    let hint = did_you_mean(group.name(), names.iter().copied());
    CommandError::with_hint(
        message,
        hint.unwrap_or_else(|| match names.as_slice() {
            [] => "no resource group can be seen there".to_owned(),
            names => format!("{} can be seen there", names.join(", ")),
        }),
    )
}

/// What `plan` says of what was written.
async fn compare(
    args: &args::Export,
    connection: &Connection,
    session: &Session,
    export: &Export,
    terminal: &Terminal,
) -> Result<Plan, CommandError> {
    let name = args.out.as_ref().map(|out| out.display().to_string());
    let mut sources = Sources::default();
    let id = sources.add(name.unwrap_or_else(|| "<stdout>".to_owned()), &export.text);
    let texts = Texts {
        sources,
        specs: vec![id],
        params: Vec::new(),
        unread: Diagnostics::default(),
    };
    let env = |name: &str| connection.environment(name);
    let specs = flow::specs_of(texts, None, SecretsPolicy::default(), &env)?;
    let loaded = specs.ask(session, terminal).await?;
    let everything = args::Targets { target: Vec::new() };
    let consent = Consent::default();
    let (plan, _) = flow::compare(&loaded, session, &consent, &everything, terminal).await?;
    Ok(plan)
}

fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        IoError::AlreadyExists => taken(path),
        _ => CommandError::new(format!("{} cannot be written: {error}", path.display())),
    })
}

fn taken(path: &Path) -> CommandError {
    CommandError::with_hint(
        format!(
            "{} is there already, and export overwrites nothing",
            path.display()
        ),
        "name another file, or compare: `lazuli export ... | diff FILE -`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::arm_error;

    #[test]
    fn only_what_azure_does_not_take_the_question_for_is_left_out() {
        let group = ArmId::resource_group("s", "rg");
        let account = group.provider_child("Microsoft.Storage/storageAccounts", "st");
        let mut live = Live::default();
        live.insert_contents(group.clone(), vec![account.clone()]);
        let api_version = || "2025-06-01".to_owned();
        let service = Read::Resource {
            id: account.child("blobServices", "default"),
            api_version: api_version(),
        };
        let containers = Read::Collection {
            path: format!("{account}/blobServices/default/containers"),
            api_version: api_version(),
        };
        let accounts = Read::Collection {
            path: format!("{group}/providers/Microsoft.Storage/storageAccounts"),
            api_version: api_version(),
        };
        let is_left_out = |read: &Read, status: u16, code: &str| {
            let failure = Unanswered {
                read: read.clone(),
                error: arm_error(status, code, "no"),
            };
            let left_out = without_unreadable(vec![failure], &live, std::slice::from_ref(&group));
            left_out.is_ok_and(|errors| errors.len() == 1)
        };
        let unsupported = "FeatureNotSupportedForAccount";
        assert!(is_left_out(&service, 400, unsupported));
        assert!(is_left_out(&containers, 409, unsupported));
        assert!(!is_left_out(&containers, 403, "AuthorizationFailed"));
        assert!(!is_left_out(&accounts, 400, "InvalidApiVersionParameter"));
        assert!(!is_left_out(
            &Read::Grants(group.clone()),
            400,
            "BadRequest"
        ));
    }
}
