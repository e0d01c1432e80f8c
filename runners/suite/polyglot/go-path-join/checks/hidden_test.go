package paths

import (
	"errors"
	"testing"
)

func joined(t *testing.T, request, want string) {
	t.Helper()
	got, err := Join("/srv/www", request)
	if err != nil || got != want {
		t.Errorf("Join(%q) is %q, %v; want %q", request, got, err, want)
	}
}

func TestClean(t *testing.T) {
	joined(t, "a/b", "/srv/www/a/b")
	joined(t, "/a//b/./c", "/srv/www/a/b/c")
	joined(t, "a/x/../b", "/srv/www/a/b")
}

func TestTheBaseItself(t *testing.T) {
	for _, request := range []string{"", "/", ".", "./", "//", "a/..", "a/../"} {
		joined(t, request, "/srv/www")
	}
}

func TestSlashAtTheEnd(t *testing.T) {
	joined(t, "a/", "/srv/www/a/")
	joined(t, "a/b//", "/srv/www/a/b/")
	joined(t, "a/b/../", "/srv/www/a/")
}

func TestOutsideOfTheBase(t *testing.T) {
	for _, request := range []string{"..", "../", "/..", "a/../..", "a/../../www", "../www/a", "./..", "a/b/../../../c"} {
		if got, err := Join("/srv/www", request); !errors.Is(err, ErrOutside) || got != "" {
			t.Errorf("Join(%q) is %q, %v", request, got, err)
		}
	}
}

func TestDotsInNames(t *testing.T) {
	joined(t, "..a", "/srv/www/..a")
	joined(t, "a../...", "/srv/www/a../...")
}

func TestBackslash(t *testing.T) {
	joined(t, `a\..\b`, `/srv/www/a\..\b`)
}

func TestNul(t *testing.T) {
	if got, err := Join("/srv/www", "a\x00b"); err == nil || got != "" {
		t.Error("a NUL byte is refused")
	}
}
