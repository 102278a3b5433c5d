#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# git: a repository's life. The dates are fixed, so the names of its commits are, too.
set -eu

export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='2020-01-01T00:00:00Z'
export GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org GIT_COMMITTER_DATE='2020-01-02T00:00:00Z'

git init -q -b main repository
cd repository
for i in $(seq 12); do
	seq "$i" $((i + 200)) >"file$i"
done
git add .
git commit -q -m 'first'
git checkout -q -b side
echo more >>file1
git commit -q -a -m 'side'
git checkout -q main
git mv file2 file-two
git commit -q -m 'main'
git merge -q --no-edit side
git tag -a -m 'a tag' v1
git log --graph --format='%h %an %s' --stat
git status --short
git gc -q --prune=now
git count-objects -v | grep -E '^(in-pack|packs|garbage)'
git fsck --strict 2>&1
git clone -q "file://$PWD" ../clone
git -C ../clone rev-parse HEAD v1
git archive v1 | tar -t | wc -l
git diff --stat HEAD~1 HEAD
git bisect start HEAD 1d109a3 >/dev/null
git bisect run sh -c '! grep -q more file1' | grep 'first bad'
