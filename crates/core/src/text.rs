//! Which characters are visible when text is printed.

/// Whether a character is visible and has no other effect: it is not a control character, does not change the writing
/// direction, and is not ignorable (Unicode Standard, "Default_Ignorable_Code_Point"). Variation selectors count as
/// visible because they choose the glyph of the preceding character.
pub fn is_shown(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    !is_invisible && !character.is_control()
}
