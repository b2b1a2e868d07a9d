//! A page that keeps to a length: what matters most finds room first, always as a whole, and what finds none is counted.

/// A comment on GitHub has 65,536 characters at most; some room is for what a workflow adds. Counted in bytes, of which
/// there are never less.
pub(super) const LONGEST: usize = 60_000;
/// Room for what is said of what is left out.
const NOTE: usize = 800;

/// What a part of a page is; what matters most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// Why a step failed.
    Failures,
    /// What should be known.
    Notices,
    /// That something changes.
    Changes,
    /// The details of what changes.
    ChangeDetails,
    /// That something is made.
    Made,
    /// The details of what is made.
    MadeDetails,
    /// What is as wanted already.
    Unchanged,
}

impl Rank {
    const ALL: [Self; 7] = [
        Self::Failures,
        Self::Notices,
        Self::Changes,
        Self::ChangeDetails,
        Self::Made,
        Self::MadeDetails,
        Self::Unchanged,
    ];

    /// Whether what is short finds room first, so that most is there; otherwise what stands first, so that the page
    /// has a beginning and says where it ends.
    fn is_by_length(self) -> bool {
        !matches!(self, Self::Made | Self::Changes)
    }

    /// What is left out, if so many are.
    fn told(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Failures => ("1 failure", "{} failures"),
            Self::Notices => ("1 notice", "{} notices"),
            Self::Changes => (
                "1 more step that changes something",
                "{} more steps that change something",
            ),
            Self::ChangeDetails => (
                "the details of 1 step that changes something",
                "the details of {} steps that change something",
            ),
            Self::Made => ("1 more step that creates", "{} more steps that create"),
            Self::MadeDetails => (
                "the details of 1 step that creates",
                "the details of {} steps that create",
            ),
            Self::Unchanged => ("what is unchanged", "what is unchanged"),
        };
        match count {
            1 => one.to_owned(),
            _ => many.replace("{}", &count.to_string()),
        }
    }
}

/// A part of a page in its forms, the whole first; each further one says less, and finds room before the one before it.
pub(super) struct Part(pub(super) Vec<(Rank, String)>);

impl Part {
    fn rank(&self, form: usize) -> Option<Rank> {
        self.0.get(form).map(|(rank, _)| *rank)
    }

    fn text(&self, form: usize) -> &str {
        self.0.get(form).map_or("", |(_, text)| text)
    }
}

/// The page: what always stands at its head, of each part the fullest form that there is room for, and what is left out.
/// `all` says where that can be found.
pub(super) fn page(head: &str, parts: &[Part], all: &str) -> String {
    let whole: usize = parts.iter().map(|part| part.text(0).len()).sum();
    let is_whole = head.len() + whole <= LONGEST;
    let forms = match is_whole {
        true => vec![0; parts.len()],
        false => forms(parts, LONGEST.saturating_sub(head.len() + NOTE)),
    };
    let mut text = head.to_owned();
    for (part, form) in parts.iter().zip(&forms) {
        text.push_str(part.text(*form));
    }
    if !is_whole {
        let left_out = Rank::ALL.iter().rev().filter_map(|rank| {
            let is_left_out = |(part, form): &(&Part, &usize)| {
                // Of each part the next fuller form is told of: without its line, nobody misses its details.
                let better = form.checked_sub(1);
                better.is_some_and(|better| part.rank(better) == Some(*rank))
            };
            let count = parts.iter().zip(&forms).filter(is_left_out).count();
            (count > 0).then(|| rank.told(count))
        });
        let left_out: Vec<String> = left_out.collect();
        text.push_str(&format!(
            "**Left out, as there is no room here:** {}. {all}\n",
            left_out.join(", ")
        ));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// For each part the form that is shown, so that all of them together have room.
fn forms(parts: &[Part], mut room: usize) -> Vec<usize> {
    let mut forms: Vec<usize> = parts.iter().map(|part| part.0.len()).collect();
    for rank in Rank::ALL {
        // From nothing to a line, and from a line to all of it, may be of the same rank.
        loop {
            let mut better: Vec<(usize, usize)> = Vec::new();
            for (at, (part, form)) in parts.iter().zip(&forms).enumerate() {
                if let Some(next) = form
                    .checked_sub(1)
                    .filter(|next| part.rank(*next) == Some(rank))
                {
                    let longer = part.text(next).len().saturating_sub(part.text(*form).len());
                    better.push((longer, at));
                }
            }
            if rank.is_by_length() {
                better.sort_unstable();
            }
            let mut has_moved = false;
            for (longer, at) in better {
                let Some(left) = room.checked_sub(longer) else {
                    break;
                };
                room = left;
                has_moved = true;
                if let Some(form) = forms.get_mut(at) {
                    *form -= 1;
                }
            }
            if !has_moved {
                break;
            }
        }
    }
    forms
}
