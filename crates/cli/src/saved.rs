//! Saved plans: written by `plan --out FILE`, executed by `apply FILE`.

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use lazuli_core::{
    diagnostic::Diagnostics,
    saved::{SavedOptions, SavedPlan, sort_params},
};

use crate::{
    args::{AzureArgs, OrphanArgs, ReplaceArgs, SecretArgs, SpecArgs, TargetArgs},
    commands::{apply::ApplyArgs, plan::PlanArgs},
    error::CommandError,
    input::describe,
    output::PlanContext,
    output_file::{self, cannot_write},
    render::style::escape_control,
    terminal::{Terminal, Tone},
};

/// The file that a plan is saved to.
pub(crate) struct PlanFile<'a> {
    path: &'a Path,
    args: &'a PlanArgs,
}

impl<'a> PlanFile<'a> {
    /// The file from the command line. Fails if it would overwrite anything but a saved plan, or if the specs cannot be read
    /// again.
    pub(crate) fn from_args(args: &'a PlanArgs) -> Result<Option<Self>, CommandError> {
        let Some(path) = args.out.as_deref() else {
            return Ok(None);
        };
        if args.specs.paths.iter().any(|path| path == Path::new("-")) {
            return Err(CommandError::with_hint(
                "a plan of a spec on standard input cannot be saved: apply reads the spec again",
                "save the spec to a file",
            ));
        }
        if path.exists() && !is_plan(path) {
            return Err(CommandError::with_hint(
                format!(
                    "{} already exists and is not a saved plan",
                    escape_path(path)
                ),
                "choose another file name",
            ));
        }
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            let message = format!("directory {} does not exist", escape_path(folder));
            return Err(CommandError::new(message));
        }
        Ok(Some(Self { path, args }))
    }

    /// Writes the plan, and reports it on stderr.
    pub(crate) fn write(
        &self,
        view: &PlanContext<'_>,
        terminal: &Terminal,
    ) -> Result<(), CommandError> {
        let options = collect_options(self.args, view);
        let secret_params: String = options
            .secret_params
            .iter()
            .map(|name| format!(" --param {name}=..."))
            .collect();
        let failed = |error: &io::Error| cannot_write(escape_path(self.path), error);
        let text = create_plan(options, view)
            .to_text()
            .map_err(|error| failed(&error.into()))?;
        output_file::replace(self.path, &text).map_err(|error| failed(&error))?;
        let path = escape_path(self.path);
        let note = format!(
            "\nPlan saved. To execute exactly this plan, run `lazuli apply {path}{}`.\n",
            escape_control(&secret_params)
        );
        terminal.write_message(&note, Tone::Note);
        Ok(())
    }
}

/// The options of a plan. The pattern lists all of them, so that no new option is forgotten here.
fn collect_options(args: &PlanArgs, view: &PlanContext<'_>) -> SavedOptions {
    let PlanArgs {
        specs:
            SpecArgs {
                paths,
                params,
                params_files,
                subscription,
            },
        azure,
        secrets: SecretArgs { rewrite_secrets },
        orphans: OrphanArgs { prune },
        replacing: ReplaceArgs { allow_replace },
        targets: TargetArgs { target },
        // Options that affect only the output.
        output: _,
        show_unchanged: _,
        out: _,
        detailed_exitcode: _,
        skip_permissions: _,
    } = args;
    let stacks = view.stacks;
    let (params, secret_params) = sort_params(params, &stacks.secret_params, &stacks.graph);
    let texts = |paths: &[PathBuf]| {
        let paths = paths.iter();
        paths.map(|path| path.display().to_string()).collect()
    };
    SavedOptions {
        cloud: azure.cloud().to_owned(),
        paths: texts(paths),
        params,
        secret_params,
        params_files: texts(params_files),
        subscription: subscription.clone(),
        rewrite_secrets: *rewrite_secrets,
        prune: *prune,
        allow_replace: allow_replace.clone(),
        target: target.clone(),
    }
}

fn create_plan(options: SavedOptions, view: &PlanContext<'_>) -> SavedPlan {
    SavedPlan::new(options, &view.stacks.graph, view.plan, view.document())
}

/// A saved plan that is executed.
pub(crate) struct ResumedPlan(SavedPlan);

impl ResumedPlan {
    /// The saved plan on the command line, if there is one, and the command line with the options of that plan.
    pub(crate) fn from_args(args: ApplyArgs) -> Result<(ApplyArgs, Option<Self>), CommandError> {
        let Some(path) = args.specs.paths.iter().find(|path| is_plan(path)) else {
            return Ok((args, None));
        };
        let name = escape_path(path);
        if args.specs.paths.len() > 1 {
            return Err(CommandError::new(format!(
                "{name} is a saved plan and must be the only path"
            )));
        }
        let text = fs::read_to_string(path).map_err(|error| {
            CommandError::new(format!("{name} cannot be read: {}", describe(&error)))
        })?;
        let plan = SavedPlan::parse(&text).map_err(|error| {
            CommandError::with_hint(
                format!("{name} cannot be applied: {error}"),
                "create a new plan with `lazuli plan --out FILE`",
            )
        })?;
        let args = with_options(args, &plan.options)?;
        if let Some(spec) = args.specs.paths.iter().find(|spec| !spec.exists()) {
            return Err(CommandError::with_hint(
                format!(
                    "{name} was created from {}, which does not exist",
                    escape_path(spec)
                ),
                "run the command in the directory where the plan was created: apply reads the specs again",
            ));
        }
        Ok((args, Some(Self(plan))))
    }

