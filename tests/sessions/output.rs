//! The output of commands on different terminals, their logs, and request traces.

use std::{fs, process::Command};

use super::{LAZULI, Server, example, lazuli, text};

#[test]
fn trace_contains_every_request_and_no_secrets() {
    let (folder, _) = example("github-actions");
    let spec = folder.path().join("secrets.yaml");
    let machine = "apiVersion: lazuli/v1\nstack: traced\nlocation: westeurope\nresourceGroup: rg-traced\nparameters:\n  \
                   password: { secret: true }\nresources:\n  group: { kind: resourceGroup, name: rg-traced }\n  machine:\n    \
                   kind: resource\n    type: Microsoft.Compute/virtualMachines@2024-11-01\n    name: vm\n    body:\n      \
                   properties:\n        description: made with ${params.password}\n        osProfile: { adminPassword: \
                   \"${params.password}\", customData: c29tZXRoaW5n }\n";
    fs::write(&spec, machine).unwrap();
    let served = Server::start(folder.path());
    let trace = folder.path().join("trace.jsonl");
    let arguments = [
        "apply",
        spec.to_str().unwrap(),
        "--yes",
        "--param",
        "password=hunter2 of \"ops\"",
        "--trace",
        trace.to_str().unwrap(),
    ];
    let mut variables = served.variables.clone();
    variables.insert("RUST_LOG".to_owned(), "trace".to_owned());
    let applied = lazuli(&variables, &arguments);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
    let logged = text(&applied);
    assert!(
        logged.contains("hpack") && logged.contains("correlation_id"),
        "the log contains all levels"
    );
    let written = fs::read_to_string(&trace).unwrap();
    let lines: Vec<serde_json::Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["format"], "lazuli/trace/v1");
    let is_of_machine = |line: &&serde_json::Value| {
        line["method"] == "PUT"
            && line["url"]
                .as_str()
                .unwrap()
                .contains("/virtualMachines/vm?")
    };
    let put = lines[1..].iter().find(is_of_machine).unwrap();
    assert_eq!(put["status"], 201);
    let sent = &put["request"]["body"]["properties"];
    assert_eq!(sent["osProfile"]["adminPassword"], "(secret)");
    assert_eq!(
        sent["description"], "(secret)",
        "a value that contains a secret is masked"
    );
    let echoed = &put["response"]["body"]["properties"]["description"];
    assert_eq!(echoed, "(secret)", "responses are masked too");
    let token = |line: &&serde_json::Value| line["url"].as_str().unwrap().contains("/oauth2/");
    let logged_in = lines[1..].iter().find(token).unwrap();
    assert_eq!(
        (
            logged_in["status"].as_u64(),
            logged_in["response"].get("body")
        ),
        (Some(200), None)
    );
    let secrets = [
        "hunter2",
        served.variables["AZURE_CLIENT_SECRET"].as_str(),
        "Bearer",
        "eyJ",
    ];
    let masked_by_name = "c29tZXRoaW5n";
    assert!(!written.contains(masked_by_name), "{written}");
    for secret in secrets {
        assert!(!written.contains(secret), "{secret} is in\n{written}");
        assert!(!logged.contains(secret), "{secret} is in\n{logged}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&trace).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = lazuli(&served.variables, &arguments);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&trace).unwrap(), written);
}

/// The output and standard error of every command with text output, run in a temporary folder.
fn outputs_of_all_commands(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let (folder, _) = example("least-privilege");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let wrong = "apiVersion: lazuli/v1\nstack: Wrong\nresources:\n  a: { kind: storageAcount, name: ${b}, tgs: {} }\n  b: { kind: \
                 managementLock, dependsOn: [c], level: No }\n  c: { kind: resourceGroup, dependsOn: [b, d] }\n";
    fs::write(folder.path().join("wrong.yml"), wrong).unwrap();
    let stack = path("stack.yaml");
    let wrong = path("wrong.yml");
    let sim = ["--cloud", "sim", "--progress", "none"];
    let with_sim = |arguments: &[&str]| {
        [arguments, &sim]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let without_cloud = |arguments: &[&str]| arguments.iter().map(ToString::to_string).collect();
    let commands: Vec<Vec<String>> = vec![
        without_cloud(&["--help"]),
        without_cloud(&["apply", "--help"]),
        without_cloud(&["sim", "serve", "--help"]),
        without_cloud(&["validate", &wrong]),
        without_cloud(&["validate", &stack]),
        with_sim(&["plan", "--target", "missing", &stack]),
        with_sim(&["apply", &stack]),
        with_sim(&["plan", &stack]),
        with_sim(&["apply", &stack, "--yes"]),
        with_sim(&["show", &stack]),
        with_sim(&["graph", "--plan", &stack]),
        with_sim(&["doctor", &folder.path().display().to_string()]),
        with_sim(&["destroy", &stack, "--yes"]),
        without_cloud(&["plan", &stack, "--cloud", "mars"]),
        without_cloud(&["explain"]),
        without_cloud(&["explain", "storageAccount"]),
        without_cloud(&["explain", "storageAccount.networkAcls"]),
        without_cloud(&["explain", "roleAssignment"]),
        without_cloud(&["explain", "LZ0010"]),
        without_cloud(&["explain", "nothing"]),
        without_cloud(&["roles", "blob"]),
        without_cloud(&["roles", "Reader"]),
        without_cloud(&["roles", "no-such-role"]),
        without_cloud(&["sim", "reset", &folder.path().display().to_string()]),
    ];
    let output = commands.into_iter().map(|arguments| {
        let output = Command::new(LAZULI)
            .args(&arguments)
            .env("NO_COLOR", "1")
            .env("PATH", "")
            .env_remove("AZURE_SUBSCRIPTION_ID")
            .env_remove("SSL_CERT_FILE")
            .env_remove("LAZULI_CLOUD")
            .envs(variables.iter().copied())
            .current_dir(folder.path())
            .output()
            .unwrap();
        (arguments.join(" "), text(&output))
    });
    output.collect()
}

#[test]
fn output_is_ascii_in_a_locale_without_utf8() {
    for (command, output) in outputs_of_all_commands(&[("LC_ALL", "en_US.ISO-8859-1")]) {
        let beyond: Vec<&str> = output.lines().filter(|line| !line.is_ascii()).collect();
        assert!(
            !output.is_empty() && beyond.is_empty(),
            "{command}: {beyond:#?}"
        );
    }
}

#[test]
fn lines_wrap_at_the_width_of_the_terminal() {
    let narrow = [("COLUMNS", "60"), ("LC_ALL", "C")];
    for (command, output) in outputs_of_all_commands(&narrow) {
        // YAML examples are indented and not wrapped, so that they can be copied.
        let is_code = |line: &str| command.starts_with("explain") && line.starts_with("    ");
        let wide: Vec<&str> = output
            .lines()
            .filter(|line| line.len() > 60 && line.trim().contains(' ') && !is_code(line))
            .collect();
        assert!(wide.is_empty(), "{command}: {wide:#?}");
    }
}

#[test]
fn plain_output_contains_no_drawings() {
    for (command, output) in outputs_of_all_commands(&[("LAZULI_PLAIN", "1")]) {
        let drawn = ["-->", "^^", " | ", " `- ", "->", "+ ", "~ "];
        let drawn: Vec<&str> = output
            .lines()
            .filter(|line| drawn.iter().any(|sign| line.contains(sign)) || !line.is_ascii())
            .collect();
        assert!(drawn.is_empty(), "{command}: {drawn:#?}");
    }
}

#[test]
fn json_log_has_an_object_in_every_line() {
    let (folder, spec) = example("least-privilege");
    let spec = spec.to_str().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (plan, world) = (place("plan.json"), folder.path().display().to_string());
    let mut logged = String::new();
    for arguments in [
        vec!["plan", spec, "--out", &plan, "-v"],
        vec!["sim", "reset", &world, "--caller", "reader"],
        vec!["plan", spec, "--output", "json"],
        vec!["apply", spec, "--yes", "--output", "json"],
        vec!["plan", spec, "--target", "missing"],
    ] {
        let output = Command::new(LAZULI)
            .args(&arguments)
            .args(["--log-format", "json"])
            .env("LAZULI_CLOUD", "sim")
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        logged += &String::from_utf8(output.stderr).unwrap();
    }
    for line in logged.lines() {
        let event = serde_json::from_str::<serde_json::Value>(line);
        assert!(event.is_ok_and(|event| event.is_object()), "{line}");
    }
    for message in [
        "Plan saved. ",
        "lacks\\n    permissions on",
        "no changes were made",
    ] {
        assert!(logged.contains(message), "{message} is not in\n{logged}");
    }
}
