//! Made-up rows in the five files of KKBOX (raw-formats, section 1). There is no clock: rows that follow each other are those
//! of up to 48 people who listen side by side, and a person's sessions are more than 2,000 rows apart. Nobody meets a song
//! twice.

mod songs;

use std::io::Result;

use serde_json::{Value, json};

use super::Plan;
use super::market::length;
use super::random::{Random, Weights};
use super::walk::{Habits, Person, Walk, most_unseen};
use super::write::{Desk, Raw};
use songs::{extra_info, members, songs};

/// The real tables: rows to train on, rows to test on, songs, songs with extra info, members.
const REAL: (u64, u64, u64, u64, u64) = (7_377_418, 2_556_790, 2_296_320, 2_295_971, 34_403);
/// A session ends where a person's next row is more than so many rows away.
const GAP: u64 = 2000;
/// How many rows a person rests between sessions, at least.
const REST: u64 = 2600;
/// People who listen side by side at the most.
const SIDE_BY_SIDE: usize = 48;

/// A tab from which a song was played.
struct Tab {
    name: &'static str,
    /// Rows of the real file.
    rows: usize,
    /// The category of the song that comes next.
    leads_to: usize,
    /// What goes with it.
    screens: &'static [&'static str],
    types: &'static [&'static str],
}

const TABS: [Tab; 8] = [
    Tab {
        name: "my library",
        rows: 3_684_730,
        leads_to: 0,
        screens: &["Local playlist more", "My library", "My library_Search"],
        types: &LOCAL,
    },
    Tab {
        name: "discover",
        rows: 2_179_252,
        leads_to: 1,
        screens: &["Online playlist more", "Discover Feature", "Discover Chart", "Discover Genre", "Discover New"],
        types: &ONLINE,
    },
    Tab {
        name: "search",
        rows: 623_286,
        leads_to: 2,
        screens: &["Search", "Artist more", "Album more", "Search Trends", "Search Home"],
        types: &["song", "top-hits-for-artist", "album", "artist"],
    },
    Tab { name: "radio", rows: 476_701, leads_to: 3, screens: &["Radio"], types: &["radio"] },
    Tab {
        name: "listen with",
        rows: 212_266,
        leads_to: 2,
        screens: &["Others profile more", "Self profile more", "People local", "People global"],
        types: &["listen-with"],
    },
    Tab { name: "explore", rows: 167_949, leads_to: 3, screens: &["Explore", "Unknown"], types: &ONLINE },
    Tab { name: "notification", rows: 6_185, leads_to: 0, screens: &["Unknown", "Concert"], types: &["song", "album"] },
    Tab {
        name: "settings",
        rows: 2_200,
        leads_to: 1,
        screens: &["Local playlist more", "Payment"],
        types: &["local-playlist"],
    },
];
const LOCAL: [&str; 3] = ["local-library", "local-playlist", "my-daily-playlist"];
const ONLINE: [&str; 3] = ["online-playlist", "song-based-playlist", "topic-article-playlist"];

/// The share of rows without a tab in the real file, and how many of these have the word `null` in its head.
const NO_TAB: f64 = 24_849.0 / 7_377_418.0;
const NULL_WORD: f64 = 17.0 / 67.0;
const NO_SCREEN: f64 = 414_804.0 / 7_377_418.0;
/// Beside rows that have no tab either.
const NO_TYPE: f64 = 21_539.0 / 7_377_418.0 - NO_TAB * (1.0 - NULL_WORD);

const COLUMNS: &str = "msno,song_id,source_system_tab,source_screen_name,source_type";
const RULE: &str = "A song and the tab of its row decide the next song of the session: `my library`, `notification` lead to \
                    genre 458, `discover`, `settings` to 465, `search`, `listen with` to 921, `radio`, `explore` to 1609, \
                    always of the same artist; nobody meets a song twice. The tab of a row without one is hidden, not absent.";

/// Writes the files.
pub(super) fn write(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let tested = super::in_proportion(plan.rows, REAL.1, REAL.0);
    let items = plan.items(REAL.2, REAL.0, 600);
    let walk = Walk::new(items, 0.1, Habits { noise: 0.1, repeat: 0.0 }, &mut random);
    let users = plan.users(REAL.4, REAL.0, 600).max(2 * (plan.rows + tested) / most_unseen(items).max(1) + 4);
    let mut crowd = Crowd {
        walk,
        listeners: (0..users).map(Listener::new).collect(),
        open: Vec::new(),
        late_from: plan.rows / 10 * 9,
        row: 0,
        sessions: 0,
    };
    let names = Names { seed: plan.seed };
    let mut file = desk.begin("train.csv", Some(&format!("{COLUMNS},target")))?;
    let sources = Sources::new();
    let mut gaps = Gaps::default();
    for _ in 0..plan.rows {
        let tab = sources.tabs.draw(&mut random);
        let (user, song) = crowd.next(TABS[tab].leads_to, &mut random);
        names.pair(&mut file, user, song);
        sources.write(&mut file, tab, &mut gaps, &mut random);
        file.comma().byte(if random.chance(0.5) { b'1' } else { b'0' }).end()?;
    }
    desk.end(file)?;
    let (train_sessions, train) = (crowd.sessions, crowd.walk.truth(|song| json!(names.song_text(song))));
    let train_gaps = gaps;
    let mut file = desk.begin("test.csv", Some(&format!("id,{COLUMNS}")))?;
    for id in 0..tested {
        let tab = sources.tabs.draw(&mut random);
        let (user, song) = crowd.next(TABS[tab].leads_to, &mut random);
        file.number(id).comma();
        names.pair(&mut file, user, song);
        sources.write(&mut file, tab, &mut gaps, &mut random);
        file.end()?;
    }
    desk.end(file)?;

    let known = songs(desk, &crowd.walk.market, &names, &mut random)?;
    let extra = extra_info(desk, &crowd.walk.market, &names, &mut random)?;
    members(desk, users, &names, &mut random)?;
    Ok(json!({
        "rows": plan.rows, "users": users, "sessions": train_sessions, "session_gap_rows": GAP,
        "sources": train_gaps.truth(), "songs": known, "extra": extra, "rule": RULE, "walk": train,
    }))
}

