# The server demands a certificate, and knows the one of the key.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -keyout server.key -out server.pem
openssl s_server -accept 8443 -key server.key -cert server.pem -CAfile tls.pem -Verify 1 -verify_return_error -www >server.log 2>&1 &
serving 8443
PAGE
