//! The page of `plan --output html` in a real browser: it works with touch, mouse, keyboard and without scripts, fits on
//! a phone, and sends no requests.

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

/// Creates a page. Returns its folder and its URL.
fn create_page() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let lazuli = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_lazuli"))
            .args(arguments)
            .current_dir(folder.path())
            .env("LAZULI_CLOUD", "sim")
            .env_remove("AZURE_SUBSCRIPTION_ID")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{errors}");
        output.stdout
    };
    fs::write(path("stack.yaml"), BEFORE).unwrap();
    lazuli(&["apply", "stack.yaml", "--yes"]);
    lazuli(&[
        "sim",
        "request",
        "PUT",
        "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-cameras/providers/Microsoft.Storage/\
         storageAccounts/stcameras/providers/Microsoft.Authorization/locks/evidence?api-version=2020-05-01",
        r#"{"properties":{"level":"ReadOnly","notes":"<img src=x onerror=alert(1)> ask @ada"}}"#,
    ]);
    fs::write(path("stack.yaml"), AFTER).unwrap();
    let html = lazuli(&[
        "plan",
        "stack.yaml",
        "--allow-replace",
        "keeper",
        "--output",
        "html",
    ]);
    fs::write(path("plan.html"), html).unwrap();
    let url = format!("file://{}", path("plan.html").display());
    (folder, url)
}

/// Saves a screenshot in the folder `LAZULI_SCREENSHOTS`, if that is set.
fn save_screenshot(browser: &mut Browser, name: &str) {
    if let Ok(folder) = env::var("LAZULI_SCREENSHOTS") {
        let shot = BASE64_STANDARD.decode(browser.screenshot()).unwrap();
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.png")), shot).unwrap();
    }
}

/// The step of the storage account, found by its name.
const RECORDINGS: &str = "[...document.querySelectorAll('details')].find(it => it.querySelector('.who')?.textContent \
                          === 'recordings')";

#[test]
#[ignore = "needs Chromium, which .ci/run installs"]
fn resource_in_the_drawing_links_to_its_changes() {
    let (_folder, url) = create_page();
    let mut browser = Browser::start();
    browser.set_window(1200, 900, false, "light");
    browser.open(&url);
    save_screenshot(&mut browser, "desktop");
    let step = browser.evaluate(&format!("{RECORDINGS}.querySelector('.inside').id"));
    let step = step.as_str().unwrap().to_owned();
    browser.wait_until(&format!("!{RECORDINGS}.open"));
    browser.click(&format!("svg a[href='#{step}']"));
    browser.wait_until(&format!("{RECORDINGS}.open"));
    let is_in_view = format!(
        "(() => {{ const box = document.getElementById('{step}').getBoundingClientRect(); return box.top >= 0 && \
         box.top < innerHeight; }})()"
    );
    browser.wait_until(&is_in_view);
    let text = browser.evaluate(&format!("document.getElementById('{step}').innerText"));
    let text = text.as_str().unwrap();
    assert!(
        text.contains("Standard_LRS") && text.contains("Standard_ZRS"),
        "{text}"
    );
    save_screenshot(&mut browser, "changes");

    // After the user closes it, the same link opens it again.
    browser.click(&format!("details:has(#{step}) > summary"));
    browser.wait_until(&format!("!{RECORDINGS}.open"));
    browser.click(&format!("svg a[href='#{step}']"));
    browser.wait_until(&format!("{RECORDINGS}.open"));

    browser.click("#tools .close");
    browser.wait_until("document.querySelectorAll('details[open]').length === 0");
    browser.evaluate("document.querySelector('details > summary').focus()");
    browser.press("Enter", 13, "\r");
    browser.wait_until("document.querySelectorAll('details[open]').length === 1");
    let is_reachable = "[...document.querySelectorAll('.figure, .figure a, summary, button')].every(it => it.tabIndex === 0)";
    assert_eq!(
        browser.evaluate(is_reachable),
        json!(true),
        "the keyboard reaches every control"
    );

    let (requests, messages) = browser.requests_and_messages();
    assert_eq!(messages, [] as [serde_json::Value; 0]);
    let others = requests.iter().filter(|requested| {
        ![Some(url.as_str()), Some("about:blank")].contains(&requested.split('#').next())
    });
    assert_eq!(others.count(), 0, "{requests:?}");
}

