#!/bin/bash
# Makes the topics and the rights of every principal: Kafka's at the brokers, the store's as its ACL file. May be repeated.
#   principals.sh FOLDER     FOLDER: the store's secrets, with digests/NAME
set -euo pipefail
store=${1:?expected the folder of the secrets of Redis}
affidavit topics apply --acls
affidavit topics plan --acls --json | node "$(dirname "$0")/redis-users.ts" "$store"
