//! `lazuli sim serve` as a child process, with changes outside of lazuli and a log of requests.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use lazuli_arm::{
    Client, ClientOptions, TransportOptions, Url,
    auth::{AuthMethod, credential},
    ignore_waits,
};
use lazuli_sim::SUBSCRIPTION;
use serde_json::json;
use tokio::{runtime::Builder, task::JoinSet};
use wait4::Wait4;

use crate::{
    Options,
    process::{LAZULI, Usage},
    requests::Counts,
};

/// A simulated Azure in a separate process.
pub struct Server {
    process: Option<Child>,
    began: Instant,
    /// The environment variables that it prints.
    variables: HashMap<String, String>,
    log: PathBuf,
    /// The position up to which the log was read.
    read: u64,
}

impl Server {
    pub fn start(folder: &Path, options: &Options) -> Self {
        let log = folder.join("requests.jsonl");
        let mut command = Command::new(LAZULI);
        command
            .args(["sim", "serve", "--in-memory", "--port", "0"])
            .args(["--latency", &options.latency.to_string()])
            .args(["--max-delay", &options.max_delay.to_string()])
            .arg("--log")
            .arg(&log)
            .arg(folder);
        if options.throttle {
            command.arg("--throttle");
        }
        let began = Instant::now();
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut variables = HashMap::new();
        for line in lines.map_while(Result::ok) {
            let pairs = line.strip_prefix("export ").unwrap_or_default().split(' ');
            variables.extend(
                pairs
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
            );
            if variables.contains_key("AZURE_SUBSCRIPTION_ID") {
                break;
            }
        }
        Self {
            process: Some(process),
            began,
            variables,
            log,
            read: 0,
        }
    }

    /// The environment variables of a client.
    pub fn variables(&self) -> &HashMap<String, String> {
        &self.variables
    }

    /// Changes a tag of one storage account outside of lazuli.
    pub fn drift(&self) {
        self.run_with_client(async |client| {
            let account = format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-bench-0/providers/Microsoft.Storage/storageAccounts/stbench0"
            );
            let change = json!({ "tags": { "team": "sales", "lazuli-stack": "bench" } });
            client
                .patch(&account, "2023-05-01", &change, &ignore_waits)
                .await
                .unwrap();
        });
    }

    /// Requests per second of a client on one core, which shows that the simulator does not limit the measurement.
    pub fn rate(&self) -> f64 {
        const TASKS: usize = 64;
        const EACH: usize = 500;
        self.run_with_client(async |client| {
            let began = Instant::now();
            let mut tasks = JoinSet::new();
            for _ in 0..TASKS {
                let client = client.clone();
                tasks.spawn(async move {
                    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
                    for _ in 0..EACH {
                        let found = client.get(&subscription, "2022-12-01", &ignore_waits).await;
                        assert!(found.unwrap().is_some());
                    }
                });
            }
            tasks.join_all().await;
            (TASKS * EACH) as f64 / began.elapsed().as_secs_f64()
        })
    }

    fn run_with_client<T>(&self, act: impl AsyncFnOnce(Client) -> T) -> T {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let transport = lazuli_arm::transport(&TransportOptions {
                ca_file: Some(self.variables["SSL_CERT_FILE"].clone().into()),
            })
            .unwrap();
            let url = Url::parse(&self.variables["LAZULI_CLOUD"]).unwrap();
            let endpoints = lazuli_arm::discover(&url, &transport).await.unwrap();
            let env = |name: &str| self.variables.get(name).cloned();
            let login = credential(Some(AuthMethod::Environment), &env, &endpoints, &transport);
            act(Client::new(
                &endpoints,
                login,
                transport,
                ClientOptions::default(),
            ))
            .await
        })
    }

    /// Ignores earlier requests from now on.
    pub fn reset_requests(&mut self) {
        self.read = std::fs::metadata(&self.log).map_or(0, |log| log.len());
    }

    /// The requests since the last reset.
    pub fn requests(&self) -> Counts {
        let mut log = File::open(&self.log).unwrap();
        log.seek(SeekFrom::Start(self.read)).unwrap();
        BufReader::new(log).lines().map(Result::unwrap).collect()
    }

    /// Stops the process and returns its resource usage.
    pub fn stop(mut self) -> Usage {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        let exit = process.wait4().unwrap();
        Usage::from_resource_usage(&exit.rusage, self.began.elapsed().as_secs_f64())
    }
}

/// Stops the process after a failure.
impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
