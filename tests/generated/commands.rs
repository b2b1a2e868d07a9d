//! The page of the commands, of what the binary prints as its help.

use std::process::Command;

/// What stands above the commands.
const HEAD: &str = "\
# Commands

Every command with its options, generated from the code: the same is printed by `lazuli COMMAND --help`, shorter by \
`-h`, and written as a manual by `lazuli man DIR`.

";

/// What stands below the list of commands.
const CONTRACT: &str = "\
## Exit codes

0 for success, 1 for any error, 2 where `plan --detailed-exitcode` found changes: [exit-codes.md](exit-codes.md).

What is asked for goes to stdout; diagnostics, progress and logs go to stderr. `apply` and `destroy` ask before they \
write; `--yes` skips the question, and without a terminal its absence is an error. The first Ctrl-C lets what is in flight \
finish and reports; the second stops at once. [json.md](json.md) says what a program finds in which case.

## Environment variables

| variable | what it does |
|---|---|
| `LAZULI_CLOUD` | the default of `--cloud` |
| `AZURE_SUBSCRIPTION_ID` | the subscription of stacks that say none |
| `SSL_CERT_FILE` | certificate authorities to trust beside the usual ones, as `--ca-file` |
| `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` | as whom to log in, for all ways but the two command lines |
| `AZURE_CLIENT_SECRET`, `AZURE_CLIENT_CERTIFICATE_PATH` | by a secret, or by a certificate: `--auth environment` |
| `AZURE_FEDERATED_TOKEN_FILE` | by a token in a file: `--auth workload-identity` |
| `ACTIONS_ID_TOKEN_REQUEST_URL`, `ACTIONS_ID_TOKEN_REQUEST_TOKEN` | set by GitHub for jobs with `permissions: id-token: \
write`: `--auth github` |
| `SYSTEM_ACCESSTOKEN`, `SYSTEM_OIDCREQUESTURI`, `AZURESUBSCRIPTION_CLIENT_ID`, `AZURESUBSCRIPTION_TENANT_ID`, \
`AZURESUBSCRIPTION_SERVICE_CONNECTION_ID` | set by Azure Pipelines, the first only where a step says so: \
`--auth azure-pipelines` |
| `AZURE_CONFIG_DIR` | where the Azure CLI keeps its settings, for its default subscription |
| `LAZULI_SECRETS_KEY` | a key of your own for the [digests of secrets](spec.md#secrets) |
| `HTTPS_PROXY`, `NO_PROXY` | the proxy, and what is reached without it |
| `NO_COLOR`, `CLICOLOR_FORCE` | no colour; colour also where there is no terminal |
| `COLUMNS` | how wide to write |
| `LC_ALL`, `LC_CTYPE`, `LANG` | `C` or `POSIX`: lazuli's own signs are ASCII |
| `RUST_LOG` | what is logged, in the directives of tracing: `lazuli_arm=debug` |

Any variable can be read by a spec, as `${env.NAME}`.

";

/// Where pages say more about a command.
const MORE: &[(&str, &str)] = &[
    ("init", "[the spec language](spec.md)"),
    (
        "validate",
        "[diagnostics](spec.md#diagnostics), [codes](errors.md)",
    ),
    (
        "plan",
        "[what counts as a difference](comparison.md), [saved plans](plan-files.md), [answers for programs](json.md)",
    ),
    (
        "apply",
        "[before the first write](preflight.md), [replace, prune, targets](lifecycle.md), [saved plans](plan-files.md), \
         [what holds when a run is killed](reliability.md)",
    ),
    ("destroy", "[from adoption to removal](lifecycle.md)"),
    (
        "show",
        "[what a stack owns](lifecycle.md#what-a-stack-owns)",
    ),
    ("export", "[taking over what exists](export.md)"),
    (
        "graph",
        "[order and dependsOn](spec.md#order-and-dependson)",
    ),
    ("explain", "[kinds](kinds), [codes](errors.md)"),
    ("roles", "[roles in a spec](spec.md#roles)"),
    (
        "schema",
        "[schemas](../schemas), [answers for programs](json.md)",
    ),
    ("sim", "[the simulator](simulator.md)"),
    ("doctor", "[troubleshooting](troubleshooting.md)"),
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

/// The commands that a help lists, each with what it does.
fn listed(help: &str) -> Vec<(String, String)> {
    let (_, list) = help.split_once("Commands:\n").unwrap_or_default();
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in list.lines().take_while(|line| !line.is_empty()) {
        match (line.strip_prefix("   "), commands.last_mut()) {
            (Some(rest), Some((_, says))) => *says += &format!(" {}", rest.trim()),
            _ => {
                let (name, says) = line.trim().split_once(' ').unwrap();
                commands.push((name.to_owned(), says.trim().to_owned()));
            }
        }
    }
    commands.retain(|(name, _)| name != "help");
    commands
}

pub fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut sections = String::new();
    page += "| command | what it does |\n|---|---|\n";
    let top = listed(&help(&[]));
    assert!(top.len() > 10, "commands are found: {top:?}");
    for (name, _) in MORE {
        assert!(top.iter().any(|(known, _)| known == name), "{name}");
    }
    for (name, says) in top {
        let help = help(&[&name]);
        page += &format!("| [{name}](#lazuli-{name}) | {says} |\n");
        sections += &section(&name, &help);
        if let Some((_, more)) = MORE.iter().find(|(command, _)| *command == name) {
            sections += &format!("More: {more}.\n\n");
        }
        for (inner, says) in listed(&help) {
            page += &format!("| [{name} {inner}](#lazuli-{name}-{inner}) | {says} |\n");
            sections += &section(&format!("{name} {inner}"), &self::help(&[&name, &inner]));
        }
    }
    let page = page + "\n" + CONTRACT + &sections;
    page.trim_end().to_owned() + "\n"
}

fn section(name: &str, help: &str) -> String {
    format!("## lazuli {name}\n\n```text\n{help}\n```\n\n")
}
