//! The command line: every command, option and environment variable.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser, styling::Styles},
};
use clap_complete::Shell;
use lazuli_arm::auth::AuthMethod;
use lazuli_core::{graph::Names, plan::Consent, spec::is_stack_name};
use lazuli_engine::Bounds;
use uuid::Uuid;

use crate::answer::{PlanForm, ReportForm, ShowForm};

/// A declarative reconciler for Azure: say in YAML what shall be, see the difference, converge it.
#[derive(Debug, Parser)]
#[command(name = "lazuli", version, styles = Styles::styled(), max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How to show on stderr what happens: auto, live, plain or none
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "HOW",
        env = "LAZULI_PROGRESS",
        hide_env_values = true
    )]
    #[arg(default_value_t = Progress::Auto, hide_possible_values = true, display_order = 898)]
    pub(crate) progress: Progress,
    /// How to write the log: text or json, a line for each event
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORM",
        display_order = 899
    )]
    #[arg(default_value_t = LogFormat::Text, hide_possible_values = true)]
    pub(crate) log_format: LogFormat,
    /// Log what happens to stderr; twice: every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 900)]
    pub(crate) verbose: u8,
}

/// How to show what happens while it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Moving lines on a terminal, otherwise lines
    Auto,
    /// Moving lines where stderr is a terminal
    Live,
    /// A line whenever something changes
    Plain,
    /// Nothing
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines to read
    Text,
    /// An object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a spec to begin with
    #[command(after_help = crate::examples::INIT)]
    Init(Init),
    /// Check specs without asking Azure
    #[command(after_help = crate::examples::VALIDATE)]
    Validate(Validate),
    /// Show what apply would change
    #[command(after_help = crate::examples::PLAN)]
    Plan(Plan),
    /// Make Azure as the specs want it, or carry out a saved plan
    #[command(after_help = crate::examples::APPLY)]
    Apply(Apply),
    /// Delete what the stacks own
    #[command(after_help = crate::examples::DESTROY)]
    Destroy(Destroy),
    /// Show what the stacks own now
    #[command(after_help = crate::examples::SHOW)]
    Show(Show),
    /// Write a spec of what is live in resource groups
    #[command(after_help = crate::examples::EXPORT)]
    Export(Export),
    /// Show what waits for what, and why
    #[command(after_help = crate::examples::GRAPH)]
    Graph(Graph),
    /// Explain a kind, a property or the code of an error
    #[command(after_help = crate::examples::EXPLAIN)]
    Explain(Explain),
    /// List Azure's built-in roles and what they allow
    #[command(after_help = crate::examples::ROLES)]
    Roles(Roles),
    /// Print the JSON Schema of a spec, or of what lazuli answers
    #[command(after_help = crate::examples::SCHEMA)]
    Schema {
        /// Of what: a spec, the answer with --output json of plan, of apply and destroy, of show, or the file of plan --out
        #[arg(value_enum, default_value_t = SchemaOf::Spec)]
        of: SchemaOf,
    },
    /// The simulator of Azure
    #[command(subcommand)]
    Sim(Sim),
    /// Look whether lazuli can work here: login, Azure, clocks, rights, providers
    #[command(after_help = crate::examples::DOCTOR)]
    Doctor(Doctor),
    /// Print a completion script for a shell
    #[command(after_help = crate::examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual, a page for every command
    #[command(after_help = crate::examples::MAN)]
    Man {
        /// The directory for the pages
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// The specs and what is filled into them.
#[derive(Debug, Args)]
pub(crate) struct Specs {
    /// Files, directories (all .yaml and .yml below them) or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The value of a parameter; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(crate) params: Vec<(String, String)>,
    /// A YAML or JSON file with values of parameters; may be repeated, later ones count
    #[arg(long = "params-file", value_name = "FILE")]
    pub(crate) params_files: Vec<PathBuf>,
    /// The subscription of stacks that do not say one [env: AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "GUID", value_parser = subscription)]
    pub(crate) subscription: Option<String>,
}

/// How long refusals that pass by themselves are waited out.
#[derive(Debug, Args)]
pub(crate) struct Patience {
    /// How old a grant may be and still not work: so long a 403 of who depends on it is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = Bounds::default().grant.as_secs())]
    pub(crate) grant_propagation: u64,
    /// How long a new identity may be unknown to the directory: so long PrincipalNotFound is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = Bounds::default().principal.as_secs())]
    pub(crate) principal_replication: u64,
    /// How long a new custom role may be unknown: so long RoleDefinitionDoesNotExist is tried again
    #[arg(long, value_name = "SECONDS", default_value_t = Bounds::default().role.as_secs())]
    pub(crate) role_replication: u64,
}

impl Patience {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            grant: Duration::from_secs(self.grant_propagation),
            principal: Duration::from_secs(self.principal_replication),
            role: Duration::from_secs(self.role_replication),
            ..Bounds::default()
        }
    }
}

