//! What the system says of a file, by which one knows without reading that its bytes are the same.

use std::os::unix::fs::MetadataExt;

use camino::Utf8Path;

/// What the system says of a file; while it stays the same, the bytes are taken to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileStamp {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change of the bytes, in nanoseconds.
    pub modified: i64,
    /// Time of the last change of bytes or attributes, in nanoseconds; no program can set it.
    pub changed: i64,
}

/// The stamp of a file.
///
/// # Errors
/// When the file is not there or cannot be asked about.
pub fn stamp(path: &Utf8Path) -> std::io::Result<FileStamp> {
    let meta = fs_err::metadata(path)?;
    Ok(FileStamp {
        device: meta.dev(),
        inode: meta.ino(),
        size: meta.size(),
        modified: meta.mtime() * 1_000_000_000 + meta.mtime_nsec(),
        changed: meta.ctime() * 1_000_000_000 + meta.ctime_nsec(),
    })
}

/// True while a path still names this open file.
///
/// # Errors
/// When the file cannot be asked about.
pub fn names_file(path: &Utf8Path, file: &std::fs::File) -> std::io::Result<bool> {
    let open = file.metadata()?;
    match fs_err::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
