//! What is not as written is seen: each leaf of what was written, changed alone in what Azure answered.

use std::collections::BTreeMap;

use lazuli_core::{
    diff::{Change, diff},
    facts::Rule,
    value::Value,
};
use lazuli_handlers::REGISTRY;
use serde_json::{Map, Value as Json, json};

use crate::{
    pairs::{self, Pair},
    recordings,
};

/// One change of the live body, and where a difference must be found.
struct Edit {
    what: &'static str,
    /// Where, in the form of a rule: `properties.rules[].name`.
    path: String,
    /// Where, as a JSON pointer into what is live.
    pointer: String,
    /// The new value; `None` if it is removed.
    now: Option<Json>,
    /// Whether a list was changed: then the difference may be seen at the list or at an item.
    of_list: bool,
}

#[test]
fn single_edit_is_the_only_change() {
    let Some(recordings) = recordings::all() else {
        return;
    };
    let mut tally = Tally::default();
    for pair in pairs::of(&recordings) {
        let wanted = Value::from(pair.written.clone());
        let rules = REGISTRY.type_rules(&pair.arm_type);
        if !diff(&wanted, pair.read, rules, &[]).is_empty() {
            continue;
        }
        let mut body = pair.read.clone();
        for edit in edits(&pair, &mut tally.left_out) {
            put(&mut body, &edit.pointer, edit.now.clone());
            tally.count(&pair, &edit, &diff(&wanted, &body, rules, &[]));
            put(
                &mut body,
                &edit.pointer,
                pair.read.pointer(&edit.pointer).cloned(),
            );
        }
    }
    let rate = tally.print();
    assert!(rate >= 99.0, "{rate:.2} % of single edits are found");
}

fn put(body: &mut Json, pointer: &str, value: Option<Json>) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match (body.pointer_mut(parent).unwrap(), value) {
        (Json::Array(items), Some(value)) => items[key.parse::<usize>().unwrap()] = value,
        (Json::Object(members), Some(value)) => {
            members.insert(unescaped(key), value);
        }
        (Json::Object(members), None) => {
            members.remove(&unescaped(key)).unwrap();
        }
        (other, _) => panic!("{pointer} is not in {other}"),
    }
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

#[derive(Default)]
struct Tally {
    /// How many edits were found, of how many, by what was done.
    found: BTreeMap<&'static str, (usize, usize)>,
    /// Edits that were not found, by type and place.
    misses: BTreeMap<String, usize>,
    /// What was not edited, by the reason.
    left_out: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn count(&mut self, pair: &Pair<'_>, edit: &Edit, changes: &[Change]) {
        let (found, all) = self.found.entry(edit.what).or_default();
        *all += 1;
        if is_the_one(changes, edit) {
            *found += 1;
            return;
        }
        let seen: Vec<String> = changes.iter().map(|change| bare(&change.path)).collect();
        let (arm_type, path, what) = (&pair.arm_type, &edit.path, edit.what);
        let miss = format!("{arm_type} {path}: {what}, seen: {seen:?}");
        *self.misses.entry(miss).or_default() += 1;
    }

    /// Prints what was counted, and returns which percentage of edits was found.
    fn print(&self) -> f64 {
        let rate = |found: usize, all: usize| 100.0 * found as f64 / all.max(1) as f64;
        let sums = self.found.values();
        let (found, all) = sums.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        println!(
            "single edits found: {found} of {all} ({:.2} %)",
            rate(found, all)
        );
        for (what, (found, all)) in &self.found {
            println!("  {what}: {found} of {all} ({:.2} %)", rate(*found, *all));
        }
        println!("missed: {}", all - found);
        for (miss, count) in &self.misses {
            println!("  {count:3} {miss}");
        }
        println!("not edited, because not comparable:");
        for (why, count) in &self.left_out {
            println!("  {why}: {count}");
        }
        rate(found, all)
    }
}

