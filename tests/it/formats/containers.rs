//! Files in containers: what is read is the same in each, and what is wrong with one names it.

use std::io::Write;

use serde_json::json;
use sr_pipe::engine::stage::StageError;

use super::{Raw, raw_of};

const SONGS: &[u8] =
    b"song_id,song_length,genre_ids,artist_name,composer,lyricist,language\ns1=,1,465,\"A\nB\",,,3.0\n";

/// A log that takes more than one block.
fn log() -> Vec<u8> {
    let mut text = b"msno,song_id,source_system_tab,source_screen_name,source_type,target\n".to_vec();
    for row in 0..40_000 {
        writeln!(text, "user{}=,song{}=,search,Screen {},song,1", row % 97, row % 1013, row % 7).unwrap();
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A 7z archive of one solid block, its LZMA2 stream made of stored chunks.
fn seven_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let number = |to: &mut Vec<u8>, value: usize| {
        to.push(0xff);
        to.extend_from_slice(&(value as u64).to_le_bytes());
    };
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let (mut packed, whole) = (Vec::new(), members.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect::<Vec<u8>>());
    for (index, chunk) in whole.chunks(1 << 16).enumerate() {
        packed.push(if index == 0 { 1 } else { 2 });
        packed.extend_from_slice(&u16::try_from(chunk.len() - 1).unwrap().to_be_bytes());
        packed.extend_from_slice(chunk);
    }
    packed.push(0);
    // Where the packed bytes lie: at the beginning, one stream.
    let mut header = vec![0x01, 0x04, 0x06, 0, 1, 0x09];
    number(&mut header, packed.len());
    // How they are unpacked: one folder, one coder, LZMA2 with a dictionary of 1 MB.
    header.extend_from_slice(&[0x00, 0x07, 0x0b, 1, 0, 1, 0x21, 0x21, 1, 16, 0x0c]);
    number(&mut header, whole.len());
    // What is in it: as many files, the sizes of all but the last, and their check sums.
    header.extend_from_slice(&[0x00, 0x08, 0x0d, u8::try_from(members.len()).unwrap(), 0x09]);
    members[..members.len() - 1].iter().for_each(|(_, bytes)| number(&mut header, bytes.len()));
    header.extend_from_slice(&[0x0a, 1]);
    members.iter().for_each(|(_, bytes)| header.extend_from_slice(&crc(bytes)));
    header.extend_from_slice(&[0x00, 0x00, 0x05, u8::try_from(members.len()).unwrap(), 0x11]);
    let mut names = vec![0];
    for (name, _) in members {
        names.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
    number(&mut header, names.len());
    header.extend_from_slice(&names);
    header.extend_from_slice(&[0x00, 0x00]);

    let mut start = Vec::new();
    start.extend_from_slice(&(packed.len() as u64).to_le_bytes());
    start.extend_from_slice(&(header.len() as u64).to_le_bytes());
    start.extend_from_slice(&crc(&header));
    let mut archive = b"7z\xbc\xaf\x27\x1c\x00\x04".to_vec();
    archive.extend_from_slice(&crc(&start));
    [archive, start, packed, header].concat()
}

#[test]
fn a_log_is_the_same_in_every_container_and_in_one_archive_with_others() {
    let (log, kkbox) = (log(), json!({ "format": "kkbox" }));
    let plain = Raw::new().write("train.csv", &log).write("songs.csv", SONGS).ingest(kkbox.clone()).unwrap();
    let packings: [(&str, Vec<u8>); 7] = [
        ("train.csv.gz", gzip(&log)),
        ("train.csv.zst", zstd::encode_all(log.as_slice(), 1).unwrap()),
        ("train.csv.bz2", bzip2(&log)),
        ("train.csv.zip", zip(&[("train.csv", &log)])),
        ("train.csv.7z", seven_zip(&[("train.csv", &log)])),
        ("all.zip", zip(&[("a/songs.csv", SONGS), ("a/train.csv", &log)])),
        ("all.7z", seven_zip(&[("songs.csv", SONGS), ("a/train.csv", &log)])),
    ];
    for (name, bytes) in packings {
        let raw = Raw::new();
        raw.write(name, &bytes);
        if !name.starts_with("all") {
            raw.write("songs.csv", SONGS);
        }
        let made = raw.ingest(kkbox.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(made.events == plain.events && made.items == plain.items && made.notes == plain.notes, "{name}");
    }
}

#[test]
fn two_gzip_streams_in_a_row_are_one_file() {
    let log = log();
    let (first, second) = log.split_at(100_000);
    let raw = Raw::new();
    raw.write("train.csv.gz", &[gzip(first), gzip(second)].concat()).write("songs.csv", SONGS);
    assert_eq!(raw.ingest(json!({ "format": "kkbox" })).unwrap().events.len(), 40_000);
}

#[test]
fn the_head_of_kkbox_is_the_same_in_7z_as_its_publisher_packs_it() {
    let Some(plain) = raw_of("kkbox", &[("train.csv", "train.csv"), ("songs.csv", "songs.csv")]) else { return };
    let kkbox = json!({ "format": "kkbox" });
    let expected = plain.ingest(kkbox.clone()).unwrap();
    let packed = Raw::new();
    for name in ["train.csv", "songs.csv"] {
        let bytes = std::fs::read(plain.root().join("raw").join(name)).unwrap();
        packed.write(&format!("{name}.7z"), &seven_zip(&[(name, &bytes)]));
    }
    let made = packed.ingest(kkbox).unwrap();
    assert!(made.events == expected.events && made.items == expected.items);
}

#[test]
fn a_container_that_was_cut_off_or_is_damaged_is_named() {
    let log = log();
    let packings: [(&str, Vec<u8>); 5] = [
        ("train.csv.gz", gzip(&log)),
        ("train.csv.zst", zstd::encode_all(log.as_slice(), 1).unwrap()),
        ("train.csv.bz2", bzip2(&log)),
        ("train.csv.zip", zip(&[("train.csv", &log)])),
        ("train.csv.7z", seven_zip(&[("train.csv", &log)])),
    ];
    for (name, bytes) in packings {
        let raw = Raw::new();
        raw.write(name, &bytes[..bytes.len() * 2 / 3]).write("songs.csv", SONGS);
        let Err(error) = raw.ingest(json!({ "format": "kkbox" })) else { panic!("{name} was read") };
        let error = error.to_string();
        assert!(error.contains(name) && error.contains("help:"), "{name}: {error}");

        let mut damaged = bytes.clone();
        for byte in &mut damaged[bytes.len() / 2..bytes.len() / 2 + 40] {
            *byte ^= 0xa5;
        }
        let raw = Raw::new();
        raw.write(name, &damaged).write("songs.csv", SONGS);
        let Err(error) = raw.ingest(json!({ "format": "kkbox" })) else { panic!("{name} was read") };
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
}

#[test]
fn a_row_that_is_too_long_is_told_and_can_be_set_apart() {
    let mut log = log();
    let lines = log.iter().filter(|byte| **byte == b'\n').count();
    log.extend(std::iter::repeat_n(b'x', (1 << 24) + 10));
    log.extend_from_slice(b"\nu=,s=,search,Search,song,1\n");
    let raw = Raw::new();
    raw.write("train.csv", &log).write("songs.csv", SONGS);
    let Err(StageError::Data(error)) = raw.ingest(json!({ "format": "kkbox" })) else { panic!() };
    assert_eq!(error.location.unwrap().line, lines + 1);
    let apart = json!({ "format": "kkbox", "bad_rows": { "quarantine": { "at_most": 0.001 } } });
    let made = raw.ingest(apart).unwrap();
    assert_eq!((made.events.len(), made.note("rejected rows")), (40_001, 1));
    // It keeps its place in the log.
    assert_eq!(made.events.iter().map(|event| event.row).max(), Some(40_001));
}
