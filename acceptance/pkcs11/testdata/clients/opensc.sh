# pkcs11-tool: its own tests, each mechanism, and all kinds of objects.
p11() { pkcs11-tool --module "$MODULE" --login --pin env:PIN "$@"; }
p11 --keypairgen --key-type rsa:2048 --id 02 --label rsa --usage-sign --usage-decrypt
p11 --keypairgen --key-type EC:prime256v1 --id 03 --label ec --usage-sign --usage-derive
p11 --read-object --type pubkey --id 02 -o rsa.der
p11 --read-object --type pubkey --id 03 -o ec.der
openssl pkey -pubin -inform DER -in rsa.der -out rsa.pub
openssl pkey -pubin -inform DER -in ec.der -out ec.pub

p11 --test | tee tested
! grep -iE 'ERR|[1-9][0-9]* errors' tested
pkcs11-tool --module "$MODULE" --test-fork
pkcs11-tool --module "$MODULE" -M

head -c 20 /dev/urandom >in20
head -c 32 /dev/urandom >in32
head -c 5000 /dev/urandom >text
for m in RSA-PKCS:02:in20 SHA1-RSA-PKCS:02:text SHA256-RSA-PKCS:02:text SHA384-RSA-PKCS:02:text SHA512-RSA-PKCS:02:text SHA256-RSA-PKCS-PSS:02:text \
  SHA512-RSA-PKCS-PSS:02:text ECDSA:03:in32 ECDSA-SHA1:03:text ECDSA-SHA256:03:text ECDSA-SHA384:03:text; do
  IFS=: read -r mechanism id in <<<"$m"
  p11 --sign -m "$mechanism" --id "$id" -i "$in" -o signature
  p11 --verify -m "$mechanism" --id "$id" -i "$in" --signature-file signature | grep 'Signature is valid'
done
p11 --sign -m ECDSA-SHA256 --signature-format openssl --id 03 -i text -o signature
openssl dgst -sha256 -verify ec.pub -signature signature text

{ printf '\0'; head -c 255 /dev/urandom; } >in256
for m in RSA-PKCS:pkcs1:in32 RSA-PKCS-OAEP:oaep:in32:--hash-algorithm=SHA-1 RSA-X-509:none:in256; do
  IFS=: read -r mechanism padding in option <<<"$m"
  openssl pkeyutl -encrypt -pubin -inkey rsa.pub -pkeyopt rsa_padding_mode:"$padding" -in "$in" -out encrypted
  p11 --decrypt -m "$mechanism" ${option:+"$option"} --id 02 -i encrypted -o decrypted
  cmp "$in" decrypted
done

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out peer
openssl pkey -in peer -pubout -outform DER -out peer.der
p11 --derive -m ECDH1-DERIVE --id 03 -i peer.der -o agreed
openssl pkeyutl -derive -inkey peer -peerkey ec.pub -out expected
cmp agreed expected

p11 --write-object text --type data --label note --application-label test
p11 --read-object --type data --label note -o read
cmp text read
p11 --delete-object --type data --label note
p11 --id 03 --set-id 13 --type privkey
p11 --id 13 --set-id 03 --type privkey
p11 --generate-random 64 -o random
p11 --hash -m SHA256 -i text -o hash
openssl dgst -sha256 -binary text | cmp - hash
p11 --keypairgen --key-type rsa:3072 --id 33 --label other
p11 --delete-object --type privkey --id 33
p11 -O --type privkey | tee left
! grep -F 'ID:         33' left
