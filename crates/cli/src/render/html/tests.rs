//! The page: nothing foreign has a meaning in it.
