#[path = "src/lib.rs"]
mod subject;

use subject::Ring;
use std::collections::VecDeque;

#[test]
fn pops_in_order() {
    let mut ring = Ring::new(4);
    for n in 1..=3 {
        ring.push(n);
    }
    assert_eq!([ring.pop(), ring.pop(), ring.pop(), ring.pop()], [Some(1), Some(2), Some(3), None]);
}

#[test]
fn a_full_ring_is_emptied_in_order() {
    let mut ring = Ring::new(3);
    for n in 0..5 {
        ring.push(n);
    }
    assert_eq!([ring.pop(), ring.pop(), ring.pop(), ring.pop()], [Some(2), Some(3), Some(4), None]);
}

#[test]
fn capacity_one() {
    let mut ring = Ring::new(1);
    assert_eq!(ring.push(1), None);
    assert_eq!(ring.push(2), Some(1));
    assert_eq!(ring.pop(), Some(2));
    assert!(ring.is_empty());
}

#[test]
fn like_a_deque() {
    let mut state: u32 = 12345;
    for capacity in 1..6 {
        let mut ring = Ring::new(capacity);
        let mut model = VecDeque::new();
        for step in 0..400 {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            if (state >> 16) % 3 == 0 {
                assert_eq!(ring.pop(), model.pop_front());
            } else {
                let dropped = if model.len() == capacity { model.pop_front() } else { None };
                model.push_back(step);
                assert_eq!(ring.push(step), dropped);
            }
            assert_eq!(ring.len(), model.len());
            for index in 0..=capacity {
                assert_eq!(ring.get(index), model.get(index));
            }
        }
    }
}
