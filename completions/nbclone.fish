# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
# Completion of nbclone(1) for fish.

complete -c nbclone -f
complete -c nbclone -l policy -x -a 'strict netbsd host' -d 'Flags that NetBSD does not have'
complete -c nbclone -l trace -d 'One line for each call'
complete -c nbclone -l report -d 'How each call fares on NetBSD'
complete -c nbclone -l full -d 'The report lists everything'
complete -c nbclone -l json -d 'The report as JSON'
complete -c nbclone -l all-calls -d 'Count calls that bypass the library'
complete -c nbclone -a '--all-calls=ptrace --all-calls=listener' -n 'string match -q -- "--all*" (commandline -ct)'
complete -c nbclone -l no-evidence -d 'Do not watch which differences are met'
complete -c nbclone -l no-isolation -d 'No namespaces under policy netbsd'
complete -c nbclone -l lib -r -F -d 'libnbclone.so, or its directory'
complete -c nbclone -l help -d 'What the options mean'
complete -c nbclone -l version -d 'The version'
complete -c nbclone -a '(__fish_complete_subcommand)'
