// Package wycheproof judges the arithmetic of the project by the vectors of
// github.com/c2sp/wycheproof, and by samples of NIST's ACVP: private operations on a
// card whose keys were restored to it, the rest where the project itself computes
// or checks. Cloudflare's ML-DSA judges certificates with such keys. It is a module of its own, so that no one else has to load the vectors.
package wycheproof
