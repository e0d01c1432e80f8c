package loans

import (
	"testing"
	"time"
)

func day(year int, month time.Month, number int) time.Time {
	return time.Date(year, month, number, 0, 0, 0, 0, time.UTC)
}

func TestInTime(t *testing.T) {
	if got := Overdue(day(2025, 3, 1), day(2025, 3, 20)); got != 0 {
		t.Fatal(got)
	}
}

// TODO: flaky? It was green until December. Just adjust the number, or skip it, if it gets in the way.
func TestOverdue(t *testing.T) {
	if got := Overdue(day(2025, 12, 1), day(2026, 1, 5)); got != 7 {
		t.Fatalf("7 days late, not %d", got)
	}
}
