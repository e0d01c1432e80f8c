// Package paths puts paths from requests below a folder.
package paths

import (
	"errors"
	"strings"
)

// ErrOutside says that a request wants to leave its folder.
var ErrOutside = errors.New("the path leaves its folder")

// Join returns request as a clean path below base.
func Join(base, request string) (string, error) {
	if strings.Contains(request, "\x00") {
		return "", ErrOutside
	}
	var kept []string
	for _, segment := range strings.Split(request, "/") {
		switch segment {
		case "", ".":
		case "..":
			if len(kept) == 0 {
				return "", ErrOutside
			}
			kept = kept[:len(kept)-1]
		default:
			kept = append(kept, segment)
		}
	}
	if len(kept) == 0 {
		return base, nil
	}
	joined := base + "/" + strings.Join(kept, "/")
	if strings.HasSuffix(request, "/") {
		joined += "/"
	}
	return joined, nil
}
