// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The environment as the kernel gives it: on the initial stack, above argc and
//! the arguments, below the auxiliary vector. For calls that are made before libc
//! knows it.
#![allow(unsafe_code)]

use super::libc_symbols::symbols;
use core::ffi::{CStr, c_char};

/// A variable's value; nothing in a secure-execution process, or where the place
/// of the initial stack isn't known.
pub fn variable(name: &CStr) -> Option<&'static [u8]> {
    let mut value = None;
    let mut place = *symbols().libc_stack_end?;
    // SAFETY: argc, argv and envp with a null behind each, then pairs of words up
    // to AT_NULL, as the kernel has laid them out; nobody has changed them yet.
    unsafe {
        place = place.add(*place + 2);
        while *place != 0 {
            let variable = core::ptr::with_exposed_provenance::<c_char>(*place);
            let text = CStr::from_ptr(variable).to_bytes();
            if let Some((start, rest)) = text.split_at_checked(name.count_bytes()) {
                // Not `==`, which is bcmp(3).
                if start.iter().eq(name.to_bytes()) {
                    value = value.or(rest.strip_prefix(b"="));
                }
            }
            place = place.add(1);
        }
        place = place.add(1);
        while *place != libc::AT_NULL as usize {
            if *place == libc::AT_SECURE as usize && *place.add(1) != 0 {
                return None;
            }
            place = place.add(2);
        }
    }
    value
}
