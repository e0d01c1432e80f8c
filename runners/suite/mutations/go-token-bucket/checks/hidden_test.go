package bucket

import (
	"testing"
	"time"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func count(b *Bucket, step time.Duration, steps int) int {
	allowed := 0
	for i := 1; i <= steps; i++ {
		if b.Allow(begin.Add(time.Duration(i) * step)) {
			allowed++
		}
	}
	return allowed
}

func TestSteadyCaller(t *testing.T) {
	b := New(10, 2, begin)
	b.Allow(begin)
	b.Allow(begin)
	if got := count(b, 7*time.Millisecond, 1000); got != 70 {
		t.Fatalf("70 calls in 7 seconds, not %d", got)
	}
}

func TestOddSteps(t *testing.T) {
	b := New(4, 2, begin)
	b.Allow(begin)
	b.Allow(begin)
	if got := count(b, 100*time.Millisecond, 100); got != 40 {
		t.Fatalf("40 calls in 10 seconds, not %d", got)
	}
}

func TestBurstIsTheMost(t *testing.T) {
	b := New(100, 3, begin)
	later := begin.Add(time.Hour)
	for i := 0; i < 3; i++ {
		if !b.Allow(later) {
			t.Fatal("three after a long pause")
		}
	}
	if b.Allow(later) {
		t.Fatal("not four")
	}
}

func TestNoCreditBeyondTheBurst(t *testing.T) {
	b := New(10, 1, begin)
	b.Allow(begin.Add(time.Hour))
	if b.Allow(begin.Add(time.Hour + 50*time.Millisecond)) {
		t.Fatal("time that a full bucket let pass is gone")
	}
}

func TestClockGoesBack(t *testing.T) {
	b := New(10, 1, begin)
	b.Allow(begin)
	if b.Allow(begin.Add(-time.Hour)) {
		t.Fatal("nothing is earned by going back")
	}
	if !b.Allow(begin.Add(100 * time.Millisecond)) {
		t.Fatal("and nothing is lost by it")
	}
}
