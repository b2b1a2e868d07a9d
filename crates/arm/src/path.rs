//! Builds request URLs in which a name cannot leave its segment, and recognizes the hosts of ARM.

use azure_core::http::Url;

/// The URL of `path` below `endpoint`. `path` is a resource id as ARM writes it, not encoded.
///
/// # Errors
///
/// The path is not absolute, or has empty, `.` or `..` segments.
pub(crate) fn url(
    endpoint: &Url,
    path: &str,
    api_version: &str,
    query: &[(&str, &str)],
) -> Result<Url, String> {
    let segments = path
        .strip_prefix('/')
        .ok_or_else(|| format!("The path `{path}` is not absolute: start it with `/`"))?;
    let mut encoded = endpoint.path().trim_end_matches('/').to_owned();
    for segment in segments.split('/') {
        if matches!(segment, "" | "." | "..") {
            return Err(format!(
                "The path `{path}` has an empty, `.` or `..` segment: remove it"
            ));
        }
        encoded.push('/');
        encode(segment, &mut encoded);
    }
    let mut parameters = String::new();
    for (name, value) in std::iter::once(&("api-version", api_version)).chain(query) {
        if !parameters.is_empty() {
            parameters.push('&');
        }
        encode(name, &mut parameters);
        parameters.push('=');
        encode(value, &mut parameters);
    }
    let mut url = endpoint.clone();
    url.set_path(&encoded);
    url.set_query(Some(&parameters));
    url.set_fragment(None);
    Ok(url)
}

/// Whether a token for `endpoint` may be sent to `url`: same scheme and port, and the same host or
/// a subdomain of it (the regional hosts of ARM).
pub(crate) fn is_trusted(endpoint: &Url, url: &Url) -> bool {
    let same_host = match (endpoint.domain(), url.domain()) {
        (Some(ours), Some(theirs)) => {
            theirs == ours
                || theirs
                    .strip_suffix(ours)
                    .is_some_and(|rest| rest.ends_with('.'))
        }
        _ => endpoint.host() == url.host(),
    };
    same_host
        && endpoint.scheme() == url.scheme()
        && endpoint.port_or_known_default() == url.port_or_known_default()
}

/// Percent-encodes all characters except the unreserved ones of RFC 3986: also `%`, `/`, `?` and `#`.
fn encode(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm() -> Url {
        Url::parse("https://management.azure.com/").unwrap()
    }

    #[test]
    fn names_are_encoded_into_one_segment() {
        let table = [
            ("/subscriptions/s", "/subscriptions/s"),
            ("/a/b c", "/a/b%20c"),
            ("/a/x?y#z", "/a/x%3Fy%23z"),
            ("/a/%2e%2e", "/a/%252e%252e"),
            ("/a/..%2fb", "/a/..%252fb"),
            ("/a/x\\..\\y", "/a/x%5C..%5Cy"),
            ("/a/größe", "/a/gr%C3%B6%C3%9Fe"),
            ("/a/(x)_$b", "/a/%28x%29_%24b"),
        ];
        for (path, expected) in table {
            let url = url(&arm(), path, "2024-01-01", &[]).unwrap();
            assert_eq!(url.path(), expected, "{path}");
            assert_eq!(url.query(), Some("api-version=2024-01-01"));
        }
        for path in ["subscriptions", "/a//b", "/a/", "/a/../b", "/./a", ""] {
            assert!(url(&arm(), path, "v", &[]).is_err(), "{path}");
        }
    }

    #[test]
    fn queries_are_encoded() {
        let url = url(
            &arm(),
            "/a",
            "v&x=1",
            &[("$filter", "principalId eq 'a+b'")],
        )
        .unwrap();
        assert_eq!(
            url.query(),
            Some("api-version=v%26x%3D1&%24filter=principalId%20eq%20%27a%2Bb%27")
        );
    }

    #[test]
    fn only_arm_hosts_are_trusted() {
        for (url, trusted) in [
            ("https://management.azure.com/x", true),
            ("https://MANAGEMENT.azure.com:443/x", true),
            ("https://westeurope.management.azure.com/x", true),
            ("https://evilmanagement.azure.com/x", false),
            ("https://management.azure.com.evil.example/x", false),
            ("https://management.azure.com@evil.example/x", false),
            ("http://management.azure.com/x", false),
            ("https://management.azure.com:8443/x", false),
            ("https://127.0.0.1/x", false),
        ] {
            assert_eq!(
                is_trusted(&arm(), &Url::parse(url).unwrap()),
                trusted,
                "{url}"
            );
        }
        let local = Url::parse("https://127.0.0.1:8443/").unwrap();
        assert!(is_trusted(
            &local,
            &Url::parse("https://127.0.0.1:8443/x").unwrap()
        ));
        assert!(!is_trusted(
            &local,
            &Url::parse("https://127.0.0.2:8443/x").unwrap()
        ));
    }
}
