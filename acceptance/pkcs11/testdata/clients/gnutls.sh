# p11tool and certtool: listings, signatures, generation, certificates; and a server.
export GNUTLS_PIN=$PIN
p11() { p11tool --provider "$MODULE" --batch "$@"; }
key="$URI;object=tls;type=private"
p11 --list-tokens | grep -F "serial=${URI#*serial=}"
p11 --login --list-all "$URI" | grep 'Type: Private key'
p11 --list-mechanisms "$URI" | grep CKM_ECDSA
p11 --login --test-sign "$key"
printf 'cn=a\ndns_name=localhost\nserial=5\nexpiration_days=3\nsigning_key\ntls_www_server\n' >template
certtool --provider "$MODULE" --generate-self-signed --template template --load-privkey "$key" --load-pubkey "$URI;object=tls;type=public" --outfile g.pem
openssl verify -CAfile g.pem -check_ss_sig -partial_chain g.pem
certtool --provider "$MODULE" --generate-request --template template --load-privkey "$key" --load-pubkey "$URI;object=tls;type=public" --outfile g.csr
openssl req -in g.csr -verify -noout
gnutls-serv --provider "$MODULE" --x509keyfile "$key" --x509certfile "$URI;object=tls;type=cert" -p 8446 --echo </dev/null >server.log 2>&1 &
serving 8446
openssl s_client -connect 127.0.0.1:8446 -CAfile tls.pem -verify_return_error </dev/null | grep 'Verification: OK'
p11 --login --generate-privkey ecdsa --curve secp256r1 --label gnutls --outfile gnutls.pub "$URI"
p11 --login --write --load-certificate g.pem --label gcert --id 0f "$URI"
p11 --export "$URI;object=gcert;type=cert" | openssl x509 -noout -subject
p11 --login --delete "$URI;object=gcert;type=cert"
p11 --login --delete "$URI;object=gnutls;type=private"
p11 --generate-random 32 "$URI" >random
