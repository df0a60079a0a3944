//! Made-up listening events in the files of Last.fm (raw-formats, section 8), in two layouts: LFM-1b, where all is a number,
//! and lastfm-dataset-1K, with names and MusicBrainz ids. Events lie together by user, the newest first.

use std::io::Result;

use jiff::civil::date;
use serde_json::{Value, json};

use super::market::{BRAND, Market};
use super::random::{Random, Scramble, Weights};
use super::walk::{Habits, Rhythm, Shares, Walk};
use super::write::{Calendar, Desk, Raw};
use super::{Plan, name};

/// The real tables of LFM-1b: events, tracks, users.
const REAL: (u64, u64, u64) = (1_088_161_692, 31_634_450, 120_322);
/// The same of lastfm-dataset-1K.
const REAL_1K: (u64, u64, u64) = (19_150_868, 1_500_661, 992);
/// Two tracks of a session are at most so many seconds apart, two sessions more than an hour.
const STEP: u64 = 420;
/// LFM-1b: about nine years up to August 2014. 1K: from February 2005 to June 2009.
const LFM: (u64, Rhythm) = (1_108_339_200, Rhythm { span: 3470 * 86_400, rest: 3900, step: STEP, scale: 3 });
const ONE_K: Rhythm = Rhythm { span: 1586 * 86_400, rest: 3900, step: STEP, scale: 3 };
/// Missing MusicBrainz ids of artists and of tracks in 1K.
const NO_ID: (f64, f64) = (0.03, 0.11);

const RULE: &str =
    "There are no operations. A track decides the next one: always by the same artist, from one album to another.";

/// An event of the user under way.
struct Event {
    track: u32,
    /// Seconds since the log began.
    time: u64,
}

/// The log under way.
struct Log {
    walk: Walk,
    rhythm: Rhythm,
    sessions: u64,
}

impl Log {
    fn new(items: usize, rhythm: Rhythm, random: &mut Random) -> Self {
        Self { walk: Walk::new(items, 0.1, Habits { noise: 0.1, repeat: 0.1 }, random), rhythm, sessions: 0 }
    }

    /// The events of the next user, in the order of time.
    fn user(&mut self, own: &mut Vec<Event>, rows: u64, random: &mut Random) {
        own.clear();
        let late_from = self.rhythm.span / 10 * 9;
        let (mut left, mut time) = (rows, 0);
        for to_come in (1..=self.rhythm.sessions(rows, random)).rev() {
            let (begin, session) = self.rhythm.next(time, left, to_come, random);
            self.sessions += 1;
            left -= session;
            time = begin;
            let mut track = self.walk.first(time >= late_from, random);
            own.push(Event { track: track as u32, time });
            for _ in 1..session {
                time += 90 + random.below((STEP - 90) as usize) as u64;
                let category = (Market::category(track) + 1) % 4;
                track = self.walk.next(track, category, time >= late_from, random);
                own.push(Event { track: track as u32, time });
            }
        }
    }
}

/// Writes LFM-1b: events, artists, albums, tracks, users. The file of 42 more columns on users is not made up.
pub(super) fn write_lfm(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let mut log = Log::new(plan.items(REAL.1, REAL.0, 1200), LFM.1, &mut random);
    let (tracks, brands) = (log.walk.market.items(), log.walk.market.brands());
    let names = (Scramble::new(tracks, &mut random), Scramble::new(brands, &mut random));
    let artist = |track: usize| 1 + names.1.of(track / BRAND);
    // Three albums of four tracks an artist.
    let album = |track: usize| 1 + 3 * names.1.of(track / BRAND) + (track % BRAND / 4) as u64;
    let number = |track: usize| 1 + names.0.of(track);
    let mut shares = Shares::new(plan.rows, plan.users(REAL.2, REAL.0, 100), 1, log.rhythm.most());
    let mut users = 0;
    let mut own = Vec::new();
    let mut plays: Vec<u64> = Vec::new();
    let mut file = desk.begin("LFM-1b_LEs.txt", None)?;
    while shares.people > 0 {
        let rows = shares.next(&mut random);
        log.user(&mut own, rows, &mut random);
        plays.push(rows);
        users += 1;
        for event in own.iter().rev() {
            let track = event.track as usize;
            file.number(user_number(users)).tab().number(artist(track)).tab().number(album(track)).tab();
            file.number(number(track)).tab().number(LFM.0 + event.time).end()?;
        }
    }
    desk.end(file)?;
    let spell = |kind: u64, number: u64| Random::of(plan.seed ^ 0x1b, number << 2 | kind);
    let mut file = desk.begin("LFM-1b_artists.txt", None)?;
    for artist in 1..=brands as u64 {
        file.number(artist).tab();
        title(&mut file, &mut spell(0, artist));
        file.end()?;
    }
    desk.end(file)?;
    let mut file = desk.begin("LFM-1b_albums.txt", None)?;
    for album in 1..=3 * brands as u64 {
        file.number(album).tab();
        title(&mut file, &mut spell(1, album));
        file.tab().number(album.div_ceil(3)).end()?;
    }
    desk.end(file)?;
    let mut file = desk.begin("LFM-1b_tracks.txt", None)?;
    for place in 0..tracks as u64 {
        file.number(place + 1).tab();
        title(&mut file, &mut spell(2, place));
        file.tab().number(artist(names.0.back(place))).end()?;
    }
    desk.end(file)?;
    let header = "user_id\tcountry\tage\tgender\tplaycount\tregistered_unixtime";
    let mut file = desk.begin("LFM-1b_users.txt", Some(header))?;
    let mut no_country = 0_u64;
    for (user, plays) in (1..).zip(plays) {
        file.number(user_number(user)).tab();
        if random.chance(0.55) {
            no_country += 1;
        } else {
            file.text(["US", "RU", "DE", "UK", "PL", "BR"][random.below(6)]);
        }
        file.tab();
        if random.chance(0.6) {
            file.text("-1")
        } else {
            file.number(14 + random.falling(11.0) as u64)
        };
        file.tab().text(["m", "f", "n", "n"][random.below(4)]).tab().number(plays).tab();
        file.number(LFM.0 - random.below(86_400 * 700) as u64).end()?;
    }
    desk.end(file)?;
    Ok(json!({
        "rows": plan.rows, "users": users, "sessions": log.sessions, "session_gap_s": 3600,
        "without_country": no_country, "rule": RULE, "walk": log.walk.truth(|track| json!(number(track))),
    }))
}

