//! The page of the commands, generated from the help of the binary.

use std::process::Command;

/// The text above the commands.
const HEAD: &str = "\
# Commands

The commands and their options, generated from the help of the binary. `lazuli COMMAND --help` prints the same text, `-h` \
a summary, and `lazuli man DIR` writes manual pages.

";

/// The text below the list of commands.
const CONTRACT: &str = "\
## Exit codes

0 for success, 1 for an error, 2 if `plan --detailed-exitcode` finds changes: see [Exit codes](exit-codes.md).

Results go to stdout; diagnostics, progress and logs go to stderr. `apply` and `destroy` ask for confirmation before they \
write; `--yes` skips the prompt and is required without a terminal. The first Ctrl-C finishes the steps in flight and \
prints the report; the second exits immediately. See [JSON output](json.md) for the results of each case.

## Environment variables

| variable | purpose |
|---|---|
| `LAZULI_CLOUD` | default of `--cloud` |
| `AZURE_SUBSCRIPTION_ID` | subscription of stacks that do not set one |
| `SSL_CERT_FILE` | additional certificate authorities, like `--ca-file` |
| `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` | identity to log in with, except with the Azure CLI and the Azure Developer CLI |
| `AZURE_CLIENT_SECRET`, `AZURE_CLIENT_CERTIFICATE_PATH` | secret or certificate for `--auth environment` |
| `AZURE_FEDERATED_TOKEN_FILE` | token file for `--auth workload-identity` |
| `ACTIONS_ID_TOKEN_REQUEST_URL`, `ACTIONS_ID_TOKEN_REQUEST_TOKEN` | set by GitHub for jobs with `permissions: id-token: \
write`, for `--auth github` |
| `SYSTEM_ACCESSTOKEN`, `SYSTEM_OIDCREQUESTURI`, `AZURESUBSCRIPTION_CLIENT_ID`, `AZURESUBSCRIPTION_TENANT_ID`, \
`AZURESUBSCRIPTION_SERVICE_CONNECTION_ID` | set by Azure Pipelines for \
`--auth azure-pipelines`; a step must map `SYSTEM_ACCESSTOKEN` itself |
| `AZURE_CONFIG_DIR` | settings folder of the Azure CLI, for its default subscription |
| `LAZULI_SECRETS_KEY` | key for the [digests of secrets](spec.md#secrets) |
| `HTTPS_PROXY`, `NO_PROXY` | proxy, and hosts that are reached without it |
| `NO_COLOR`, `CLICOLOR_FORCE` | disable colors; enable colors without a terminal |
| `COLUMNS` | width of the output |
| `LC_ALL`, `LC_CTYPE`, `LANG` | locale; with `C` or `POSIX`, lazuli prints only ASCII symbols |
| `RUST_LOG` | log filter in the syntax of tracing: `lazuli_arm=debug` |

A spec can read any variable as `${env.NAME}`.

";

/// Links to the pages about a command.
const MORE: &[(&str, &str)] = &[
    ("init", "[Spec language](spec.md)"),
    (
        "validate",
        "[Diagnostics](spec.md#diagnostics), [Errors and warnings](errors.md)",
    ),
    (
        "plan",
        "[Comparison rules](comparison.md), [Saved plans](plan-files.md), [JSON output](json.md)",
    ),
    (
        "apply",
        "[Preflight checks](preflight.md), [Lifecycle](lifecycle.md), [Saved plans](plan-files.md), \
         [Reliability](reliability.md)",
    ),
    ("destroy", "[Lifecycle](lifecycle.md)"),
    (
        "show",
        "[What a stack owns](lifecycle.md#what-a-stack-owns)",
    ),
    ("export", "[Export existing resources](export.md)"),
    (
        "graph",
        "[Order and dependsOn](spec.md#order-and-dependson)",
    ),
    (
        "explain",
        "[Kinds](kinds), [Errors and warnings](errors.md)",
    ),
    ("roles", "[Roles](spec.md#roles)"),
    ("schema", "[Schemas](../schemas), [JSON output](json.md)"),
    ("sim", "[Simulator](simulator.md)"),
    ("doctor", "[Troubleshooting](troubleshooting.md)"),
];

fn help(path: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazuli"));
    command.args(path).arg("--help");
    for name in ["LAZULI_CLOUD", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    let output = command.env("COLUMNS", "100").output().unwrap();
    assert!(output.status.success(), "{path:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// The commands that a help text lists, with their descriptions.
fn parse_commands(help: &str) -> Vec<(String, String)> {
    let (_, list) = help.split_once("Commands:\n").unwrap_or(("", ""));
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in list.lines().take_while(|line| !line.is_empty()) {
        match (line.strip_prefix("   "), commands.last_mut()) {
            (Some(rest), Some((_, description))) => *description += &format!(" {}", rest.trim()),
            _ => {
                let (name, description) = line.trim().split_once(' ').unwrap();
                commands.push((name.to_owned(), description.trim().to_owned()));
            }
        }
    }
    commands.retain(|(name, _)| name != "help");
    commands
}

pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut sections = String::new();
    page += "| command | purpose |\n|---|---|\n";
    let top = parse_commands(&help(&[]));
    assert!(top.len() > 10, "commands are found: {top:?}");
    for (name, _) in MORE {
        assert!(top.iter().any(|(known, _)| known == name), "{name}");
    }
    for (name, description) in top {
        let help = help(&[&name]);
        page += &format!("| [{name}](#lazuli-{name}) | {description} |\n");
        sections += &section(&name, &help);
        if let Some((_, more)) = MORE.iter().find(|(command, _)| *command == name) {
            sections += &format!("See also: {more}.\n\n");
        }
        for (inner, description) in parse_commands(&help) {
            page += &format!("| [{name} {inner}](#lazuli-{name}-{inner}) | {description} |\n");
            sections += &section(&format!("{name} {inner}"), &self::help(&[&name, &inner]));
        }
    }
    let page = page + "\n" + CONTRACT + &sections;
    page.trim_end().to_owned() + "\n"
}

fn section(name: &str, help: &str) -> String {
    format!("## lazuli {name}\n\n```text\n{help}\n```\n\n")
}
