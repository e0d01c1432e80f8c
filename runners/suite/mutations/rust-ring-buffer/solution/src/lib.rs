//! A queue of fixed capacity.

/// Holds at most as many elements as `new` was told; a further `push` drops the oldest.
pub struct Ring<T> {
    slots: Vec<Option<T>>,
    head: usize,
    len: usize,
}

impl<T> Ring<T> {
    /// Makes an empty ring. Panics where `capacity` is 0.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a ring holds at least one element");
        let mut slots = Vec::with_capacity(capacity);
        slots.resize_with(capacity, || None);
        Ring { slots, head: 0, len: 0 }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends an element and returns the one that had to go for it.
    pub fn push(&mut self, item: T) -> Option<T> {
        let dropped = if self.len == self.slots.len() { self.pop() } else { None };
        let place = (self.head + self.len) % self.slots.len();
        self.slots[place] = Some(item);
        self.len += 1;
        dropped
    }

    /// Takes the oldest element out.
    pub fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let item = self.slots[self.head].take();
        self.head = (self.head + 1) % self.slots.len();
        self.len -= 1;
        item
    }

    /// Returns the element at `index`, counted from the oldest.
    pub fn get(&self, index: usize) -> Option<&T> {
        if index >= self.len {
            return None;
        }
        self.slots[(self.head + index) % self.slots.len()].as_ref()
    }
}
