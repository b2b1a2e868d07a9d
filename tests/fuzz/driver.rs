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

use crate::mutation::{mutated, mutations};

/// The number of cases between two reads of the clock.
const BATCH: u32 = 32;
/// One input takes milliseconds; one that takes this long does not end.
const ENDLESS: Duration = Duration::from_secs(120);

/// One way in.
pub struct Target {
    /// The folder of its corpus.
    pub name: &'static str,
    /// Other seeds than those of the corpus, by path from the root of the repository.
    pub seeds: &'static [&'static str],
    /// Pieces of input that mean something.
    pub words: &'static [&'static str],
    /// Mutations without `LAZULI_FUZZ_SECONDS`.
    pub cases: u32,
    /// Panics if something is wrong.
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
        let seconds = number("LAZULI_FUZZ_SECONDS");
        let seed = number("LAZULI_FUZZ_SEED").unwrap_or_else(|| match seconds {
            Some(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_secs(),
            None => 0,
        });
        eprintln!("{}: LAZULI_FUZZ_SEED={seed}", self.name);
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes_of(seed));
        let (began, mut tried) = (Instant::now(), 0);
        let goes_on = |tried: u32| match seconds {
            Some(seconds) => began.elapsed() < Duration::from_secs(seconds),
            None => tried < self.cases,
        };
        while goes_on(tried) {
            rng = self.batch(&corpus, rng);
            tried += BATCH;
        }
        eprintln!("{}: {tried} mutations", self.name);
    }

    /// Tries some mutations. What fails is made smaller and ends the test.
    fn batch(&self, corpus: &[Vec<u8>], rng: TestRng) -> TestRng {
        let config = Config {
            cases: BATCH,
            failure_persistence: None,
            max_shrink_iters: 1_000,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, rng);
        let input = |seed: usize, changes: &[_]| {
            mutated(
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
                    "{why}\ninput: {}\nsaved as {}; once it is mended, keep it in tests/fuzz/corpus/{}",
                    smallest.escape_ascii(),
                    saved.display(),
                    self.name
                );
            }
            Err(TestError::Abort(why)) => panic!("{why}"),
        }
    }

    /// Checks one input. It is on disk meanwhile, because a stack overflow or a lack of memory ends the process.
    fn attempt(&self, bytes: &[u8]) -> Result<(), String> {
        let current = folder().join(format!("{}.current", self.name));
        fs::write(&current, bytes).unwrap();
        let _watch = Watch::over(&current);
        let checked = quietly(|| (self.check)(bytes));
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

fn number(variable: &str) -> Option<u64> {
    Some(env::var(variable).ok()?.parse().expect("a number"))
}

fn bytes_of(seed: u64) -> [u8; 32] {
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

/// What a panic says and where it is, not printed: while an input is made smaller there are hundreds.
fn quietly(act: impl FnOnce()) -> Result<(), String> {
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

/// Ends the process if it lives for too long.
struct Watch {
    _alive: mpsc::Sender<()>,
}

impl Watch {
    fn over(input: &Path) -> Self {
        let (alive, ended) = mpsc::channel();
        let input = input.to_owned();
        thread::spawn(move || {
            if ended.recv_timeout(ENDLESS) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("no end in {ENDLESS:?} with {}", input.display());
                process::exit(101);
            }
        });
        Self { _alive: alive }
    }
}
