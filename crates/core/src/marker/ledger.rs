//! The record of what cannot have an ownership marker, in the marker of the nearest resource around it that has one.

use std::{collections::BTreeSet, fmt};

use super::binding::digest;
use crate::arm::ArmId;

/// The tag with the [`ChildLedger`] of a resource.
pub const CHILDREN_TAG: &str = "lazuli-children";

/// The number of bytes of the digest of a type.
const TYPE_BYTES: usize = 2;
/// The number of bytes of the digest of an id.
const ID_BYTES: usize = 4;
/// The length of a record in hexadecimal digits.
const RECORD: usize = 2 * (TYPE_BYTES + ID_BYTES);

/// The record of one resource: digests of its type and of its id. The digest of the type shows where to search for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildRecord(String);

impl ChildRecord {
    /// The record of a resource; `None` for an id without a type.
    pub fn new(id: &ArmId) -> Option<Self> {
        Some(Self(format!(
            "{}{}",
            digest_type(&id.arm_type()?),
            digest_id(id)
        )))
    }

    /// The record of a part of an entry, which is deleted with the entry and never by itself.
    pub fn part(id: &ArmId) -> Self {
        Self(format!("{PART}{}", digest_id(id)))
    }

    /// Whether it is the record of a part.
    pub fn is_part(&self) -> bool {
        self.0.starts_with(PART)
    }

    /// Whether a resource of this type can have the record.
    pub fn may_be(&self, arm_type: &str) -> bool {
        self.0.starts_with(&digest_type(arm_type))
    }
}

/// Stands for the type in the record of a part.
const PART: &str = "0000";

fn digest_type(arm_type: &str) -> String {
    match digest(&["type", &arm_type.to_lowercase()], TYPE_BYTES) {
        found if found == PART => "0001".to_owned(),
        found => found,
    }
}

fn digest_id(id: &ArmId) -> String {
    digest(&["child", &id.as_str().to_lowercase()], ID_BYTES)
}

/// The records of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChildLedger(BTreeSet<ChildRecord>);

impl ChildLedger {
    /// The maximum number of records: as many as the value of a tag has room for (256 characters).
    pub const CAPACITY: usize = 256 / RECORD;

    /// Reads the value of a tag. What is no record is left out.
    pub fn parse(text: &str) -> Self {
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        let records = text.as_bytes().chunks(RECORD);
        let records = records.filter(|record| record.len() == RECORD);
        let records = records.filter(|record| record.iter().all(is_digit));
        let records = records.filter_map(|record| str::from_utf8(record).ok());
        Self(
            records
                .map(|record| ChildRecord(record.to_owned()))
                .collect(),
        )
    }

    /// Adds a record. Returns whether there was room for it.
    pub fn insert(&mut self, record: ChildRecord) -> bool {
        let has_room = self.0.len() < Self::CAPACITY || self.0.contains(&record);
        if has_room {
            self.0.insert(record);
        }
        has_room
    }

    /// Whether it has the record of a resource, or of a part.
    pub fn has(&self, id: &ArmId) -> bool {
        ChildRecord::new(id).is_some_and(|record| self.0.contains(&record))
            || self.0.contains(&ChildRecord::part(id))
    }

    /// Whether it has no records.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The records.
    pub fn records(&self) -> impl Iterator<Item = &ChildRecord> {
        self.0.iter()
    }

    /// The records of resources that are no parts.
    pub fn without_parts(&self) -> Self {
        let records = self.0.iter().filter(|record| !record.is_part());
        Self(records.cloned().collect())
    }

    /// The records that another ledger lacks.
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }
}

impl FromIterator<ChildRecord> for ChildLedger {
    /// Records beyond [`Self::CAPACITY`] are left out.
    fn from_iter<I: IntoIterator<Item = ChildRecord>>(records: I) -> Self {
        let mut ledger = Self::default();
        for record in records {
            ledger.insert(record);
        }
        ledger
    }
}

/// The value of a tag.
impl fmt::Display for ChildLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|record| f.write_str(&record.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> ArmId {
        ArmId::parse(&format!(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/s/firewallRules/{name}"
        ))
        .unwrap()
    }

    #[test]
    fn records_round_trip_and_belong_to_one_resource() {
        let ids = ["a", "b"].map(rule);
        let ledger: ChildLedger = ids.iter().filter_map(ChildRecord::new).collect();
        assert_eq!(ChildLedger::parse(&ledger.to_string()), ledger);
        assert!(ids.iter().all(|id| ledger.has(id)));
        assert!(ledger.has(&rule("A")), "Azure ignores case");
        assert!(!ledger.has(&rule("c")));
        let part: ChildLedger = [ChildRecord::part(&rule("c"))].into_iter().collect();
        assert!(part.has(&rule("c")) && part.without_parts().is_empty());
        let record = ChildRecord::new(&ids[0]).unwrap();
        assert!(record.may_be("microsoft.sql/servers/firewallrules"));
        assert!(!record.may_be("Microsoft.Sql/servers/databases"));
        let first: ChildLedger = [record].into_iter().collect();
        assert_eq!(ledger.without(&first).records().count(), 1);
    }

    #[test]
    fn number_of_records_is_bounded() {
        let mut ledger = ChildLedger::default();
        let records = (0..40).filter_map(|at| ChildRecord::new(&rule(&at.to_string())));
        let kept = records
            .filter(|record| ledger.insert(record.clone()))
            .count();
        assert_eq!(kept, ChildLedger::CAPACITY);
        assert!(ledger.to_string().len() <= 256);
        let known = ledger.records().next().unwrap().clone();
        assert!(ledger.insert(known));
    }

    #[test]
    fn edited_tag_loses_only_what_is_no_record() {
        let id = rule("a");
        let text = ChildRecord::new(&id).unwrap().0;
        for edited in [
            format!("{text}ab"),
            format!("{text}not a rec!"),
            format!("{text}é"),
        ] {
            let ledger = ChildLedger::parse(&edited);
            assert!(ledger.has(&id), "{edited}");
            assert_eq!(ledger.records().count(), 1, "{edited}");
        }
    }
}