/// What happens about refusals that are known before anything is sent.
#[derive(Debug, Args)]
pub(crate) struct Preflight {
    /// Register the resource providers that the plan needs and the subscription has not registered
    #[arg(long, conflicts_with = "skip_preflight")]
    pub(crate) register_providers: bool,
    /// Begin although steps are known to be refused, and do what can be done
    #[arg(long)]
    pub(crate) skip_preflight: bool,
}

/// What happens to secrets that Azure does not answer.
#[derive(Debug, Args)]
pub(crate) struct Secrets {
    /// Send secrets again that Azure does not answer, changed or not
    #[arg(long)]
    pub(crate) rewrite_secrets: bool,
}

/// What happens to what the stacks own and the specs no longer name.
#[derive(Debug, Args)]
pub(crate) struct Orphans {
    /// Delete what a stack owns and no entry of its spec names any more
    #[arg(long, conflicts_with = "target")]
    pub(crate) prune: bool,
}

/// What may be deleted and made anew.
#[derive(Debug, Args)]
pub(crate) struct Replacing {
    /// Delete and make anew what cannot be changed as it is wanted; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_replace: Vec<String>,
}

impl Replacing {
    /// What is agreed to beforehand, orphans included.
    pub(crate) fn consent(&self, orphans: &Orphans) -> Consent {
        Consent {
            prune: orphans.prune,
            replace: Names(self.allow_replace.iter().cloned().collect()),
        }
    }
}

/// What alone a plan is about; everything, where nothing is named.
#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// Only this entry, instance or part, and what it needs; to be destroyed, what needs it; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Vec<String>,
}

impl Targets {
    pub(crate) fn names(&self) -> Names {
        Names(self.target.iter().cloned().collect())
    }
}

/// Whose deletion is agreed to beforehand.
#[derive(Debug, Args)]
pub(crate) struct Razing {
    /// Agree to the deletion of most or all of a stack, by its name; may be repeated
    #[arg(long, value_name = "STACK")]
    pub(crate) yes_delete: Vec<String>,
}

/// Which Azure, and how to log in to it.
#[derive(Debug, Args)]
pub(crate) struct Azure {
    /// public, usgov, china, sim, or the URL of an ARM endpoint [default: public]
    #[arg(
        long,
        value_name = "CLOUD",
        env = "LAZULI_CLOUD",
        hide_env_values = true
    )]
    pub(crate) cloud: Option<String>,
    /// The only way to log in [default: the first that is configured and works]
    #[arg(long, value_name = "METHOD", value_parser = auth_methods())]
    pub(crate) auth: Option<AuthMethod>,
    /// Further certificate authorities to trust, as PEM [env: SSL_CERT_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Record every request, without secrets, in a new file that can go with a report of a fault
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

impl Azure {
    /// The cloud that is named, if one is.
    pub(crate) fn named_cloud(&self) -> Option<&str> {
        self.cloud.as_deref().filter(|cloud| !cloud.is_empty())
    }

