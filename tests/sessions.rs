//! Scripted sessions of the real binary: each file under tests/sessions holds commands and what they print.

/// `TRYCMD=overwrite cargo test --test sessions` writes what the commands print now.
#[test]
fn sessions() {
    trycmd::TestCases::new()
        .register_bin("lazuli", std::path::Path::new(env!("CARGO_BIN_EXE_lazuli")))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .env("LANG", "C.UTF-8")
        .case("../../tests/sessions/*.trycmd");
}
