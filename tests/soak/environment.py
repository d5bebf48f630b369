"""NBCLONE_* with anything in it: the policy that is in force then is told by an
oracle of its own, and the program of random calls checks it.

    environment.py RANDOM SEED ROUNDS

Exactly "strict", "netbsd" and "host" name a policy; nothing, or the empty
value, is strict; all else is strict and said once on stderr."""

import os
import random
import subprocess
import sys

program, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
KNOWN = [b"strict", b"netbsd", b"host"]
LONGEST = 100 * 1024        # the kernel takes 128 KiB a string


def bytes_of(length):
    return bytes(chance.randrange(1, 256) for _ in range(length))


def value():
    kind = chance.randrange(8)
    if kind < 3:
        return KNOWN[kind]
    word = chance.choice(KNOWN)
    return [None, b"", word + chance.choice([b" ", b"\n", b"x", word]),
            word[:chance.randrange(1, len(word))],
            chance.choice([word.upper(), b" " + word, bytes_of(chance.randrange(1, 60)),
                           b"A" * LONGEST, bytes_of(LONGEST // 8) * 8])][kind - 3]


wrong = 0
for turn in range(rounds):
    environment = {b"LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"].encode()}
    policy = value()
    if policy is not None:
        environment[b"NBCLONE_POLICY"] = policy
    # Names that are close, and bulk: up to 1.5 MB of it.
    for name in (b"NBCLONE_POLICIES", b"NBCLONE_", b"NBCLONE_POLIC", b"nbclone_policy"):
        environment[name] = chance.choice(KNOWN)
    for number in range(chance.randrange(15) if turn % 4 == 0 else 0):
        environment[b"NBCLONE_X%d" % number] = b"B" * LONGEST
    expected = policy if policy in KNOWN else b"strict"
    result = subprocess.run([program, expected.decode(), str(seed + turn), "60"],
                            env=environment, capture_output=True, timeout=60)
    said = result.stderr.count(b"NBCLONE_POLICY")
    should_say = int(policy not in (None, b"", *KNOWN))
    if result.returncode != 0 or said != should_say:
        wrong += 1
        print(f"WRONG: NBCLONE_POLICY={(policy or b'')[:40]!r}: said {said} times; "
              f"{result.stdout[-200:]!r} {result.stderr[-300:]!r}")
print(f"{rounds} environments, {wrong} wrong")
sys.exit(wrong != 0)