    /// The cloud, by its name.
    pub(crate) fn cloud(&self) -> &str {
        self.named_cloud().unwrap_or("public")
    }
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where stack.yaml is written; made where it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) directory: PathBuf,
    /// What the spec is about
    #[arg(long, value_enum, default_value_t = Starter::StorageAccount)]
    pub(crate) kind: Starter,
    /// The name of the stack [default: that of the directory]
    #[arg(long, value_name = "NAME", value_parser = stack)]
    pub(crate) stack: Option<String>,
    /// The region [default: westeurope]
    #[arg(long, value_name = "REGION")]
    pub(crate) location: Option<String>,
    /// The resource group [default: rg- and the name of the stack]
    #[arg(long, value_name = "NAME")]
    pub(crate) resource_group: Option<String>,
    /// Take the defaults without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Starter {
    /// A storage account, an identity and what it may do with the account
    #[value(name = "storageAccount")]
    StorageAccount,
    /// A Video Indexer account with its storage and identity
    #[value(name = "videoIndexer")]
    VideoIndexer,
    /// A key vault in Azure's own words, as any other type is written
    #[value(name = "resource")]
    Resource,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) specs: Specs,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) specs: Specs,
    #[command(flatten)]
    pub(crate) azure: Azure,
    #[command(flatten)]
    pub(crate) secrets: Secrets,
    /// How to answer: for people, for programs, for a pull request, for a browser
    #[arg(long, value_enum, value_name = "FORM", default_value_t = PlanForm::Text)]
    pub(crate) output: PlanForm,
    /// List what is as wanted already, too
    #[arg(long)]
    pub(crate) show_unchanged: bool,
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) orphans: Orphans,
    #[command(flatten)]
    pub(crate) replacing: Replacing,
    /// Say nothing of the rights that the caller lacks: for who plans, and lets somebody else apply
    #[arg(long)]
    pub(crate) skip_rights: bool,
    /// Save the plan, for apply to carry out exactly this
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Exit with 2 when there are changes
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) specs: Specs,
    #[command(flatten)]
    pub(crate) azure: Azure,
    #[command(flatten)]
    pub(crate) secrets: Secrets,
    #[command(flatten)]
    pub(crate) patience: Patience,
    #[command(flatten)]
    pub(crate) preflight: Preflight,
    /// How to answer: for people, for programs, for the summary of a job
    #[arg(long, value_enum, value_name = "FORM", default_value_t = ReportForm::Text)]
    pub(crate) output: ReportForm,
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) orphans: Orphans,
    #[command(flatten)]
    pub(crate) replacing: Replacing,
    #[command(flatten)]
    pub(crate) razing: Razing,
    /// Write without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Destroy {
    #[command(flatten)]
    pub(crate) specs: Specs,
    #[command(flatten)]
    pub(crate) azure: Azure,
    /// How to answer: for people, for programs, for the summary of a job
    #[arg(long, value_enum, value_name = "FORM", default_value_t = ReportForm::Text)]
    pub(crate) output: ReportForm,
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) razing: Razing,
    /// Begin although deletions are known to be refused, and do what can be done
    #[arg(long)]
    pub(crate) skip_preflight: bool,
    /// Delete without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
#[command(mut_arg("paths", |paths| paths.required(false).required_unless_present("stacks")))]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) specs: Specs,
    /// A stack by its name, without its spec; may be repeated
    #[arg(long = "stack", value_name = "STACK", value_parser = stack, conflicts_with = "paths")]
    pub(crate) stacks: Vec<String>,
    #[command(flatten)]
    pub(crate) azure: Azure,
    /// How to answer: for people, for programs
    #[arg(long, value_enum, value_name = "FORM", default_value_t = ShowForm::Text)]
    pub(crate) output: ShowForm,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// A resource group by its name; may be repeated
    #[arg(long = "resource-group", value_name = "NAME", required = true)]
    pub(crate) resource_groups: Vec<String>,
    /// The subscription that they are in [env: AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "GUID")]
    pub(crate) subscription: Option<String>,
    /// The name of the stack [default: the one that owns most of it, or one called after the first group]
    #[arg(long, value_name = "STACK", value_parser = stack)]
    pub(crate) stack: Option<String>,
    /// Write the spec to a file that is not there yet, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) azure: Azure,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) specs: Specs,
    /// How to write it
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,
    /// Ask Azure, and show what apply would do with each resource
    #[arg(long)]
    pub(crate) plan: bool,
    #[command(flatten)]
    pub(crate) azure: Azure,
    #[command(flatten)]
    pub(crate) targets: Targets,
    #[command(flatten)]
    pub(crate) orphans: Orphans,
    #[command(flatten)]
    pub(crate) replacing: Replacing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Lines to read
    Text,
    /// A Mermaid flowchart
    Mermaid,
    /// Graphviz
    Dot,
    /// A drawing, to be looked at in a browser
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct Roles {
    /// Words of a name, a GUID, or an action or a part of one (blobs/read); without it, all are listed
    pub(crate) search: Vec<String>,
    /// Show what each role allows, as is done where there is only one
    #[arg(long)]
    pub(crate) actions: bool,
    /// Ask Azure, which knows of every built-in role what it allows
    #[arg(long)]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) azure: Azure,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The spec or directory beside which the simulator's world is kept
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) azure: Azure,
    /// A subscription to look at; may be repeated [default: the usual one, or those that can be seen]
    #[arg(long = "subscription", value_name = "GUID", value_parser = subscription)]
    pub(crate) subscriptions: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A kind, KIND.PROPERTY, or a code such as LZ0012 or ScopeLocked; without it, the kinds are listed
    #[arg(value_name = "WHAT")]
    pub(crate) what: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    Spec,
    Plan,
    Report,
    Show,
    SavedPlan,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sim {
    /// Serve the simulator over HTTPS to any ARM client
    #[command(after_help = crate::examples::SIM_SERVE)]
    Serve(SimServe),
    /// Make the simulated Azure empty again
    #[command(after_help = crate::examples::SIM_RESET)]
    Reset(SimReset),
    /// Send one request to the simulated Azure, as if by hand in the portal
    #[command(after_help = crate::examples::SIM_REQUEST)]
    Request(SimRequest),
}

