//! Drives a headless Chromium by the DevTools protocol over two pipes.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

/// Maximum time to wait for a condition.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A browser with one tab, killed at the end of the test.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// The session of the tab, after it is created.
    session: Option<String>,
    calls: u64,
    /// Messages that are not the result of a call.
    events: Vec<Json>,
    /// The browser's profile directory.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts the browser that `LAZULI_CHROMIUM` names, or `chromium`.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let program = env::var("LAZULI_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        // The protocol uses file descriptors 3 and 4, which a shell can redirect.
        let mut process = Command::new("sh")
            .args([
                "-c",
                "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1",
            ])
            .arg(program)
            .args([
                "--headless",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (
            process.stdin.take().unwrap(),
            process.stdout.take().unwrap(),
        );
        let mut browser = Self {
            process,
            to,
            from: BufReader::new(from),
            session: None,
            calls: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let tab = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": tab["targetId"], "flatten": true }),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Calls a method and waits for its result.
    pub fn call(&mut self, method: &str, params: Json) -> Json {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{call}\0").as_bytes()).unwrap();
        self.to.flush().unwrap();
        loop {
            let message = self.read();
            if message["id"] == self.calls {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn read(&mut self) -> Json {
        let mut message = Vec::new();
        self.from.read_until(0, &mut message).unwrap();
        assert_eq!(message.pop(), Some(0), "the browser has exited");
        serde_json::from_slice(&message).unwrap()
    }

    /// Sets the size of the window, its device type and its color scheme.
    pub fn set_window(&mut self, width: u32, height: u32, is_phone: bool, scheme: &str) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone }),
        );
        self.set_media("screen", scheme);
    }

    /// Sets the media type, `screen` or `print`, and the color scheme.
    pub fn set_media(&mut self, media: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "media": media, "features": features }),
        );
        self.wait_until(&format!(
            "matchMedia('{media} and (prefers-color-scheme: {scheme})').matches"
        ));
    }

    /// Opens a page and waits until it has loaded.
    pub fn open(&mut self, url: &str) {
        // Opens a blank page first: the page is loaded even if only its fragment changes.
        for url in ["about:blank", url] {
            let first = self.events.len();
            self.call("Page.navigate", json!({ "url": url }));
            let is_loaded = |event: &Json| event["method"] == "Page.loadEventFired";
            while !self.events.iter().skip(first).any(is_loaded) {
                let message = self.read();
                self.events.push(message);
            }
        }
    }

    /// Evaluates an expression on the page.
    pub fn evaluate(&mut self, expression: &str) -> Json {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let value = self.call("Runtime.evaluate", params);
        assert!(value["exceptionDetails"].is_null(), "{expression}: {value}");
        value["result"]["value"].clone()
    }

    /// Waits until an expression is true, since a browser handles most events asynchronously.
    pub fn wait_until(&mut self, expression: &str) {
        let started = Instant::now();
        while self.evaluate(expression) != json!(true) {
            assert!(
                started.elapsed() < TIMEOUT,
                "{expression} did not become true"
            );
        }
    }

    /// Clicks the middle of an element and waits until the page has handled it.
    pub fn click(&mut self, selector: &str) {
        let center = self.evaluate(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.scrollIntoView({{ block: 'center', inline: \
             'center' }}); const box = it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / \
             2]; }})()"
        ));
        for (kind, buttons) in [("mousePressed", 1), ("mouseReleased", 0)] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({
                    "type": kind, "x": center[0], "y": center[1], "button": "left", "buttons": buttons, "clickCount": 1,
                }),
            );
        }
        self.settle();
    }

    /// Presses a key.
    pub fn press(&mut self, key: &str, code: u32, text: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text }),
            );
        }
        self.settle();
    }

    /// Waits for two frames, after which the page has handled an event.
    fn settle(&mut self) {
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))",
        );
    }

    /// The requested URLs, and the messages of console and log.
    pub fn requests_and_messages(&self) -> (Vec<String>, Vec<Json>) {
        let params_of = |method: &str| {
            let events = self.events.iter();
            let events = events.filter(move |event| event["method"] == method);
            events
                .map(|event| event["params"].clone())
                .collect::<Vec<_>>()
        };
        let requests = params_of("Network.requestWillBeSent");
        let requests = requests
            .iter()
            .filter_map(|event| event["request"]["url"].as_str());
        let messages = [
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        ];
        (
            requests.map(str::to_owned).collect(),
            messages
                .iter()
                .flat_map(|method| params_of(method))
                .collect(),
        )
    }

    /// The content of the window as a PNG in base64.
    pub fn screenshot(&mut self) -> String {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        shot["data"].as_str().unwrap().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
