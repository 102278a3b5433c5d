#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# redis-server with its client and redis-benchmark: threads, forks for snapshots, sockets.
set -eu

redis-server - >server.log 2>&1 <<END &
port 6399
bind 127.0.0.1 ::1
unixsocket $PWD/redis.sock
dir $PWD
save ""
io-threads 2
appendonly yes
END
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
cli() { redis-cli -p 6399 "$@"; }

until [[ -S redis.sock ]] && cli ping >/dev/null 2>&1; do
	kill -0 "$server"
	sleep 0.05
done
cli set key value
cli incrby counter 41
cli incr counter
redis-cli -s "$PWD/redis.sock" get key
cli eval 'return redis.call("get", KEYS[1]) .. "!"' 1 key
for test in set,get,incr lpush,lpop,sadd; do
	redis-benchmark -p 6399 -t "$test" -n 2000 -c 20 -P 4 --csv | cut -d, -f1
done
redis-benchmark -s "$PWD/redis.sock" -t mset -n 500 -c 5 --threads 2 --csv | cut -d, -f1
cli bgrewriteaof
until cli info persistence | grep -q 'aof_rewrite_in_progress:0'; do sleep 0.05; done
cli info persistence | tr -d '\r' | grep -E 'aof_last_(bgrewrite|write)_status'
cli save
redis-check-rdb dump.rdb | grep -c 'Checksum OK'
cli dbsize
cli shutdown nosave || true
status=0
wait "$server" || status=$?
echo "server ended with $status"
grep -ciE 'warning: .*(denied|not permitted|not implemented)' server.log || true
