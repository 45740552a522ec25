#!/bin/bash
# Lets a host sign with a key, unless it may already: a key that was entered once is never entered again.
#   enroll.sh HOST PUBLIC_KEY
set -euo pipefail
host=${1:?expected the node name in the events}
public_key=${2:?expected the file of the public key}
key_id=$(sha256sum < "$public_key" | cut -c1-64)
known=$(affidavit hosts list --json)
if grep -F "\"$key_id\"" <<< "$known" | grep -qF "\"$host\""; then exit 0; fi
exec affidavit hosts enroll "$host" --public-key "$public_key"
