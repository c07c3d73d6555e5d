package transcript_test

import "testing"

// TestTranscriptOutlivesTheDisk writes on a disk that loses power, and on one that
// fails.
func TestTranscriptOutlivesTheDisk(t *testing.T) { orders().Run(t) }
