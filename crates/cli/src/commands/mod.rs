//! The commands, a file each.

mod apply;
mod completions;
mod destroy;
mod doctor;
mod explain;
mod export;
mod graph;
mod init;
mod man;
mod plan;
mod roles;
mod schema;
mod show;
mod sim;
mod validate;

use crate::{
    args::{Cli, Command},
    error::{CommandError, Success},
    terminal::Terminal,
};

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
        Command::Schema { of } => schema::run(of),
        Command::Sim(command) => sim::run(&command),
        Command::Doctor(args) => doctor::run(&args, terminal),
        Command::Man { directory } => man::run(&directory),
        Command::Completions { shell } => completions::run(shell),
    }
}
