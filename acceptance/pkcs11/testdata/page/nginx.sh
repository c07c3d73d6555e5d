# Both workers, which were forked, sign.
stop() { kill "$(cat nginx.pid)"; }
PAGE
trap stop EXIT
serving 8444
for _ in $(seq 20); do curl -sSf --cacert tls.pem https://localhost:8444/; done
