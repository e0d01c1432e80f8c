// Package loans knows when a book is due.
package loans

import "time"

// Days is how long a book may be kept.
const Days = 28

// Due returns the last day on which a book may be brought back.
func Due(lent time.Time) time.Time {
	return lent.AddDate(0, 0, Days)
}

// Overdue returns how many days late a book is on a day; one that is brought back in time is 0 days late.
func Overdue(lent, day time.Time) int {
	late := int(day.Sub(Due(lent)).Hours() / 24)
	if late < 0 {
		return 0
	}
	return late
}