fn is_the_one(changes: &[Change], edit: &Edit) -> bool {
    let [change] = changes else { return false };
    let (seen, path) = (bare(&change.path), bare(&edit.path));
    if edit.of_list {
        seen == path || seen == format!("{path}[]")
    } else {
        seen == path && change.before == edit.now
    }
}

/// A path without what names the items of its lists.
fn bare(path: &str) -> String {
    let mut depth = 0;
    let mut bare = String::new();
    for c in path.chars() {
        depth -= i32::from(c == ']');
        if depth == 0 {
            bare.push(c);
        }
        depth += i32::from(c == '[');
    }
    bare
}

/// Every single edit of what was read of what was written.
fn edits(pair: &Pair<'_>, left_out: &mut BTreeMap<&'static str, usize>) -> Vec<Edit> {
    let mut walk = Walk {
        rules: rules_of(pair),
        left_out,
        edits: Vec::new(),
    };
    walk.value(pair.written, &Spot::default(), pair.read);
    walk.edits
}

/// The exceptions of the type that hold for what was written.
fn rules_of(pair: &Pair<'_>) -> Vec<Rule> {
    let holds = |rule: &Rule| match rule {
        Rule::When(path, text, rule) => {
            let said = pair
                .written
                .pointer(&format!("/{}", path.replace('.', "/")));
            said.is_some_and(|said| text_of(said) == *text)
                .then_some(**rule)
        }
        rule => Some(*rule),
    };
    REGISTRY
        .type_rules(&pair.arm_type)
        .iter()
        .filter_map(holds)
        .collect()
}

fn text_of(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A place in both bodies.
#[derive(Clone, Default)]
struct Spot {
    /// In what was written, in the form of a rule.
    path: String,
    /// In what was read, as a JSON pointer.
    pointer: String,
}

impl Spot {
    fn member(&self, written: &str, read: &str) -> Self {
        let escaped = read.replace('~', "~0").replace('/', "~1");
        Self {
            path: format!("{}.{written}", self.path)
                .trim_start_matches('.')
                .to_owned(),
            pointer: format!("{}/{escaped}", self.pointer),
        }
    }

    fn item(&self, at: usize) -> Self {
        Self {
            path: format!("{}[]", self.path),
            pointer: format!("{}/{at}", self.pointer),
        }
    }

    fn is(&self, path: &str) -> bool {
        path.eq_ignore_ascii_case(&self.path)
    }

    fn is_within(&self, path: &str) -> bool {
        let head = self.path.get(..path.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(path))
            && matches!(
                self.path.as_bytes().get(path.len()),
                None | Some(b'.' | b'[')
            )
    }

    fn is_envelope(&self) -> bool {
        ["id", "name", "type"].iter().any(|name| self.is(name))
    }
}

struct Walk<'a> {
    rules: Vec<Rule>,
    left_out: &'a mut BTreeMap<&'static str, usize>,
    edits: Vec<Edit>,
}

