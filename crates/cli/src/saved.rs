//! Saved plans: written by `plan --out FILE`, carried out by `apply FILE`.

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use lazuli_core::{
    diagnostic::Diagnostics,
    saved::{Asked, SavedPlan, sort_params},
};

use crate::{
    answer::Planned,
    args,
    error::CommandError,
    input::why,
    render::style::clean,
    terminal::{Terminal, Tone},
};

/// Where a plan is to be saved.
pub(crate) struct Out<'a> {
    path: &'a Path,
    args: &'a args::Plan,
}

impl<'a> Out<'a> {
    /// The file that was asked for. Fails where it would take the place of anything but a saved plan, and for specs
    /// that cannot be read again.
    pub(crate) fn of(args: &'a args::Plan) -> Result<Option<Self>, CommandError> {
        let Some(path) = args.out.as_deref() else {
            return Ok(None);
        };
        if args.specs.paths.iter().any(|path| path == Path::new("-")) {
            return Err(CommandError::with_hint(
                "a plan of standard input cannot be saved: apply reads the specs again",
                "write the spec to a file",
            ));
        }
        if path.exists() && !is_plan(path) {
            return Err(CommandError::with_hint(
                format!("{} is there already, and is no saved plan", shown(path)),
                "choose another name, or remove it",
            ));
        }
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            let message = format!("there is no folder {} for the plan", shown(folder));
            return Err(CommandError::new(message));
        }
        Ok(Some(Self { path, args }))
    }

    /// Writes the plan, and says so to whoever watches.
    pub(crate) fn write(
        &self,
        planned: &Planned<'_>,
        terminal: &Terminal,
    ) -> Result<(), CommandError> {
        let asked = asked(self.args, planned);
        let again: String = asked
            .secret_params
            .iter()
            .map(|name| format!(" --param {name}=..."))
            .collect();
        let failed = |error: io::Error| {
            CommandError::new(format!(
                "{} cannot be written: {}",
                shown(self.path),
                why(&error)
            ))
        };
        let text = saved(asked, planned)
            .seal()
            .map_err(|error| failed(error.into()))?;
        // The file is whole at any time.
        let mut beside = self.path.as_os_str().to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = PathBuf::from(beside);
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, self.path))
            .map_err(|error| {
                let _ = fs::remove_file(&beside);
                failed(error)
            })?;
        let path = shown(self.path);
        let told = format!(
            "\nSaved: `lazuli apply {path}{}` carries out exactly this.\n",
            clean(&again)
        );
        terminal.tell(&told, Tone::Note);
        Ok(())
    }
}

