//! A file on its way here: it grows answer by answer, and never out of two versions.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

use crate::patience::Trouble;

/// An answer to a request for a file from one byte on.
pub(crate) struct Answer<'a> {
    /// First byte that it brings; None if it brings none of those asked for.
    pub(crate) starts_at: Option<u64>,
    /// Size of the whole file.
    pub(crate) total: Option<u64>,
    /// Bytes that the body should have.
    pub(crate) promised: Option<u64>,
    /// Strong entity tag: other bytes have another one.
    pub(crate) tag: Option<String>,
    pub(crate) body: Box<dyn Read + 'a>,
}

/// What is known of the whole beforehand.
#[derive(Clone, Copy)]
pub(crate) struct Whole {
    /// Size in bytes.
    pub(crate) size: Option<u64>,
    /// Most bytes to read; one more is enough to know that the file is another one.
    pub(crate) limit: u64,
    /// Whether a digest will be compared at the end.
    pub(crate) is_checked: bool,
}

/// A file under way, locked: two processes on one file would interleave their bytes.
pub(crate) struct Download {
    path: PathBuf,
    pub(crate) file: File,
    /// Tag and total size of the version that the bytes are of, as far as this process knows.
    tag: Option<String>,
    total: Option<u64>,
    /// Whether the bytes came in more than one answer.
    pub(crate) joined: bool,
}

impl Download {
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        loop {
            let file = OpenOptions::new().create(true).append(true).read(true).open(&path)?;
            file.lock()?;
            // Whoever held the lock before may have finished and removed the file under this handle.
            let held = file.metadata()?;
            if fs::metadata(&path)
                .is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino()))
            {
                return Ok(Self { path, file, tag: None, total: None, joined: false });
            }
        }
    }

    /// One request for what is still missing.
    pub(crate) fn advance<'a>(
        &mut self,
        whole: Whole,
        request: impl Fn(u64, Option<&str>) -> Result<Answer<'a>, Trouble>,
    ) -> Result<(), Trouble> {
        if !whole.is_checked && self.tag.is_none() {
            // Nothing would tell that the rest is of another version.
            self.start_over()?;
        }
        let have = self.file.metadata().map_err(Trouble::Store)?.len();
        if have > 0 && whole.size.or(self.total) == Some(have) {
            return Ok(());
        }
        let mut answer = request(have, self.tag.as_deref())?;
        match answer.starts_at {
            Some(0) => self.start_over()?,
            Some(first) if first == have => {
                if differ(&self.tag, &answer.tag) || differ(&self.total, &answer.total) {
                    self.start_over()?;
                    return Err(Trouble::passing("the file changed while it was read"));
                }
                self.joined = true;
            }
            _ => {
                self.start_over()?;
                return Err(Trouble::passing("the server could not resume"));
            }
        }
        self.tag = answer.tag.take();
        self.total = answer.total;
        let got = receive(&mut *answer.body, &mut self.file, whole.limit)?;
        let start = answer.starts_at.unwrap_or_default();
        let is_short = match (answer.promised, whole.size) {
            (Some(promised), _) => got < promised,
            (None, Some(size)) => start.saturating_add(got) < size,
            (None, None) => false,
        };
        if is_short { Err(Trouble::passing("the connection ended early")) } else { Ok(()) }
    }

    fn start_over(&mut self) -> Result<(), Trouble> {
        (self.tag, self.total, self.joined) = (None, None, false);
        self.file.set_len(0).map_err(Trouble::Store)
    }

    /// Removes the file while the lock is held.
    pub(crate) fn remove(self) {
        fs::remove_file(&self.path).ok();
    }
}

fn differ<T: PartialEq>(before: &Option<T>, now: &Option<T>) -> bool {
    before.as_ref().zip(now.as_ref()).is_some_and(|(before, now)| before != now)
}

/// Appends the body; returns its length, or the most there is if it is over the limit.
fn receive(body: &mut dyn Read, file: &mut File, limit: u64) -> Result<u64, Trouble> {
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    loop {
        let count = match body.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other.map_err(|error| Trouble::passing(error.to_string()))?,
        };
        if count == 0 {
            return Ok(received);
        }
        file.write_all(&buffer[..count]).map_err(Trouble::Store)?;
        received += count as u64;
        if received > limit {
            return Ok(u64::MAX);
        }
    }
}
