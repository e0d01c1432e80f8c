// Package lists has small helpers for lists of strings. None of them changes its input.
package lists

// Without returns the items that differ from value, in their order.
func Without(items []string, value string) []string {
	kept := make([]string, 0, len(items))
	for _, item := range items {
		if item != value {
			kept = append(kept, item)
		}
	}
	return kept
}

// Unique returns each item once, at the place where it came first.
func Unique(items []string) []string {
	seen := make(map[string]bool, len(items))
	kept := make([]string, 0, len(items))
	for _, item := range items {
		if !seen[item] {
			seen[item] = true
			kept = append(kept, item)
		}
	}
	return kept
}

// Reversed returns the items from the last to the first.
func Reversed(items []string) []string {
	turned := make([]string, len(items))
	for index, item := range items {
		turned[len(items)-1-index] = item
	}
	return turned
}
