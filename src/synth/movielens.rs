//! Made-up ratings in the files of MovieLens (raw-formats, section 7), in two layouts: the CSV files of 20M and later, whose
//! ratings are sorted by user and movie, and the `::` files of 1M, which are in no order inside a user and in ISO-8859-1.
//! Nobody rates a movie twice.

use std::io::Result;

use serde_json::{Value, json};

use super::market::{BRAND, Market};
use super::random::{Random, Scramble, Weights};
use super::walk::{Habits, Person, Shares, Walk, most_unseen};
use super::write::{Desk, Raw};
use super::{Plan, name};

/// What differs between the two layouts.
struct Layout {
    /// Real ratings, movies, users.
    real: (u64, u64, u64),
    /// Unix seconds of the first day and of the last one.
    time: (u64, u64),
    /// The probability that the next rating has the same time.
    tie: f64,
    /// Ratings in halves, with how often they are given, and the category that each leads to.
    ratings: &'static [(u8, usize, usize)],
    csv: bool,
}

/// The layout of ml-20m and ml-latest; shares of ratings and ties as in ml-latest-small.
const CSV: Layout = Layout {
    real: (20_000_263, 27_278, 138_493),
    time: (789_652_800, 1_427_760_000),
    tie: 0.12,
    ratings: &[
        (1, 1_370, 3),
        (2, 2_811, 3),
        (3, 1_791, 3),
        (4, 7_551, 3),
        (5, 5_550, 3),
        (6, 20_047, 2),
        (7, 13_136, 2),
        (8, 26_818, 1),
        (9, 8_551, 1),
        (10, 13_211, 0),
    ],
    csv: true,
};

/// The layout of ml-1m; shares of ratings and ties as in its first 2,999 users.
const DAT: Layout = Layout {
    real: (1_000_209, 3_883, 6_040),
    time: (956_707_200, 1_046_390_400),
    tie: 0.53,
    ratings: &[(2, 27_472, 3), (4, 53_838, 3), (6, 127_216, 2), (8, 170_579, 1), (10, 108_545, 0)],
    csv: false,
};

const RULE: &str = "A movie and its rating decide the next movie that is rated: 5 leads to genre Action, 4 and 4.5 to Comedy, \
                    3 and 3.5 to Drama, less to Thriller, always within the same series, which shares words of its titles, \
                    the second genre and the decade. Nobody rates a movie twice.";
/// The genre of a category, and those that go with the brand.
const GENRES: [&str; 4] = ["Action", "Comedy", "Drama", "Thriller"];
const MORE_GENRES: [&str; 12] = [
    "Adventure",
    "Animation",
    "Crime",
    "Documentary",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "War",
];

/// The items of a market as movies: the same request for Freebase speaks of the same ones.
pub(super) struct Movies {
    pub(super) walk: Walk,
    order: Scramble,
    seed: u64,
    csv: bool,
}

impl Movies {
    pub(super) fn new(seed: u64, items: usize, csv: bool, random: &mut Random) -> Self {
        let walk = Walk::new(items, 0.1, Habits { noise: 0.1, repeat: 0.0 }, random);
        let order = Scramble::new(walk.market.items(), random);
        Self { walk, order, seed, csv }
    }

    /// The number of a movie. There are gaps, as in the real numbers: in 1M few, in 20M many above 8,000.
    pub(super) fn number(&self, item: usize) -> u64 {
        let place = self.order.of(item);
        match (self.csv, place) {
            (false, _) => 1 + place + place / 56,
            (true, ..8000) => 1 + place,
            (true, _) => 8001 + 6 * (place - 8000),
        }
    }

    /// The movie that stands there in the order of numbers.
    pub(super) fn at(&self, place: usize) -> usize {
        self.order.back(place as u64)
    }

    /// The words of a title, of which the first goes with the series.
    pub(super) fn title(&self, file: &mut Raw<'_>, item: usize) {
        name::word(file, &mut Random::of(self.seed ^ 4, (item / BRAND) as u64));
        file.byte(b' ');
        name::word(file, &mut Random::of(self.seed ^ 5, item as u64));
    }

    /// The year of a movie; a series stays within a decade.
    pub(super) fn year(item: usize) -> u64 {
        1930 + (item / BRAND) as u64 % 8 * 10 + (item % BRAND) as u64 % 10
    }
}

