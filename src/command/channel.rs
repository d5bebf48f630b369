//! The file through which the shim's lines come.
//!
//! A file, not a pipe: nothing is lost when many processes write faster than
//! the command reads. What is read is given back to the file system, so that
//! the file stays small.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::unistd::mkdtemp;

/// How much is read before space is given back.
const GIVE_BACK: u64 = 1 << 20;

/// The reading side. Its directory goes when it is dropped.
pub struct Channel {
    directory: PathBuf,
    path: PathBuf,
    file: File,
    watch: Inotify,
    offset: u64,
    given_back: u64,
    /// A line whose end hasn't come yet.
    rest: Vec<u8>,
    /// Pieces of lines whose writers were killed.
    pub torn: u64,
}

impl Channel {
    /// A new one, in the directory for temporary files.
    pub fn new() -> io::Result<Channel> {
        let template = std::path::absolute(std::env::temp_dir())?.join("nbclone.XXXXXX");
        let directory = mkdtemp(&template)?;
        // Processes that give up their user id must still find and write it;
        // none but the owner can list the directory or read the file.
        fs::set_permissions(&directory, Permissions::from_mode(0o711))?;
        let path = directory.join("trace");
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o622))?;
        let watch = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        watch.add_watch(&path, AddWatchFlags::IN_MODIFY)?;
        let (offset, given_back, torn) = (0, 0, 0);
        Ok(Channel { directory, path, file, watch, offset, given_back, rest: Vec::new(), torn })
    }

    /// What `NBCLONE_TRACE` has to be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Readable when there may be lines.
    pub fn event(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }

    /// Hands the lines that have come to `each`.
    pub fn read(&mut self, mut each: impl FnMut(&str)) -> io::Result<()> {
        while self.watch.read_events().is_ok() {}
        let mut chunk = vec![0; 65536];
        loop {
            let count = self.file.read_at(&mut chunk, self.offset)?;
            if count == 0 {
                break;
            }
            self.offset += count as u64;
            self.rest.extend_from_slice(chunk.get(..count).unwrap_or_default());
            let complete =
                self.rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            let lines: Vec<u8> = self.rest.drain(..complete).collect();
            for line in String::from_utf8_lossy(&lines).lines() {
                each(self.whole(line));
            }
            self.give_back();
        }
        Ok(())
    }

    /// A process that is killed while it writes leaves a piece of a line,
    /// which the next line then continues.
    fn whole<'a>(&mut self, line: &'a str) -> &'a str {
        match line.rfind("nbclone[") {
            Some(start) if start > 0 => {
                self.torn += 1;
                line.get(start..).unwrap_or(line)
            }
            _ => line,
        }
    }

    fn give_back(&mut self) {
        let length = self.offset - self.given_back;
        if length < GIVE_BACK {
            return;
        }
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        // A file system that can't do it keeps the space until the end.
        let _ = fallocate(&self.file, flags, self.given_back as i64, length as i64);
        self.given_back = self.offset;
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
