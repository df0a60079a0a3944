//! Fast writing of raw files: numbers, times and names go into a buffer byte by byte, without the standard formatter.

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::random::Random;

/// How much is gathered before it is written.
const BLOCK: usize = 1 << 20;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Compress {
    /// As it is.
    None,
    /// gzip; `.gz` is added to the name.
    Gz,
    /// Zstandard; `.zst` is added to the name.
    Zst,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its path.
    pub path: Utf8PathBuf,
    /// Rows, a header apart.
    pub rows: u64,
    /// Bytes before packing.
    pub bytes: u64,
}

/// Where the files of a set go.
pub(super) struct Desk<'a> {
    folder: &'a Utf8Path,
    compress: Compress,
    stop: &'a dyn Fn() -> bool,
    pub(super) written: Vec<Written>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(folder: &'a Utf8Path, compress: Compress, stop: &'a dyn Fn() -> bool) -> Self {
        Self { folder, compress, stop, written: Vec::new() }
    }

    /// The folder that the files go to.
    pub(super) fn folder(&self) -> &'a Utf8Path {
        self.folder
    }

    /// Begins a file; a header, where there is one, is a line that counts as no row.
    pub(super) fn begin(&self, name: &str, header: Option<&str>) -> std::io::Result<Raw<'a>> {
        self.begin_packed(name, header, self.compress)
    }

    /// Begins a file that is never packed, since its publisher gives it out plain beside packed ones.
    pub(super) fn begin_plain(&self, name: &str, header: Option<&str>) -> std::io::Result<Raw<'a>> {
        self.begin_packed(name, header, Compress::None)
    }

    fn begin_packed(&self, name: &str, header: Option<&str>, compress: Compress) -> std::io::Result<Raw<'a>> {
        let ending = match compress {
            Compress::None => "",
            Compress::Gz => ".gz",
            Compress::Zst => ".zst",
        };
        let path = self.folder.join(format!("{name}{ending}"));
        let file = fs_err::File::create(&path)?;
        let out = match compress {
            Compress::None => Out::Plain(file),
            Compress::Gz => Out::Gz(flate2::write::GzEncoder::new(file, flate2::Compression::fast())),
            Compress::Zst => Out::Zst(zstd::Encoder::new(file, 1)?),
        };
        let mut text = Vec::with_capacity(BLOCK + BLOCK / 8);
        if let Some(header) = header {
            text.extend_from_slice(header.as_bytes());
            text.push(b'\n');
        }
        Ok(Raw { path, out, text, rows: 0, bytes: 0, stop: self.stop })
    }

    /// Ends a file.
    pub(super) fn end(&mut self, mut file: Raw<'a>) -> std::io::Result<()> {
        file.pass_on()?;
        match file.out {
            Out::Plain(mut file) => file.flush()?,
            Out::Gz(packer) => packer.finish()?.flush()?,
            Out::Zst(packer) => packer.finish()?.flush()?,
        }
        self.written.push(Written { path: file.path, rows: file.rows, bytes: file.bytes });
        Ok(())
    }
}

enum Out {
    Plain(fs_err::File),
    Gz(flate2::write::GzEncoder<fs_err::File>),
    Zst(zstd::Encoder<'static, fs_err::File>),
}

/// A file under way.
pub(super) struct Raw<'a> {
    path: Utf8PathBuf,
    out: Out,
    text: Vec<u8>,
    rows: u64,
    bytes: u64,
    stop: &'a dyn Fn() -> bool,
}

