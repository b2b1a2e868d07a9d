//! Formats of text: words, GUIDs, versions, markup and times.

/// Whether text is one word, as the values of an enumeration are: `Standard_LRS`, `TLS1_2`, `Microsoft.Storage`.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Whether text is a GUID: `1c793267-c310-d4ae-7bd5-5af5bef875d3`.
pub(super) fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The parts of a version, without zeros at the end.
pub(super) fn version(text: &str) -> Option<Vec<u64>> {
    let mut parts: Vec<u64> = text
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    while parts.len() > 1 && parts.last() == Some(&0) {
        parts.pop();
    }
    Some(parts)
}

/// Markup without white space around its tags, and with a single space for other runs of white space.
pub(super) fn unindented(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut bare = words.join(" ");
    for (spaced, tight) in [
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        ("> ", ">"),
        (" />", "/>"),
    ] {
        bare = bare.replace(spaced, tight);
    }
    bare
}

/// The instant of an ISO 8601 time: seconds since 1970 and the digits of the fraction. A time without a zone is UTC; a date
/// without a time is midnight.
pub(super) fn instant(text: &str) -> Option<(i64, &str)> {
    let (date, time) = text.split_once(['T', 't']).unwrap_or((text, "00:00:00Z"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, offset) = zone(time)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    if !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let [hours, minutes, seconds] = numbers(time, ':', [2, 2, 2])?;
    let time_of_day = hours * 3600 + minutes * 60 + seconds;
    let instant = days_since_1970(year, month, day) * 86_400 + time_of_day - offset;
    Some((instant, fraction.trim_end_matches('0')))
}

/// A time of day without its zone, and the zone's offset in seconds.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (time, zone) = time.split_at(at);
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
    Some((time, sign * (hours * 3600 + minutes * 60)))
}

/// The numbers between separators, each with the given number of digits.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let parts: Vec<i64> = text
        .split(separator)
        .zip(digits)
        .filter(|(part, digits)| part.len() == *digits && part.chars().all(|c| c.is_ascii_digit()))
        .map(|(part, _)| part.parse().ok())
        .collect::<Option<_>>()?;
    (text.split(separator).count() == N)
        .then(|| parts.try_into().ok())
        .flatten()
}

/// Days between 1970-01-01 and a date of the Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years are taken to begin in March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days_before_month = (153 * month + 2) / 5;
    year * 365 + leap_days + days_before_month + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_equal_in_every_format() {
        let noon = instant("2024-02-29T12:00:00Z");
        assert_eq!(noon, Some((1_709_208_000, "")));
        for same in [
            "2024-02-29T12:00:00.0000000Z",
            "2024-02-29T12:00:00+00:00",
            "2024-02-29T13:30:00.000+01:30",
            "2024-02-29T12:00:00",
        ] {
            assert_eq!(instant(same), noon, "{same}");
        }
        assert_eq!(instant("1970-01-01"), Some((0, "")));
        assert_eq!(instant("2000-03-01"), Some((951_868_800, "")));
        for other in ["2024-02-29T12:00:00.1Z", "2024-02-29T12:00:00-01:00"] {
            assert_ne!(instant(other), noon, "{other}");
        }
        for text in [
            "",
            "T",
            "1-2-3",
            "2024-02-29T",
            "2024-02-29T12",
            "10.0.0.0",
            "2024-02-29T12:00:00.xZ",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn versions_are_equal_without_trailing_zeros() {
        assert_eq!(version("6"), version("6.0"));
        assert_ne!(version("6"), version("6.1"));
        assert_ne!(version("60"), version("6"));
        assert_eq!(version("6.x"), None);
    }

    #[test]
    fn whitespace_around_tags_is_not_part_of_markup() {
        let indented = "<a>\r\n\t<b  c=\"d e\" />\r\n\ttext\r\n</a>";
        assert_eq!(unindented(indented), "<a><b c=\"d e\"/>text</a>");
        assert_ne!(unindented("<a>x y</a>"), unindented("<a>xy</a>"));
    }

    #[test]
    fn words_and_guids_are_recognized_by_their_syntax() {
        for word in ["enabled", "Standard_LRS", "Microsoft.KeyVault", "a-b"] {
            assert!(is_word(word), "{word}");
        }
        for other in ["", "two words", "1a", "a/b", "a:b"] {
            assert!(!is_word(other), "{other}");
        }
        assert!(is_guid("1C793267-c310-d4ae-7BD5-5Af5BEF875D3"));
        assert!(!is_guid("1C793267-c310-d4ae-7BD5-5Af5BEF875DX"));
        assert!(!is_guid("1C793267"));
    }
}
