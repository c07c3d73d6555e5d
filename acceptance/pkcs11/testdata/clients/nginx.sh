# nginx as a service: its workers are another user's, who reaches an agent for the group.
# After a reload others take their place.
mkdir -p /run/conclave-test
chmod 755 "$PWD"
trap 'kill $(jobs -p) $(cat nginx.pid); rm -rf /run/conclave-test' EXIT
export CONCLAVE_AGENT=/run/conclave-test/agent.sock
XDG_DATA_HOME=$PWD/service "$CONCLAVE" hsm create
XDG_DATA_HOME=$PWD/service "$CONCLAVE" hsm init --pin file:pin --so-pin env:SOPIN
XDG_DATA_HOME=$PWD/service "$CONCLAVE" agent --group www-data --socket "$CONCLAVE_AGENT" >agent.log &
grep -q . <(tail -n +1 -f agent.log)
pkcs11-tool --module "$MODULE" --login --pin env:PIN --keypairgen --key-type rsa:2048 --id 01 --label web
key="pkcs11:object=web;type=private?pin-value=$PIN"
OPENSSL_CONF=engine.cnf openssl req -x509 -engine pkcs11 -keyform engine -key "$key" -subj /CN=localhost -addext subjectAltName=DNS:localhost -out web.pem
cat >service.conf <<end
user www-data;
worker_processes 2;
pid $PWD/nginx.pid;
error_log $PWD/nginx.log info;
ssl_engine pkcs11;
env CONCLAVE_AGENT;
events {}
http {
    access_log off;
    server {
        listen 8447 ssl reuseport;
        ssl_certificate $PWD/web.pem;
        ssl_certificate_key "engine:pkcs11:$key";
        return 200 "\$pid\n";
    }
}
end
OPENSSL_CONF=$PWD/engine.cnf nginx -c "$PWD/service.conf"
serving 8447
ask() { for _ in $(seq 30); do curl -sSf --cacert web.pem https://localhost:8447/; done | sort | uniq -c; }
ask | tee before
[ "$(wc -l <before)" = 2 ]
[ "$(ps -o user= -p "$(awk 'NR == 1 { print $2 }' before)")" = www-data ]
kill -HUP "$(cat nginx.pid)"
until ask | tee after && [ "$(wc -l <after)" = 2 ] && ! grep -wf <(awk '{ print $2 }' before) after; do :; done
! grep -E 'signal 11|core dumped' nginx.log
