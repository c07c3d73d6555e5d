# keytool and jarsigner, with RSA and EC keys that keytool makes.
slot=$("$CONCLAVE" pkcs11 info java | sed -n 's/^slot = //p')
printf 'name = conclave\nlibrary = %s\nslot = %s\n' "$MODULE" "$slot" >java.cfg
store=(-keystore NONE -storetype PKCS11 -storepass:file pin -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC)
tool() { keytool "${store[@]}" -addprovider SunPKCS11 -providerArg java.cfg -providerName SunPKCS11-conclave "$@"; }
echo a >a
for how in 'EC -groupname secp384r1' 'RSA -keysize 2048'; do
  alias=java-${how%% *}
  # shellcheck disable=SC2086 # two words
  tool -genkeypair -alias "$alias" -keyalg $how -dname CN="$alias" -validity 30
  tool -certreq -alias "$alias" -file request
  openssl req -in request -verify -noout
  rm -f a.jar
  jar cf a.jar a
  jarsigner "${store[@]}" -providerClass sun.security.pkcs11.SunPKCS11 -providerArg java.cfg a.jar "$alias"
  jarsigner -verify a.jar | grep 'jar verified'
  pkcs11-tool --module "$MODULE" --login --pin env:PIN -O --type privkey | grep -i "label: *$alias"
  tool -delete -alias "$alias"
done
