PAGE
keytool -keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerArg java.cfg -storepass:file pin -list | tee list
grep -i '^tls, *PrivateKeyEntry' list
grep -i '^code, *PrivateKeyEntry' list
