#!/bin/sh
# Ends what its parent leaves behind, however the parent dies: kill -9 closes stdin too. Lines on stdin:
# "process PID", "ended PID", "folder PATH", "removed PATH".
pids=' '
folders=$(mktemp)
while read -r verb what; do
	case $verb in
	process) pids="$pids$what " ;;
	ended) pids="${pids%% "$what" *} ${pids#* "$what" }" ;;
	folder) echo "$what" >>"$folders" ;;
	removed) grep -Fxv -- "$what" "$folders" >"$folders.rest"; mv "$folders.rest" "$folders" ;;
	esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
[ "$pids" = ' ' ] || sleep 0.3
while read -r folder; do rm -rf -- "$folder"; done <"$folders"
rm -f "$folders" "$folders.rest"
