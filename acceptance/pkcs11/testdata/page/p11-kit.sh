# p11-kit shows root the modules of the system alone: here they are those of the page.
PAGE 1
mount --bind .config/pkcs11/modules /usr/share/p11-kit/modules
PAGE 2
p11-kit list-modules | grep '^conclave:'
