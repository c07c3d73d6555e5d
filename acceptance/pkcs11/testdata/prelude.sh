# Comes before each script: the first command that fails ends it, and what it has started.
set -eEuo pipefail
trap 'echo "line $LINENO failed: $BASH_COMMAND" >&2' ERR
trap 'kill $(jobs -p) ${P11_KIT_SERVER_PID:-} 2>/dev/null || :' EXIT
# serving PORT waits until someone listens there.
serving() { until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do sleep 0.05; done; }
# sshd_for KEYS is server.example.com, where the owners of KEYS may log in.
sshd_for() {
  mkdir -p /run/sshd
  [ -e host ] || ssh-keygen -q -t ed25519 -N '' -f host
  /usr/sbin/sshd -D -e -f /dev/null -h "$PWD/host" -p 2222 -o ListenAddress=127.0.0.1 -o AuthorizedKeysFile="$1" -o StrictModes=no \
    -o PermitRootLogin=yes -o UsePAM=no -o PasswordAuthentication=no -o PidFile=none 2>sshd.log &
  echo "Host server.example.com
  HostName 127.0.0.1
  Port 2222
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  PasswordAuthentication no
  KbdInteractiveAuthentication no" >ssh_config
  serving 2222
}
