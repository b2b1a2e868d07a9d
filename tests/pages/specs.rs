//! Complete specs on pages are valid. Sessions check the specs that they use.

use std::{fs, process::Command};

use super::{LAZULI, blocks::blocks, pages};

/// The page with invalid specs, which other tests check.
const ERRORS_PAGE: &str = "docs/errors.md";

#[test]
fn specs_on_pages_are_valid() {
    let mut count = 0;
    for page in pages() {
        if page.path == std::path::Path::new(ERRORS_PAGE) {
            continue;
        }
        let blocks = blocks(&page.text);
        let is_session = blocks.iter().any(|block| block.info == "console");
        let folder = tempfile::tempdir().unwrap();
        let is_spec = |text: &str| text.lines().any(|line| line == "apiVersion: lazuli/v1");
        for spec in &blocks {
            let is_file_of_session = is_session && spec.info.contains(' ');
            if !is_spec(&spec.text) || is_file_of_session {
                continue;
            }
            assert!(
                spec.info.starts_with("yaml"),
                "{}: {}",
                page.path.display(),
                spec.info
            );
            count += 1;
            fs::write(folder.path().join("spec"), &spec.text).unwrap();
            let validated = Command::new(LAZULI)
                .args(["validate", "spec"])
                .env(
                    "AZURE_SUBSCRIPTION_ID",
                    "00000000-0000-0000-0000-0000000a2c05",
                )
                .env("NO_COLOR", "1")
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(
                validated.status.success(),
                "{}:\n{}",
                page.path.display(),
                String::from_utf8_lossy(&validated.stderr)
            );
        }
    }
    assert!(count > 2, "specs are found");
}
