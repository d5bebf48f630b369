// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Where a process tells that it has no way to send its lines.

use std::cell::Cell;
use std::io::{self, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::memory;

/// An abstract address (unix(7)): it has no file, and is open to every user and
/// every root directory of this network namespace.
pub struct Door {
    listener: UnixListener,
    /// What the address ends in.
    pub number: u32,
    visitors: Cell<u64>,
}

impl Door {
    /// A new one.
    pub fn new() -> io::Result<Door> {
        let number = memory::random_key()?;
        let name = [&b"nbclone--"[..], &number.to_ne_bytes()].concat();
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
        listener.set_nonblocking(true)?;
        Ok(Door { listener, number, visitors: Cell::new(0) })
    }

    /// How many have come that know the key. Others may come too: anybody can
    /// see the address.
    pub fn visitors(&self, key: u32) -> u64 {
        while let Ok((mut visitor, _)) = self.listener.accept() {
            let mut said = [0; 4];
            let _ = visitor.set_nonblocking(true);
            // It was said, if at all, before the visitor went.
            if visitor.read_exact(&mut said).is_ok() && u32::from_ne_bytes(said) == key {
                self.visitors.set(self.visitors.get() + 1);
            }
        }
        self.visitors.get()
    }
}
