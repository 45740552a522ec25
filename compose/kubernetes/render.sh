#!/bin/bash
# The plain manifests are the chart's, without what only Helm reads.
#   render.sh [FOLDER]     writes FOLDER/services.yaml and FOLDER/agents.yaml; default: beside this script
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
to=${1:-$here}
for part in services agents; do
	namespace=affidavit
	[ "$part" = services ] || namespace=affidavit-agents
	{
		printf '# Rendered by render.sh from ../helm/affidavit and %s-values.yaml.\n' "$part"
		helm template affidavit "$here/../helm/affidavit" --namespace "$namespace" --values "$here/$part-values.yaml" |
			grep -vE '^# Source: |helm\.sh/|app\.kubernetes\.io/managed-by: '
	} > "$to/$part.yaml"
done
