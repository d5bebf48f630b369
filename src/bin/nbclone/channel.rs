//! The file through which the shim's lines come.
//!
//! A file, not a pipe: nothing is lost when many processes write faster than
//! the command reads. What is read is given back to the file system, so that
//! the file stays small. Where RLIMIT_FSIZE forbids a file to grow, a FIFO,
//! where lines are lost, and counted, if it is full.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{FallocateFlags, FcntlArg, fallocate, fcntl};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::stat::Mode;
use nix::unistd::{mkdtemp, mkfifo};

/// How much is read before space is given back.
const GIVE_BACK: u64 = 1 << 20;

/// What a FIFO is asked to hold: as much as any user may have.
const FIFO_SIZE: i32 = 1 << 20;

/// The reading side. Its directory goes when it is dropped.
pub struct Channel {
    directory: PathBuf,
    path: PathBuf,
    file: File,
    /// Tells that the file has grown; a FIFO does so itself.
    watch: Option<Inotify>,
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
        let unlimited = getrlimit(Resource::RLIMIT_FSIZE)?.0 == RLIM_INFINITY;
        let (file, watch) =
            if unlimited { Self::growing(&path)? } else { (Self::fifo(&path)?, None) };
        fs::set_permissions(&path, Permissions::from_mode(0o622))?;
        let (offset, given_back, torn) = (0, 0, 0);
        Ok(Channel { directory, path, file, watch, offset, given_back, rest: Vec::new(), torn })
    }

    fn growing(path: &Path) -> io::Result<(File, Option<Inotify>)> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
        let watch = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        watch.add_watch(path, AddWatchFlags::IN_MODIFY)?;
        Ok((file, Some(watch)))
    }

    /// Open to write too, so that it never ends.
    fn fifo(path: &Path) -> io::Result<File> {
        mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
        // Refused where the user has too many pipes already: then it stays small.
        let _ = fcntl(&file, FcntlArg::F_SETPIPE_SZ(FIFO_SIZE));
        Ok(file)
    }

    /// What `NBCLONE_TRACE` has to be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Readable when there may be lines.
    pub fn event(&self) -> BorrowedFd<'_> {
        self.watch.as_ref().map_or(self.file.as_fd(), AsFd::as_fd)
    }

    /// Hands the lines that have come to `each`.
    pub fn read(&mut self, mut each: impl FnMut(&str)) -> io::Result<()> {
        while self.watch.as_ref().is_some_and(|watch| watch.read_events().is_ok()) {}
        let mut chunk = vec![0; 65536];
        loop {
            let count = self.read_chunk(&mut chunk)?;
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

    fn read_chunk(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        if self.watch.is_some() {
            return self.file.read_at(chunk, self.offset);
        }
        match self.file.read(chunk) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
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
        if length < GIVE_BACK || self.watch.is_none() {
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
