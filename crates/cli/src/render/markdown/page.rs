//! A page of limited length: sections are included whole, by importance, and omitted ones are counted.

/// GitHub limits comments to 65,536 characters; workflows add some text. In bytes, of which there are never fewer.
pub(super) const LONGEST: usize = 60_000;
/// Bytes reserved for the note about omitted sections.
const NOTE: usize = 800;

/// The importance of a section, in descending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    Failures,
    Notices,
    /// Headlines of steps that change or delete something.
    Changes,
    /// Properties of these steps.
    ChangeDetails,
    /// Headlines of steps that create something.
    Creations,
    /// Properties of these steps.
    CreationDetails,
    Unchanged,
}

impl Rank {
    const ALL: [Self; 7] = [
        Self::Failures,
        Self::Notices,
        Self::Changes,
        Self::ChangeDetails,
        Self::Creations,
        Self::CreationDetails,
        Self::Unchanged,
    ];

    /// Whether the shortest sections are included first, so that most are included. Headlines are included in their
    /// order instead, so that the list is complete up to some step.
    fn prefers_short(self) -> bool {
        !matches!(self, Self::Creations | Self::Changes)
    }

    /// Describes omitted sections.
    fn describe_omitted(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Failures => ("1 failure", "{} failures"),
            Self::Notices => ("1 notice", "{} notices"),
            Self::Changes => ("1 more change or deletion", "{} more changes or deletions"),
            Self::ChangeDetails => (
                "the details of 1 change or deletion",
                "the details of {} changes or deletions",
            ),
            Self::Creations => ("1 more creation", "{} more creations"),
            Self::CreationDetails => ("the details of 1 creation", "the details of {} creations"),
            Self::Unchanged => ("unchanged resources", "unchanged resources"),
        };
        match count {
            1 => one.to_owned(),
            _ => many.replace("{}", &count.to_string()),
        }
    }
}

/// The variants of a section, the full one first. A shorter variant is included before a fuller one.
pub(super) struct PageSection(pub(super) Vec<(Rank, String)>);

impl PageSection {
    fn rank(&self, variant: usize) -> Option<Rank> {
        self.0.get(variant).map(|(rank, _)| *rank)
    }

    fn text(&self, variant: usize) -> &str {
        self.0.get(variant).map_or("", |(_, text)| text)
    }
}

/// Assembles the page: the head, the fullest variant of each section that fits, and a note about the rest, which
/// ends with `hint`.
pub(super) fn assemble_page(head: &str, sections: &[PageSection], hint: &str) -> String {
    let whole: usize = sections.iter().map(|section| section.text(0).len()).sum();
    let is_whole = head.len() + whole <= LONGEST;
    let variants = match is_whole {
        true => vec![0; sections.len()],
        false => choose_variants(sections, LONGEST.saturating_sub(head.len() + NOTE)),
    };
    let mut text = head.to_owned();
    for (section, variant) in sections.iter().zip(&variants) {
        text.push_str(section.text(*variant));
    }
    if !is_whole {
        let omitted = Rank::ALL.iter().rev().filter_map(|rank| {
            let is_omitted = |(section, variant): &(&PageSection, &usize)| {
                // Only the next fuller variant counts: a step without a headline does not also lack its details.
                let fuller = variant.checked_sub(1);
                fuller.is_some_and(|fuller| section.rank(fuller) == Some(*rank))
            };
            let count = sections.iter().zip(&variants).filter(is_omitted).count();
            (count > 0).then(|| rank.describe_omitted(count))
        });
        let omitted: Vec<String> = omitted.collect();
        text.push_str(&format!(
            "**Omitted to fit the size limit:** {}. {hint}\n",
            omitted.join(", ")
        ));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// Chooses a variant of each section so that all of them together fit; the number of variants stands for none.
fn choose_variants(sections: &[PageSection], mut room: usize) -> Vec<usize> {
    let mut variants: Vec<usize> = sections.iter().map(|section| section.0.len()).collect();
    for rank in Rank::ALL {
        // Both the headline and the full section of a failure have this rank, so that a rank may take two passes.
        loop {
            let mut candidates: Vec<(usize, usize)> = Vec::new();
            for (at, (section, variant)) in sections.iter().zip(&variants).enumerate() {
                if let Some(next) = variant
                    .checked_sub(1)
                    .filter(|next| section.rank(*next) == Some(rank))
                {
                    let length = section.text(next).len();
                    let growth = length.saturating_sub(section.text(*variant).len());
                    candidates.push((growth, at));
                }
            }
            if rank.prefers_short() {
                candidates.sort_unstable();
            }
            let mut has_changed = false;
            for (growth, at) in candidates {
                let Some(left) = room.checked_sub(growth) else {
                    break;
                };
                room = left;
                has_changed = true;
                if let Some(variant) = variants.get_mut(at) {
                    *variant -= 1;
                }
            }
            if !has_changed {
                break;
            }
        }
    }
    variants
}
