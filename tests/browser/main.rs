//! The page of `plan --output html` in a real browser: it can be used with fingers, a mouse, the keyboard and without
//! scripts, fits on a phone, and asks nobody for anything.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod browser;

use std::{env, fs, path::Path, process::Command};

use base64::{Engine, prelude::BASE64_STANDARD};
use browser::Browser;
use serde_json::json;

const BEFORE: &str = include_str!("before.yaml");
const AFTER: &str = include_str!("after.yaml");

/// A folder with a page in it, and the page's address.
fn page() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let lazuli = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_lazuli"))
            .args(arguments)
            .current_dir(folder.path())
            .env("LAZULI_CLOUD", "sim")
            .env_remove("AZURE_SUBSCRIPTION_ID")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{told}");
        output.stdout
    };
    fs::write(place("stack.yaml"), BEFORE).unwrap();
    lazuli(&["apply", "stack.yaml", "--yes"]);
    lazuli(&[
        "sim",
        "request",
        "PUT",
        "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-cameras/providers/Microsoft.Storage/\
         storageAccounts/stcameras/providers/Microsoft.Authorization/locks/evidence?api-version=2020-05-01",
        r#"{"properties":{"level":"ReadOnly","notes":"<img src=x onerror=alert(1)> ask @ada"}}"#,
    ]);
    fs::write(place("stack.yaml"), AFTER).unwrap();
    let html = lazuli(&[
        "plan",
        "stack.yaml",
        "--allow-replace",
        "keeper",
        "--output",
        "html",
    ]);
    fs::write(place("plan.html"), html).unwrap();
    let url = format!("file://{}", place("plan.html").display());
    (folder, url)
}

/// Keeps what is seen, where somebody wants to look at it: in the folder `LAZULI_SCREENSHOTS`.
fn keep(browser: &mut Browser, name: &str) {
    if let Ok(folder) = env::var("LAZULI_SCREENSHOTS") {
        let shot = BASE64_STANDARD.decode(browser.screenshot()).unwrap();
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.png")), shot).unwrap();
    }
}

/// The step of the storage account, by what it is called.
const RECORDINGS: &str = "[...document.querySelectorAll('details')].find(it => it.querySelector('.who')?.textContent \
                          === 'recordings')";

#[test]
#[ignore = "needs Chromium, which .ci/run installs"]
fn a_resource_in_the_drawing_leads_to_its_difference() {
    let (_folder, url) = page();
    let mut browser = Browser::start();
    browser.window(1200, 900, false, "light");
    browser.open(&url);
    keep(&mut browser, "desktop");
    let step = browser.value(&format!("{RECORDINGS}.querySelector('.inside').id"));
    let step = step.as_str().unwrap().to_owned();
    browser.until(&format!("!{RECORDINGS}.open"));
    browser.click(&format!("svg a[href='#{step}']"));
    browser.until(&format!("{RECORDINGS}.open"));
    let seen = format!(
        "(() => {{ const box = document.getElementById('{step}').getBoundingClientRect(); return box.top >= 0 && \
         box.top < innerHeight; }})()"
    );
    browser.until(&seen);
    let told = browser.value(&format!("document.getElementById('{step}').innerText"));
    let told = told.as_str().unwrap();
    assert!(
        told.contains("Standard_LRS") && told.contains("Standard_ZRS"),
        "{told}"
    );
    keep(&mut browser, "difference");

    // Closed by hand, the same link opens it again.
    browser.click(&format!("details:has(#{step}) > summary"));
    browser.until(&format!("!{RECORDINGS}.open"));
    browser.click(&format!("svg a[href='#{step}']"));
    browser.until(&format!("{RECORDINGS}.open"));

    browser.click("#tools .close");
    browser.until("document.querySelectorAll('details[open]').length === 0");
    browser.value("document.querySelector('details > summary').focus()");
    browser.press("Enter", 13, "\r");
    browser.until("document.querySelectorAll('details[open]').length === 1");
    let reached = "[...document.querySelectorAll('.figure, .figure a, summary, button')].every(it => it.tabIndex === 0)";
    assert_eq!(
        browser.value(reached),
        json!(true),
        "the keyboard reaches all of it"
    );

    let (requests, complaints) = browser.requests_and_complaints();
    assert_eq!(complaints, [] as [serde_json::Value; 0]);
    let others = requests.iter().filter(|asked| {
        ![Some(url.as_str()), Some("about:blank")].contains(&asked.split('#').next())
    });
    assert_eq!(others.count(), 0, "{requests:?}");
}

