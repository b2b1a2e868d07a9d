//! Runs a target on its corpus and on mutations of it, within a number of cases or a time.

use std::{
    cell::Cell,
    collections::hash_map::DefaultHasher,
    env, fs,
    hash::{Hash, Hasher},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process,
    sync::{Mutex, Once, mpsc},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use proptest::{
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

use crate::mutation::{apply_mutations, mutations};

/// The number of cases between two reads of the clock.
const BATCH: u32 = 32;
/// The time limit of one input, which usually takes milliseconds.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// A function to test with inputs.
pub struct Target {
    /// The folder of its corpus.
    pub name: &'static str,
    /// Other seeds than those of the corpus, by path from the root of the repository.
    pub seeds: &'static [&'static str],
    /// Words with a meaning in the format of the input.
    pub words: &'static [&'static str],
    /// Mutations without `LAZULI_FUZZ_SECONDS`.
    pub cases: u32,
    /// Panics if an input is handled wrongly.
    pub check: fn(&[u8]),
}

impl Target {
    pub fn run(&self) {
        let corpus = self.corpus();
        for (path, bytes) in &corpus {
            if let Err(why) = self.attempt(bytes) {
                panic!("{}: {why}", path.display());
            }
        }
        let corpus: Vec<Vec<u8>> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
        let seconds = parse_variable("LAZULI_FUZZ_SECONDS");
        let seed = parse_variable("LAZULI_FUZZ_SEED").unwrap_or_else(|| match seconds {
            Some(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_secs(),
            None => 0,
        });
        eprintln!("{}: LAZULI_FUZZ_SEED={seed}", self.name);
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes(seed));
        let (began, mut tried) = (Instant::now(), 0);
        let continues = |tried: u32| match seconds {
            Some(seconds) => began.elapsed() < Duration::from_secs(seconds),
            None => tried < self.cases,
        };
        while continues(tried) {
            rng = self.batch(&corpus, rng);
            tried += BATCH;
        }
        eprintln!("{}: {tried} mutations", self.name);
    }

    /// Tries some mutations. A failing input is shrunk and ends the test.
    fn batch(&self, corpus: &[Vec<u8>], rng: TestRng) -> TestRng {
        let config = Config {
            cases: BATCH,
            failure_persistence: None,
            max_shrink_iters: 1_000,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let input = |seed: usize, changes: &[_]| {
            apply_mutations(
                corpus[seed % corpus.len()].clone(),
                changes,
                self.words,
                corpus,
            )
        };
        let tried = runner.run(&(any::<usize>(), mutations()), |(seed, changes)| {
            self.attempt(&input(seed, &changes))
                .map_err(TestCaseError::fail)
        });
        match tried {
            Ok(()) => runner.new_rng(),
            Err(TestError::Fail(why, (seed, changes))) => {
                let smallest = input(seed, &changes);
                let saved = self.save(&smallest);
                panic!(
                    "{why}\ninput: {}\nsaved as {}; after the fix, keep it in tests/fuzz/corpus/{}",
                    smallest.escape_ascii(),
                    saved.display(),
                    self.name
                );
            }
            Err(TestError::Abort(why)) => panic!("{why}"),
        }
    }

    /// Checks one input. It is on disk during the check, because a stack overflow or a lack of memory ends the process.
    fn attempt(&self, bytes: &[u8]) -> Result<(), String> {
        let current = folder().join(format!("{}.current", self.name));
        fs::write(&current, bytes).unwrap();
        let _watchdog = Watchdog::start(&current);
        let checked = catch_panic(|| (self.check)(bytes));
        fs::remove_file(&current).unwrap();
        checked
    }

    fn save(&self, bytes: &[u8]) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let path = folder().join(format!("{}-{:016x}", self.name, hasher.finish()));
        fs::write(&path, bytes).unwrap();
        path
    }

    fn corpus(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let own = fs::read_dir(root.join("tests/fuzz/corpus").join(self.name)).unwrap();
        let mut paths: Vec<PathBuf> = own.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.extend(self.seeds.iter().map(|seed| root.join(seed)));
        assert!(!paths.is_empty());
        let read = |path: PathBuf| {
            let bytes = fs::read(&path).unwrap();
            (path, bytes)
        };
        paths.into_iter().map(read).collect()
    }
}

fn parse_variable(variable: &str) -> Option<u64> {
    Some(env::var(variable).ok()?.parse().expect("a number"))
}

fn seed_bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

/// Where inputs that failed are saved.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).unwrap();
    folder
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST: Mutex<String> = const { Mutex::new(String::new()) };
}

/// Returns the message and location of a panic without printing them: shrinking causes hundreds of panics.
fn catch_panic(act: impl FnOnce()) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                LAST.with(|last| *last.lock().unwrap() = info.to_string());
            } else {
                usual(info);
            }
        }));
    });
    QUIET.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(act));
    QUIET.set(false);
    done.map_err(|_| LAST.with(|last| last.lock().unwrap().clone()))
}

/// Ends the process unless it is dropped within the time limit.
struct Watchdog {
    _alive: mpsc::Sender<()>,
}

impl Watchdog {
    fn start(input: &Path) -> Self {
        let (alive, ended) = mpsc::channel();
        let input = input.to_owned();
        thread::spawn(move || {
            if ended.recv_timeout(TIME_LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("no result within {TIME_LIMIT:?} for {}", input.display());
                process::exit(101);
            }
        });
        Self { _alive: alive }
    }
}