/// Writes the files of 20M: `ratings.csv`, `movies.csv`, `links.csv`, `tags.csv`.
pub(super) fn write_csv(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let items = plan.items(CSV.real.1, CSV.real.0, 1200);
    let mut movies = Movies::new(plan.seed, items, true, &mut random);
    let mut tags = desk.begin("tags.csv", Some("userId,movieId,tag,timestamp"))?;
    let found = ratings(desk, plan, &CSV, &mut movies, Some(&mut tags), &mut random)?;
    desk.end(tags)?;
    let gaps = movie_table(desk, &movies, &mut random)?;
    let mut file = desk.begin("links.csv", Some("movieId,imdbId,tmdbId"))?;
    let mut unlinked = 0_u64;
    for place in 0..movies.walk.market.items() {
        file.number(movies.number(movies.at(place))).comma().padded(1000 + 87 * place as u64, 7).comma();
        if random.chance(0.0092) {
            unlinked += 1;
        } else {
            file.number(2 + 5 * place as u64);
        }
        file.end()?;
    }
    desk.end(file)?;
    Ok(found.truth(plan, &movies, json!({ "movies": gaps, "tmdb_empty": unlinked })))
}

/// Writes the files of 1M: `ratings.dat`, `movies.dat`, `users.dat`.
pub(super) fn write_dat(desk: &mut Desk<'_>, plan: &Plan) -> Result<Value> {
    let mut random = Random::new(plan.seed);
    let items = plan.items(DAT.real.1, DAT.real.0, 1200);
    let mut movies = Movies::new(plan.seed, items, false, &mut random);
    let found = ratings(desk, plan, &DAT, &mut movies, None, &mut random)?;
    let gaps = movie_table(desk, &movies, &mut random)?;
    let mut file = desk.begin("users.dat", None)?;
    for user in 0..found.users {
        file.number(user + 1).text("::").text(["M", "M", "M", "F"][random.below(4)]).text("::");
        file.number([1, 18, 25, 35, 45, 50, 56][random.below(7)]).text("::").number(random.below(21) as u64);
        file.text("::").padded(random.below(100_000) as u64, 5);
        if random.chance(0.011) {
            file.byte(b'-').padded(random.below(10_000) as u64, 4);
        }
        file.end()?;
    }
    desk.end(file)?;
    Ok(found.truth(plan, &movies, json!({ "movies": gaps })))
}

/// What was written.
#[derive(Default)]
struct Found {
    users: u64,
    user_days: u64,
    ratings: [u64; 11],
}

impl Found {
    fn truth(&self, plan: &Plan, movies: &Movies, more: Value) -> Value {
        let ratings: serde_json::Map<String, Value> = (1..11)
            .filter(|halves| self.ratings[*halves] > 0)
            .map(|halves| (format!("{}", halves as f64 / 2.0), json!(self.ratings[halves])))
            .collect();
        json!({
            "rows": plan.rows, "users": self.users, "sessions": self.users, "user_days_utc": self.user_days,
            "ratings": ratings, "tables": more, "rule": RULE,
            "walk": movies.walk.truth(|item| json!(movies.number(item))),
        })
    }
}

/// A rating by the user under way.
struct Rating {
    movie: u64,
    halves: u8,
    time: u64,
}

