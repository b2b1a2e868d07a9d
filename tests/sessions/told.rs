//! What commands tell, held against terminals of every sort, and the trace that they leave.

use std::{fs, process::Command};

use super::{LAZULI, Served, example, lazuli, text};

#[test]
fn a_trace_has_every_request_of_a_run_and_neither_it_nor_the_log_a_secret() {
    let (folder, _) = example("github-actions");
    let spec = folder.path().join("secrets.yaml");
    let machine = "apiVersion: lazuli/v1\nstack: traced\nlocation: westeurope\nresourceGroup: rg-traced\nparameters:\n  \
                   password: { secret: true }\nresources:\n  group: { kind: resourceGroup, name: rg-traced }\n  machine:\n    \
                   kind: resource\n    type: Microsoft.Compute/virtualMachines@2024-11-01\n    name: vm\n    body:\n      \
                   properties:\n        description: made with ${params.password}\n        osProfile: { adminPassword: \
                   \"${params.password}\", customData: c29tZXRoaW5n }\n";
    fs::write(&spec, machine).unwrap();
    let served = Served::beside(folder.path());
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
        logged.contains("hpack") && logged.contains("answered"),
        "all is logged"
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
        "the whole of what has a secret in it is one"
    );
    let echoed = &put["response"]["body"]["properties"]["description"];
    assert_eq!(echoed, "(secret)", "what Azure answers is left out as well");
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
    let by_its_name = "c29tZXRoaW5n";
    assert!(!written.contains(by_its_name), "{written}");
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

/// What every command that speaks to people prints, each with its standard error, in a folder of its own.
fn all_that_is_told(variables: &[(&str, &str)]) -> Vec<(String, String)> {
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
    let of = |arguments: &[&str]| arguments.iter().map(ToString::to_string).collect();
    let commands: Vec<Vec<String>> = vec![
        of(&["--help"]),
        of(&["apply", "--help"]),
        of(&["sim", "serve", "--help"]),
        of(&["validate", &wrong]),
        of(&["validate", &stack]),
        with_sim(&["plan", "--target", "nobody", &stack]),
        with_sim(&["apply", &stack]),
        with_sim(&["plan", &stack]),
        with_sim(&["apply", &stack, "--yes"]),
        with_sim(&["show", &stack]),
        with_sim(&["graph", "--plan", &stack]),
        with_sim(&["doctor", &folder.path().display().to_string()]),
        with_sim(&["destroy", &stack, "--yes"]),
        of(&["plan", &stack, "--cloud", "mars"]),
        of(&["explain"]),
        of(&["explain", "storageAccount"]),
        of(&["explain", "storageAccount.networkAcls"]),
        of(&["explain", "roleAssignment"]),
        of(&["explain", "LZ0010"]),
        of(&["explain", "nothing"]),
        of(&["roles", "blob"]),
        of(&["roles", "Reader"]),
        of(&["roles", "nothing-is-called-so"]),
        of(&["sim", "reset", &folder.path().display().to_string()]),
    ];
    let told = commands.into_iter().map(|arguments| {
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
    told.collect()
}

#[test]
fn in_a_locale_without_utf8_everything_is_ascii() {
    for (command, told) in all_that_is_told(&[("LC_ALL", "en_US.ISO-8859-1")]) {
        let beyond: Vec<&str> = told.lines().filter(|line| !line.is_ascii()).collect();
        assert!(
            !told.is_empty() && beyond.is_empty(),
            "{command}: {beyond:#?}"
        );
    }
}

#[test]
fn in_60_columns_no_line_is_wider_unless_it_is_one_word() {
    let narrow = [("COLUMNS", "60"), ("LC_ALL", "C")];
    for (command, told) in all_that_is_told(&narrow) {
        // Examples in YAML are moved in, and left as they can be copied.
        let is_code = |line: &str| command.starts_with("explain") && line.starts_with("    ");
        let wide: Vec<&str> = told
            .lines()
            .filter(|line| line.len() > 60 && line.trim().contains(' ') && !is_code(line))
            .collect();
        assert!(wide.is_empty(), "{command}: {wide:#?}");
    }
}

#[test]
fn read_aloud_nothing_is_drawn() {
    for (command, told) in all_that_is_told(&[("LAZULI_PLAIN", "1")]) {
        let drawn = ["-->", "^^", " | ", " `- ", "->", "+ ", "~ "];
        let drawn: Vec<&str> = told
            .lines()
            .filter(|line| drawn.iter().any(|sign| line.contains(sign)) || !line.is_ascii())
            .collect();
        assert!(drawn.is_empty(), "{command}: {drawn:#?}");
    }
}

#[test]
fn a_log_for_programs_is_json_in_every_line() {
    let (folder, spec) = example("least-privilege");
    let spec = spec.to_str().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (plan, world) = (place("plan.json"), folder.path().display().to_string());
    let mut told = String::new();
    for arguments in [
        vec!["plan", spec, "--out", &plan, "-v"],
        vec!["sim", "reset", &world, "--caller", "reader"],
        vec!["plan", spec, "--output", "json"],
        vec!["apply", spec, "--yes", "--output", "json"],
        vec!["plan", spec, "--target", "nobody"],
    ] {
        let output = Command::new(LAZULI)
            .args(&arguments)
            .args(["--log-format", "json"])
            .env("LAZULI_CLOUD", "sim")
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        told += &String::from_utf8(output.stderr).unwrap();
    }
    for line in told.lines() {
        let event = serde_json::from_str::<serde_json::Value>(line);
        assert!(event.is_ok_and(|event| event.is_object()), "{line}");
    }
    for said in [
        "Saved: ",
        "lacks\\n    permissions on",
        "nothing was changed",
    ] {
        assert!(told.contains(said), "{said} is not in\n{told}");
    }
}
