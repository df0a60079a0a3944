//! The tables beside the rows of KKBOX: songs, their names and ISRC, members. Attributes go with brand and category, so they
//! tell where a song belongs.

use std::io::Result;

use serde_json::{Value, json};

use super::{Names, REAL};
use crate::synth::market::{BRAND, Market};
use crate::synth::name;
use crate::synth::random::{Random, Scramble, Weights};
use crate::synth::write::{Desk, Raw};

/// One song in so many has no metadata.
const WITHOUT_METADATA: usize = 1000;

/// One song in so many has no extra info: 349 of the real ones.
const WITHOUT_EXTRA: usize = (REAL.2 / (REAL.2 - REAL.3)) as usize;

/// The genre of a category.
const GENRES: [u64; 4] = [458, 465, 921, 1609];

/// Writes the songs: artist, language and second genre go with the brand, the first genre with the category.
pub(super) fn songs(desk: &mut Desk<'_>, market: &Market, names: &Names, random: &mut Random) -> Result<Value> {
    let header = "song_id,song_length,genre_ids,artist_name,composer,lyricist,language";
    let mut file = desk.begin("songs.csv", Some(header))?;
    let languages = Weights::new([16_729, 7_727, 7_624, 3_116, 2_098, 1_270, 1_171, 130, 117, 17]);
    let codes = ["52.0", "-1.0", "3.0", "17.0", "31.0", "24.0", "10.0", "59.0", "45.0", "38.0"];
    let order = Scramble::new(market.items(), random);
    let mut gaps = [0_u64; 4];
    for place in 0..market.items() {
        let song = order.of(place) as usize;
        if song % WITHOUT_METADATA == WITHOUT_METADATA / 2 {
            continue;
        }
        let brand = song / BRAND;
        let mut artist = Random::of(names.seed ^ 1, brand as u64);
        let language = languages.draw(&mut artist);
        names.song(&mut file, song);
        file.comma().number(4_922 + random.falling(240_000.0) as u64 % 4_743_420).comma();
        if random.chance(0.018) {
            gaps[0] += 1;
        } else {
            file.number(GENRES[Market::category(song)]);
            if random.chance(0.065) {
                file.byte(b'|').number(2000 + brand as u64 % 180);
            }
        }
        file.comma();
        artist_name(&mut file, language == 2, &mut artist);
        file.comma();
        if random.chance(0.42) {
            gaps[1] += 1;
        } else if random.chance(0.01) {
            file.byte(b'"');
            name::word(&mut file, random);
            file.text(" \"\"");
            name::word(&mut file, random);
            file.text("\"\" ");
            name::word(&mut file, random);
            file.byte(b'"');
        } else {
            name::pair(&mut file, random);
            if random.chance(0.2) {
                file.text("|  ");
                name::pair(&mut file, random);
            }
        }
        file.comma();
        if random.chance(0.727) {
            gaps[2] += 1;
        } else {
            name::pair(&mut file, random);
        }
        file.comma();
        // One song of the real table has no language.
        if place == market.items() / 2 {
            gaps[3] += 1;
        } else {
            file.text(codes[language]);
        }
        file.end()?;
    }
    let rows = file.rows();
    desk.end(file)?;
    Ok(json!({
        "rows": rows, "genre_empty": gaps[0], "composer_empty": gaps[1], "lyricist_empty": gaps[2],
        "language_empty": gaps[3],
    }))
}

/// The same for all songs of a brand.
fn artist_name(file: &mut Raw<'_>, signs: bool, artist: &mut Random) {
    if signs {
        name::signs(file, artist);
        return;
    }
    match artist.below(1000) {
        0 => {
            file.byte(b'"');
            name::pair(file, artist);
            file.text(", ");
            name::pair(file, artist);
            file.byte(b'"');
        }
        1..=16 => {
            name::pair(file, artist);
            file.text("| ");
            name::pair(file, artist);
        }
        _ => name::pair(file, artist),
    }
}

