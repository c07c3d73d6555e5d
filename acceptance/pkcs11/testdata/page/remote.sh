# Who comes from elsewhere has a key of their own.
ssh-keygen -q -t ed25519 -N '' -f other
sshd_for "$PWD/other.pub"
echo "  IdentityFile $PWD/other" >>ssh_config
rm -f /tmp/conclave.socket
PAGE 1
PAGE 2
rm /tmp/conclave.socket
