//! Every difference is found: each written leaf is changed alone in the response of Azure.

use std::collections::BTreeMap;

use lazuli_core::{
    body_path::{BodyPath, Level},
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

/// One change of the live body, and the expected path of the difference.
struct Edit {
    what: &'static str,
    /// The path in the format of a rule: `properties.rules[].name`.
    path: BodyPath,
    /// The JSON pointer into the live body.
    pointer: String,
    /// The new value; `None` if it is removed.
    now: Option<Json>,
    /// Whether a list was changed: the difference is then at the list or at an item.
    is_list: bool,
}

#[test]
fn single_edit_is_the_only_change() {
    let Some(recordings) = recordings::load_all() else {
        return;
    };
    let mut counts = EditCounts::default();
    for pair in pairs::from_recordings(&recordings) {
        let wanted = Value::from(pair.written.clone());
        let rules = REGISTRY.type_rules(&pair.arm_type);
        if !diff(&wanted, pair.read, rules, &[]).is_empty() {
            continue;
        }
        let mut body = pair.read.clone();
        for edit in edits(&pair, &mut counts.skipped) {
            put(&mut body, &edit.pointer, edit.now.clone());
            counts.count(&pair, &edit, &diff(&wanted, &body, rules, &[]));
            put(
                &mut body,
                &edit.pointer,
                pair.read.pointer(&edit.pointer).cloned(),
            );
        }
    }
    let rate = counts.print();
    assert!(rate >= 99.0, "{rate:.2} % of single edits are found");
}

fn put(body: &mut Json, pointer: &str, value: Option<Json>) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match (body.pointer_mut(parent).unwrap(), value) {
        (Json::Array(items), Some(value)) => items[key.parse::<usize>().unwrap()] = value,
        (Json::Object(members), Some(value)) => {
            members.insert(unescape_key(key), value);
        }
        (Json::Object(members), None) => {
            members.remove(&unescape_key(key)).unwrap();
        }
        (other, _) => panic!("{pointer} is not in {other}"),
    }
}

fn unescape_key(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

#[derive(Default)]
struct EditCounts {
    /// Found edits and all edits, by the kind of edit.
    found: BTreeMap<&'static str, (usize, usize)>,
    /// Edits that were not found, by type and path.
    misses: BTreeMap<String, usize>,
    /// Values that were not edited, by reason.
    skipped: BTreeMap<&'static str, usize>,
}

impl EditCounts {
    fn count(&mut self, pair: &Pair<'_>, edit: &Edit, changes: &[Change]) {
        let (found, all) = self.found.entry(edit.what).or_default();
        *all += 1;
        if is_only_change(changes, edit) {
            *found += 1;
            return;
        }
        let paths = changes
            .iter()
            .map(|change| change.path.without_labels().to_string());
        let seen: Vec<String> = paths.collect();
        let (arm_type, path, what) = (&pair.arm_type, &edit.path, edit.what);
        let miss = format!("{arm_type} {path}: {what}, seen: {seen:?}");
        *self.misses.entry(miss).or_default() += 1;
    }

    /// Prints the counts, and returns the percentage of edits that were found.
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
        for (why, count) in &self.skipped {
            println!("  {why}: {count}");
        }
        rate(found, all)
    }
}

fn is_only_change(changes: &[Change], edit: &Edit) -> bool {
    let [change] = changes else { return false };
    let (seen, path) = (change.path.without_labels(), edit.path.clone());
    if edit.is_list {
        seen == path || seen == path.any_item()
    } else {
        seen == path && change.before == edit.now
    }
}

/// All single edits of the written values in the body that was read.
fn edits(pair: &Pair<'_>, skipped: &mut BTreeMap<&'static str, usize>) -> Vec<Edit> {
    let mut collector = EditCollector {
        rules: rules_of(pair),
        skipped,
        edits: Vec::new(),
    };
    collector.value(pair.written, &Position::default(), pair.read);
    collector.edits
}

