// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The environment: libc's or, for calls that are made before libc knows it, the
//! kernel's, on the initial stack. secure_getenv(3) isn't asked: dietlibc has none.
#![allow(unsafe_code)]

use super::c_text;
use super::libc_symbols::symbols;
use core::ffi::{CStr, c_char};

/// A variable's value; nothing in a secure-execution process (AT_SECURE). `name` ends in
/// `=`.
pub fn variable(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: takes a number, and looks at what the kernel gave the process.
    if unsafe { libc::getauxval(libc::AT_SECURE) } != 0 {
        return None;
    }
    let mut place = variables()?;
    // SAFETY: texts, with a null behind the last. At load no other thread changes
    // the environment, and the value is only looked at before nbclone_at_load or
    // the first call returns.
    unsafe {
        loop {
            let text = place.read();
            if text.is_null() {
                return None;
            }
            if let Some(value) = value_of(text, name.to_bytes()) {
                return Some(c_text(value).to_bytes());
            }
            place = place.add(1);
        }
    }
}

/// What stands behind `name` in `text`, if it begins so.
///
/// # Safety
///
/// `text` ends in a NUL, and the name contains none.
unsafe fn value_of(mut text: *const c_char, name: &[u8]) -> Option<*const c_char> {
    for &byte in name {
        // SAFETY: no byte before this one was the NUL.
        unsafe {
            if text.read() as u8 != byte {
                return None;
            }
            text = text.add(1);
        }
    }
    Some(text)
}

/// Where the addresses of the variables are.
fn variables() -> Option<*const *const c_char> {
    // SAFETY: a word; at that time no other thread changes it.
    let known = unsafe { (&raw const environ).read() };
    if !known.is_null() {
        return Some(known);
    }
    // In a dynamic program on glibc, libc doesn't know it yet when .preinit_array runs.
    let initial_stack = *symbols().libc_stack_end?;
    // SAFETY: argc, and argv with a null behind it, as the kernel has laid them out.
    Some(unsafe { initial_stack.add(*initial_stack + 2) }.cast())
}

unsafe extern "C" {
    static environ: *const *const c_char;
}
