// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The part of the seccomp filter that asks about the watched calls.

use super::calls::{Deed, WATCHED, Watched, When};
use crate::bpf::{ARCHITECTURE, ARGUMENTS, EQUAL, LOAD, NUMBER, RETURN, statement, test};
use crate::syscalls::ABIS;

/// `AUDIT_ARCH_*` of the command's own architecture; 0 where nothing can be
/// watched.
pub const NATIVE: u32 = match ABIS {
    [own, ..] => own.audit,
    [] => 0,
};

const ANY_BIT: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const JUMP: u32 = libc::BPF_JMP | libc::BPF_JA;

/// The low half of an argument (all of these are little-endian machines).
fn load(argument: u32) -> libc::sock_filter {
    statement(LOAD, ARGUMENTS + 8 * argument)
}

fn load_high(argument: u32) -> libc::sock_filter {
    statement(LOAD, ARGUMENTS + 8 * argument + 4)
}

/// Asks, or allows, by a call's arguments.
fn decide(when: When, action: u32) -> Vec<libc::sock_filter> {
    let ask = statement(RETURN, action);
    let allow = statement(RETURN, libc::SECCOMP_RET_ALLOW);
    match when {
        When::Always => vec![ask],
        When::NotZero(argument) => vec![
            load(argument),
            test(EQUAL, 0, 0, 3),
            load_high(argument),
            test(EQUAL, 0, 0, 1),
            allow,
            ask,
        ],
        When::AnyBit(argument, bits) => {
            vec![load(argument), test(ANY_BIT, bits, 1, 0), allow, ask]
        }
        When::NoBit(argument, bits) => {
            vec![load(argument), test(ANY_BIT, bits, 0, 1), allow, ask]
        }
        When::OneOf(argument, values) => among(argument, values, ask, allow),
        When::NoneOf(argument, values) => among(argument, values, allow, ask),
    }
}

fn among(
    argument: u32,
    values: &[u32],
    then: libc::sock_filter,
    otherwise: libc::sock_filter,
) -> Vec<libc::sock_filter> {
    let mut filter = vec![load(argument)];
    for (place, &value) in values.iter().enumerate() {
        filter.push(test(EQUAL, value, values.len() - place, 0));
    }
    filter.extend([otherwise, then]);
    filter
}

/// Asks about the watched calls of native programs and goes on to the next
/// instruction for all others. `makes`: about clone and fork too; `action`: what
/// asks.
pub fn instructions(makes: bool, action: u32) -> Vec<libc::sock_filter> {
    let asked = |watched: &&Watched| makes || watched.deed != Deed::Make;
    let mut body = vec![statement(LOAD, NUMBER)];
    for watched in WATCHED.iter().filter(asked) {
        let decision = decide(watched.when, action);
        body.push(test(EQUAL, watched.number, 0, decision.len()));
        body.extend(decision);
    }
    // Too far for a conditional jump.
    let mut filter = vec![
        statement(LOAD, ARCHITECTURE),
        test(EQUAL, NATIVE, 1, 0),
        statement(JUMP, body.len() as u32),
    ];
    filter.extend(body);
    filter
}
