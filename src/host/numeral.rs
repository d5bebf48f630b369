// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Numbers in text.

/// The decimal number that the digits make, if there are digits alone and it fits.
#[inline(never)]
pub fn parse(digits: &[u8]) -> Option<i32> {
    digits.iter().try_fold(0i32, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(i32::from(digit))
    })
}

/// Room for an address in hexadecimal or a descriptor in decimal digits.
pub type Digits = [u8; 16];

/// The digits of a number, base 10 or 16. `None`: there is no room for them.
// See LOSES_STACK_INDEX in arch/target.rs.
#[cfg_attr(target_arch = "m68k", inline(never))]
pub fn digits(mut number: usize, base: usize, buffer: &mut Digits) -> Option<&[u8]> {
    let mut start = buffer.len();
    loop {
        start = start.checked_sub(1)?;
        let digit = (number % base) as u8;
        *buffer.get_mut(start)? = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        number /= base;
        if number == 0 {
            return buffer.get(start..);
        }
    }
}
