#[path = "src/lib.rs"]
mod subject;

use subject::parse;

fn refused(text: &str) -> bool {
    matches!(parse(text), Err(reason) if !reason.is_empty())
}

#[test]
fn accepted() {
    assert_eq!(parse("1d2h3m4s"), Ok(93784));
    assert_eq!(parse("90m"), Ok(5400));
    assert_eq!(parse("0s"), Ok(0));
    assert_eq!(parse("007h"), Ok(25200));
}

#[test]
fn nothing() {
    assert!(refused(""));
}

#[test]
fn no_unit() {
    assert!(refused("12") && refused("1h30"));
}

#[test]
fn no_number() {
    assert!(refused("h") && refused("1hm"));
}

#[test]
fn unknown_unit() {
    assert!(refused("5x") && refused("1h5é") && refused("1H"));
}

#[test]
fn order_and_repetition() {
    assert!(refused("1m1h") && refused("1h1h") && refused("1s1d"));
}

#[test]
fn signs_and_spaces() {
    assert!(refused("-1s") && refused("+1s") && refused("1h 2m") && refused(" 1h") && refused("1s\n"));
}

#[test]
fn overflow() {
    assert!(refused("99999999999999999999s"));
    assert!(refused("18446744073709551615d"));
    assert!(refused("213503982334601d7h18446744073709551615s"));
    assert_eq!(parse("18446744073709551615s"), Ok(u64::MAX));
}

#[test]
fn other_digits() {
    assert!(refused("\u{0661}s"));
}
