#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# nginx with a client: workers of another user, sendfile, a proxy, a new configuration, a cache.
set -eu

mkdir root state
chmod 755 . root
seq 200000 >root/numbers
echo '<h1>hello</h1>' >root/index.html
cat >nginx.conf <<END
daemon off;
worker_processes 2;
pid $PWD/pid;
error_log $PWD/error.log notice;
events { worker_connections 64; }
http {
	access_log $PWD/access.log;
	client_body_temp_path $PWD/state/body;
	proxy_temp_path $PWD/state/proxy;
	fastcgi_temp_path $PWD/state/fastcgi;
	uwsgi_temp_path $PWD/state/uwsgi;
	scgi_temp_path $PWD/state/scgi;
	sendfile on;
	aio threads;
	gzip on;
	gzip_types text/plain;
	server {
		listen 8088;
		listen unix:$PWD/socket;
		root $PWD/root;
		location /proxy/ { proxy_pass http://unix:$PWD/socket:/; }
		location /changed { return 200 "before\n"; }
	}
}
END
nginx -e "$PWD/error.log" -c "$PWD/nginx.conf" -p "$PWD" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
get() { curl -sS --max-time 60 "$@"; }
url=http://127.0.0.1:8088

until get -o /dev/null "$url/" 2>/dev/null; do
	kill -0 "$server"
	sleep 0.05
done
get "$url/"
get "$url/numbers" | sha256sum
get "$url/proxy/numbers" | sha256sum
get --compressed "$url/numbers" | sha256sum
get -r 100-119 "$url/numbers" | tr '\n' ' '
echo
get -o /dev/null -w '%{http_code} %{size_download}\n' "$url/missing"
get --unix-socket socket -o /dev/null -w '%{http_code} %{size_download}\n' http://localhost/
printf '%s\n' {1..8} | xargs -P 4 -I{} curl -sS -o /dev/null -w '%{http_code}\n' "$url/numbers?{}" | sort | uniq -c
get "$url/changed"
sed -i 's/before/after/' nginx.conf
kill -HUP "$server"
until [[ $(get "$url/changed") == after ]]; do sleep 0.05; done
echo "reloaded"
kill -QUIT "$server"
status=0
wait "$server" || status=$?
echo "server ended with $status"
grep -cE '\[(emerg|alert|crit|error)\]' error.log | sed 's/^/errors logged: /'
grep -E '\[(emerg|alert|crit)\]' error.log | cut -d']' -f2- | sed 's/[0-9#*]//g' || true
