// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What a child shares with its parent: descriptors, directory.

use super::Scene;
use crate::evidence::kernel::{self, Shared, share};
use crate::evidence::meetings::Of;

impl Scene<'_> {
    pub(super) fn lock(&mut self, lock: u64) -> Option<()> {
        if self.parent_with(Shared::Files).is_none() {
            return Some(());
        }
        // struct flock begins with l_type.
        let kind = i16::from_ne_bytes(kernel::memory(self.process, lock)?);
        if i32::from(kind) != libc::F_UNLCK {
            self.met(25, Of::Child(self.process), "the child takes a record lock");
        }
        Some(())
    }

    pub(super) fn directory(&mut self) -> Option<()> {
        let Some(me) = self.table.known(self.process) else { return Some(()) };
        let children: Vec<i32> = me.children_with_directory.iter().copied().collect();
        if me.executed_with_directory && self.parent_with(Shared::Directory).is_some() {
            let what = "the child changes its directory, root or umask after exec";
            self.met(10, Of::Child(self.process), what);
        }
        for child in children {
            if share(self.process, child, Shared::Directory) == Some(true) {
                let what = "the parent changes its directory, root or umask after the child's exec";
                self.met(10, Of::Child(child), what);
            } else {
                self.table.get(self.process).children_with_directory.remove(&child);
            }
        }
        Some(())
    }
}
