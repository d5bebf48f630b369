// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The environment. libc's own secure_getenv(3) isn't asked: dietlibc has none, and in
//! a dynamic program on glibc it doesn't know the environment yet when .preinit_array
//! runs. Then the environment is on the initial stack, above argc and the arguments,
//! below the auxiliary vector.
#![allow(unsafe_code)]

use super::libc_symbols::symbols;
use core::ffi::{CStr, c_char};

unsafe extern "C" {
    static environ: *const usize;
}

/// A variable's value; nothing in a secure-execution process (AT_SECURE), or where
/// neither libc nor the initial stack tells.
pub fn variable(name: &CStr) -> Option<&'static [u8]> {
    let mut value = None;
    // SAFETY: either libc's environment with a null behind it, which no other thread
    // changes at load; or, untouched as the kernel has laid them out, argc, argv and
    // envp with a null behind each, then pairs of words up to AT_NULL.
    unsafe {
        let mut place = (&raw const environ).read();
        let of_libc = !place.is_null();
        if of_libc {
            if libc::getauxval(libc::AT_SECURE) != 0 {
                return None;
            }
        } else {
            place = *symbols().libc_stack_end?;
            place = place.add(*place + 2);
        }
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
        if of_libc {
            return value;
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
