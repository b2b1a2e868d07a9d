//! Comments: within their length, and nothing foreign has a meaning.
