sshd_for "$PWD/keys.pub"
PAGE 1
grep ecdsa-sha2-nistp256 keys.pub
PAGE 2
