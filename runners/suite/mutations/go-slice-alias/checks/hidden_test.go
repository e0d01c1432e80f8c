package lists

import (
	"reflect"
	"testing"
)

func TestInputStays(t *testing.T) {
	items := []string{"a", "b", "c", "a", "d"}
	got := Without(items, "a")
	if !reflect.DeepEqual(got, []string{"b", "c", "d"}) {
		t.Fatal(got)
	}
	if !reflect.DeepEqual(items, []string{"a", "b", "c", "a", "d"}) {
		t.Fatal("the input changed", items)
	}
}

func TestResultIsItsOwn(t *testing.T) {
	items := []string{"a", "b"}
	got := Without(items, "x")
	got[0] = "changed"
	if items[0] != "a" {
		t.Fatal("the result shares memory with the input")
	}
}

func TestRoomBehindTheInput(t *testing.T) {
	room := []string{"a", "b", "c"}
	_ = append(Without(room[:2], "a"), "x", "y")
	if !reflect.DeepEqual(room, []string{"a", "b", "c"}) {
		t.Fatal(room)
	}
}

func TestNothingLeft(t *testing.T) {
	if got := Without([]string{"a"}, "a"); len(got) != 0 {
		t.Fatal(got)
	}
	if got := Without(nil, "a"); len(got) != 0 {
		t.Fatal(got)
	}
}

func TestTheOthers(t *testing.T) {
	items := []string{"b", "a", "b"}
	if !reflect.DeepEqual(Reversed(items), items) || !reflect.DeepEqual(Unique(items), []string{"b", "a"}) {
		t.Fatal("Reversed or Unique")
	}
}