/// Where the simulated world is kept.
#[derive(Debug, Args)]
pub(crate) struct SimWorld {
    /// The spec or directory beside which the world is kept, in .lazuli/sim.json
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SimServe {
    #[command(flatten)]
    pub(crate) world: SimWorld,
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 8443)]
    pub(crate) port: u16,
    /// The address to listen on [default: 127.0.0.1, so nobody else can reach it]
    #[arg(long, value_name = "IP")]
    pub(crate) address: Option<IpAddr>,
    /// A further host name that the certificate is for; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// Where the certificate authority is written [default: .lazuli/sim-ca.pem beside the world]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Keep the world in no file: it begins empty and ends with the process
    #[arg(long)]
    pub(crate) in_memory: bool,
    /// How long every answer takes
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    pub(crate) latency: u64,
    /// Refuse with 429 what is beyond Azure's limits: 250 reads and 25 more a second, 200 writes and 10 more
    #[arg(long)]
    pub(crate) throttle: bool,
    /// The longest that operations, replication and propagation take [default: as long as in Azure]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) max_delay: Option<u64>,
    /// Write a line of JSON for each request at the end of this file
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SimReset {
    #[command(flatten)]
    pub(crate) world: SimWorld,
    /// Decides every id that the simulator makes up
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Who `--cloud sim` is logged in as
    #[arg(long, value_enum, default_value_t = SimCaller::Owner)]
    pub(crate) caller: SimCaller,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SimCaller {
    /// May do everything
    Owner,
    /// May do everything but grants and locks
    Contributor,
    /// May only look
    Reader,
}

#[derive(Debug, Args)]
pub(crate) struct SimRequest {
    /// GET, PUT, PATCH, POST or DELETE
    pub(crate) method: String,
    /// The path with its query: /subscriptions/...?api-version=...
    pub(crate) url: String,
    /// The body, as JSON
    pub(crate) body: Option<String>,
    /// The spec or directory beside which the world is kept
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(crate) path: PathBuf,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "write it as NAME=VALUE".to_owned())
}

/// The name of a stack.
pub(crate) fn stack(text: &str) -> Result<String, String> {
    match is_stack_name(text) {
        true => Ok(text.to_owned()),
        false => Err("it has 1 to 63 lower-case letters, digits and `-`".to_owned()),
    }
}

fn subscription(text: &str) -> Result<String, String> {
    match Uuid::try_parse(text) {
        Ok(guid) => Ok(guid.hyphenated().to_string()),
        Err(_) => Err("it is a GUID; `az account list` has those of your subscriptions".to_owned()),
    }
}

fn auth_methods() -> impl TypedValueParser<Value = AuthMethod> {
    PossibleValuesParser::new(AuthMethod::ALL.map(AuthMethod::name))
        .try_map(|name| name.parse::<AuthMethod>())
}