impl Raw<'_> {
    /// Rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends a row.
    pub(super) fn end(&mut self) -> std::io::Result<()> {
        self.text.push(b'\n');
        self.rows += 1;
        if self.text.len() >= BLOCK { self.pass_on() } else { Ok(()) }
    }

    fn pass_on(&mut self) -> std::io::Result<()> {
        if (self.stop)() {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        self.bytes += self.text.len() as u64;
        match &mut self.out {
            Out::Plain(file) => file.write_all(&self.text)?,
            Out::Gz(packer) => packer.write_all(&self.text)?,
            Out::Zst(packer) => packer.write_all(&self.text)?,
        }
        self.text.clear();
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.text.extend_from_slice(text.as_bytes());
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.text.extend_from_slice(bytes);
        self
    }

    pub(super) fn byte(&mut self, byte: u8) -> &mut Self {
        self.text.push(byte);
        self
    }

    pub(super) fn comma(&mut self) -> &mut Self {
        self.byte(b',')
    }

    pub(super) fn tab(&mut self) -> &mut Self {
        self.byte(b'\t')
    }

    /// A whole number.
    pub(super) fn number(&mut self, mut value: u64) -> &mut Self {
        let mut digits = [0; 20];
        let mut at = digits.len();
        while value >= 10 {
            let pair = (value % 100) as usize;
            value /= 100;
            at -= 2;
            digits[at] = PAIRS[pair][0];
            digits[at + 1] = PAIRS[pair][1];
        }
        // One digit is left, or none.
        if value > 0 || at == digits.len() {
            at -= 1;
            digits[at] = b'0' + value as u8;
        }
        self.bytes(&digits[at..])
    }

    /// A whole number with leading zeros.
    pub(super) fn padded(&mut self, mut value: u64, width: usize) -> &mut Self {
        let from = self.text.len();
        self.text.resize(from + width, b'0');
        for digit in self.text[from..].iter_mut().rev() {
            *digit = b'0' + (value % 10) as u8;
            value /= 10;
        }
        self
    }

    /// `HH:MM:SS` of a second of the day.
    fn hours(&mut self, second: u64) -> &mut Self {
        let (h, m, s) =
            (PAIRS[(second / 3600) as usize], PAIRS[(second / 60 % 60) as usize], PAIRS[(second % 60) as usize]);
        self.bytes(&[h[0], h[1], b':', m[0], m[1], b':', s[0], s[1]])
    }

    /// `YYYY-MM-DD HH:MM:SS`, with another character between the two parts where the publisher has one.
    pub(super) fn clock(&mut self, calendar: &Calendar, seconds: u64, between: u8) -> &mut Self {
        self.day(calendar, seconds / 86_400).byte(between).hours(seconds % 86_400)
    }

    /// `YYYY-MM-DD`.
    pub(super) fn day(&mut self, calendar: &Calendar, day: u64) -> &mut Self {
        let text = calendar.days[day as usize];
        self.bytes(&text)
    }

    /// A hash of 256 bits in base64.
    pub(super) fn digest(&mut self, random: Random) -> &mut Self {
        self.bytes(&digest(random))
    }

    /// Capital letters and digits.
    pub(super) fn code(&mut self, mut value: u64, width: usize) -> &mut Self {
        let from = self.text.len();
        self.text.resize(from + width, b'0');
        for place in self.text[from..].iter_mut().rev() {
            *place = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(value % 36) as usize];
            value /= 36;
        }
        self
    }

    /// Hexadecimal digits.
    pub(super) fn hex(&mut self, value: u64, width: usize) -> &mut Self {
        for place in (0..width).rev() {
            self.text.push(b"0123456789abcdef"[(value >> (4 * place) & 0xf) as usize]);
        }
        self
    }
}

/// 256 random bits in base64: 44 characters, the last one `=`.
pub(super) fn digest(mut random: Random) -> [u8; 44] {
    let mut text = [b'='; 44];
    let mut rest = 0;
    for word in 0..4 {
        let bits = random.next();
        rest = rest << 4 | bits >> 60;
        for pair in 0..5 {
            let [first, second] = BASE64[(bits >> (12 * pair) & 0xfff) as usize];
            text[10 * word + 2 * pair] = first;
            text[10 * word + 2 * pair + 1] = second;
        }
    }
    // Four bits are left for the last character, so its two lowest are zero.
    [text[40], text[41]] = BASE64[(rest >> 4) as usize & 0xfff];
    text[42] = BASE64[(rest & 0xf) as usize * 4][1];
    text
}

