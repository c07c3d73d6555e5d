package tlv_test

import (
	"fmt"
	"log"

	"conclave/tlv"
)

func Example() {
	var b tlv.Builder
	b.AddNested(0x7F21, func(b *tlv.Builder) {
		b.Add(0x42, []byte("ISSUER")).Add(0x5F20, []byte("HOLDER"))
	})
	encoded, err := b.Bytes()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("% X\n", encoded)

	certificate, err := tlv.Find(encoded, 0x7F21)
	if err != nil {
		log.Fatal(err)
	}
	for c := tlv.Cursor(certificate); !c.Empty(); {
		tag, value, _, err := c.Next()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%X: %s\n", tag, value)
	}
	// Output:
	// 7F 21 11 42 06 49 53 53 55 45 52 5F 20 06 48 4F 4C 44 45 52
	// 42: ISSUER
	// 5F20: HOLDER
}