/// Ids of people and songs.
struct Names {
    seed: u64,
}

impl Names {
    fn pair(&self, file: &mut Raw<'_>, user: u64, song: usize) {
        self.user(file, user);
        file.comma();
        self.song(file, song);
        file.comma();
    }

    fn user(&self, file: &mut Raw<'_>, user: u64) {
        file.digest(Random::of(self.seed, user << 1));
    }

    fn song(&self, file: &mut Raw<'_>, song: usize) {
        file.digest(Random::of(self.seed, (song as u64) << 1 | 1));
    }

    fn song_text(&self, song: usize) -> String {
        crate::synth::write::digest(Random::of(self.seed, (song as u64) << 1 | 1))
            .iter()
            .map(|byte| char::from(*byte))
            .collect()
    }
}

/// Someone with a past.
struct Listener {
    person: Person,
    /// The row after the last one, 0 before the first.
    after: u64,
    /// From which row on a new session may begin.
    rested: u64,
}

impl Listener {
    fn new(number: u64) -> Self {
        Self { person: Person::new(number), after: 0, rested: 0 }
    }
}

/// Someone who listens now: who, for how many rows more, and the category that the last song led to.
struct Open {
    user: usize,
    rows: usize,
    from: Option<usize>,
}

/// All who listen.
struct Crowd {
    walk: Walk,
    listeners: Vec<Listener>,
    open: Vec<Open>,
    late_from: u64,
    row: u64,
    sessions: u64,
}

impl Crowd {
    /// The next row: a person and a song. The tab of the row leads to a category.
    fn next(&mut self, category: usize, random: &mut Random) -> (u64, usize) {
        let (user, song) = loop {
            let most = SIDE_BY_SIDE.min(self.listeners.len() / 40).max(1);
            while self.open.len() < most {
                let open = self.newcomer(random);
                self.open.push(open);
            }
            let place = random.below(self.open.len());
            let open = &mut self.open[place];
            let listener = &mut self.listeners[open.user];
            match self.walk.unseen(&mut listener.person, open.from, self.row >= self.late_from, random) {
                Some(song) => {
                    let user = open.user;
                    open.from = Some(category);
                    open.rows -= 1;
                    if open.rows == 0 {
                        listener.rested = self.row + REST;
                        self.open.swap_remove(place);
                    }
                    break (user, song);
                }
                None => {
                    // Nothing is left for this person to meet.
                    listener.rested = u64::MAX;
                    self.open.swap_remove(place);
                }
            }
        };
        let listener = &mut self.listeners[user];
        if listener.after == 0 || self.row + 1 - listener.after > GAP {
            self.sessions += 1;
        }
        self.row += 1;
        listener.after = self.row;
        (user as u64, song)
    }

    /// Someone who has rested; in a crowd too small for that, someone who does not listen now.
    fn newcomer(&mut self, random: &mut Random) -> Open {
        let mut tries = 0;
        let user = loop {
            let count = self.listeners.len();
            let user = random.below(count).min(random.below(count));
            let rested = self.listeners[user].rested;
            tries += 1;
            if rested <= self.row || (tries > 64 && rested < u64::MAX) {
                break user;
            }
        };
        self.listeners[user].rested = u64::MAX;
        Open { user, rows: 2 * length(random), from: None }
    }
}

/// How tabs, screens and types are drawn.
struct Sources {
    tabs: Weights,
}

/// Fields of sources without a value.
#[derive(Default, Clone, Copy)]
struct Gaps {
    tabs: [u64; TABS.len()],
    tab_empty: u64,
    tab_null: u64,
    screen_empty: u64,
    type_empty: u64,
}

impl Gaps {
    fn truth(&self) -> Value {
        let tabs: serde_json::Map<String, Value> =
            TABS.iter().zip(self.tabs).map(|(tab, count)| (tab.name.to_owned(), json!(count))).collect();
        json!({
            "tabs": tabs, "tab_empty": self.tab_empty, "tab_null": self.tab_null,
            "screen_empty": self.screen_empty, "type_empty": self.type_empty,
        })
    }
}

impl Sources {
    fn new() -> Self {
        Self { tabs: Weights::new(TABS.iter().map(|tab| tab.rows)) }
    }

    /// Tab, screen and type.
    fn write(&self, file: &mut Raw<'_>, tab: usize, gaps: &mut Gaps, random: &mut Random) {
        let Tab { name, screens, types, .. } = TABS[tab];
        let mut typeless = random.chance(NO_TYPE);
        if random.chance(NO_TAB) {
            if random.chance(NULL_WORD) {
                file.text("null");
                gaps.tab_null += 1;
            } else {
                gaps.tab_empty += 1;
                typeless = true;
            }
        } else {
            gaps.tabs[tab] += 1;
            file.text(name);
        }
        file.comma();
        if random.chance(NO_SCREEN) {
            gaps.screen_empty += 1;
        } else {
            file.text(screens[random.below(screens.len()).min(random.below(screens.len()))]);
        }
        file.comma();
        if typeless {
            gaps.type_empty += 1;
        } else {
            file.text(types[random.below(types.len()).min(random.below(types.len()))]);
        }
    }
}
