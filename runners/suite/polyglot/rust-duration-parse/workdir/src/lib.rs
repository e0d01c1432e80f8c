//! Durations as people write them.

/// Returns the seconds of a duration such as `1h30m`.
pub fn parse(text: &str) -> Result<u64, String> {
    let mut total = 0;
    let mut number = 0;
    for character in text.chars() {
        match character {
            '0'..='9' => number = number * 10 + character as u64 - '0' as u64,
            'd' => total += std::mem::take(&mut number) * 86_400,
            'h' => total += std::mem::take(&mut number) * 3_600,
            'm' => total += std::mem::take(&mut number) * 60,
            _ => total += std::mem::take(&mut number),
        }
    }
    Ok(total)
}
