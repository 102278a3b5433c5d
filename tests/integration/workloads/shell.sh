#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bash: pipes, subshells, substitutions, signals and job control. Says the same each time.
set -u

echo "pipe: $(seq 1 1000 | grep 7 | sort -rn | head -3 | tr '\n' ' ')"
(
	cd / || exit 1
	umask 027
	echo "subshell: $PWD $(umask)"
)
echo "outside: $(umask)"
diff <(seq 1 5) <(seq 2 6) | sed 's/^/process substitution: /'
read -r first second <<<"here string"
echo "$second $first"
cat >file <<-END
	a file
	of two lines
END
chmod 640 file
ln -s file link
mkfifo tube
cat tube &
grep -c two link >tube
wait
stat -c '%n %a %s %F' file link tube
find . -type f -name 'f*' -exec sha256sum {} +
exec 7<>file
flock -n 7 && echo "locked"
if flock -n file true; then echo "locked twice"; else echo "locked once"; fi
exec 7>&-

trap 'echo "caught USR1"' USR1
kill -USR1 $$
(trap 'echo "caught TERM"; exit 3' TERM; kill -TERM "$BASHPID")
echo "status $?"
{ bash -c 'kill -KILL $$; echo "not killed"'; } 2>/dev/null
echo "status $?"
timeout 0.1 sleep 60
echo "status $?"

coproc adder { while read -r a b; do echo $((a + b)); done; }
echo "2 3" >&"${adder[1]}"
read -r sum <&"${adder[0]}"
echo "coprocess: $sum"
eval "exec ${adder[1]}>&-"
wait 2>/dev/null

# A terminal of its own: job control as a person sees it.
cat >jobs.sh <<'END'
set -m
sleep 60 &
first=$!
jobs -r | sed 's/  */ /g'
kill -STOP %1
until jobs -s %1 | grep -q Stopped; do :; done
jobs -s | sed 's/  */ /g'
exec 2>/dev/null
kill %1
kill -CONT %1
wait "$first"
echo "job $?"
{ read -r line; echo "foreground $line"; exit 4; } < <(echo hello) &
fg %% >/dev/null
echo "job $?"
tty | sed 's/[0-9]*$/N/'
END
script -qec 'bash jobs.sh' typescript </dev/null | tr -d '\r'

for i in {1..20}; do
	(exit "$i") &
	started[i]=$!
done
for i in {1..20}; do
	wait "${started[i]}"
	printf '%d ' $?
done
echo
exit 42
