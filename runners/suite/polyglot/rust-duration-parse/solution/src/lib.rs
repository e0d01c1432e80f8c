//! Durations as people write them.

/// Returns the seconds of a duration such as `1h30m`.
pub fn parse(text: &str) -> Result<u64, String> {
    const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
    let too_long = || format!("{text:?} is too long a time");
    let mut total: u64 = 0;
    let mut number: Option<u64> = None;
    let mut allowed = 0;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            let shifted = number.unwrap_or(0).checked_mul(10).ok_or_else(too_long)?;
            number = Some(shifted.checked_add(u64::from(digit)).ok_or_else(too_long)?);
            continue;
        }
        let place = UNITS.iter().position(|unit| unit.0 == character);
        let place = place.ok_or_else(|| format!("{character:?} is no unit"))?;
        if place < allowed {
            return Err(format!("{character:?} is repeated or out of order"));
        }
        let count = number.take().ok_or_else(|| format!("there is no number before {character:?}"))?;
        let seconds = count.checked_mul(UNITS[place].1).ok_or_else(too_long)?;
        total = total.checked_add(seconds).ok_or_else(too_long)?;
        allowed = place + 1;
    }
    if number.is_some() {
        return Err(format!("{text:?} ends without a unit"));
    }
    if allowed == 0 {
        return Err("there is no duration".to_string());
    }
    Ok(total)
}
