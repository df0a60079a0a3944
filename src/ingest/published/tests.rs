//! What is published, against itself and against files of a few rows.

use std::io::Write;

use camino::Utf8PathBuf;

use super::*;

fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Utf8PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
    for (name, bytes) in files {
        fs_err::create_dir_all(path.join(name).parent().unwrap()).unwrap();
        fs_err::write(path.join(name), bytes).unwrap();
    }
    (folder, path)
}

fn seen(set: &'static DataSet, files: &[(&str, &[u8])], quick: bool) -> Look {
    let (_folder, path) = folder(files);
    look(set, &path, &Looking { quick, threads: 2, progress: &|_, _, _| {} }).unwrap()
}

fn of<'a>(look: &'a Look, name: &str) -> &'a FileLook {
    look.files.iter().find(|look| look.file.name == name).unwrap()
}

fn words(look: &FileLook) -> Vec<String> {
    look.problems.iter().map(Problem::words).collect()
}

const SONGS: &[u8] = b"song_id,song_length,genre_ids,artist_name,composer,lyricist,language\n";

#[test]
fn every_name_means_one_data_set_and_every_fact_is_there() {
    let mut names: Vec<&str> =
        DATA_SETS.iter().flat_map(|set| std::iter::once(set.name).chain(set.aliases.iter().copied())).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    for set in DATA_SETS {
        for text in [set.title, set.owner, set.page, set.how, set.terms] {
            assert!(!text.is_empty() && !text.contains("  "), "{}: {text:?}", set.name);
        }
        assert!(set.files.iter().any(|file| matches!(file.need, Need::Needed | Need::OneOf)), "{}", set.name);
        for file in set.files {
            assert!(!file.layout.columns().is_empty(), "{}: {}", set.name, file.name);
            if let Layout::Bare(parting, fields) = file.layout
                && parting != Parting::Line
            {
                assert!(fields.iter().all(|field| (field.fits)(field.like)), "{}: {}", set.name, file.name);
            }
            if let Need::Beside(other) = file.need {
                assert!(set.files.iter().any(|file| file.name == other), "{}: {other}", set.name);
            }
        }
    }
    assert!((JD_SESSION[0].fits)(JD_SESSION[0].like) && !(JD_SESSION[0].fits)("1+2+3+4 1+2+3+4+5"));
}

#[test]
fn a_part_of_a_file_is_told_as_such_and_rows_with_line_breaks_in_quotes_count_once() {
    let songs = [SONGS, b"a,1,2,\"line\nbreak\",,,3\n\nb,1,2,c,,,3"].concat();
    let look = seen(&kkbox::KKBOX, &[("songs.csv", &songs)], false);
    let songs = of(&look, "songs.csv");
    assert_eq!(songs.counted, Some(2));
    assert_eq!(words(songs), ["2 rows, published 2,296,320: a part of the file, or another version"]);
    assert!(of(&look, "train.csv").missing && !of(&look, "members.csv").missing && !look.is_right());
}

#[test]
fn nothing_is_counted_when_it_must_be_quick() {
    let look = seen(&kkbox::KKBOX, &[("songs.csv", SONGS)], true);
    assert_eq!((of(&look, "songs.csv").counted, of(&look, "songs.csv").is_right()), (None, true));
}

