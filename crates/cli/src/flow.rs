//! The reconciler as commands use it: diagnostics are printed, failures become the error of the command.

use lazuli_core::{diagnostic::Diagnostics, graph::SecretsPolicy, plan::Plan, source::Sources};
use lazuli_engine::ObserveError;
use lazuli_handlers::{REGISTRY, roles};
use lazuli_reconcile::{
    Catalog, Difference, Intent, LoadContext, PropagationLimits, Recheck, ReconcileError,
    Reconciler, Report, Specs, Stacks, load,
};

use crate::{
    args::SpecArgs,
    connection::{Connection, Session},
    error::{CommandError, Success},
    failed_request::match_entries,
    input::{self, environment},
    observer::TerminalObserver,
    render, stop,
    terminal::{Terminal, Tone},
};

/// The kinds and built-in roles of this binary.
pub(crate) const CATALOG: Catalog = Catalog {
    registry: REGISTRY,
    role_name: |guid| roles::by_guid(guid).map(|role| role.name),
};

/// The subscription of commands that send no request, if none is set.
pub(crate) const PLACEHOLDER_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// Reads and loads the specs on the command line, for the environment of a connection.
pub(crate) fn load_specs(
    args: &SpecArgs,
    connection: &Connection,
    secrets: SecretsPolicy,
) -> Result<Specs, CommandError> {
    let default = || connection.default_subscription();
    let context = LoadContext {
        subscription: args.subscription.clone().or_else(default),
        secrets,
        env: &|name| connection.environment(name),
        file: &input::read_neighbor,
    };
    Ok(load(&CATALOG, input::read(args)?, context)?)
}

/// Reads and loads the specs on the command line without sending a request.
pub(crate) fn load_offline(args: &SpecArgs, terminal: &Terminal) -> Result<Stacks, CommandError> {
    let placeholder = || PLACEHOLDER_SUBSCRIPTION.to_owned();
    let context = LoadContext {
        subscription: Some(args.subscription.clone().unwrap_or_else(placeholder)),
        secrets: SecretsPolicy::default(),
        env: &environment,
        file: &input::read_neighbor,
    };
    let stacks = load(&CATALOG, input::read(args)?, context)?.into_stacks()?;
    warn(&stacks.sources, &stacks.warnings, terminal);
    Ok(stacks)
}

/// Prints warnings.
fn warn(sources: &Sources, warnings: &Diagnostics, terminal: &Terminal) {
    if !warnings.is_empty() {
        let warnings = warnings.clone().sorted();
        let text = render::diagnostics::diagnostics(sources, &warnings, &terminal.err);
        terminal.write_message(&text, Tone::Warning);
    }
}

/// A reconciler for one command.
pub(crate) struct Flow<'a> {
    session: &'a Session,
    observer: TerminalObserver<'a>,
    terminal: &'a Terminal,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(session: &'a Session, terminal: &'a Terminal) -> Self {
        Self {
            session,
            observer: TerminalObserver::new(terminal),
            terminal,
        }
    }

    pub(crate) fn reconciler(&self) -> Reconciler<'_> {
        Reconciler {
            client: &self.session.client,
            directory: self.session.directory.as_ref(),
            catalog: CATALOG,
            clock: &*self.session.now,
            observer: &self.observer,
        }
    }

    /// Resolves roles, and prints warnings.
    pub(crate) async fn resolve(&self, specs: Specs) -> Result<Stacks, CommandError> {
        self.session.conceal(specs.secrets());
        let stacks = self.reconciler().resolve(specs).await?;
        warn(&stacks.sources, &stacks.warnings, self.terminal);
        Ok(stacks)
    }

    /// Makes a plan, and prints warnings.
    pub(crate) async fn plan(
        &self,
        stacks: &Stacks,
        intent: &Intent,
    ) -> Result<Difference, CommandError> {
        let difference = self.reconciler().plan(stacks, intent).await;
        let difference = difference.map_err(|error| match error {
            ReconcileError::Unreadable(errors) => {
                CommandError::Azure(match_entries(errors, &stacks.graph, &stacks.sources))
            }
            rejected @ ReconcileError::Rejected(_) => rejected.into(),
        })?;
        warn(&stacks.sources, &difference.warnings, self.terminal);
        Ok(difference)
    }

    /// Executes a plan. Ctrl-C stops it.
    pub(crate) async fn execute(&self, plan: &Plan, limits: PropagationLimits) -> Report {
        let stop = stop::on_ctrl_c(self.terminal.clone());
        self.reconciler().execute(plan, limits, stop).await
    }

    /// Reads back what a plan wrote. What cannot be read is logged.
    pub(crate) async fn recheck(&self, stacks: &Stacks, plan: &Plan) -> Recheck {
        let recheck = self.reconciler().recheck(stacks, plan).await;
        for ObserveError { error } in &recheck.unreadable {
            tracing::warn!("a resource cannot be read back: {error}");
        }
        recheck
    }
}

/// The end of a command that executed a plan.
pub(crate) fn check_report(report: &Report) -> Result<Success, CommandError> {
    match report.is_complete() {
        true => Ok(Success::Done),
        false => Err(CommandError::Incomplete),
    }
}