/// The year in which a brand's songs came out.
fn year(brand: usize) -> u64 {
    1990 + brand as u64 * 7 % 27
}

/// Writes names and ISRC; the year in the latter goes with the brand.
pub(super) fn extra_info(desk: &mut Desk<'_>, market: &Market, names: &Names, random: &mut Random) -> Result<Value> {
    let mut file = desk.begin("song_extra_info.csv", Some("song_id,name,isrc"))?;
    let order = Scramble::new(market.items(), random);
    let [mut without, mut quoted, mut commas, mut breaks] = [0_u64; 4];
    for place in 0..market.items() {
        let song = order.of(place) as usize;
        if song % WITHOUT_EXTRA == WITHOUT_EXTRA / 2 {
            continue;
        }
        names.song(&mut file, song);
        file.comma();
        match place {
            // In the real head one name in 40,000 has a line break; here the second row has one, so that none lacks it.
            _ if place % 40_000 == 1 => {
                breaks += 1;
                file.text("\"First line\nsecond line\"");
            }
            _ if place % 1000 == 2 => {
                commas += 1;
                file.byte(b'"');
                name::word(&mut file, random);
                file.text(", ");
                name::word(&mut file, random);
                file.byte(b'"');
            }
            _ if random.chance(0.0082) => {
                quoted += 1;
                file.byte(b'"');
                name::word(&mut file, random);
                file.text(" (From \"\"");
                name::word(&mut file, random);
                file.text("\"\")\"");
            }
            _ if random.chance(0.4) => name::signs(&mut file, random),
            _ => name::pair(&mut file, random),
        }
        file.comma();
        if random.chance(0.1337) {
            without += 1;
        } else {
            let brand = song / BRAND;
            file.text(["TW", "US", "HK", "JP", "GB", "KR"][brand % 6]).code(brand as u64, 3);
            file.padded(year(brand) % 100, 2).padded(song as u64 % 100_000, 5);
        }
        file.end()?;
    }
    let rows = file.rows();
    desk.end(file)?;
    Ok(json!({
        "rows": rows, "isrc_empty": without, "name_with_quotes": quoted, "name_with_comma": commas,
        "name_with_line_break": breaks,
    }))
}

/// Writes the members, in another order than that of their activity.
pub(super) fn members(desk: &mut Desk<'_>, users: u64, names: &Names, random: &mut Random) -> Result<()> {
    let header = "msno,city,bd,gender,registered_via,registration_init_time,expiration_date";
    let mut file = desk.begin("members.csv", Some(header))?;
    let order = Scramble::new(users as usize, random);
    let genders = Weights::new([19_902, 7_405, 7_096]);
    let ways = Weights::new([11_392, 9_433, 8_628, 4_879, 70, 1]);
    for place in 0..users as usize {
        names.user(&mut file, order.of(place));
        let city = if random.chance(0.565) { 1 } else { 3 + random.below(20) as u64 };
        file.comma().number(city).comma();
        match random.below(10_000) {
            0 => file.text("-43"),
            1..=3 => file.text("1051"),
            4..=5796 => file.text("0"),
            _ => file.number(14 + random.falling(14.0).min(80.0) as u64),
        };
        file.comma().text(["", "male", "female"][genders.draw(random)]).comma();
        file.number([4, 7, 9, 3, 13, 16][ways.draw(random)]).comma();
        date(&mut file, 2004, random);
        file.comma();
        if place == 0 {
            file.text("19700101");
        } else {
            date(&mut file, 2016, random);
        }
        file.end()?;
    }
    desk.end(file)
}

/// A day within a year, or within thirteen for those that begin long ago.
fn date(file: &mut Raw<'_>, year: u64, random: &mut Random) {
    let years = if year < 2010 { 13 } else { 2 };
    file.number(year + random.below(years) as u64).padded(1 + random.below(12) as u64, 2);
    file.padded(1 + random.below(28) as u64, 2);
}
