// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The questions of a filter by a listener (seccomp_unotify(2)). The command
//! lets all of them go on; it only looks.
#![allow(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};

use crate::evidence::calls::Deed;
use crate::seccomp::{Question, Wanted, install_listener};

/// Where the questions come, and a first one that waits for its answer.
pub type Answers = (Listener, Option<Question>);

/// How the child hands the descriptor to the command.
pub struct Handover {
    parent: OwnedFd,
    child: OwnedFd,
}

impl Handover {
    /// A new one, before fork.
    pub fn new() -> io::Result<Handover> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (parent, child) = socketpair(AddressFamily::Unix, SockType::Datagram, None, flags)?;
        Ok(Handover { parent, child })
    }

    /// What the child has to do before it execs.
    pub fn child_side(
        &self,
        wanted: Wanted,
    ) -> io::Result<impl FnMut() -> io::Result<()> + Send + Sync + use<>> {
        let socket = self.child.try_clone()?;
        Ok(move || {
            let listener = match install_listener(wanted) {
                Ok(listener) => listener,
                // Evidence can be done without; a count can't.
                Err(_) if !wanted.all_calls => return Ok(()),
                Err(error) => return Err(error),
            };
            let descriptors = [listener.as_raw_fd()];
            let message = [ControlMessage::ScmRights(&descriptors)];
            sendmsg::<()>(
                socket.as_raw_fd(),
                &[IoSlice::new(b"+")],
                &message,
                MsgFlags::empty(),
                None,
            )?;
            Ok(())
        })
    }

    /// Runs `spawn`, which waits until the child has exec'd, and answers what
    /// the filter asks about that exec meanwhile. Besides what spawn gives: where
    /// the questions come, and a first one that isn't about exec.
    ///
    /// The thread that answers allocates nothing while spawn forks.
    pub fn accompany<T>(self, spawn: impl FnOnce() -> T) -> io::Result<(T, io::Result<Answers>)> {
        let (mut stop, stopped) = UnixStream::pair()?;
        std::thread::scope(|scope| {
            let answers = scope.spawn(|| self.answer_until(&stopped));
            let spawned = spawn();
            stop.write_all(b".")?;
            let answered = answers.join();
            Ok((spawned, answered.unwrap_or_else(|_| Err(io::Error::other("a thread died")))))
        })
    }

    fn answer_until(&self, stopped: &UnixStream) -> io::Result<Answers> {
        let both = |asks: BorrowedFd<'_>| {
            let wanted = PollFlags::POLLIN;
            let mut events = [PollFd::new(asks, wanted), PollFd::new(stopped.as_fd(), wanted)];
            while poll(&mut events, PollTimeout::NONE) == Err(nix::Error::EINTR) {}
            // Once the child has exec'd, the command answers.
            events[1].any() == Some(false) && events[0].any() == Some(true)
        };
        both(self.parent.as_fd());
        let listener = self.take()?;
        while both(listener.as_fd()) {
            // Who asked may be gone, and all others with it.
            let Some(question) = listener.receive() else { break };
            if question.deed != Some(Deed::Exec) {
                return Ok((listener, Some(question)));
            }
            listener.go_on(&question);
        }
        Ok((listener, None))
    }

    /// The descriptor, once the child has sent it.
    fn take(&self) -> io::Result<Listener> {
        let mut byte = [0u8; 1];
        let mut space = cmsg_space!([RawFd; 1]);
        let mut places = [IoSliceMut::new(&mut byte)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<()>(self.parent.as_raw_fd(), &mut places, Some(&mut space), flags)?;
        for control in message.cmsgs()? {
            let ControlMessageOwned::ScmRights(descriptors) = control else { continue };
            if let Some(&descriptor) = descriptors.first() {
                // SAFETY: it has just been received, and is nobody else's.
                return Ok(Listener(unsafe { OwnedFd::from_raw_fd(descriptor) }));
            }
        }
        Err(io::Error::other("the filter's descriptor didn't come"))
    }
}

/// Where the questions come.
pub struct Listener(OwnedFd);

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

mod ioctl {
    nix::ioctl_readwrite!(receive, b'!', 0, libc::seccomp_notif);
    nix::ioctl_readwrite!(send, b'!', 1, libc::seccomp_notif_resp);
}

impl Listener {
    /// The next question; `None` if who asked is gone.
    pub fn receive(&self) -> Option<Question> {
        // The kernel may have a longer structure some day; it wants zeros.
        let mut space = [MaybeUninit::<libc::seccomp_notif>::zeroed(); 2];
        let place = space.as_mut_ptr().cast::<libc::seccomp_notif>();
        const { assert!(size_of::<libc::seccomp_notif>() == 80) }
        // SAFETY: room for what the kernel writes; numbers only.
        let question = unsafe {
            ioctl::receive(self.0.as_raw_fd(), place).ok()?;
            *place
        };
        let data = question.data;
        Some(Question::new(
            question.id,
            question.pid as i32,
            (data.arch, data.nr as u32),
            data.args,
            data.instruction_pointer,
        ))
    }

    /// Lets the call go on.
    pub fn go_on(&self, question: &Question) {
        let flags = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        let mut answer = libc::seccomp_notif_resp { id: question.id, val: 0, error: 0, flags };
        // SAFETY: a structure that the kernel reads. Who asked may be gone.
        let _ = unsafe { ioctl::send(self.0.as_raw_fd(), &raw mut answer) };
    }

    /// Leaves the questions to a process of its own, which lets everything go on
    /// until nobody is left to ask. Without it execve(2) would fail in processes
    /// that outlive this one.
    pub fn leave_behind(self) {
        // SAFETY: this process has one thread again; what the child calls is
        // allowed after fork in any case.
        unsafe {
            if libc::fork() != 0 {
                return;
            }
            // Nobody is to wait for the end of our output.
            libc::setsid();
            let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            for descriptor in 0..=2 {
                libc::dup2(null, descriptor);
            }
        }
        loop {
            let mut events = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            let _ = poll(&mut events, PollTimeout::NONE);
            let [event] = events;
            let come = event.revents().unwrap_or(PollFlags::empty());
            if come.contains(PollFlags::POLLIN) {
                if let Some(question) = self.receive() {
                    self.go_on(&question);
                }
            } else if !come.is_empty() {
                // SAFETY: ends this process alone.
                unsafe { libc::_exit(0) }
            }
        }
    }
}
