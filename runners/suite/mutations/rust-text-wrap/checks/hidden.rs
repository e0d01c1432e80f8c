#[path = "src/lib.rs"]
mod subject;

use subject::wrap;

#[test]
fn accents_count_once() {
    assert_eq!(wrap("été à la mer", 8), ["été à la", "mer"]);
}

#[test]
fn greek() {
    assert_eq!(wrap("αβγ δεζ ηθι", 7), ["αβγ δεζ", "ηθι"]);
}

#[test]
fn plain_text() {
    assert_eq!(wrap("to be or not to be", 9), ["to be or", "not to be"]);
}

#[test]
fn exact_fit() {
    assert_eq!(wrap("abcd efgh", 9), ["abcd efgh"]);
    assert_eq!(wrap("abcd efgh", 8), ["abcd", "efgh"]);
}

#[test]
fn long_words_and_white_space() {
    assert_eq!(wrap(" a\t\nextraordinaire  b ", 5), ["a", "extraordinaire", "b"]);
    assert!(wrap("", 5).is_empty());
}