/// What was asked for. Each option by its name: one that is added cannot be forgotten here.
fn asked(args: &args::Plan, planned: &Planned<'_>) -> Asked {
    let args::Plan {
        specs:
            args::Specs {
                paths,
                params,
                params_files,
                subscription,
            },
        azure,
        secrets: args::Secrets { rewrite_secrets },
        orphans: args::Orphans { prune },
        replacing: args::Replacing { allow_replace },
        targets: args::Targets { target },
        // These say how the plan is shown.
        output: _,
        show_unchanged: _,
        out: _,
        detailed_exitcode: _,
        skip_rights: _,
    } = args;
    let loaded = planned.loaded;
    let (params, secret_params) = sort_params(params, &loaded.secret_params, &loaded.graph);
    let texts = |paths: &[PathBuf]| {
        let paths = paths.iter();
        paths.map(|path| path.display().to_string()).collect()
    };
    Asked {
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

fn saved(asked: Asked, planned: &Planned<'_>) -> SavedPlan {
    SavedPlan::new(
        asked,
        &planned.loaded.graph,
        planned.plan,
        planned.document(),
    )
}

/// A saved plan that is to be carried out.
pub(crate) struct Resumed(SavedPlan);

impl Resumed {
    /// The plan that the command line names, if it names one, and the command line with what the plan was asked with.
    pub(crate) fn of(args: args::Apply) -> Result<(args::Apply, Option<Self>), CommandError> {
        let Some(path) = args.specs.paths.iter().find(|path| is_plan(path)) else {
            return Ok((args, None));
        };
        let name = shown(path);
        if args.specs.paths.len() > 1 {
            return Err(CommandError::new(format!(
                "{name} is a saved plan: it is carried out by itself, without other paths"
            )));
        }
        let text = fs::read_to_string(path).map_err(|error| {
            CommandError::new(format!("{name} cannot be read: {}", why(&error)))
        })?;
        let plan = SavedPlan::open(&text).map_err(|error| {
            CommandError::with_hint(
                format!("{name} is not carried out: {error}"),
                "make a new plan: `lazuli plan --out FILE`",
            )
        })?;
        let args = with(args, &plan.asked)?;
        if let Some(spec) = args.specs.paths.iter().find(|spec| !spec.exists()) {
            return Err(CommandError::with_hint(
                format!("{name} was made of {0}, and there is no {0}", shown(spec)),
                "run it where the plan was made: the specs are read again",
            ));
        }
        Ok((args, Some(Self(plan))))
    }

    /// Fails where the plan of now is another.
    pub(crate) fn hold_against(&self, planned: &Planned<'_>) -> Result<(), CommandError> {
        let failed = |error: &dyn fmt::Display| CommandError::new(error.to_string());
        // As a file, as the other is: so nothing differs but what a file tells apart.
        let now = saved(self.0.asked.clone(), planned)
            .seal()
            .map_err(|error| failed(&error))?;
        let now = SavedPlan::open(&now).map_err(|error| failed(&error))?;
        let loaded = planned.loaded;
        match self.0.moved(&now, &loaded.graph) {
            None => Ok(()),
            Some(moved) => {
                let mut found = Diagnostics::default();
                found.push(moved);
                Err(CommandError::Spec(Box::new(loaded.sources.clone()), found))
            }
        }
    }
}

/// The command line with what the plan was asked with. What steers a plan cannot be given again. Each option by its
/// name: one that is added cannot be forgotten here.
fn with(args: args::Apply, asked: &Asked) -> Result<args::Apply, CommandError> {
    let args::Apply {
        specs:
            args::Specs {
                paths: _,
                params: given,
                params_files,
                subscription,
            },
        azure,
        secrets: args::Secrets { rewrite_secrets },
        orphans: args::Orphans { prune },
        replacing: args::Replacing { allow_replace },
        targets: args::Targets { target },
        // These say how it is carried out.
        patience,
        preflight,
        razing,
        output,
        yes,
    } = args;
    let steering = [
        ("--params-file", !params_files.is_empty()),
        ("--subscription", subscription.is_some()),
        ("--rewrite-secrets", rewrite_secrets),
        ("--prune", prune),
        ("--allow-replace", !allow_replace.is_empty()),
        ("--target", !target.is_empty()),
    ];
    if let Some((option, _)) = steering.iter().find(|(_, is_given)| *is_given) {
        return Err(settled(option));
    }
    let Asked {
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
    } = asked;
    let params = params
        .iter()
        .map(|kept| (kept.name.clone(), kept.value.clone()))
        .chain(secrets_again(given, secret_params)?)
        .collect();
    let files = |texts: &[String]| texts.iter().map(PathBuf::from).collect();
    Ok(args::Apply {
        specs: args::Specs {
            paths: files(paths),
            params,
            params_files: files(params_files),
            subscription: subscription.clone(),
        },
        azure: same_cloud(azure, cloud)?,
        secrets: args::Secrets {
            rewrite_secrets: *rewrite_secrets,
        },
        orphans: args::Orphans { prune: *prune },
        replacing: args::Replacing {
            allow_replace: allow_replace.clone(),
        },
        targets: args::Targets {
            target: target.clone(),
        },
        patience,
        preflight,
        razing,
        output,
        yes,
    })
}

fn settled(option: &str) -> CommandError {
    CommandError::with_hint(
        format!("{option} is given to `lazuli plan`, and not with a saved plan"),
        "leave it out, or make a new plan with it: `lazuli plan --out FILE`",
    )
}

/// The parameters that are given with a plan: exactly those whose values it does not keep.
fn secrets_again(
    given: Vec<(String, String)>,
    wanted: &[String],
) -> Result<Vec<(String, String)>, CommandError> {
    if let Some((other, _)) = given.iter().find(|(name, _)| !wanted.contains(name)) {
        return Err(settled(&format!("--param {}", clean(other))));
    }
    let is_given = |name: &String| given.iter().any(|(given, _)| given == name);
    match wanted.iter().find(|name| !is_given(name)) {
        None => Ok(given),
        Some(missing) => Err(CommandError::with_hint(
            format!(
                "the plan was made with a value of the parameter `{0}` that it does not keep",
                clean(missing)
            ),
            format!("give it again: --param {}=...", clean(missing)),
        )),
    }
}

fn same_cloud(azure: args::Azure, cloud: &str) -> Result<args::Azure, CommandError> {
    let named = azure.named_cloud();
    if let Some(other) = named.filter(|other| !other.eq_ignore_ascii_case(cloud)) {
        return Err(CommandError::with_hint(
            format!(
                "the plan was made for the cloud {}, and this is for {}",
                clean(cloud),
                clean(other)
            ),
            "leave out --cloud and LAZULI_CLOUD, or make a plan for the other cloud",
        ));
    }
    Ok(args::Azure {
        cloud: Some(cloud.to_owned()),
        ..azure
    })
}

/// Whether a file looks like a saved plan.
fn is_plan(path: &Path) -> bool {
    let mut head = Vec::new();
    path.is_file()
        && fs::File::open(path)
            .and_then(|file| file.take(512).read_to_end(&mut head))
            .is_ok()
        && SavedPlan::is_one(&head)
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string())
}
