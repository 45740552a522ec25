#!/bin/bash
# Makes, once, the keys, certificates and passwords by which the members of a fleet on one machine know each other: each member
# gets a folder of its own, and nothing of the others. What is there is left alone; with `renew` the certificates are made anew.
#   secrets.sh FOLDER [renew]
set -euo pipefail
umask 077
base=${1:?expected the folder of the secrets}
renew=${2:-}
days=825
services='correlate detect sign alert'
base=$(realpath "$base")
authority=$base/authority
mkdir -p "$authority"
# No configuration file but the defaults: keys go where --data says.
unset AFFIDAVIT_CONFIG
cd "$authority"

if [ ! -f "$authority/ca.pem" ]; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$authority/ca.key" -out "$authority/ca.new" \
		-days 3650 -subj '/CN=affidavit fleet' -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
	mv "$authority/ca.new" "$authority/ca.pem"
fi

# certificate FOLDER FILE NAME: FILE.key and FILE.crt for CN=NAME.
certificate() {
	local folder=$base/$1 file=$base/$1/$2 name=$3
	mkdir -p "$folder"
	install -m 0644 "$authority/ca.pem" "$folder/ca.pem"
	if [ -f "$file.crt" ] && [ "$renew" != renew ]; then return; fi
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$file.key.new" -out "$file.csr" -subj "/CN=$name" 2>/dev/null
	printf 'subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n' \
		"$name" > "$file.ext"
	openssl x509 -req -in "$file.csr" -CA "$authority/ca.pem" -CAkey "$authority/ca.key" -CAcreateserial -out "$file.crt.new" \
		-days "$days" -extfile "$file.ext" 2>/dev/null
	rm "$file.csr" "$file.ext"
	mv "$file.key.new" "$file.key"
	mv "$file.crt.new" "$file.crt"
}

# secret FILE: 32 random bytes in hex, unless it is there.
secret() {
	[ -f "$1" ] || { openssl rand -hex 32 > "$1.new" && mv "$1.new" "$1"; }
}

certificate kafka server kafka
cat "$base/kafka/server.key" "$base/kafka/server.crt" > "$base/kafka/kafka.pem"
certificate redis redis redis
for name in $services agent operator admin; do certificate "$name" kafka "$name"; done

# The store keeps digests of the passwords: setup/redis-users.ts makes its ACL file of them.
mkdir -p "$base/redis/digests"
for name in $services; do
	secret "$base/$name/redis-password"
	tr -d '\n' < "$base/$name/redis-password" | openssl dgst -sha256 -r | cut -c1-64 > "$base/redis/digests/$name"
done
secret "$base/redis/admin-password"
tr -d '\n' < "$base/redis/admin-password" | openssl dgst -sha256 -r | cut -c1-64 > "$base/redis/digests/admin"

# Seals, signatures of attestations and of hosts.
# shellcheck disable=SC2086
affidavit keys service $services operator --trust --data "$authority" > /dev/null
for name in signing host; do
	[ -f "$authority/keys/$name.pem" ] || affidavit keys create "$name" --data "$authority" > /dev/null
done
for name in $services operator; do
	install -m 0400 "$authority/keys/$name.pem" "$base/$name/seal.pem"
	mkdir -p "$base/$name/trusted"
	install -m 0444 "$authority/keys/trusted/"*.pub.pem "$base/$name/trusted/"
done
install -m 0400 "$authority/keys/signing.pem" "$base/sign/signing.pem"
install -m 0444 "$authority/keys/signing.pub.pem" "$base/sign/signing.pub.pem"
# The agent writes its mark beside its key (docs/agent.md): the file stays its own.
[ -f "$base/agent/host.pem" ] || install -m 0600 "$authority/keys/host.pem" "$base/agent/host.pem"
install -m 0444 "$authority/keys/host.pub.pem" "$base/operator/host.pub.pem"
[ -f "$base/alert/webhook-secret" ] || printf 'whsec_%s\n' "$(openssl rand -base64 32)" > "$base/alert/webhook-secret"

mkdir -p "$base/grafana"
secret "$base/grafana/admin-password"

# The users of the images: apache/kafka, redis, grafana, affidavit. Who is not root gets files of its own.
if [ "$(id -u)" = 0 ]; then
	chown -R 1000:1000 "$base/kafka"
	chown -R 999:999 "$base/redis"
	chown -R 472:472 "$base/grafana"
	for name in $services operator admin; do chown -R 10001:10001 "$base/$name"; done
fi