fn ratings(
    desk: &mut Desk<'_>,
    plan: &Plan,
    layout: &Layout,
    movies: &mut Movies,
    mut tags: Option<&mut Raw<'_>>,
    random: &mut Random,
) -> Result<Found> {
    let mut found = Found::default();
    let stars = Weights::new(layout.ratings.iter().map(|rating| rating.1));
    let most = most_unseen(movies.walk.market.items()).max(1);
    let mut shares = Shares::new(plan.rows, plan.users(layout.real.2, layout.real.0, 1), 20, most);
    let mut file = if layout.csv {
        desk.begin("ratings.csv", Some("userId,movieId,rating,timestamp"))?
    } else {
        desk.begin("ratings.dat", None)?
    };
    let mut own: Vec<Rating> = Vec::new();
    while shares.people > 0 {
        let share = shares.next(random);
        found.users += 1;
        own.clear();
        one_user(&mut own, share, found.users, layout, movies, &stars, random);
        shares.give_back(share - own.len() as u64);
        let mut day = 0;
        for rating in &own {
            found.user_days += u64::from(rating.time / 86_400 != day);
            day = rating.time / 86_400;
            found.ratings[usize::from(rating.halves)] += 1;
        }
        if layout.csv {
            own.sort_unstable_by_key(|rating| rating.movie)
        } else {
            random.shuffle(&mut own)
        }
        for rating in &own {
            if layout.csv {
                file.number(found.users).comma().number(rating.movie).comma().number((rating.halves / 2).into());
                file.text(if rating.halves % 2 == 1 { ".5," } else { ".0," }).number(rating.time).end()?;
            } else {
                file.number(found.users).text("::").number(rating.movie).text("::").number((rating.halves / 2).into());
                file.text("::").number(rating.time).end()?;
            }
            if let Some(tags) = tags.as_deref_mut()
                && random.chance(0.0233)
            {
                tags.number(found.users).comma().number(rating.movie).comma();
                if random.chance(0.01) {
                    tags.text("\"");
                    name::pair(tags, random);
                    tags.text(", ");
                    name::word(tags, random);
                    tags.text("\"");
                } else {
                    name::word(tags, random);
                }
                tags.comma().number(rating.time + 60).end()?;
            }
        }
    }
    desk.end(file)?;
    Ok(found)
}

/// The ratings of one user in the order of time, fewer than wanted where no movies are left.
fn one_user(
    own: &mut Vec<Rating>,
    share: u64,
    number: u64,
    layout: &Layout,
    movies: &mut Movies,
    stars: &Weights,
    random: &mut Random,
) {
    let (begin, end) = layout.time;
    let late_from = end - (end - begin) / 10;
    let mut time = begin + random.below((end - begin - 30 * 86_400) as usize) as u64;
    let mut person = Person::new(number);
    let mut from = None;
    while (own.len() as u64) < share {
        let Some(item) = movies.walk.unseen(&mut person, from, time >= late_from, random) else { break };
        let (halves, _, leads_to) = layout.ratings[stars.draw(random)];
        own.push(Rating { movie: movies.number(item), halves, time });
        from = Some(leads_to);
        if !random.chance(layout.tie) {
            time += 1 + random.falling(25.0) as u64;
        }
        // Some come back another day.
        if random.below(60) == 0 {
            let later = time + 86_400 * (1 + random.falling(40.0) as u64);
            if later < end - 20 * 86_400 {
                (time, from) = (later, None);
            }
        }
    }
}

/// Writes the movies in the order of their numbers, and counts what is special in their titles.
fn movie_table(desk: &mut Desk<'_>, movies: &Movies, random: &mut Random) -> Result<Value> {
    let mut file = if movies.csv {
        desk.begin("movies.csv", Some("movieId,title,genres"))?
    } else {
        desk.begin("movies.dat", None)?
    };
    let [mut quoted, mut accents, mut without] = [0_u64; 3];
    for place in 0..movies.walk.market.items() {
        let item = movies.at(place);
        let (article, accent) = (random.chance(0.21), random.chance(0.013) || place == 7);
        let inner = movies.csv && place % 2000 == 11;
        let quotes = movies.csv && (article || inner);
        quoted += u64::from(quotes);
        accents += u64::from(accent);
        file.number(movies.number(item)).text(if movies.csv { "," } else { "::" });
        if quotes {
            file.byte(b'"');
        }
        movies.title(&mut file, item);
        if accent {
            // The letter é, in the encoding of the layout.
            file.text(" Caf").bytes(if movies.csv { "é".as_bytes() } else { &[0xe9] });
        }
        if inner {
            file.text(" \"\"Two\"\"");
        }
        if article {
            file.text(", The");
        }
        file.text(" (").number(Movies::year(item)).byte(b')');
        if quotes {
            file.byte(b'"');
        }
        file.text(if movies.csv { "," } else { "::" });
        if movies.csv && random.chance(0.009) {
            without += 1;
            file.text("(no genres listed)");
        } else {
            let (own, series) = (GENRES[Market::category(item)], MORE_GENRES[item / BRAND % MORE_GENRES.len()]);
            file.text(own.min(series)).byte(b'|').text(own.max(series));
        }
        file.end()?;
    }
    desk.end(file)?;
    Ok(json!({ "quoted_titles": quoted, "titles_with_accent": accents, "without_genres": without }))
}
