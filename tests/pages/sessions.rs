//! Sessions on pages: each runs from the top of its page to the end and must print the output that the page shows.
//!
//! A block is a step: `console` contains commands and their output, where a line `...` stands for omitted lines. A block
//! with a file name (`yaml stack.yaml`) creates the file, `yaml >>stack.yaml` appends to it, and `diff stack.yaml` changes
//! it. The folder contains the examples, and the cloud is the simulator.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use snapbox::{Data, filter::NormalizeToExpected};

use super::{
    LAZULI, assert_up_to_date,
    blocks::{Block, blocks},
    pages, root,
};

#[test]
fn sessions_print_the_output_that_the_page_shows() {
    let mut count = 0;
    for page in pages() {
        let blocks = blocks(&page.text);
        if blocks.iter().any(|block| block.info == "console") {
            count += 1;
            assert_up_to_date(&page.path, &replay(&page.text, &blocks));
        }
    }
    assert!(count > 0, "sessions are found");
}

/// The page with the current output of its commands.
fn replay(page: &str, blocks: &[Block]) -> String {
    let mut session = Session::new();
    let mut played = String::new();
    let mut copied = 0;
    for block in blocks {
        match block.info.split(' ').collect::<Vec<_>>()[..] {
            ["console"] => {
                played += &page[copied..block.at.start];
                played += &session.run(&block.text);
                copied = block.at.end;
            }
            ["diff", file] => session.change(file, &block.text),
            [_, file] => session.write(file, &block.text),
            _ => {}
        }
    }
    played + &page[copied..]
}

/// The variables of the environment of the test that would affect the output.
const REMOVED_VARIABLES: [&str; 5] = [
    "AZURE_SUBSCRIPTION_ID",
    "CLICOLOR_FORCE",
    "LAZULI_SECRETS_KEY",
    "RUST_LOG",
    "SSL_CERT_FILE",
];

const STATUS: &str = "echo $?";

/// A folder and the state of a shell in it.
pub struct Session {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    /// The exit code of the last command, `$?`.
    status: i32,
}

impl Session {
    pub fn new() -> Self {
        let variables = [
            ("COLUMNS", "80"),
            ("LANG", "C.UTF-8"),
            ("LC_ALL", "C.UTF-8"),
            ("LAZULI_CLOUD", "sim"),
            ("NO_COLOR", "1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let session = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: variables.into(),
            status: 0,
        };
        for example in fs::read_dir(root().join("examples")).unwrap() {
            let example = example.unwrap();
            if let Ok(spec) = fs::read_to_string(example.path().join("stack.yaml")) {
                let name = example.file_name().into_string().unwrap();
                session.write(&format!("examples/{name}/stack.yaml"), &spec);
            }
        }
        session
    }

    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        let (file, adds) = match file.strip_prefix(">>") {
            Some(file) => (file, true),
            None => (file, false),
        };
        let path = self.folder().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = OpenOptions::new();
        let options = options.create(true).write(true);
        let options = options.append(adds).truncate(!adds);
        options
            .open(path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    /// Replaces the lines that start with `-` by those that start with `+`.
    fn change(&self, file: &str, lines: &str) {
        let without = |sign: char| {
            let side = lines.lines().filter(|line| !line.starts_with(sign));
            side.map(|line| line.get(1..).unwrap_or("").to_owned() + "\n")
                .collect::<String>()
        };
        let (before, after) = (without('+'), without('-'));
        let path = self.folder().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(&before).count(), 1, "in {file}:\n{before}");
        fs::write(&path, text.replace(&before, &after)).unwrap();
    }

    /// Runs the commands of a block. Returns them with their output, with omitted lines as the block has them.
    fn run(&mut self, block: &str) -> String {
        let (before, commands) = block.split_once("$ ").expect("a session starts with `$ `");
        assert_eq!(before, "", "a session starts with `$ `");
        let mut played = Vec::new();
        let mut commands = commands.split("\n$ ").peekable();
        while let Some(command) = commands.next() {
            let ends = command
                .match_indices('\n')
                .map(|(at, _)| at)
                .find(|at| !command[..*at].ends_with('\\'));
            let (command, shown) = match ends {
                Some(at) => (&command[..at], &command[at + 1..]),
                None => (command.trim_end(), ""),
            };
            let printed = self.print(command);
            let lines = printed.lines().map(str::trim_end);
            let printed = lines.collect::<Vec<_>>().join("\n");
            let shown = Data::text(format!("{}\n", shown.trim_end()));
            let printed = Data::text(format!("{}\n", printed.trim_end()));
            let printed = NormalizeToExpected::new()
                .redact()
                .normalize(printed, &shown);
            let printed = printed.render().unwrap();
            let is_shown = ["error", "Failed"]
                .iter()
                .any(|word| printed.contains(word));
            let is_shown_next = |next: &&str| next.starts_with(STATUS);
            assert!(
                self.status == 0 || is_shown || commands.peek().is_some_and(is_shown_next),
                "{command} fails, and the page does not show it"
            );
            played.push(
                format!("$ {command}\n{}", printed.trim_end())
                    .trim_end()
                    .to_owned(),
            );
        }
        played.join("\n\n") + "\n"
    }

    /// Runs a command and returns its output and standard error in order.
    pub fn print(&mut self, command: &str) -> String {
        let words = shlex::split(&command.replace("\\\n", "")).expect("quotes are closed");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["export", assignment] => {
                let (name, value) = assignment.split_once('=').expect("NAME=VALUE");
                self.variables.insert(name.to_owned(), value.to_owned());
                String::new()
            }
            _ if command == STATUS => std::mem::take(&mut self.status).to_string(),
            ["lazuli", ref arguments @ ..] => {
                let (mut printed, writer) = std::io::pipe().unwrap();
                let mut command = Command::new(LAZULI);
                for name in REMOVED_VARIABLES {
                    command.env_remove(name);
                }
                command
                    .args(arguments)
                    .current_dir(self.folder())
                    .envs(&self.variables)
                    .stdin(Stdio::null())
                    .stdout(writer.try_clone().unwrap())
                    .stderr(writer);
                let mut child = command.spawn().unwrap();
                // The command holds the writing end of the pipe, which must close with the child.
                drop(command);
                let mut text = String::new();
                printed.read_to_string(&mut text).unwrap();
                self.status = child.wait().unwrap().code().unwrap();
                text
            }
            _ => panic!("sessions of pages run only lazuli: {command}"),
        }
    }
}
