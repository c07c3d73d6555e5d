# Through p11-kit's proxy, and through its server and its client: listings and signatures.
mount -t tmpfs tmpfs /usr/share/p11-kit/modules
echo "module: $MODULE" >/usr/share/p11-kit/modules/conclave.module
folder=$("$CONCLAVE" pkcs11 info remote | sed -n 's|.*--module \(.*\)/p11-kit-client.so .*|\1|p')
label=$("$CONCLAVE" pkcs11 info --json | sed -n 's/^  "label": "\(.*\)",$/\1/p')
sign() { pkcs11-tool --module "$1" --token-label "$label" --login --pin env:PIN --sign -m ECDSA --signature-format openssl --label tls -i in32 -o signature; }
head -c 32 /dev/urandom >in32
openssl x509 -in tls.pem -pubkey -noout >tls.pub
sign "$folder/../p11-kit-proxy.so"
openssl pkeyutl -verify -pubin -inkey tls.pub -sigfile signature -in in32
eval "$(p11-kit server --name "$PWD/server.socket" --provider "$MODULE" "$URI")"
# It says where it listens before it does, and without it the client has no slots.
for _ in {1..200}; do pkcs11-tool --module "$folder/p11-kit-client.so" -L | grep -qF "$label" && break; sleep 0.05; done
sign "$folder/p11-kit-client.so"
openssl pkeyutl -verify -pubin -inkey tls.pub -sigfile signature -in in32
