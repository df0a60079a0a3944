//! MovieLens and Amazon.

use std::collections::{BTreeMap, BTreeSet};

use sr_pipe::synth::Format;

use super::{Made, about, real, tells};

const ROWS: u64 = 50_000;

/// User, item, rating, time.
type Rating = (u64, u64, String, u64);

/// Fails unless nobody rates anything twice and each user has at least 20 ratings; gives each one's ratings by time.
fn by_user(ratings: &[Rating]) -> BTreeMap<u64, Vec<&Rating>> {
    let pairs: BTreeSet<(u64, u64)> = ratings.iter().map(|rating| (rating.0, rating.1)).collect();
    assert_eq!(pairs.len(), ratings.len(), "nobody rates a movie twice");
    assert!(ratings.is_sorted_by_key(|rating| rating.0));
    let mut users: BTreeMap<u64, Vec<&Rating>> = BTreeMap::new();
    ratings.iter().for_each(|rating| users.entry(rating.0).or_default().push(rating));
    assert!(users.values().all(|own| own.len() >= 20));
    users
}

/// The share of ratings with the time of the one before.
fn ties(users: &BTreeMap<u64, Vec<&Rating>>) -> f64 {
    let (mut all, mut tied) = (0.0, 0.0);
    for own in users.values() {
        let times: BTreeSet<u64> = own.iter().map(|rating| rating.3).collect();
        all += own.len() as f64;
        tied += (own.len() - times.len()) as f64;
    }
    tied / all
}

#[test]
fn movielens_has_the_four_csv_files_sorted_by_user_and_movie() {
    let made = Made::new(Format::Movielens, ROWS, 1);
    let (header, rows) = made.csv("ratings.csv");
    assert_eq!(header, "userId,movieId,rating,timestamp");
    let number = |text: &str| text.parse::<u64>().unwrap();
    let ratings: Vec<Rating> =
        rows.iter().map(|row| (number(&row[0]), number(&row[1]), row[2].clone(), number(&row[3]))).collect();
    assert!(ratings.is_sorted_by_key(|rating| (rating.0, rating.1)));
    let users = by_user(&ratings);
    assert_eq!((users.len() as u64, ratings.len() as u64), (made.told("/users"), ROWS));
    assert!((0.08..0.16).contains(&ties(&users)), "{}", ties(&users));
    for (stars, told) in made.truth["ratings"].as_object().unwrap() {
        let text = if stars.contains('.') { stars.clone() } else { format!("{stars}.0") };
        assert_eq!(ratings.iter().filter(|rating| rating.2 == text).count() as u64, *told, "{text}");
    }
    let days: BTreeSet<(u64, u64)> = ratings.iter().map(|rating| (rating.0, rating.3 / 86_400)).collect();
    assert_eq!(days.len() as u64, made.told("/user_days_utc"));

    let (header, movies) = made.csv("movies.csv");
    assert_eq!(header, "movieId,title,genres");
    let numbers: Vec<u64> = movies.iter().map(|row| number(&row[0])).collect();
    assert!(numbers.is_sorted());
    let known: BTreeSet<u64> = numbers.iter().copied().collect();
    assert!(ratings.iter().all(|rating| known.contains(&rating.1)));
    let without = movies.iter().filter(|row| row[2] == "(no genres listed)").count();
    assert_eq!(without as u64, made.told("/tables/movies/without_genres"));
    let quoted = made.text("movies.csv").lines().filter(|line| line.contains('"')).count();
    assert_eq!(quoted as u64, made.told("/tables/movies/quoted_titles"));
    about(quoted, movies.len(), 0.213, 0.05);
    assert!(movies.iter().all(|row| row[1].ends_with(')')) && movies.iter().any(|row| row[1].contains('é')));

    let (header, links) = made.csv("links.csv");
    assert_eq!(header, "movieId,imdbId,tmdbId");
    assert!(links.iter().all(|row| row[1].len() == 7) && links.len() == movies.len());
    assert_eq!(links.iter().filter(|row| row[2].is_empty()).count() as u64, made.told("/tables/tmdb_empty"));
    let (header, tags) = made.csv("tags.csv");
    assert_eq!(header, "userId,movieId,tag,timestamp");
    about(tags.len(), rows.len(), 465_564.0 / 20_000_263.0, 0.005);
}