impl Walk<'_> {
    fn value(&mut self, written: &Json, spot: &Spot, read: &Json) {
        match (written, read) {
            _ if spot.is_envelope() => self.leave_out("envelope"),
            _ if self.is_decided(spot) => self.leave_out("decided by the service"),
            _ if read.as_str().is_some_and(is_mask) => self.leave_out("a mask of a secret"),
            (Json::Object(written), Json::Object(read)) => self.object(written, spot, read),
            (Json::Array(written), Json::Array(read)) => self.array(written, spot, read),
            (Json::Null, _) => {}
            (written, read) if is_empty(written) && is_empty(read) => {}
            (Json::Bool(written), Json::Bool(read)) if written == read => {
                self.leaf("another boolean", spot, json!(!read));
            }
            (Json::Number(_), Json::Number(read)) => {
                let another = match read.as_i64() {
                    Some(read) => json!(read + 1),
                    None => json!(read.as_f64().unwrap() + 1.0),
                };
                self.leaf("another number", spot, another);
            }
            (Json::String(_), Json::String(read)) => {
                self.leaf("another string", spot, json!(format!("{read}-edited")));
                self.leaf("another string", spot, json!("something else"));
            }
            _ => self.leave_out("answered in another form"),
        }
    }

    fn object(&mut self, written: &Map<String, Json>, spot: &Spot, read: &Map<String, Json>) {
        for (key, value) in written {
            let found = read
                .iter()
                .find(|(other, _)| other.eq_ignore_ascii_case(key));
            match found {
                Some((name, found)) if !is_empty(found) || value == found => {
                    let inner = spot.member(key, name);
                    self.value(value, &inner, found);
                    let is_leaf = !value.is_object() && !is_empty(value);
                    let is_id = value.is_object() && key.starts_with('/');
                    if is_leaf || is_id {
                        self.removed(&inner, found);
                    }
                }
                _ if is_empty(value) => {}
                _ => self.leave_out("not answered"),
            }
        }
    }

    fn array(&mut self, written: &[Json], spot: &Spot, read: &[Json]) {
        let is_open = self
            .rules
            .iter()
            .any(|rule| matches!(rule, Rule::Open(path) if spot.is(path)));
        if is_open {
            self.leave_out("an element more where the service adds its own");
        } else {
            let another = read.last().map_or_else(|| json!("another"), another_item);
            self.list("an element more", spot, [read, &[another]].concat());
        }
        for (at, item) in written.iter().enumerate() {
            let twin = ["name", "id", "path"].iter().find_map(|key| {
                let name = item.get(key)?.as_str()?;
                let is_twin = |live: &Json| {
                    let other = live.get(key).and_then(Json::as_str);
                    other.is_some_and(|other| other.eq_ignore_ascii_case(name))
                };
                read.iter().position(is_twin)
            });
            let at = twin.unwrap_or(at);
            let Some(found) = read.get(at) else {
                self.leave_out("not answered");
                continue;
            };
            let fewer = [&read[..at], &read[at + 1..]].concat();
            self.list("an element less", spot, fewer);
            self.value(item, &spot.item(at), found);
        }
    }

    fn leaf(&mut self, what: &'static str, spot: &Spot, value: Json) {
        let becomes = |rule: &Rule| match rule {
            Rule::Becomes(path, _, answered) => spot.is(path) && text_of(&value) == *answered,
            _ => false,
        };
        if self.rules.iter().any(becomes) {
            return self.leave_out("decided by the service");
        }
        self.edits.push(Edit {
            what,
            path: spot.path.trim_end_matches("[]").to_owned(),
            pointer: spot.pointer.clone(),
            now: Some(value),
            of_list: spot.path.ends_with("[]"),
        });
    }

    fn list(&mut self, what: &'static str, spot: &Spot, items: Vec<Json>) {
        self.edits.push(Edit {
            what,
            path: spot.path.clone(),
            pointer: spot.pointer.clone(),
            now: Some(Json::Array(items)),
            of_list: true,
        });
    }

    fn removed(&mut self, spot: &Spot, found: &Json) {
        let is_mask = found.as_str().is_some_and(is_mask);
        if spot.is_envelope() || self.is_decided(spot) || is_mask {
            return;
        }
        if self.may_be_withheld(spot) {
            return self.leave_out("a missing key that need not come back");
        }
        self.edits.push(Edit {
            what: "a missing key",
            path: spot.path.clone(),
            pointer: spot.pointer.clone(),
            now: None,
            of_list: false,
        });
    }

    fn leave_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }

    fn is_decided(&self, spot: &Spot) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Decided(path) => spot.is_within(path),
            _ => false,
        })
    }

    fn may_be_withheld(&self, spot: &Spot) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Withheld(path) => spot.is_within(path),
            _ => false,
        })
    }
}

/// Whether the recording does not show what was answered.
fn is_mask(text: &str) -> bool {
    text.contains("REDACTED") || text.contains("####") || text.starts_with("{{")
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// An item like the one given, all of its text another.
fn another_item(item: &Json) -> Json {
    match item {
        Json::String(text) => json!(format!("{text}-another")),
        Json::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), another_item(value)))
            .collect(),
        other => other.clone(),
    }
}
