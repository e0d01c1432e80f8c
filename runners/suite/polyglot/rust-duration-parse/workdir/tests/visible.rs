#[path = "../src/lib.rs"]
mod duration;

use duration::parse;

#[test]
fn good_ones() {
    assert_eq!(parse("1h30m"), Ok(5400));
    assert_eq!(parse("45s"), Ok(45));
}

#[test]
fn an_unknown_unit_is_refused() {
    assert!(parse("5x").is_err());
}
