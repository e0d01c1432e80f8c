#[path = "../src/lib.rs"]
mod ring;

use ring::Ring;

#[test]
fn the_first_in_is_the_first_out() {
    let mut ring = Ring::new(3);
    ring.push(1);
    ring.push(2);
    assert_eq!(ring.pop(), Some(1));
}

#[test]
fn a_full_ring_drops_its_oldest() {
    let mut ring = Ring::new(2);
    ring.push('a');
    ring.push('b');
    assert_eq!(ring.push('c'), Some('a'));
    assert_eq!(ring.get(0), Some(&'b'));
}