#[test]
fn the_first_column_of_a_header_that_differs_is_pointed_at() {
    let cases: [(&[u8], &str, usize, usize); 4] = [
        (b"song_id,title,isrc\n", "column 2 of the header is `title`, published `name`", 8, 5),
        (b"song_id,name\n", "the header ends before column 3, published `isrc`", 12, 1),
        (
            b"song_id,name,isrc,more\n",
            "the header has a column 4, `more`, which is not published; all columns are there, and stages find them by name",
            18,
            4,
        ),
        (
            b"name,song_id,isrc\n",
            "column 1 of the header is `name`, published `song_id`; all columns are there, and stages find them by name",
            0,
            4,
        ),
    ];
    for (header, expected, at, width) in cases {
        let look = seen(&kkbox::KKBOX, &[("song_extra_info.csv", header)], true);
        let extra = of(&look, "song_extra_info.csv");
        assert_eq!(words(extra), [expected]);
        let place = extra.problems[0].place().unwrap();
        assert_eq!((place.at, place.width), (at, width), "{expected}");
        assert!(!extra.is_right());
    }
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_no_difference_of_the_header() {
    let look = seen(&kkbox::KKBOX, &[("song_extra_info.csv", b"\xef\xbb\xbfsong_id,name,isrc\r\na,b,c\r\n")], true);
    assert_eq!(words(of(&look, "song_extra_info.csv")), [""; 0]);
}

#[test]
fn files_without_a_header_are_known_by_their_first_row() {
    let wrong = seen(
        &amazon_books::AMAZON_BOOKS,
        &[("ratings_Books.csv", b"0009999990,A0USER0000001,5.0,1357516800\n")],
        false,
    );
    let expected = "field 1 of the first row should be the user, like `A0USER0000001`";
    assert_eq!(words(of(&wrong, "ratings_Books.csv"))[0], expected);
    assert!(!of(&wrong, "Books.csv").missing, "one of the two is enough");
    let right =
        seen(&amazon_books::AMAZON_BOOKS, &[("Books.csv", b"0009999990,A0USER0000001,5.0,1357516800\n")], false);
    assert!(right.is_right());
    let named = seen(&movielens_1m::MOVIELENS_1M, &[("ratings.dat", b"userId,movieId\n1,2\n")], true);
    let expected = "the first row has 1 field, published 4: user, movie, rating, time";
    assert_eq!(words(of(&named, "ratings.dat")), [expected]);
}

#[test]
fn rows_with_another_number_of_fields_are_counted_and_the_first_is_named() {
    let rows = b"song_id,name,isrc\na,b,c\na,b\na,\"b\n\",c\na\n";
    let look = seen(&kkbox::KKBOX, &[("song_extra_info.csv", rows)], false);
    let problems = words(of(&look, "song_extra_info.csv"));
    assert_eq!(problems[0], "2 rows do not have 3 fields; the first is on line 3, with 2");
}

#[test]
fn behaviors_are_counted_and_files_are_known_by_a_piece_of_their_name() {
    let line = b"1+5+3+1+4 1+6+3+2+4\n2+5+3+1+4 \n";
    let look = seen(&jd_appliances::JD_APPLIANCES, &[("JD_Applicances_sample.1000b", line)], false);
    let problem = "3 micro-behaviors, published 176,483,033: a part of the file, or another version";
    assert_eq!(words(&look.files[0]), [problem]);
    let both = [("a_computers", &line[..]), ("b_computers", line)];
    let look = seen(&jd_computers::JD_COMPUTERS, &both, true);
    assert_eq!(look.files[0].remarks, ["it is `a_computers` here; there is `b_computers` too"]);
}

#[test]
fn a_file_that_is_cut_off_is_told_and_hides_no_other() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let noise: Vec<u8> = (0..4000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_string().into_bytes()).collect();
    gz.write_all(SONGS).unwrap();
    gz.write_all(&noise).unwrap();
    let whole = gz.finish().unwrap();
    let look = seen(
        &kkbox::KKBOX,
        &[("songs.csv.gz", &whole[..whole.len() / 2]), ("song_extra_info.csv", b"song_id,name,isrc\n")],
        true,
    );
    assert!(words(of(&look, "songs.csv"))[0].contains("ends too soon"), "{:?}", words(of(&look, "songs.csv")));
    assert!(of(&look, "song_extra_info.csv").is_right());
}

#[test]
fn a_missing_file_is_looked_for_one_folder_down_and_under_a_name_like_its_own() {
    let look = seen(&kkbox::KKBOX, &[("unpacked/train.csv", b"x\n"), ("song.csv", b"x\n")], true);
    assert!(of(&look, "train.csv").remarks[0].ends_with("unpacked`: name that folder"));
    assert_eq!(of(&look, "songs.csv").remarks, ["there is `song.csv`: rename it if that is the file"]);
}

#[test]
fn artists_are_needed_where_tracks_are() {
    let log = ("LFM-1b_LEs.txt", &b"31\t500\t7001\t90001\t1388534400\n"[..]);
    assert!(seen(&lastfm_1b::LASTFM_1B, &[log], true).is_right());
    let tracks = ("LFM-1b_tracks.txt", &b"90001\tA Song\t500\n"[..]);
    let look = seen(&lastfm_1b::LASTFM_1B, &[log, tracks], true);
    assert!(of(&look, "LFM-1b_artists.txt").missing);
}

#[test]
fn files_that_no_stage_reads_may_differ() {
    let log = ("LFM-1b_LEs.txt", &b"31\t500\t7001\t90001\t1388534400\n"[..]);
    let look = seen(&lastfm_1b::LASTFM_1B, &[log, ("LFM-1b_albums.txt", b"other\n")], true);
    assert!(look.is_right() && !of(&look, "LFM-1b_albums.txt").problems.is_empty());
}

#[test]
fn converted_line_ends_change_the_size_and_nothing_else() {
    let lf = "relation\tid\nitem-brand\t1\nitem-shop\t2\nitem-cate\t3\nitem-years\t4\n";
    let crlf = lf.replace('\n', "\r\n");
    for (text, remarks) in [(lf, 0), (crlf.as_str(), 1)] {
        let look = seen(&mkm_demo::MKM_DEMO, &[("no_new_item/relation2id", text.as_bytes())], false);
        let relation = of(&look, "no_new_item/relation2id");
        assert_eq!((words(relation).len(), relation.remarks.len()), (0, remarks));
    }
}

#[test]
fn a_member_of_an_archive_is_known_by_the_folders_of_its_name() {
    let relation = |rows: &str| format!("relation\tid\n{rows}");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, rows) in [("no_new_item", "a\t1\n"), ("with_new_item", "a\t1\nb\t2\n")] {
        zip.start_file(format!("all/{name}/relation2id"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(relation(rows).as_bytes()).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let look = seen(&mkm_demo::MKM_DEMO, &[("all.zip", &bytes)], false);
    assert_eq!(of(&look, "no_new_item/relation2id").counted, Some(1));
    assert_eq!(of(&look, "with_new_item/relation2id").counted, Some(2));
    assert!(of(&look, "with_new_item/kg2id").missing);
}
