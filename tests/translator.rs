// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The translator against an oracle that shares no code with it: all 2^32 flag words
//! under each policy, and Linux 1.x's.

#[path = "../src/flags.rs"]
#[allow(dead_code)]
mod flags;
#[path = "../src/policy.rs"]
#[allow(dead_code)]
mod policy;

use policy::{Policy, Refusal, translate, translate_linux1};

/// The contract, written from the manual: the host's flags for the flags of a
/// word (its upper 24 bits), or `None` for EINVAL. It takes them bit by bit,
/// where the translator uses masks.
fn oracle_flags(policy: Policy, word: u32) -> Option<u32> {
    let mut host = 0u32;
    let (mut memory, mut handlers) = (false, false);
    for bit in (8..32).filter(|bit| word >> bit & 1 == 1) {
        match bit {
            _ if policy == Policy::Host => {}
            8 => memory = true,                           // CLONE_VM
            9 | 10 | 14 => {}                             // CLONE_FS, FILES, VFORK
            11 => handlers = true,                        // CLONE_SIGHAND
            13 => return None,                            // CLONE_PTRACE
            _ if policy == Policy::Strict => return None, // not NetBSD's
            _ => continue,                                // ignored
        }
        host += 1 << bit;
    }
    (memory || !handlers).then_some(host)
}

/// And for its exit signal.
fn oracle_signal(policy: Policy, signal: u32) -> Option<u32> {
    (signal <= 64 || policy == Policy::Host).then_some(signal)
}

fn agrees(policy: Policy) {
    let check = |flags: std::ops::Range<u32>| {
        for flags in flags.map(|flags| flags << 8) {
            let host_flags = oracle_flags(policy, flags);
            for signal in 0..256 {
                let oracle = host_flags.zip(oracle_signal(policy, signal));
                let said = translate(policy, flags + signal).ok();
                let word = flags + signal;
                assert!(said == oracle.map(|(a, b)| a + b), "{policy:?} {word:#x}: {said:?}");
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| check(0..1 << 23));
        scope.spawn(|| check(1 << 23..1 << 24));
    });
}

#[test]
fn strict_agrees_on_every_word() {
    agrees(Policy::Strict);
}

#[test]
fn netbsd_agrees_on_every_word() {
    agrees(Policy::Netbsd);
}

#[test]
fn host_changes_no_word() {
    agrees(Policy::Host);
}

/// A policy that is added fails here until it has its test above.
#[test]
fn each_policy_has_its_test() {
    assert_eq!(
        Policy::ALL.map(Policy::name),
        ["strict", "netbsd", "host"],
        "CONTRIBUTING.md, \"A policy\", says what else a policy needs"
    );
}

#[test]
fn every_refusal_has_its_reason() {
    let reason = |policy, word| translate(policy, word).unwrap_err();
    assert_eq!(reason(Policy::Strict, 0x2000_0011), Refusal::Unimplemented(0x2000_0000));
    assert_eq!(reason(Policy::Netbsd, 0x2000_2011), Refusal::Ptrace);
    assert_eq!(reason(Policy::Strict, 0x811), Refusal::SighandWithoutVm);
    assert_eq!(reason(Policy::Netbsd, 0x141), Refusal::ExitSignal(65));
}

/// Every word of 32 bits and every single bit above, on either stack.
#[test]
fn linux1_agrees_on_every_word() {
    let oracle = |word: u64, own_stack: bool| {
        let (signal, flags) = (word & 0xff, word >> 8);
        let host = match flags {
            // 1.x: COPYVM or not, COPYFD or not.
            0 | 2 => Some(if own_stack { 0 } else { 0x100 }),
            1 | 3 => Some(0),
            // 1.3's four bits, which the headers mark.
            0xc000..=0xc00f if own_stack => Some((flags & 6) << 8),
            0xc000..=0xc00f => Some((flags & 15) << 8),
            _ => None,
        };
        host.filter(|_| signal <= 64).map(|host| (host + signal) as u32)
    };
    for own_stack in [false, true] {
        let agrees = |word: u64| {
            let said = translate_linux1(word as usize, own_stack).ok();
            assert!(said == oracle(word, own_stack), "{word:#x} {own_stack}: {said:?}");
        };
        (0..=u64::from(u32::MAX)).for_each(agrees);
        (32..64).for_each(|bit| agrees(1 << bit | 0x111));
        (32..64).for_each(|bit| agrees(1 << bit | 0xc0_0111));
    }
}
