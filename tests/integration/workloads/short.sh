#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# short.sh NAME: a moment of real work, which says the same each time. What a program does only when
# it has to wait is done once in any case: so a profile that was learned from one run holds another.
set -eu

case $1 in
redis)
	redis-server --port 0 --unixsocket "$PWD/sock" --dir "$PWD" --save "" >log 2>&1 &
	server=$!
	cli() { redis-cli -s "$PWD/sock" "$@"; }
	sleep 0.2
	until [[ $(cli ping 2>/dev/null) == PONG ]]; do sleep 0.05; done
	cli set key value
	cli get key
	cli save
	cli shutdown nosave || true
	wait "$server"
	;;
nginx)
	mkdir root state
	echo '<h1>hello</h1>' >root/index.html
	cat >nginx.conf <<-END
		daemon off;
		pid $PWD/pid;
		user root;
		events { worker_connections 64; }
		http {
			access_log $PWD/access.log;
			client_body_temp_path $PWD/state/body;
			proxy_temp_path $PWD/state/proxy;
			fastcgi_temp_path $PWD/state/fastcgi;
			uwsgi_temp_path $PWD/state/uwsgi;
			scgi_temp_path $PWD/state/scgi;
			server { listen unix:$PWD/socket; root $PWD/root; }
		}
	END
	nginx -e "$PWD/error.log" -c "$PWD/nginx.conf" -p "$PWD" &
	server=$!
	get() { curl -sS --max-time 60 --unix-socket socket http://localhost/"$1"; }
	sleep 0.2
	until get "" >/dev/null 2>&1; do sleep 0.05; done
	get ""
	get missing | grep -c 404
	kill -QUIT "$server"
	wait "$server"
	;;
git)
	export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a \
		GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='@1 +0000' GIT_COMMITTER_DATE='@1 +0000'
	git init -q -b main .
	seq 1000 >numbers
	git add numbers
	git commit -q -m first
	git log --stat --format=%H | cat
	git fsck --strict 2>/dev/null
	;;
compile)
	printf '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n' >hello.c
	gcc -O1 -o hello hello.c
	./hello
	;;
python)
	exec /usr/bin/python3 - "${2:-}" <<-'END'
		import socket, sys, threading
		with socket.create_server(("127.0.0.1", 0)) as server:
		    def serve():
		        there, _ = server.accept()
		        with there:
		            there.sendall(there.recv(100).upper())
		    thread = threading.Thread(target=serve)
		    thread.start()
		    with socket.create_connection(server.getsockname()) as here:
		        here.settimeout(60)
		        here.sendall(b"hello")
		        print(here.recv(100).decode())
		    thread.join()
		one, other = socket.socketpair()
		one.send(b"pair")
		print(other.recv(100).decode())
		if sys.argv[1]:
		    try:
		        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
		        print("made")
		    except OSError as error:
		        print(error.strerror)
	END
	;;
esac
