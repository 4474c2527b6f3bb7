use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read, Seek},
    path::Path,
};

use aliquot_store::ObjectId;
use flate2::read::MultiGzDecoder;

use crate::{AdapterError, Address, Place};

/// Largest document that is read as a whole.
pub const LARGEST_DOCUMENT: u64 = 1 << 30;

/// Packed bytes may unfold to this many times their number, and to [`SMALLEST_BOUND`] in any case:
/// text packs 5 to 30 times, a bomb 1,000 times.
const LARGEST_RATIO: u64 = 200;

/// No file is refused for its ratio below this size.
const SMALLEST_BOUND: u64 = 64 << 20;

/// Bytes of a reader's buffer.
const BUFFER: usize = 1 << 18;

/// A raw file, as an adapter sees it.
#[derive(Debug, Clone, Copy)]
pub struct RawFile<'a> {
    /// Where it came from, for errors and aliases.
    pub address: &'a Address,
    /// BLAKE3 of its bytes.
    pub id: ObjectId,
    /// The bytes.
    pub content: Content<'a>,
}

/// Where the bytes of a raw file are.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// In memory.
    Memory(&'a [u8]),
    /// In a file of this machine.
    File(&'a Path),
}

/// Bytes that can be read from any place.
pub trait Seekable: Read + Seek {}

impl<T: Read + Seek> Seekable for T {}

impl<'a> RawFile<'a> {
    /// The bytes as they are, from any place: for archives.
    pub fn seekable(&self) -> Result<Box<dyn Seekable + 'a>, AdapterError> {
        Ok(match self.content {
            Content::Memory(bytes) => Box::new(Cursor::new(bytes)),
            Content::File(path) => Box::new(self.open(path)?),
        })
    }

    /// The text: gzip unpacked, byte order mark left out. Reading more than a bomb's share of a packed
    /// file is an error.
    pub fn text(&self) -> Result<Box<dyn BufRead + 'a>, AdapterError> {
        let mut packed = self.stream()?;
        let head = packed.fill_buf().map_err(|error| self.error(Place::File, error.to_string()))?;
        let mut text: Box<dyn BufRead + 'a> = if head.starts_with(&[0x1f, 0x8b]) {
            let bound = self.size()?.saturating_mul(LARGEST_RATIO).max(SMALLEST_BOUND);
            let bounded = Bounded { inner: MultiGzDecoder::new(packed), left: bound };
            Box::new(BufReader::with_capacity(BUFFER, bounded))
        } else {
            packed
        };
        let head = text.fill_buf().map_err(|error| self.error(Place::File, error.to_string()))?;
        if head.starts_with(b"\xef\xbb\xbf") {
            text.consume(3);
        }
        Ok(text)
    }

    /// The whole text of a document of at most [`LARGEST_DOCUMENT`] bytes.
    pub fn document(&self) -> Result<Cow<'a, [u8]>, AdapterError> {
        if let Content::Memory(bytes) = self.content
            && !bytes.starts_with(&[0x1f, 0x8b])
            && bytes.len() as u64 <= LARGEST_DOCUMENT
        {
            return Ok(Cow::Borrowed(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)));
        }
        let mut bytes = Vec::new();
        self.text()?
            .take(LARGEST_DOCUMENT + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.error(Place::File, error.to_string()))?;
        if bytes.len() as u64 > LARGEST_DOCUMENT {
            let problem = format!(
                "it is one document of more than {LARGEST_DOCUMENT} bytes, which is more than is read as a whole"
            );
            return Err(self.error(Place::File, problem));
        }
        Ok(Cow::Owned(bytes))
    }

    /// Number of bytes as they are.
    pub fn size(&self) -> Result<u64, AdapterError> {
        match self.content {
            Content::Memory(bytes) => Ok(bytes.len() as u64),
            Content::File(path) => path
                .metadata()
                .map(|metadata| metadata.len())
                .map_err(|error| self.error(Place::File, error.to_string())),
        }
    }

    fn stream(&self) -> Result<Box<dyn BufRead + 'a>, AdapterError> {
        Ok(match self.content {
            Content::Memory(bytes) => Box::new(bytes),
            Content::File(path) => Box::new(BufReader::with_capacity(BUFFER, self.open(path)?)),
        })
    }

    fn open(&self, path: &Path) -> Result<File, AdapterError> {
        File::open(path).map_err(|error| self.error(Place::File, error.to_string()))
    }
}

/// Ends in an error where [`io::Take`] would end in silence.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let problem =
                format!("it unpacks to more than {LARGEST_RATIO} times its size: refused");
            io::Error::new(io::ErrorKind::InvalidData, problem)
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn document(bytes: &[u8]) -> Result<Vec<u8>, AdapterError> {
        let address = "file:a.json.gz".parse().unwrap();
        let content = Content::Memory(bytes);
        let file = RawFile { address: &address, id: ObjectId::of(bytes), content };
        file.document().map(Cow::into_owned)
    }

    #[test]
    fn gzip_of_any_number_of_members_and_byte_order_marks_are_taken_off() {
        assert_eq!(document(b"\xef\xbb\xbf{}").unwrap(), b"{}");
        let members = [packed(b"\xef\xbb\xbf{"), packed(b"}")].concat();
        assert_eq!(document(&members).unwrap(), b"{}");
        let error = document(&members[..20]).unwrap_err().to_string();
        assert!(error.starts_with("file:a.json.gz: "), "{error}");
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_the_memory() {
        let bomb = packed(&vec![0; 80 << 20]);
        let error = document(&bomb).unwrap_err().to_string();
        assert!(error.contains("more than 200 times its size"), "{error}");
    }
}