/// The numbers of users ascend with gaps.
fn user_number(user: u64) -> u64 {
    384 + 431 * user
}

/// A name; some hold quote characters, which mean nothing in these files, and some are not in Latin letters.
fn title(file: &mut Raw<'_>, random: &mut Random) {
    match random.below(100) {
        0 => {
            name::word(file, random);
            file.text(" \"");
            name::word(file, random);
            file.byte(b'"');
        }
        1..=8 => name::signs(file, random),
        _ => name::pair(file, random),
    }
}

/// Writes lastfm-dataset-1K: events and profiles.
pub(super) fn write_1k(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let mut log = Log::new(plan.items(REAL_1K.1, REAL_1K.0, 1200), ONE_K, &mut random);
    let calendar = Calendar::new(date(2005, 2, 14), 1586);
    let mut shares = Shares::new(plan.rows, plan.users(REAL_1K.2, REAL_1K.0, 20), 1, log.rhythm.most());
    let mut users = 0;
    let [mut no_artist, mut no_track] = [0_u64; 2];
    let mut own = Vec::new();
    let mut file = desk.begin("userid-timestamp-artid-artname-traid-traname.tsv", None)?;
    while shares.people > 0 {
        let rows = shares.next(&mut random);
        log.user(&mut own, rows, &mut random);
        users += 1;
        for event in own.iter().rev() {
            let track = u64::from(event.track);
            file.text("user_").padded(users, 6).tab().clock(&calendar, event.time, b'T').text("Z\t");
            let mut artist = Random::of(plan.seed ^ 6, track / BRAND as u64);
            no_artist += u64::from(!identified(&mut file, NO_ID.0, &mut artist));
            title(&mut file, &mut artist);
            file.tab();
            let mut song = Random::of(plan.seed ^ 7, track);
            no_track += u64::from(!identified(&mut file, NO_ID.1, &mut song));
            title(&mut file, &mut song);
            file.end()?;
        }
    }
    desk.end(file)?;
    let mut file = desk.begin("userid-profile.tsv", Some("#id\tgender\tage\tcountry\tregistered"))?;
    let countries = Weights::new([3, 2, 1, 1, 1, 1]);
    for user in 1..=users {
        file.text("user_").padded(user, 6).tab().text(["m", "f", "m", ""][random.below(4)]).tab();
        if random.chance(0.28) {
            file.number(16 + random.falling(9.0) as u64);
        }
        file.tab()
            .text(["United States", "United Kingdom", "Poland", "", "Norway", "Finland"][countries.draw(&mut random)]);
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        file.tab().text(months[random.below(12)]).byte(b' ').number(1 + random.below(28) as u64).text(", ");
        file.number(2002 + random.below(4) as u64).end()?;
    }
    desk.end(file)?;
    Ok(json!({
        "rows": plan.rows, "users": users, "sessions": log.sessions, "session_gap_s": 3600,
        "rows_without_artist_id": no_artist, "rows_without_track_id": no_track, "rule": RULE,
        "walk": log.walk.truth(|track| json!(track)),
    }))
}

/// A MusicBrainz id, or nothing for those that have none; a tab ends the field either way.
fn identified(file: &mut Raw<'_>, without: f64, random: &mut Random) -> bool {
    let (there, high, low) = (!random.chance(without), random.next(), random.next());
    if there {
        file.hex(high >> 32, 8).byte(b'-').hex(high >> 16, 4).byte(b'-').hex(high, 4).byte(b'-').hex(low >> 48, 4);
        file.byte(b'-').hex(low, 12);
    }
    file.tab();
    there
}
