// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Namespaces of COMMAND's own, where policy netbsd could let it harm the
//! machine.
//!
//! Under policy netbsd clone(2) ignores CLONE_NEWNS and its like. A container
//! tool then believes itself in namespaces of its own, and as root it mounts
//! over the machine's directories and renames the machine.

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::policy::Policy;
use crate::system;

/// What is said of it.
pub const NOTICE: &str = "policy netbsd, with privileges: COMMAND runs in mount, UTS and IPC \
                          namespaces of its own (--no-isolation turns that off)";

/// Whether COMMAND could do that harm.
pub fn is_wanted(policy: Policy) -> bool {
    policy == Policy::Netbsd && system::may_administer()
}

/// Moves this process, and COMMAND with it, to namespaces of its own. No mount
/// goes back to where it came from.
pub fn isolate() -> Result<(), String> {
    let namespaces = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC;
    let refused = |what: &str, error: Errno| {
        format!(
            "policy netbsd, with privileges: {what}: {}\n\
             COMMAND could mount over this machine's directories: --no-isolation runs it all the same",
            error.desc()
        )
    };
    unshare(namespaces).map_err(|error| refused("no namespaces of its own for COMMAND", error))?;
    let slaves = MsFlags::MS_REC | MsFlags::MS_SLAVE;
    mount(None::<&str>, "/", None::<&str>, slaves, None::<&str>)
        .map_err(|error| refused("its mounts can't be kept apart", error))
}
