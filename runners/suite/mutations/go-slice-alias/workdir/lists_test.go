package lists

import (
	"reflect"
	"testing"
)

func TestWithout(t *testing.T) {
	got := Without([]string{"a", "b", "a"}, "a")
	if !reflect.DeepEqual(got, []string{"b"}) {
		t.Fatal(got)
	}
}

func TestUnique(t *testing.T) {
	got := Unique([]string{"b", "a", "b"})
	if !reflect.DeepEqual(got, []string{"b", "a"}) {
		t.Fatal(got)
	}
}