#[test]
#[ignore = "needs Chromium, which .ci/run installs"]
fn page_fits_a_phone_and_shows_states_as_words() {
    let (_folder, url) = create_page();
    let mut browser = Browser::start();
    for scheme in ["light", "dark"] {
        browser.set_window(360, 740, true, scheme);
        browser.open(&url);
        save_screenshot(&mut browser, &format!("phone-{scheme}"));
        browser.click("#tools .open");
        browser.wait_until("[...document.querySelectorAll('details')].every(it => it.open)");
        let width = "document.documentElement.scrollWidth";
        assert_eq!(browser.evaluate(width), json!(360));
        browser.evaluate(&format!("{RECORDINGS}.scrollIntoView()"));
        save_screenshot(&mut browser, &format!("phone-{scheme}-changes"));
        let background = browser.evaluate("getComputedStyle(document.body).backgroundColor");
        let is_dark = background != json!("rgb(255, 255, 255)");
        assert_eq!(is_dark, scheme == "dark", "{background}");
        let has_words = "[...document.querySelectorAll('.figure .node')].every(it => /[-+~±=<>] .*(create|update|replace|\
                    delete|unchanged)/s.test(it.textContent))";
        assert_eq!(
            browser.evaluate(has_words),
            json!(true),
            "no state is shown by color alone"
        );
    }
    browser.set_window(1200, 900, false, "dark");
    browser.open(&url);
    save_screenshot(&mut browser, "desktop-dark");
}

#[test]
#[ignore = "needs Chromium, which .ci/run installs"]
fn content_is_the_same_without_scripts_and_in_print() {
    let (_folder, url) = create_page();
    let mut browser = Browser::start();
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        json!({ "value": true }),
    );
    browser.set_window(1200, 900, false, "light");
    browser.open(&url);
    assert_eq!(
        browser.evaluate("document.getElementById('tools').hidden"),
        json!(true)
    );
    let visible = |name: &str| {
        format!(
            "document.getElementById('{name}').checkVisibility({{ contentVisibilityAuto: true }})"
        )
    };
    let step = browser.evaluate(&format!("{RECORDINGS}.querySelector('.inside').id"));
    let step = step.as_str().unwrap().to_owned();
    assert_eq!(browser.evaluate(&visible(&step)), json!(false));
    browser.set_media("print", "light");
    browser.wait_until(&visible(&step));
    browser.set_media("screen", "light");
    browser.open(&format!("{url}#{step}"));
    browser.wait_until(&visible(&step));
}

#[test]
#[ignore = "needs Chromium, which .ci/run installs"]
fn page_cannot_load_or_run_anything_else() {
    let (_folder, url) = create_page();
    let mut browser = Browser::start();
    browser.open(&url);
    assert_eq!(
        browser.evaluate("document.querySelectorAll('img, script[src], link').length"),
        json!(0)
    );
    let attempt = "fetch('https://lazuli.invalid/').then(() => 'sent', () => 'blocked')";
    assert_eq!(browser.evaluate(attempt), json!("blocked"));
    browser.evaluate(
        "(() => { const more = document.createElement('script'); more.textContent = 'window.ran = true'; \
         document.body.append(more); })()",
    );
    assert_eq!(browser.evaluate("window.ran === undefined"), json!(true));
    let (requests, messages) = browser.requests_and_messages();
    let others = requests
        .iter()
        .filter(|requested| requested.starts_with("http"));
    assert_eq!(others.count(), 0, "{requests:?}");
    let violations = messages
        .iter()
        .filter(|message| message.to_string().contains("Content Security Policy"));
    assert!(violations.count() >= 2, "{messages:?}");
}
