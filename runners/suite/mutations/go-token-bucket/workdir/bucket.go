// Package bucket limits how often something may happen.
package bucket

import "time"

// Bucket lets through rate calls a second on average, and burst at once.
type Bucket struct {
	rate   int64
	burst  int64
	tokens int64
	last   time.Time
}

// New returns a full bucket. It panics where rate or burst is not positive.
func New(rate, burst int64, now time.Time) *Bucket {
	if rate <= 0 || burst <= 0 {
		panic("bucket: rate and burst are positive")
	}
	return &Bucket{rate: rate, burst: burst, tokens: burst, last: now}
}

// Allow takes a token if there is one at that time.
func (b *Bucket) Allow(now time.Time) bool {
	b.refill(now)
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}

func (b *Bucket) refill(now time.Time) {
	interval := time.Second / time.Duration(b.rate)
	earned := int64(now.Sub(b.last) / interval)
	if now.Before(b.last) {
		return
	}
	b.last = now
	b.tokens += earned
	if b.tokens > b.burst {
		b.tokens = b.burst
	}
}
