package compare

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a peer leaves a goroutine behind, in a test or in a
// benchmark: it would take part in the measurements of the peers after it.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}