/// The rules of the type that apply to the written body.
fn rules_of(pair: &Pair<'_>) -> Vec<Rule> {
    let holds = |rule: &Rule| match rule {
        Rule::When(path, text, rule) => {
            let value = pair
                .written
                .pointer(&format!("/{}", path.replace('.', "/")));
            value
                .is_some_and(|value| text_of(value) == *text)
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

/// A position in both bodies.
#[derive(Clone, Default)]
struct Position {
    /// In the written body, in the format of a rule.
    path: BodyPath,
    /// In the body that was read, as a JSON pointer.
    pointer: String,
}

impl Position {
    fn member(&self, written: &str, read: &str) -> Self {
        let escaped = read.replace('~', "~0").replace('/', "~1");
        Self {
            path: self.path.member(written),
            pointer: format!("{}/{escaped}", self.pointer),
        }
    }

    fn item(&self, at: usize) -> Self {
        Self {
            path: self.path.any_item(),
            pointer: format!("{}/{at}", self.pointer),
        }
    }

    fn is(&self, path: &str) -> bool {
        self.path.matches(path)
    }

    fn is_within(&self, path: &str) -> bool {
        self.path.is_within(path)
    }

    fn is_envelope(&self) -> bool {
        ["id", "name", "type"].iter().any(|name| self.is(name))
    }
}

struct EditCollector<'a> {
    rules: Vec<Rule>,
    skipped: &'a mut BTreeMap<&'static str, usize>,
    edits: Vec<Edit>,
}

impl EditCollector<'_> {
    fn value(&mut self, written: &Json, position: &Position, read: &Json) {
        match (written, read) {
            _ if position.is_envelope() => self.skip("envelope"),
            _ if self.is_decided(position) => self.skip("decided by the service"),
            _ if read.as_str().is_some_and(is_mask) => self.skip("a mask of a secret"),
            (Json::Object(written), Json::Object(read)) => self.object(written, position, read),
            (Json::Array(written), Json::Array(read)) => self.array(written, position, read),
            (Json::Null, _) => {}
            (written, read) if is_empty(written) && is_empty(read) => {}
            (Json::Bool(written), Json::Bool(read)) if written == read => {
                self.leaf("another boolean", position, json!(!read));
            }
            (Json::Number(_), Json::Number(read)) => {
                let another = match read.as_i64() {
                    Some(read) => json!(read + 1),
                    None => json!(read.as_f64().unwrap() + 1.0),
                };
                self.leaf("another number", position, another);
            }
            (Json::String(_), Json::String(read)) => {
                self.leaf("another string", position, json!(format!("{read}-edited")));
                self.leaf("another string", position, json!("something else"));
            }
            _ => self.skip("returned in another format"),
        }
    }

    fn object(
        &mut self,
        written: &Map<String, Json>,
        position: &Position,
        read: &Map<String, Json>,
    ) {
        for (key, value) in written {
            let found = read
                .iter()
                .find(|(other, _)| other.eq_ignore_ascii_case(key));
            match found {
                Some((name, found)) if !is_empty(found) || value == found => {
                    let inner = position.member(key, name);
                    self.value(value, &inner, found);
                    let is_leaf = !value.is_object() && !is_empty(value);
                    let is_id = value.is_object() && key.starts_with('/');
                    if is_leaf || is_id {
                        self.removed(&inner, found);
                    }
                }
                _ if is_empty(value) => {}
                _ => self.skip("not returned"),
            }
        }
    }

    fn array(&mut self, written: &[Json], position: &Position, read: &[Json]) {
        let is_open = self
            .rules
            .iter()
            .any(|rule| matches!(rule, Rule::Open(path) if position.is(path)));
        if is_open {
            self.skip("an added element where the service adds its own");
        } else {
            let another = read.last().map_or_else(|| json!("another"), another_item);
            self.list("an added element", position, [read, &[another]].concat());
        }
        for (at, item) in written.iter().enumerate() {
            let index = ["name", "id", "path"].iter().find_map(|key| {
                let name = item.get(key)?.as_str()?;
                let has_name = |live: &Json| {
                    let other = live.get(key).and_then(Json::as_str);
                    other.is_some_and(|other| other.eq_ignore_ascii_case(name))
                };
                read.iter().position(has_name)
            });
            let at = index.unwrap_or(at);
            let Some(found) = read.get(at) else {
                self.skip("not returned");
                continue;
            };
            let fewer = [&read[..at], &read[at + 1..]].concat();
            self.list("a removed element", position, fewer);
            self.value(item, &position.item(at), found);
        }
    }

    fn leaf(&mut self, what: &'static str, position: &Position, value: Json) {
        let becomes = |rule: &Rule| match rule {
            Rule::Becomes(path, _, answered) => position.is(path) && text_of(&value) == *answered,
            _ => false,
        };
        if self.rules.iter().any(becomes) {
            return self.skip("decided by the service");
        }
        let is_list = matches!(position.path.levels().last(), Some(Level::Item(_)));
        let list = position.path.parent().filter(|_| is_list);
        self.edits.push(Edit {
            what,
            path: list.unwrap_or_else(|| position.path.clone()),
            pointer: position.pointer.clone(),
            now: Some(value),
            is_list,
        });
    }

    fn list(&mut self, what: &'static str, position: &Position, items: Vec<Json>) {
        self.edits.push(Edit {
            what,
            path: position.path.clone(),
            pointer: position.pointer.clone(),
            now: Some(Json::Array(items)),
            is_list: true,
        });
    }

    fn removed(&mut self, position: &Position, found: &Json) {
        let is_mask = found.as_str().is_some_and(is_mask);
        if position.is_envelope() || self.is_decided(position) || is_mask {
            return;
        }
        if self.may_be_withheld(position) {
            return self.skip("a missing key that may be absent in a response");
        }
        self.edits.push(Edit {
            what: "a missing key",
            path: position.path.clone(),
            pointer: position.pointer.clone(),
            now: None,
            is_list: false,
        });
    }

    fn skip(&mut self, why: &'static str) {
        *self.skipped.entry(why).or_default() += 1;
    }

    fn is_decided(&self, position: &Position) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Decided(path) => position.is_within(path),
            _ => false,
        })
    }

    fn may_be_withheld(&self, position: &Position) -> bool {
        self.rules.iter().any(|rule| match rule {
            Rule::Withheld(path) => position.is_within(path),
            _ => false,
        })
    }
}

/// Whether the recording masks the value.
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

/// A copy of an item with different text.
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
