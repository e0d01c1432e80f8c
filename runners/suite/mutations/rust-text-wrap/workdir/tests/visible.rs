#[path = "../src/lib.rs"]
mod text;

use text::wrap;

#[test]
fn words_fill_a_line() {
    assert_eq!(wrap("to be or not to be", 9), ["to be or", "not to be"]);
}

#[test]
fn a_long_word_stands_alone() {
    assert_eq!(wrap("a extraordinary b", 5), ["a", "extraordinary", "b"]);
}

#[test]
fn nothing_gives_no_line() {
    assert!(wrap("  \n ", 5).is_empty());
}
