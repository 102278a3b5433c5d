# SPDX-License-Identifier: LGPL-2.1-or-later
"""What secmapctl bench measures on one processor: scenarios of bench/scenario.cpp."""

NAMES = (
    "plain_allow", "podman_allow", "podman_argument", "podman_denied", "podman_unknown",
    "deny_list", "set_first", "set_last", "set_mean", "set_absent", "bits_mean",
    "stack_plain", "stack_argument", "stack_denied", "fork_exit", "thread",
    "attach", "attach_create", "attach_made", "replace", "replace_set", "build_table", "notify",
)
