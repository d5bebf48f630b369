// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Dispositions of signals, and alternate signal stacks.

use super::{Scene, name};
use crate::evidence::kernel::{self, SIGCHLD, Shared, Status, bit, share};
use crate::evidence::meetings::Of;

const SIG_DFL: u64 = libc::SIG_DFL as u64;
const SIG_IGN: u64 = libc::SIG_IGN as u64;
/// The flags that decide.
const FLAGS: u64 =
    (libc::SA_NOCLDSTOP | libc::SA_NOCLDWAIT | libc::SA_SIGINFO | libc::SA_ONSTACK) as u64;

impl Scene<'_> {
    pub(super) fn disposition(&mut self, signal: u32) -> Option<()> {
        let action = kernel::memory::<16>(self.process, self.arguments[1])?;
        let (handler, flags) = action.split_at(8);
        let handler = u64::from_ne_bytes(handler.try_into().ok()?);
        let flags = u64::from_ne_bytes(flags.try_into().ok()?) & FLAGS;
        let was = self.table.known(self.process).and_then(|me| me.flags.get(&signal).copied());
        let changed = was.unwrap_or(0) ^ flags;
        if self.table.handlers_shared {
            self.shared_disposition(signal, handler, changed & libc::SA_NOCLDSTOP as u64 != 0);
        }
        if was.is_some() || flags != 0 {
            self.table.set_flags(self.process, signal, flags);
        }
        let me = self.table.get(self.process);
        if handler == SIG_IGN {
            me.ignored_itself |= bit(signal);
        } else {
            me.ignored_itself &= !bit(signal);
        }
        if me.exit_signals != 0 {
            self.parents_disposition(signal, handler, flags);
        }
        let on_stack = handler > SIG_IGN && flags & libc::SA_ONSTACK as u64 != 0;
        if on_stack {
            self.inherits_alternate_stack();
        }
        Some(())
    }

    /// One that made children by clone sets a disposition.
    fn parents_disposition(&mut self, signal: u32, handler: u64, flags: u64) {
        let me = self.table.get(self.process);
        let no_wait = flags & libc::SA_NOCLDWAIT as u64 != 0;
        let informed = flags & libc::SA_SIGINFO as u64 != 0 && handler > SIG_IGN;
        let word = if signal == SIGCHLD { me.any_word() } else { None }.unwrap_or(me.word(signal));
        let of = Of::Caller(self.process, word);
        let made = me.made(signal);
        if signal == SIGCHLD && (handler == SIG_IGN || no_wait) {
            if self.table.has_child(self.process, |exit| exit != SIGCHLD) {
                let how = if no_wait { "sets SA_NOCLDWAIT" } else { "ignores SIGCHLD" };
                let what = format!("the parent {how} while a child without SIGCHLD lives");
                self.met(11, of, what);
            }
            let handles = no_wait && handler > SIG_IGN && made;
            if handles && self.table.has_child(self.process, |exit| exit == SIGCHLD) {
                self.met(12, of, "SA_NOCLDWAIT and a handler for SIGCHLD, set while a child lives");
            }
        }
        if signal != SIGCHLD && informed && made {
            self.met(19, of, format!("a handler with SA_SIGINFO for {}", name(signal)));
        }
    }

    /// One that may share its handlers with its parent or a child sets one.
    fn shared_disposition(&mut self, signal: u32, handler: u64, stop_changes: bool) {
        let Some(status) = Status::of(self.process) else { return };
        let with_parent = share(self.process, status.parent, Shared::Handlers) == Some(true);
        let of = Of::Child(self.process);
        if stop_changes && signal == SIGCHLD {
            if with_parent {
                self.met(16, of, "the child changes SA_NOCLDSTOP");
            } else {
                let children = kernel::children(self.process).into_iter();
                let shares =
                    |child: &i32| share(self.process, *child, Shared::Handlers) == Some(true);
                if let Some(child) = children.rev().find(shares) {
                    self.met(16, Of::Child(child), "the parent changes SA_NOCLDSTOP");
                }
            }
        }
        if !with_parent {
            return;
        }
        if signal == SIGCHLD && handler == SIG_IGN {
            self.met(13, of, "the child ignores SIGCHLD");
        }
        let itself = self.table.known(self.process).map_or(0, |me| me.ignored_itself);
        let parent_ignores = status.ignored & !itself & bit(signal) != 0;
        if parent_ignores && handler > SIG_IGN {
            self.met(
                14,
                of,
                format!("the child handles {}, which the parent ignores", name(signal)),
            );
        }
        if parent_ignores && handler == SIG_DFL {
            let what =
                format!("the child sets {} to its default; the parent ignores it", name(signal));
            self.met(15, of, what);
        }
    }

    fn inherits_alternate_stack(&mut self) {
        let has_its_own = self.table.known(self.process).is_some_and(|me| !me.alternate.is_empty());
        let Some(parent) = self.parent_with(Shared::Memory) else { return };
        let gave = self.table.known(parent).is_some_and(|parent| parent.gave_alternate);
        if gave && !has_its_own {
            let what = "the child sets a handler with SA_ONSTACK; its parent has the stack";
            self.met(8, Of::Child(self.process), what);
        }
    }

    pub(super) fn alternate_stack(&mut self, stack: u64) -> Option<()> {
        // stack_t: the address, then the flags.
        let disabled = kernel::word(self.process, stack.wrapping_add(8))? as i32 & libc::SS_DISABLE;
        let thread = self.thread;
        let alternate = &mut self.table.get(self.process).alternate;
        if disabled == 0 {
            alternate.insert(thread)
        } else {
            alternate.remove(&thread)
        };
        Some(())
    }
}
