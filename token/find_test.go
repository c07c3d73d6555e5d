package token

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"conclave/internal/curve"
	"conclave/token/cryptoki"
	"conclave/wire"
)

// drawObjects are objects with few labels, IDs and classes, so that some are alike.
func drawObjects(t *rapid.T) (objects []*object) {
	for i := range rapid.IntRange(0, 40).Draw(t, "objects") {
		c := rapid.SampledFrom([]cryptoki.Class{cryptoki.ClassPublicKey, cryptoki.ClassPrivateKey, cryptoki.ClassData}).Draw(t, "class")
		attributes := storage(c, rapid.Bool().Draw(t, "private"), rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "label"))
		if c != cryptoki.ClassData {
			attributes = append(attributes, octets(cryptoki.AttrID, rapid.SliceOfN(rapid.ByteRange(0, 1), 0, 2).Draw(t, "id")))
			attributes = append(attributes, sensitive(cryptoki.AttrValue)...)
		}
		objects = append(objects, &object{handle: cryptoki.Handle(i + 1), class: c, attributes: attributes})
	}
	return objects
}

func drawTemplate(t *rapid.T) (template cryptoki.Template) {
	candidates := cryptoki.Template{
		class(cryptoki.ClassPrivateKey), class(cryptoki.ClassData), class(cryptoki.ClassSecretKey), octets(cryptoki.AttrLabel, "a"), octets(cryptoki.AttrLabel, ""),
		octets(cryptoki.AttrID, []byte{0}), octets(cryptoki.AttrID, ""), flag(cryptoki.AttrPrivate, true), octets(cryptoki.AttrValue, ""), octets(cryptoki.AttrClass, "x"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "attributes") {
		template = append(template, rapid.SampledFrom(candidates).Draw(t, "attribute"))
	}
	return template
}

// TestFindIsASearchThroughAll: the index finds what looking at each object does.
func TestFindIsASearchThroughAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		objects, template := drawObjects(t), drawTemplate(t)
		var want []*object
		for _, o := range objects {
			fits := true
			for _, a := range template {
				value, found := o.attributes.Find(a.Type)
				fits = fits && found && value != nil && string(value) == string(a.Value)
			}
			if fits {
				want = append(want, o)
			}
		}
		if got := newListing(objects).find(template); !slices.Equal(got, want) {
			t.Fatalf("%d objects found, %d fit", len(got), len(want))
		}
	})
}

// BenchmarkFind finds a private key by its ID, as an application does.
func BenchmarkFind(b *testing.B) {
	p256, err := curve.ByName("secp256r1")
	if err != nil {
		b.Fatal(err)
	}
	public := wire.ECPublicKey(p256, p256.G)
	for _, n := range []int{200, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newTestSession(b)
			var objects []*object
			for i := range n / 2 {
				k := &keyDescription{kind: wire.KeyEC, bits: 256, label: fmt.Sprint(i), id: []byte{byte(i >> 8), byte(i)}, usage: wire.UsageSign, public: &public}
				objects = append(objects,
					&object{handle: cryptoki.Handle(2*i + 1), class: cryptoki.ClassPrivateKey, attributes: k.privateKey(), public: &public, ref: 1},
					&object{handle: cryptoki.Handle(2*i + 2), class: cryptoki.ClassPublicKey, attributes: k.publicKey(), public: &public, ref: 1})
			}
			if _, err := s.Find(nil); err != nil {
				b.Fatal(err)
			}
			s.slot.objects().now = newListing(objects)
			template := cryptoki.Template{class(cryptoki.ClassPrivateKey), octets(cryptoki.AttrID, []byte{0, 50})}
			for b.Loop() {
				records, err := s.Find(template)
				if err != nil || len(records) != 1 {
					b.Fatal(len(records), err)
				}
			}
		})
	}
}

// BenchmarkDirectory reads a device with many objects: at first, and after a key has
// changed.
func BenchmarkDirectory(b *testing.B) {
	s := newTestSession(b)
	for i := range 250 {
		generate(b, s, "ec:secp256r1", fmt.Sprint("key ", i), byte(i>>8), byte(i))
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			s.slot.mu.Lock()
			s.slot.directory = nil
			s.slot.mu.Unlock()
			if records, err := s.Find(nil); err != nil || len(records) != 500 {
				b.Fatal(len(records), err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			s.slot.objects().again()
			if records, err := s.Find(nil); err != nil || len(records) != 500 {
				b.Fatal(len(records), err)
			}
		}
	})
}
