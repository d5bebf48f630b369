// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Decimal numbers that are descriptors.

/// The number that the digits make, if there are digits alone and it fits.
#[inline(never)]
pub fn parse(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0i32, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(i32::from(digit))
    })
}

/// The digits of a number that isn't negative.
#[inline(never)]
pub fn digits(number: i32, buffer: &mut [u8; 10]) -> Option<&[u8]> {
    let mut rest = u32::try_from(number).ok()?;
    let mut start = buffer.len();
    loop {
        start = start.checked_sub(1)?;
        *buffer.get_mut(start)? = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return buffer.get(start..);
        }
    }
}
