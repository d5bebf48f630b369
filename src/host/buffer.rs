// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Bytes on the stack that are written before they are read. An array of
//! zeroes would call memset(3), which a program can put its own in place of.
#![allow(unsafe_code)]

use super::c_text;
use crate::target::LOSES_STACK_INDEX;
use core::ffi::CStr;
use core::mem::MaybeUninit;

/// Room for `N` bytes, the first of which hold something.
// In this order: a short distance to the length makes shorter instructions.
#[repr(C)]
pub struct Buffer<const N: usize> {
    length: usize,
    bytes: MaybeUninit<[u8; N]>,
}

impl<const N: usize> Buffer<N> {
    /// One that is empty.
    #[inline(always)]
    pub const fn new() -> Buffer<N> {
        Buffer { bytes: MaybeUninit::uninit(), length: 0 }
    }

    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        let start = indexable(self.bytes.as_ptr().cast());
        // SAFETY: the first `length` bytes, N at most, have been written.
        unsafe { core::slice::from_raw_parts(start, self.length) }
    }

    /// What it holds as text for C, with a NUL that this adds. `None`: there is no room
    /// for it.
    pub fn terminated(&mut self) -> Option<&CStr> {
        // SAFETY: there is a NUL among the bytes that have been written.
        self.push(0).then(|| unsafe { c_text(self.bytes.as_ptr().cast()) })
    }

    /// The bytes, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nothing else refers to them meanwhile.
        unsafe {
            core::slice::from_raw_parts_mut(indexable(self.bytes.as_mut_ptr().cast()), self.length)
        }
    }

    /// Adds a byte. False: there is no room for it.
    pub fn push(&mut self, byte: u8) -> bool {
        let is_room = self.length < N;
        if is_room {
            // SAFETY: within the N bytes. Volatile: a loop of these stays one,
            // and becomes no memset(3) or memcpy(3).
            unsafe {
                let start: *mut u8 = indexable(self.bytes.as_mut_ptr().cast());
                start.add(self.length).write_volatile(byte)
            };
            self.length += 1;
        }
        is_room
    }

    /// Adds as many of `bytes` as there is room for.
    #[inline(always)]
    pub fn extend(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.push(byte);
        }
    }

    /// Adds as much of `text` as there is room for.
    // By its address alone: a length would be a fourth of each of many calls.
    #[inline(always)]
    pub fn extend_c(&mut self, text: &'static CStr) {
        self.extend_from(text.as_ptr().cast());
    }

    #[inline(never)]
    fn extend_from(&mut self, mut text: *const u8) {
        // SAFETY: extend_c's text, up to its NUL.
        unsafe {
            while *text != 0 {
                self.push(*text);
                text = text.add(1);
            }
        }
    }

    /// Leaves the first `length` bytes at most.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Empty but for what `fill` writes: it is given the address of the N bytes
    /// and their number, and returns how many of them it wrote, from the first
    /// on; a negative number is an error, and none.
    pub fn fill(&mut self, fill: impl FnOnce(usize, usize) -> isize) {
        let written = fill(self.bytes.as_mut_ptr() as usize, N) as usize;
        self.length = if written <= N { written } else { 0 };
    }
}

/// `pointer`, to be indexed: where LLVM loses the index, it may not see whose it is.
fn indexable<P>(pointer: P) -> P {
    if LOSES_STACK_INDEX { core::hint::black_box(pointer) } else { pointer }
}
