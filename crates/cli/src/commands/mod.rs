//! The command line, and the commands: the arguments, examples and body of each in one file.

/// The examples at the end of a command's help, below a heading in the style of clap.
macro_rules! examples {
    ($($line:literal)+) => {
        concat!("\x1b[1m\x1b[4mExamples:\x1b[0m", $("\n  ", $line),+)
    };
}

pub(crate) mod apply;
pub(crate) mod completions;
pub(crate) mod destroy;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod graph;
pub(crate) mod init;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod roles;
pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod sim;
pub(crate) mod validate;

use clap::{Parser, Subcommand, builder::styling::Styles};

use crate::{
    args::{LogFormat, ProgressMode},
    error::{CommandError, Success},
    terminal::Terminal,
};

/// A declarative reconciler for Azure: describe resources in YAML, review the plan, apply it
#[derive(Debug, Parser)]
#[command(name = "lazuli", version, styles = Styles::styled(), max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Show progress on stderr: auto, live, plain or none
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "MODE",
        env = "LAZULI_PROGRESS",
        hide_env_values = true
    )]
    #[arg(default_value_t = ProgressMode::Auto, hide_possible_values = true, display_order = 898)]
    pub(crate) progress: ProgressMode,
    /// Write the log as text or json, with one line per event
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        display_order = 899
    )]
    #[arg(default_value_t = LogFormat::Text, hide_possible_values = true)]
    pub(crate) log_format: LogFormat,
    /// Log events to stderr; repeat to log every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 900)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a spec to start from
    Init(init::InitArgs),
    /// Check specs without contacting Azure
    Validate(validate::ValidateArgs),
    /// Show what apply would change
    Plan(plan::PlanArgs),
    /// Make Azure match the specs, or execute a saved plan
    Apply(apply::ApplyArgs),
    /// Delete the resources that the stacks own
    Destroy(destroy::DestroyArgs),
    /// List the resources that the stacks own
    Show(show::ShowArgs),
    /// Write a spec for the resources in resource groups
    Export(export::ExportArgs),
    /// Show which resources depend on which, and why
    Graph(graph::GraphArgs),
    /// Explain a kind, a property or an error code
    Explain(explain::ExplainArgs),
    /// List Azure's built-in roles and their permissions
    Roles(roles::RolesArgs),
    /// Print the JSON Schema of specs or of JSON output
    Schema(schema::SchemaArgs),
    /// Run and inspect the Azure simulator
    #[command(subcommand)]
    Sim(sim::SimCommand),
    /// Check login, connectivity, clock, permissions and providers
    Doctor(doctor::DoctorArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual pages
    Man(man::ManArgs),
}

pub(crate) fn run(cli: Cli, terminal: &Terminal) -> Result<Success, CommandError> {
    match cli.command {
        Command::Init(args) => init::run(&args, terminal),
        Command::Validate(args) => validate::run(&args, terminal),
        Command::Plan(args) => plan::run(&args, terminal),
        Command::Apply(args) => apply::run(args, terminal),
        Command::Destroy(args) => destroy::run(&args, terminal),
        Command::Show(args) => show::run(&args, terminal),
        Command::Export(args) => export::run(&args, terminal),
        Command::Graph(args) => graph::run(&args, terminal),
        Command::Explain(args) => explain::run(&args, terminal),
        Command::Roles(args) => roles::run(&args, terminal),
        Command::Schema(args) => schema::run(&args),
        Command::Sim(command) => sim::run(&command),
        Command::Doctor(args) => doctor::run(&args, terminal),
        Command::Man(args) => man::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}
