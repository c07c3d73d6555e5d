# A certificate of SSH by a CA whose key is on the token, and a login with it.
ssh-keygen -D "$MODULE" | grep ' tls$' >ca.pub
rm -f user user.pub
ssh-keygen -q -t ed25519 -N '' -f user
ssh-keygen -q -D "$MODULE" -s ca.pub -I me -n root user.pub
echo "cert-authority $(cat ca.pub)" >authorities
sshd_for "$PWD/authorities"
ssh -i user server.example.com true
