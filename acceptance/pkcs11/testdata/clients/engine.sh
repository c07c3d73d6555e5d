# OpenSSL through libp11's engine: requests, certificates, TLS, CMS, PSS, OAEP.
export OPENSSL_CONF=engine.cnf
key="$URI;object=tls;type=private?pin-source=file:$PWD/pin"
by=(-engine pkcs11 -keyform engine)
openssl req -new "${by[@]}" -key "$key" -subj /CN=a -out a.csr
openssl req -in a.csr -verify -noout
openssl req -x509 "${by[@]}" -key "$key" -subj /CN=CA -addext basicConstraints=critical,CA:true -out ca.pem
openssl x509 -req -in a.csr -CA ca.pem -CAkeyform engine -CAkey "$key" -engine pkcs11 -set_serial 7 -days 3 -out a.pem
openssl verify -CAfile ca.pem a.pem
openssl cms -sign "${by[@]}" -inkey "$key" -signer tls.pem -in engine.cnf -out signed
openssl cms -verify -in signed -CAfile tls.pem -out /dev/null
openssl s_server "${by[@]}" -key "$key" -cert tls.pem -accept 8445 -www >server.log 2>&1 &
serving 8445
for v in 2 3; do openssl s_client -tls1_$v -connect 127.0.0.1:8445 -CAfile tls.pem -verify_return_error </dev/null; done

pkcs11-tool --module "$MODULE" --login --pin env:PIN --keypairgen --key-type rsa:2048 --id 05 --label cms --usage-sign --usage-decrypt
key="$URI;object=cms;type=private?pin-source=file:$PWD/pin"
openssl req -x509 -new "${by[@]}" -key "$key" -subj /CN=cms -days 3 -out cms.pem
openssl cms -encrypt -aes256 -binary -in engine.cnf -out encrypted cms.pem
openssl cms -decrypt -binary "${by[@]}" -inkey "$key" -recip cms.pem -in encrypted -out decrypted
cmp engine.cnf decrypted
pss=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1)
openssl dgst -sha256 "${by[@]}" -sign "$key" "${pss[@]}" -out signature engine.cnf
openssl x509 -in cms.pem -pubkey -noout >cms.pub
openssl dgst -sha256 -verify cms.pub "${pss[@]}" -signature signature engine.cnf
openssl pkeyutl -encrypt -certin -inkey cms.pem -pkeyopt rsa_padding_mode:oaep -in pin -out encrypted
openssl pkeyutl -decrypt "${by[@]}" -inkey "$key" -pkeyopt rsa_padding_mode:oaep -in encrypted -out decrypted
cmp pin decrypted