    /// Fails if the current plan differs.
    pub(crate) fn fail_on_difference(&self, view: &PlanContext<'_>) -> Result<(), CommandError> {
        let failed = |error: &dyn fmt::Display| CommandError::new(error.to_string());
        // Compared as a file, so that nothing differs that a file does not keep.
        let now = create_plan(self.0.options.clone(), view)
            .to_text()
            .map_err(|error| failed(&error))?;
        let now = SavedPlan::parse(&now).map_err(|error| failed(&error))?;
        let stacks = view.stacks;
        match self.0.first_difference(&now, &stacks.graph) {
            None => Ok(()),
            Some(difference) => {
                let mut found = Diagnostics::default();
                found.push(difference);
                Err(CommandError::Spec(Box::new(stacks.sources.clone()), found))
            }
        }
    }
}

/// The command line with the options of a saved plan. Options that affect the plan cannot be passed again. The pattern
/// lists all options, so that no new one is forgotten here.
fn with_options(args: ApplyArgs, options: &SavedOptions) -> Result<ApplyArgs, CommandError> {
    let ApplyArgs {
        specs:
            SpecArgs {
                paths: _,
                params: given,
                params_files,
                subscription,
            },
        azure,
        secrets: SecretArgs { rewrite_secrets },
        orphans: OrphanArgs { prune },
        replacing: ReplaceArgs { allow_replace },
        targets: TargetArgs { target },
        // Options that affect only the execution.
        propagation,
        preflight,
        mass_deletion,
        output,
        yes,
    } = args;
    let planning_options = [
        ("--params-file", !params_files.is_empty()),
        ("--subscription", subscription.is_some()),
        ("--rewrite-secrets", rewrite_secrets),
        ("--prune", prune),
        ("--allow-replace", !allow_replace.is_empty()),
        ("--target", !target.is_empty()),
    ];
    if let Some((option, _)) = planning_options.iter().find(|(_, is_given)| *is_given) {
        return Err(reject_option(option));
    }
    let SavedOptions {
        cloud,
        paths,
        params,
        secret_params,
        params_files,
        subscription,
        rewrite_secrets,
        prune,
        allow_replace,
        target,
    } = options;
    let params = params
        .iter()
        .map(|kept| (kept.name.clone(), kept.value.clone()))
        .chain(secret_params_from(given, secret_params)?)
        .collect();
    let files = |texts: &[String]| texts.iter().map(PathBuf::from).collect();
    Ok(ApplyArgs {
        specs: SpecArgs {
            paths: files(paths),
            params,
            params_files: files(params_files),
            subscription: subscription.clone(),
        },
        azure: use_cloud(azure, cloud)?,
        secrets: SecretArgs {
            rewrite_secrets: *rewrite_secrets,
        },
        orphans: OrphanArgs { prune: *prune },
        replacing: ReplaceArgs {
            allow_replace: allow_replace.clone(),
        },
        targets: TargetArgs {
            target: target.clone(),
        },
        propagation,
        preflight,
        mass_deletion,
        output,
        yes,
    })
}

fn reject_option(option: &str) -> CommandError {
    CommandError::with_hint(
        format!("{option} cannot be used with a saved plan"),
        "omit it, or pass it to `lazuli plan --out FILE` to create a new plan",
    )
}

/// The parameters that must be passed with a saved plan: those whose secret values it does not contain.
fn secret_params_from(
    given: Vec<(String, String)>,
    required: &[String],
) -> Result<Vec<(String, String)>, CommandError> {
    if let Some((other, _)) = given.iter().find(|(name, _)| !required.contains(name)) {
        return Err(reject_option(&format!("--param {}", escape_control(other))));
    }
    let is_given = |name: &String| given.iter().any(|(given, _)| given == name);
    match required.iter().find(|name| !is_given(name)) {
        None => Ok(given),
        Some(missing) => Err(CommandError::with_hint(
            format!(
                "the saved plan does not contain the value of secret parameter `{0}`",
                escape_control(missing)
            ),
            format!("pass it again: --param {}=...", escape_control(missing)),
        )),
    }
}

fn use_cloud(azure: AzureArgs, cloud: &str) -> Result<AzureArgs, CommandError> {
    let named = azure.named_cloud();
    if let Some(other) = named.filter(|other| !other.eq_ignore_ascii_case(cloud)) {
        return Err(CommandError::with_hint(
            format!(
                "the plan was created for cloud {}, not for {}",
                escape_control(cloud),
                escape_control(other)
            ),
            "omit --cloud and LAZULI_CLOUD, or create a plan for the other cloud",
        ));
    }
    Ok(AzureArgs {
        cloud: Some(cloud.to_owned()),
        ..azure
    })
}

/// Whether a file is a saved plan.
fn is_plan(path: &Path) -> bool {
    let mut head = Vec::new();
    path.is_file()
        && fs::File::open(path)
            .and_then(|file| file.take(512).read_to_end(&mut head))
            .is_ok()
        && SavedPlan::has_format(&head)
}

fn escape_path(path: &Path) -> String {
    escape_control(&path.display().to_string())
}