/// The two digits of each number below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// The two characters of each number of twelve bits.
static BASE64: [[u8; 2]; 4096] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut pairs = [[0; 2]; 4096];
    let mut number = 0;
    while number < 4096 {
        pairs[number] = [alphabet[number >> 6], alphabet[number & 63]];
        number += 1;
    }
    pairs
};

/// The dates of a span of days, each worked out once.
pub(super) struct Calendar {
    days: Vec<[u8; 10]>,
}

impl Calendar {
    /// `days` days from `first` on.
    pub(super) fn new(first: Date, days: usize) -> Self {
        let mut text = Vec::with_capacity(days);
        let mut date = first;
        for _ in 0..days {
            let mut day = [b'-'; 10];
            let year = date.year().unsigned_abs() as usize;
            day[..2].copy_from_slice(&PAIRS[year / 100 % 100]);
            day[2..4].copy_from_slice(&PAIRS[year % 100]);
            day[5..7].copy_from_slice(&PAIRS[date.month().unsigned_abs() as usize]);
            day[8..].copy_from_slice(&PAIRS[date.day().unsigned_abs() as usize]);
            text.push(day);
            date = date.tomorrow().unwrap_or(date);
        }
        Self { days: text }
    }

    /// How many days it has.
    pub(super) fn days(&self) -> usize {
        self.days.len()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn said(write: impl Fn(&mut Raw<'_>)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        let mut desk = Desk::new(path, Compress::None, &|| false);
        let mut file = desk.begin("a", None).unwrap();
        write(&mut file);
        desk.end(file).unwrap();
        fs_err::read_to_string(path.join("a")).unwrap()
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for value in [0, 1, 9, 10, 11, 99, 100, 101, 109, 999, 1000, 12_345, 100_000, u64::MAX, u64::MAX / 10] {
            assert_eq!(said(|file| _ = file.number(value)), value.to_string());
        }
        assert_eq!(said(|file| _ = file.padded(42, 5)), "00042");
        assert_eq!(said(|file| _ = file.hex(0xbeef, 6)), "00beef");
        assert_eq!(said(|file| _ = file.code(36 * 36 + 35, 4)), "010Z");
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let calendar = Calendar::new(date(2018, 2, 27), 4);
        assert_eq!(said(|file| _ = file.clock(&calendar, 2 * 86_400 + 3661, b' ')), "2018-03-01 01:01:01");
    }

    #[test]
    fn a_digest_is_base64_of_32_bytes() {
        for key in 0..100 {
            let text = said(|file| _ = file.digest(Random::new(key)));
            assert_eq!((text.len(), text.find('=')), (44, Some(43)));
            assert!("AEIMQUYcgkosw048".contains(&text[42..43]), "{text}");
        }
    }

    #[test]
    fn packed_files_hold_the_same_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap();
        for (compress, name) in [(Compress::Gz, "a.gz"), (Compress::Zst, "a.zst")] {
            let mut desk = Desk::new(path, compress, &|| false);
            let mut file = desk.begin("a", Some("h")).unwrap();
            file.text("row").end().unwrap();
            desk.end(file).unwrap();
            assert_eq!(desk.written, [Written { path: path.join(name), rows: 1, bytes: 6 }]);
            let packed = fs_err::read(path.join(name)).unwrap();
            let mut text = String::new();
            let read = match compress {
                Compress::Gz => std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*packed), &mut text),
                _ => std::io::Read::read_to_string(&mut zstd::Decoder::new(&*packed).unwrap(), &mut text),
            };
            assert_eq!((read.unwrap(), text.as_str()), (6, "h\nrow\n"));
        }
    }
}
