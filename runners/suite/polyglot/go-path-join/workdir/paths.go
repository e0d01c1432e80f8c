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
	if strings.HasPrefix(request, "..") {
		return "", ErrOutside
	}
	return base + "/" + strings.TrimPrefix(request, "/"), nil
}
