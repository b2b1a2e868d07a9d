//! A headless Chromium, driven by the DevTools protocol over two pipes.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

/// What has not come to be by then never will.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one tab, ended with the test.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// The tab, once there is one.
    session: Option<String>,
    calls: u64,
    /// What has happened and was not asked for.
    events: Vec<Json>,
    /// What it keeps on the disk.
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts the browser that `LAZULI_CHROMIUM` names, or `chromium`.
    pub fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let program = env::var("LAZULI_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
        // The protocol is spoken on the descriptors 3 and 4, which a shell can lay.
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
            let said = self.read();
            if said["id"] == self.calls {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
            self.events.push(said);
        }
    }

    fn read(&mut self) -> Json {
        let mut said = Vec::new();
        self.from.read_until(0, &mut said).unwrap();
        assert_eq!(said.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&said).unwrap()
    }

    /// A window of this size, with fingers or a mouse, in the light or in the dark.
    pub fn window(&mut self, width: u32, height: u32, is_phone: bool, scheme: &str) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone }),
        );
        self.media("screen", scheme);
    }

    /// On a screen or on paper.
    pub fn media(&mut self, media: &str, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "media": media, "features": features }),
        );
        self.until(&format!(
            "matchMedia('{media} and (prefers-color-scheme: {scheme})').matches"
        ));
    }

    /// Opens a page and waits until all of it is there.
    pub fn open(&mut self, url: &str) {
        // From elsewhere, so that it is loaded though only its fragment may be another.
        for url in ["about:blank", url] {
            let begun = self.events.len();
            self.call("Page.navigate", json!({ "url": url }));
            let is_loaded = |event: &Json| event["method"] == "Page.loadEventFired";
            while !self.events.iter().skip(begun).any(is_loaded) {
                let said = self.read();
                self.events.push(said);
            }
        }
    }

    /// The value of an expression on the page.
    pub fn value(&mut self, expression: &str) -> Json {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let value = self.call("Runtime.evaluate", params);
        assert!(value["exceptionDetails"].is_null(), "{expression}: {value}");
        value["result"]["value"].clone()
    }

    /// Waits until an expression is true: a browser acts on most things a moment later.
    pub fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while self.value(expression) != json!(true) {
            assert!(began.elapsed() < PATIENCE, "{expression} stays untrue");
        }
    }

    /// Presses and lets go of the mouse in the middle of an element, and lets the page act on it.
    pub fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.scrollIntoView({{ block: 'center', inline: \
             'center' }}); const box = it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / \
             2]; }})()"
        ));
        for (kind, buttons) in [("mousePressed", 1), ("mouseReleased", 0)] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({
                    "type": kind, "x": place[0], "y": place[1], "button": "left", "buttons": buttons, "clickCount": 1,
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

    /// Two frames later, whatever an event has led to is done.
    fn settle(&mut self) {
        self.value(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))",
        );
    }

    /// The addresses that were asked for, and what was complained of.
    pub fn requests_and_complaints(&self) -> (Vec<String>, Vec<Json>) {
        let of = |method: &str| {
            let events = self.events.iter();
            let events = events.filter(move |event| event["method"] == method);
            events
                .map(|event| event["params"].clone())
                .collect::<Vec<_>>()
        };
        let requests = of("Network.requestWillBeSent");
        let requests = requests
            .iter()
            .filter_map(|event| event["request"]["url"].as_str());
        let complaints = [
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        ];
        (
            requests.map(str::to_owned).collect(),
            complaints.iter().flat_map(|method| of(method)).collect(),
        )
    }

    /// What is in the window, as PNG in base64.
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