#[test]
#[ignore = "needs Chromium, which .ci/run installs"]
fn on_a_phone_nothing_is_wider_than_the_window_and_states_are_words_too() {
    let (_folder, url) = page();
    let mut browser = Browser::start();
    for scheme in ["light", "dark"] {
        browser.window(360, 740, true, scheme);
        browser.open(&url);
        keep(&mut browser, &format!("phone-{scheme}"));
        browser.click("#tools .open");
        browser.until("[...document.querySelectorAll('details')].every(it => it.open)");
        let wide = "document.documentElement.scrollWidth";
        assert_eq!(browser.value(wide), json!(360));
        browser.value(&format!("{RECORDINGS}.scrollIntoView()"));
        keep(&mut browser, &format!("phone-{scheme}-difference"));
        let ground = browser.value("getComputedStyle(document.body).backgroundColor");
        let is_dark = ground != json!("rgb(255, 255, 255)");
        assert_eq!(is_dark, scheme == "dark", "{ground}");
        let said = "[...document.querySelectorAll('.figure .node')].every(it => /[-+~±=<>] .*(create|update|replace|\
                    delete|unchanged)/s.test(it.textContent))";
        assert_eq!(
            browser.value(said),
            json!(true),
            "no state is told by colour alone"
        );
    }
    browser.window(1200, 900, false, "dark");
    browser.open(&url);
    keep(&mut browser, "desktop-dark");
}

#[test]
#[ignore = "needs Chromium, which .ci/run installs"]
fn without_scripts_it_says_the_same_and_so_it_does_on_paper() {
    let (_folder, url) = page();
    let mut browser = Browser::start();
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({ "value": true }),
    );
    browser.window(1200, 900, false, "light");
    browser.open(&url);
    assert_eq!(
        browser.value("document.getElementById('tools').hidden"),
        json!(true)
    );
    let visible = |name: &str| {
        format!(
            "document.getElementById('{name}').checkVisibility({{ contentVisibilityAuto: true }})"
        )
    };
    let step = browser.value(&format!("{RECORDINGS}.querySelector('.inside').id"));
    let step = step.as_str().unwrap().to_owned();
    assert_eq!(browser.value(&visible(&step)), json!(false));
    browser.media("print", "light");
    browser.until(&visible(&step));
    browser.media("screen", "light");
    browser.open(&format!("{url}#{step}"));
    browser.until(&visible(&step));
}

#[test]
#[ignore = "needs Chromium, which .ci/run installs"]
fn the_page_may_load_and_run_nothing_else() {
    let (_folder, url) = page();
    let mut browser = Browser::start();
    browser.open(&url);
    assert_eq!(
        browser.value("document.querySelectorAll('img, script[src], link').length"),
        json!(0)
    );
    let tried = "fetch('https://lazuli.invalid/').then(() => 'sent', () => 'refused')";
    assert_eq!(browser.value(tried), json!("refused"));
    browser.value(
        "(() => { const more = document.createElement('script'); more.textContent = 'window.ran = true'; \
         document.body.append(more); })()",
    );
    assert_eq!(browser.value("window.ran === undefined"), json!(true));
    let (requests, complaints) = browser.requests_and_complaints();
    let others = requests.iter().filter(|asked| asked.starts_with("http"));
    assert_eq!(others.count(), 0, "{requests:?}");
    let policy = complaints
        .iter()
        .filter(|said| said.to_string().contains("Content Security Policy"));
    assert!(policy.count() >= 2, "{complaints:?}");
}
