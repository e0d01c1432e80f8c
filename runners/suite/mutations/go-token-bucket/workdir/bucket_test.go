package bucket

import (
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestBurst(t *testing.T) {
	b := New(10, 2, start)
	if !b.Allow(start) || !b.Allow(start) || b.Allow(start) {
		t.Fatal("two at once, not three")
	}
}

func TestRefillAfterASecond(t *testing.T) {
	b := New(1, 1, start)
	b.Allow(start)
	if !b.Allow(start.Add(time.Second)) {
		t.Fatal("one more after a second")
	}
}
