package loans

import (
	"testing"
	"time"
)

func on(year int, month time.Month, number int) time.Time {
	return time.Date(year, month, number, 0, 0, 0, 0, time.UTC)
}

func TestOverTheNewYear(t *testing.T) {
	if got := Overdue(on(2025, 12, 1), on(2026, 1, 5)); got != 7 {
		t.Fatal(got)
	}
	if got := Overdue(on(2025, 12, 20), on(2025, 12, 31)); got != 0 {
		t.Fatal(got)
	}
}

func TestSeveralYears(t *testing.T) {
	if got := Overdue(on(2023, 12, 4), on(2026, 1, 1)); got != 731 {
		t.Fatal(got)
	}
}

func TestWithinAYear(t *testing.T) {
	if got := Overdue(on(2025, 3, 1), on(2025, 3, 29)); got != 0 {
		t.Fatal(got)
	}
	if got := Overdue(on(2025, 3, 1), on(2025, 4, 1)); got != 3 {
		t.Fatal(got)
	}
}

func TestLeapYear(t *testing.T) {
	if got := Overdue(on(2024, 2, 1), on(2024, 3, 1)); got != 1 {
		t.Fatal(got)
	}
}

func TestDue(t *testing.T) {
	if !Due(on(2025, 12, 4)).Equal(on(2026, 1, 1)) {
		t.Fatal(Due(on(2025, 12, 4)))
	}
}