#[test]
fn movielens_1m_has_colons_latin_letters_and_no_order_inside_a_user() {
    let made = Made::new(Format::Movielens1m, ROWS, 1);
    let text = made.text("ratings.dat");
    let ratings: Vec<Rating> = text
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split("::").collect();
            let [user, movie, stars, time] = fields[..] else { panic!("{line}") };
            (user.parse().unwrap(), movie.parse().unwrap(), stars.to_owned(), time.parse().unwrap())
        })
        .collect();
    let users = by_user(&ratings);
    assert!((0.48..0.58).contains(&ties(&users)), "{}", ties(&users));
    assert_eq!(users.values().filter(|own| own.is_sorted_by_key(|rating| rating.3)).count(), 0);
    about(ratings.iter().filter(|rating| rating.2 == "4").count(), ratings.len(), 0.35, 0.02);

    let movies = made.bytes("movies.dat");
    assert!(std::str::from_utf8(&movies).is_err(), "ISO-8859-1, so no UTF-8");
    let accents = movies.split(|byte| *byte == b'\n').filter(|line| line.contains(&0xe9)).count();
    assert_eq!(accents as u64, made.told("/tables/movies/titles_with_accent"));
    let latin: String = movies.iter().map(|byte| char::from(*byte)).collect();
    assert!(latin.lines().all(|line| line.split("::").count() == 3));
    for line in made.text("users.dat").lines() {
        let fields: Vec<&str> = line.split("::").collect();
        let [_, gender, age, job, _] = fields[..] else { panic!("{line}") };
        assert!(["F", "M"].contains(&gender) && ["1", "18", "25", "35", "45", "50", "56"].contains(&age));
        assert!(job.parse::<u32>().unwrap() <= 20);
    }
}

#[test]
fn a_rating_tells_the_next_movie_of_a_session() {
    // Few movies, so that each is rated often.
    let made = Made::of(&sr_pipe::synth::Request {
        format: Format::Movielens,
        extent: sr_pipe::synth::Extent::Rows { rows: 200_000, items: Some(600), users: None },
        seed: 1,
        compress: None,
    });
    let (_, rows) = made.csv("ratings.csv");
    let mut users: BTreeMap<&str, Vec<(u64, &str, &str)>> = BTreeMap::new();
    for row in &rows {
        users.entry(&row[0]).or_default().push((row[3].parse().unwrap(), &row[1], &row[2]));
    }
    let mut steps = Vec::new();
    for own in users.values_mut() {
        own.sort_unstable();
        // Where three times in a row differ, the order is known.
        for four in own.windows(4).filter(|w| w[0].0 < w[1].0 && w[1].0 < w[2].0 && w[2].0 < w[3].0) {
            steps.push((four[1].1, four[1].2, four[2].1));
        }
    }
    let (alone, with_rating) = tells(&steps);
    assert!(with_rating > alone + 0.15, "{alone} by movie, {with_rating} by movie and rating");
}

#[test]
fn the_first_rows_of_movielens_look_like_the_real_ones() {
    let made = Made::new(Format::Movielens, 2000, 1);
    for name in ["ratings.csv", "movies.csv"] {
        let Some(bytes) = real(&format!("ml-latest-small/{name}")) else { return };
        let first = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').next().unwrap().to_vec();
        assert_eq!(first(&made.bytes(name)), first(&bytes), "{name}");
    }
}

#[test]
fn amazon_has_two_orders_of_columns_over_the_same_rows_sorted_by_item() {
    let (made, later) = (Made::new(Format::Amazon, ROWS, 1), Made::new(Format::Amazon2018, ROWS, 1));
    let split = |text: &str| -> Vec<Vec<String>> {
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    let (rows, other) = (split(&made.text("ratings_Books.csv")), split(&later.text("Books.csv")));
    assert_eq!(rows.len() as u64, ROWS);
    assert!(rows.iter().zip(&other).all(|(one, two)| one[0] == two[1] && one[1] == two[0] && one[2..] == two[2..]));
    assert!(rows.is_sorted_by_key(|row| &row[1]));
    let (mut users, mut pairs, mut days) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for row in &rows {
        let [user, item, stars, time] = &row[..] else { panic!("{row:?}") };
        assert!(user.starts_with('A') && [13, 14].contains(&user.len()), "{user}");
        assert_eq!(item.len(), 10);
        assert!(stars.len() == 3 && stars.ends_with(".0"));
        let time: u64 = time.parse().unwrap();
        assert_eq!(time % 86_400, 0);
        users.insert(user);
        days.insert((user, time));
        assert!(pairs.insert((user, item)), "nobody rates an item twice");
    }
    assert_eq!((users.len() as u64, days.len() as u64), (made.told("/users"), made.told("/user_days")));
    about(users.len(), rows.len(), 8_026_324.0 / 22_507_155.0, 0.05);
    let ending = rows.iter().filter(|row| row[1].ends_with('X')).count();
    assert!(
        ending > 0
            && rows.iter().any(|row| row[1].starts_with("00"))
            && rows.iter().any(|row| row[1].starts_with("B00"))
    );
    for (stars, told) in made.truth["ratings"].as_object().unwrap() {
        assert_eq!(rows.iter().filter(|row| row[2] == *stars).count() as u64, *told);
    }
}
