//! A page that keeps to a length: what matters least is left out first, always as a whole, and it is said.

/// A comment on GitHub has 65,536 characters at most; some room is for what a workflow adds. Counted in bytes, of which
/// there are never less.
pub(super) const LONGEST: usize = 60_000;
/// Room for what is said of what is left out.
const NOTE: usize = 800;

/// What a part of a page is, in the order in which parts are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// What is as wanted already.
    Unchanged,
    /// The properties of what is made.
    MadeProperties,
    /// The properties of what changes.
    Properties,
    /// That something is made.
    Made,
    /// That something changes.
    Changes,
    /// What should be known.
    Notices,
    /// Why a step failed.
    Failures,
}

impl Rank {
    const ALL: [Self; 7] = [
        Self::Unchanged,
        Self::MadeProperties,
        Self::Properties,
        Self::Made,
        Self::Changes,
        Self::Notices,
        Self::Failures,
    ];

    /// Whether what is long goes first, so that most stays; otherwise what stands last, so that the beginning stays.
    fn is_by_length(self) -> bool {
        !matches!(self, Self::Made | Self::Changes)
    }

    fn told(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Unchanged => return "what is unchanged".to_owned(),
            Self::MadeProperties | Self::Properties => {
                ("the details of 1 step that", "the details of {} steps that")
            }
            Self::Made | Self::Changes => ("1 step that", "{} steps that"),
            Self::Notices => ("1 notice", "{} notices"),
            Self::Failures => ("1 failure", "{} failures"),
        };
        let what = match count {
            1 => one.to_owned(),
            _ => many.replace("{}", &count.to_string()),
        };
        let (creates, changes) = match count {
            1 => (" creates", " changes"),
            _ => (" create", " change"),
        };
        match self {
            Self::MadeProperties | Self::Made => what + creates,
            Self::Properties | Self::Changes => what + changes,
            _ => what,
        }
    }
}

/// A part of a page in its forms, each shorter than the one before; after the last, nothing of it is there.
pub(super) struct Part(pub(super) Vec<(Rank, String)>);

/// The page: what always stands at its head, as much of the parts as there is room for, and what is left out.
pub(super) fn page(head: &str, parts: &[Part], all: &str) -> String {
    let mut forms = vec![0_usize; parts.len()];
    let length = |at: usize, form: usize| {
        let part = parts.get(at).and_then(|part| part.0.get(form));
        part.map_or(0, |(_, text)| text.len())
    };
    let whole: usize = (0..parts.len()).map(|at| length(at, 0)).sum();
    let mut left_out = Vec::new();
    if head.len() + whole > LONGEST {
        let mut room = (LONGEST - NOTE).checked_sub(head.len() + whole).map_or(
            -((head.len() + whole + NOTE) as i64 - LONGEST as i64),
            |room| room as i64,
        );
        for rank in Rank::ALL {
            let is_of_rank = |at: &usize| {
                let form = forms.get(*at).copied().unwrap_or_default();
                let part = parts.get(*at).and_then(|part| part.0.get(form));
                part.is_some_and(|(of, _)| *of == rank)
            };
            let mut candidates: Vec<usize> = (0..parts.len()).filter(is_of_rank).collect();
            match rank.is_by_length() {
                true => candidates.sort_by_key(|at| {
                    let form = forms.get(*at).copied().unwrap_or_default();
                    std::cmp::Reverse(length(*at, form))
                }),
                false => candidates.reverse(),
            }
            let mut count = 0;
            for at in candidates {
                if room >= 0 {
                    break;
                }
                if let Some(form) = forms.get_mut(at) {
                    room += length(at, *form) as i64 - length(at, *form + 1) as i64;
                    *form += 1;
                    count += 1;
                }
            }
            if count > 0 {
                left_out.push(rank.told(count));
            }
        }
    }
    let shown = parts.iter().zip(&forms);
    let mut text = head.to_owned();
    for (part, form) in shown {
        if let Some((_, form)) = part.0.get(*form) {
            text.push_str(form);
        }
    }
    if !left_out.is_empty() {
        text.push_str(&format!(
            "**Left out, as there is no room here:** {}. {all}\n",
            left_out.join(", ")
        ));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}
