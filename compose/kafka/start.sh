#!/bin/bash
# The broker by the distribution's own scripts: its folder is formatted once, and left alone from then on.
set -euo pipefail
config=/etc/affidavit/server.properties
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id YWZmaWRhdml0LWZsZWV0cw --config "$config"
exec /opt/kafka/bin/kafka-server-start.sh "$config"
