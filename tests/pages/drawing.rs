//! The session image of the README, rendered from a real session for light and dark themes.

use std::{fs, path::Path};

use anstyle::RgbColor;
use anstyle_svg::{Palette, Term};

use super::{assert_up_to_date, blocks::blocks, root, sessions::Session};

const ACCOUNT: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-videos/providers/\
    Microsoft.Storage/storageAccounts/stvideos2031";

/// The GUID of the built-in role Reader.
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// The page that contains the spec.
const PAGE: &str = "docs/coming-from-terraform.md";

const SHOWN: [&str; 2] = ["lazuli apply stack.yaml --yes", "lazuli plan stack.yaml"];

/// Creates drift, as in the portal: an older TLS version and a deleted grant.
fn create_drift(session: &mut Session) {
    let request = |rest: &str| format!("lazuli sim request {rest}");
    let tls = r#"'{"properties": {"minimumTlsVersion": "TLS1_0"}}'"#;
    session.print(&request(&format!(
        "PATCH {ACCOUNT}?api-version=2025-06-01 {tls}"
    )));
    let grants = "providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01";
    let listed = session.print(&request(&format!("GET {ACCOUNT}/{grants}")));
    let (_, body) = listed.split_once('\n').unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let grants = body["value"].as_array().unwrap();
    let is_reader = |grant: &&serde_json::Value| {
        let properties = &grant["properties"];
        let role = properties["roleDefinitionId"].as_str().unwrap();
        properties["scope"] == ACCOUNT && role.ends_with(READER)
    };
    let grant = grants.iter().find(is_reader).unwrap()["id"].as_str();
    let grant = grant.unwrap();
    session.print(&request(&format!("DELETE {grant}?api-version=2022-04-01")));
}

/// A theme: foreground, background, and the colors that lazuli uses.
struct Theme {
    name: &'static str,
    text: RgbColor,
    background: RgbColor,
    blue: RgbColor,
    red: RgbColor,
    green: RgbColor,
    yellow: RgbColor,
}

const THEMES: [Theme; 2] = [
    Theme {
        name: "light",
        text: RgbColor(0x1f, 0x23, 0x28),
        background: RgbColor(0xf6, 0xf8, 0xfa),
        blue: RgbColor(0x05, 0x50, 0xae),
        red: RgbColor(0xb3, 0x1d, 0x28),
        green: RgbColor(0x11, 0x63, 0x29),
        yellow: RgbColor(0x7d, 0x4e, 0x00),
    },
    Theme {
        name: "dark",
        text: RgbColor(0xe6, 0xed, 0xf3),
        background: RgbColor(0x16, 0x1b, 0x22),
        blue: RgbColor(0x79, 0xc0, 0xff),
        red: RgbColor(0xff, 0x7b, 0x72),
        green: RgbColor(0x56, 0xd3, 0x64),
        yellow: RgbColor(0xe3, 0xb3, 0x41),
    },
];

impl Theme {
    fn term(&self) -> Term {
        let mut colors = [self.text; 16];
        for bright in [0, 8] {
            colors[bright + 1] = self.red;
            colors[bright + 2] = self.green;
            colors[bright + 3] = self.yellow;
            for blue in 4..=6 {
                colors[bright + blue] = self.blue;
            }
        }
        Term::new()
            .palette(Palette(colors))
            .fg_color(self.text.into())
            .bg_color(self.background.into())
    }
}

#[test]
fn session_image_is_up_to_date() {
    let mut session = Session::new()
        .with_variable("NO_COLOR", "")
        .with_variable("CLICOLOR_FORCE", "1");
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let blocks = blocks(&page);
    let spec = blocks.iter().find(|block| block.info == "yaml").unwrap();
    fs::write(session.folder().join("stack.yaml"), &spec.text).unwrap();
    session.print("lazuli apply stack.yaml --yes");
    create_drift(&mut session);
    let shown: Vec<String> = SHOWN
        .iter()
        .map(|command| format!("\u{1b}[1m$ {command}\u{1b}[0m\n{}", session.print(command)))
        .collect();
    let shown = shown.join("\n");
    assert!(shown.contains("TLS1_0"), "{shown}");
    for theme in &THEMES {
        let path = format!("docs/session-{}.svg", theme.name);
        assert_up_to_date(Path::new(&path), &theme.term().render_svg(shown.trim_end()));
    }
}
