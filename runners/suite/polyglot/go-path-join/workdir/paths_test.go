package paths

import "testing"

func TestPlain(t *testing.T) {
	got, err := Join("/srv", "a/b.txt")
	if err != nil || got != "/srv/a/b.txt" {
		t.Fatal(got, err)
	}
}

func TestOutside(t *testing.T) {
	if _, err := Join("/srv", "a/../../etc"); err == nil {
		t.Fatal("that leaves the folder")
	}
}
